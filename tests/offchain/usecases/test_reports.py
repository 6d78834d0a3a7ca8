"""Reports, and evidence verified from bundle, proof and chain alone."""

import csv
import io
import json

import pytest
from liqpass.payouts.proving import parse_proof, verify
from liqpass.payouts.reporting import safe_cell
from liqpass.refusals import InvalidInputError, NotFoundError
from payout_steps import approve_and_execute, build
from worlds import World


def test_report__paid_batch__rows_and_anchor_in_both_forms(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    approve_and_execute(world, built)
    world.chain.settle()
    world.do.reconciling.reconcile()

    report = world.do.reporting.report(built.batch.id, actor="op")

    table = list(csv.reader(io.StringIO(report.as_csv())))
    row = dict(zip(table[0], table[1], strict=True))
    assert (row["policyNo"], row["outcome"], row["premiumPaidBy"]) == ("1", "paid", "chain")
    assert row["payoutTransaction"] == world.chain.logs[0].tx_hash
    assert table[-1] == ["# audit", str(report.anchor.count), report.anchor.head]
    document = json.loads(report.as_json())
    assert document["audit"] == {"count": str(report.anchor.count), "head": report.anchor.head}
    assert document["payouts"][0]["claimId"] == claim.id
    assert world.controlling.verify_audit(report.anchor)[1] is None


def test_report__unknown_batch__not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.do.reporting.report(20200101, actor="op")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_safe_cell__formula__quoted(start: str) -> None:
    assert safe_cell(start + "cmd|' /C calc'!A0") == "'" + start + "cmd|' /C calc'!A0"


def test_report__reviewer_named_like_a_formula__quoted_in_the_csv(world: World) -> None:
    claim = world.claimed("alice")
    world.do.reviewing.approve(claim.id, reviewer="=HYPERLINK(1)")
    built = build(world)

    table = list(csv.reader(io.StringIO(world.do.reporting.report(built.batch.id, actor="op").as_csv())))

    assert dict(zip(table[0], table[1], strict=True))["reviewers"] == "'=HYPERLINK(1)"


def test_verify__paid_claim__every_check_passes(world: World) -> None:
    claim = world.approved("alice")
    approve_and_execute(world, build(world))
    world.chain.settle()
    world.do.reconciling.reconcile()
    proof = parse_proof(json.dumps(world.do.exporting.proof(claim.id)).encode())

    checks = verify(world.do.replaying.bundle(claim.id), proof, world.chain)

    assert [check.what for check in checks if not check.passed] == []
    assert len(checks) == 7


def test_verify__before_payment__says_what_is_missing(world: World) -> None:
    claim = world.approved("alice")
    build(world)
    proof = parse_proof(json.dumps(world.do.exporting.proof(claim.id)).encode())

    checks = verify(world.do.replaying.bundle(claim.id), proof, world.chain)

    assert [check.what for check in checks if not check.passed] == [
        "the vault holds this root for the batch",
        "the vault's paid bit is set",
        "the vault paid this leaf's recipient and amount",
    ]


def test_verify__leaf_of_another_amount__proof_fails(world: World) -> None:
    claim = world.approved("alice")
    approve_and_execute(world, build(world))
    world.chain.settle()
    document = world.do.exporting.proof(claim.id)
    document["amount"] = str(int(str(document["amount"])) + 1)
    proof = parse_proof(json.dumps(document).encode())

    failed = [c.what for c in verify(world.do.replaying.bundle(claim.id), proof, world.chain) if not c.passed]

    assert failed == [
        "leaf and proof give the payout root",
        "the vault paid this leaf's recipient and amount",
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"schema":"liqpass.proof/1"}', b'{"schema":1}', b"{" * 99])
def test_parse_proof__malformed__invalid(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_proof(data)

"""Batches: cut-off, cap, one a day; the chain's word back into the book; reports; held payouts."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.batch_check import ChainFacts, PremiumPayment, check, redirect_message
from liqpass.domain.batch_json import parse_batch_file
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason
from liqpass.payouts import Built
from liqpass.payouts.building import payouts_of
from liqpass.payouts.proving import parse_proof, verify
from liqpass.payouts.reporting import safe_cell
from liqpass.records import Claim
from liqpass.refusals import ConflictError, InvalidInputError, NotFoundError, RefusedError
from worlds import BUYER, CHECKOUT, OTHER_BUYER, STRANGER, VAULT, World, hash32

DAY_S = 86_400
THIRD_BUYER = "0x" + "b3" * 20


def next_morning(world: World) -> None:
    """One hour past midnight UTC: before the cut-off at 02:00."""
    time_s = world.chain.head().time_s
    world.chain.mine(seconds=DAY_S - time_s % DAY_S + 3_600)


def build(world: World) -> Built:
    next_morning(world)
    return world.do.building.build(actor="op")


def approve_and_execute(world: World, built: Built, *, refused: tuple[str, ...] = ()) -> None:
    batch, items = world.do.building.show(built.batch.id)
    world.chain.approve(batch.id, batch.payout_root, batch.total)
    world.chain.execute(payouts_of(batch, items), refused=refused)


def claim_state(world: World, claim: Claim) -> str:
    return world.do.reviewing.show(claim.id)[0].state


def test_build__approved_claim__batch_of_today_with_its_root(world: World) -> None:
    claim = world.approved("alice")

    built = build(world)

    batch, items = world.do.building.show(built.batch.id)
    assert (batch.state, batch.total, len(items)) == ("PLANNED", claim.payout, 1)
    assert (items[0].recipient, items[0].evidence_hash) == (BUYER, claim.evidence_hash)
    assert claim_state(world, claim) == "BATCHED"


def test_build__nothing_approved__conflict_and_nothing_changed(world: World) -> None:
    before = world.snapshot()

    with pytest.raises(ConflictError, match="nothing to pay"):
        world.do.building.build(actor="op")

    assert world.snapshot() == before


def test_build__second_on_the_same_day__conflict_and_nothing_changed(world: World) -> None:
    world.approved("alice")
    build(world)
    before = world.snapshot()

    with pytest.raises(ConflictError, match="one batch a day"):
        world.do.building.build(actor="op")

    assert world.snapshot() == before


def test_build__approved_after_the_cut_off__waits_for_tomorrow(world: World) -> None:
    world.chain.mine(seconds=3 * 3_600)
    late = world.approved("alice")

    with pytest.raises(ConflictError, match="1 approved claims wait"):
        world.do.building.build(actor="op")

    assert claim_state(world, late) == "APPROVED"
    assert [line.claim_id for line in world.do.building.plan().after_cut_off] == [late.id]


def test_build__above_the_cap__carried_over_by_approval_time(tmp_path: Path) -> None:
    cap = Usdc(60_000_000)
    world = World(tmp_path, replace(CONSERVATIVE, daily_cap=cap, max_open_exposure=Usdc(10 * cap)))
    first = world.approved("alice")
    second = world.approved("bob", OTHER_BUYER)

    built = build(world)
    approve_and_execute(world, built)
    world.chain.settle()
    world.do.reconciling.reconcile()
    tomorrow = build(world)

    assert [line.claim_id for line in built.plan.planned] == [first.id]
    assert [line.claim_id for line in built.plan.over_cap] == [second.id]
    assert [line.claim_id for line in tomorrow.plan.planned] == [second.id]


def test_export__batch__file_passes_the_signers_check(world: World) -> None:
    claim = world.approved("alice")
    order = world.do.selling.show(claim.order_id)
    built = build(world)

    file = parse_batch_file(world.do.exporting.batch_file(built.batch.id, actor="op"))

    paid = world.chain.transactions[order.payment_tx or ""]
    payment = PremiumPayment(
        order_id=order.order_hash,
        transaction=paid.tx_hash,
        checkout=CHECKOUT,
        payer=BUYER,
        amount=Usdc(order.premium),
        quote_hash=order.quote_hash or "",
        block_time_s=paid.block.time_s,
        confirmations=world.chain.head().number - paid.block.number,
    )
    facts = ChainFacts(
        world.chain.id, VAULT, CHECKOUT, built.batch.id, {order.order_hash: (payment,)}, frozenset()
    )
    assert check(file, facts) == []
    assert "0x" + file.payout_root.hex() == built.batch.payout_root


def test_export__two_reviewers_and_manual_order__both_in_the_file(world: World) -> None:
    order = world.bound("alice")
    world.do.paying.mark_paid(order.id, actor="olga", reason="bank transfer 17")
    world.chain.mine(seconds=700)
    world.liquidate("alice", Close.PARTIAL_LIQUIDATION)
    claim = world.do.claiming.submit(order.id, actor="buyer")
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="one")
    world.do.reviewing.approve(claim.id, reviewer="ravi", reason="two")
    built = build(world)

    file = parse_batch_file(world.do.exporting.batch_file(built.batch.id, actor="op"))

    (item,) = file.items
    facts = ChainFacts(world.chain.id, VAULT, CHECKOUT, built.batch.id, {}, frozenset())
    assert check(file, facts, allow_manual=1) == []
    assert [refusal.reason for refusal in check(file, facts)] == [Reason.MANUAL_NOT_ALLOWED]
    assert (item.review.reviewer, item.review.second_reviewer, item.review.reason) == (
        "rita",
        "ravi",
        "one; two",
    )
    assert item.payment.reason == "bank transfer 17"


def test_export__row_changed_behind_our_back__refused(world: World) -> None:
    world.approved("alice")
    built = build(world)
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE batch_items SET amount = amount + 1")

    with pytest.raises(ConflictError, match="no longer give its payout root"):
        world.do.exporting.batch_file(built.batch.id, actor="op")


def test_reconcile__executed_but_not_final__still_batched(world: World) -> None:
    claim = world.approved("alice")
    approve_and_execute(world, build(world))

    result = world.do.reconciling.reconcile()

    assert result.paid == []
    assert claim_state(world, claim) == "BATCHED"


def test_reconcile__paid_bit_final__paid_closed_and_key_erased(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    approve_and_execute(world, built)
    world.chain.settle()

    result = world.do.reconciling.reconcile()
    again = world.do.reconciling.reconcile()

    assert (result.paid, result.alarms, again.paid) == ([claim.policy_no], [], [])
    assert claim_state(world, claim) == "PAID"
    assert world.do.selling.show(claim.order_id).state == "PAID"
    assert world.do.building.show(built.batch.id)[0].state == "CLOSED"
    with world.store.read() as unit:
        assert unit.controls.credential(claim.order_id) is None


def test_reconcile__recipient_refused_by_usdc__held_and_the_other_paid(world: World) -> None:
    held = world.approved("alice")
    paid = world.approved("bob", OTHER_BUYER)
    built = build(world)
    approve_and_execute(world, built, refused=(BUYER,))
    world.chain.settle()

    result = world.do.reconciling.reconcile()

    assert (result.held, result.paid) == ([held.policy_no], [paid.policy_no])
    assert (claim_state(world, held), claim_state(world, paid)) == ("HELD", "PAID")
    assert world.do.building.show(built.batch.id)[0].state == "CLOSED"


def test_reconcile__revoked_half_way__rest_returns_and_is_paid_tomorrow(world: World) -> None:
    first = world.approved("alice")
    second = world.approved("bob", OTHER_BUYER)
    built = build(world)
    batch, items = world.do.building.show(built.batch.id)
    world.chain.approve(batch.id, batch.payout_root, batch.total)
    world.chain.execute(payouts_of(batch, items)[:1])
    world.chain.revoke(batch.id)
    world.chain.settle()

    result = world.do.reconciling.reconcile()
    tomorrow = build(world)
    approve_and_execute(world, tomorrow)
    world.chain.settle()
    world.do.reconciling.reconcile()

    assert (result.paid, result.returned) == ([first.policy_no], [second.policy_no])
    assert world.do.building.show(batch.id)[0].state == "REVOKED"
    assert [line.claim_id for line in tomorrow.plan.planned] == [second.id]
    assert claim_state(world, second) == "PAID"


def test_reconcile__approval_expired__claims_return(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    world.chain.approve(built.batch.id, built.batch.payout_root, built.batch.total)
    world.chain.mine(seconds=48 * 3_600)
    world.chain.settle()

    result = world.do.reconciling.reconcile()

    assert result.returned == [claim.policy_no]
    assert world.do.building.show(built.batch.id)[0].state == "EXPIRED"
    assert claim_state(world, claim) == "APPROVED"


def test_reconcile__never_approved_and_its_day_over__expired(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    world.do.reconciling.reconcile()
    same_day = world.do.building.show(built.batch.id)[0].state
    world.chain.mine(seconds=DAY_S)
    world.chain.settle()

    world.do.reconciling.reconcile()

    assert same_day == "PLANNED"
    assert world.do.building.show(built.batch.id)[0].state == "EXPIRED"
    assert claim_state(world, claim) == "APPROVED"


def test_reconcile__expired_approval_renewed_and_paid__claim_paid_though_it_had_returned(
    world: World,
) -> None:
    claim = world.approved("alice")
    built = build(world)
    world.chain.approve(built.batch.id, built.batch.payout_root, built.batch.total)
    world.chain.mine(seconds=48 * 3_600)
    world.chain.settle()
    world.do.reconciling.reconcile()
    approve_and_execute(world, built)
    world.chain.settle()

    result = world.do.reconciling.reconcile()

    assert (result.paid, claim_state(world, claim)) == ([claim.policy_no], "PAID")
    with pytest.raises(ConflictError, match="nothing to pay"):
        build(world)


def test_reconcile__another_root_on_chain__alarm_and_nothing_paid(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    world.chain.approve(built.batch.id, hash32("another root"), built.batch.total)
    world.chain.settle()

    result = world.do.reconciling.reconcile()

    assert len(result.alarms) == 1
    assert (result.paid, claim_state(world, claim)) == ([], "BATCHED")


def test_reconcile__paid_bit_with_another_recipient__alarm_and_not_paid(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    batch, items = world.do.building.show(built.batch.id)
    world.chain.approve(batch.id, batch.payout_root, batch.total)
    world.chain.execute([replace(payouts_of(batch, items)[0], recipient=STRANGER)])
    world.chain.settle()

    result = world.do.reconciling.reconcile()

    assert "not as batch" in result.alarms[0]
    assert claim_state(world, claim) == "BATCHED"


def test_reconcile__node_of_another_chain__conflict(world: World) -> None:
    world.chain.id = 1

    with pytest.raises(ConflictError):
        world.do.reconciling.reconcile()


def held_claim(world: World) -> Claim:
    claim = world.approved("alice")
    approve_and_execute(world, build(world), refused=(BUYER,))
    world.chain.settle()
    world.do.reconciling.reconcile()
    return claim


def test_release__with_reason__paid_in_the_next_batch(world: World) -> None:
    claim = held_claim(world)

    world.do.releasing.release(claim.id, actor="op", reason="USDC unblocked it")
    approve_and_execute(world, build(world))
    world.chain.settle()
    result = world.do.reconciling.reconcile()

    assert (result.paid, claim_state(world, claim)) == ([claim.policy_no], "PAID")


def test_release__no_reason__invalid(world: World) -> None:
    claim = held_claim(world)

    with pytest.raises(InvalidInputError):
        world.do.releasing.release(claim.id, actor="op", reason="")


def test_redirect__signed_by_the_buyer__next_batch_pays_the_new_address(world: World) -> None:
    claim = held_claim(world)
    message = world.do.releasing.message(claim.id, THIRD_BUYER)
    world.signatures.valid.add((BUYER, message, "0xsigned"))

    world.do.releasing.redirect(claim.id, actor="op", recipient=THIRD_BUYER, signature="0xsigned")
    built = build(world)

    (item,) = parse_batch_file(world.do.exporting.batch_file(built.batch.id, actor="op")).items
    expected = redirect_message(
        chain_id=world.chain.id, vault=VAULT, policy_no=claim.policy_no, recipient=THIRD_BUYER
    )
    assert message == expected
    assert item.recipient == THIRD_BUYER
    assert item.redirect is not None
    assert (item.redirect.recipient, item.redirect.signature) == (THIRD_BUYER, "0xsigned")


def test_redirect__signed_by_somebody_else__refused_and_nothing_changed(world: World) -> None:
    claim = held_claim(world)
    before = world.snapshot()

    with pytest.raises(RefusedError, match="not signed by the buyer"):
        world.do.releasing.redirect(claim.id, actor="op", recipient=STRANGER, signature="0xforged")

    assert world.snapshot() == before


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

"""Attaching a payout's transaction: only our vault's log of that very payout, final, and the paid bit."""

from dataclasses import replace
from typing import Any

import pytest
from liqpass.domain.reasons import Reason
from liqpass.ports import PayoutLog
from liqpass.records import Claim
from liqpass.refusals import ConflictError, InvalidInputError, RefusedError
from paper_chain import OTHER_BUYER, STRANGER, hash32
from payout_steps import approve_and_execute, build, claim_state
from test_concurrency import all_at_once
from worlds import World


def executed(world: World) -> tuple[Claim, str]:
    """A BATCHED claim and the transaction that has paid it, not yet final."""
    claim = world.approved("alice")
    return claim, approve_and_execute(world, build(world))


def attached(world: World, claim: Claim) -> list[dict[str, str]]:
    entries = world.controlling.audit_entries(subject=f"claim/{claim.id}")
    return [{"actor": each.actor, **each.details} for each in entries if each.action == "PAYOUT_ATTACHED"]


def test_attach__final__paid_and_who_attached_is_in_the_log(world: World) -> None:
    claim, tx_hash = executed(world)
    world.chain.settle()

    paid = world.do.attaching.attach(claim.id, "0x" + tx_hash[2:].upper(), actor="rita")

    assert paid.state == "PAID"
    assert world.do.selling.show(claim.order_id).state == "PAID"
    (entry,) = attached(world, claim)
    assert (entry["actor"], entry["transaction"]) == ("rita", tx_hash)


def test_attach__again__same_answer_and_nothing_changed(world: World) -> None:
    claim, tx_hash = executed(world)
    world.chain.settle()
    paid = world.do.attaching.attach(claim.id, tx_hash, actor="rita")
    before = world.snapshot()

    assert world.do.attaching.attach(claim.id, tx_hash, actor="ravi") == paid
    assert world.snapshot() == before


def test_attach__fifty_at_once__one_payout_and_one_entry(world: World) -> None:
    claim, tx_hash = executed(world)
    world.chain.settle()

    answers, errors = all_at_once(lambda i: world.do.attaching.attach(claim.id, tx_hash, actor=f"r{i}"))

    assert errors == []
    assert {each.state for each in answers} == {"PAID"}  # type: ignore[attr-defined]
    assert len(attached(world, claim)) == 1
    assert world.controlling.verify_audit(None)[1] is None


def test_attach__held_before_and_paid_by_a_renewed_approval__paid(world: World) -> None:
    claim = world.approved("alice")
    built = build(world)
    approve_and_execute(world, built, refused=(claim.recipient or "",))
    world.chain.settle()
    world.do.reconciling.reconcile()
    assert claim_state(world, claim) == "HELD"
    tx_hash = approve_and_execute(world, built)
    world.chain.settle()

    assert world.do.attaching.attach(claim.id, tx_hash, actor="rita").state == "PAID"


def test_attach__not_final__refused_for_now_and_nothing_changed(world: World) -> None:
    claim, tx_hash = executed(world)
    before = world.snapshot()

    with pytest.raises(RefusedError) as error:
        world.do.attaching.attach(claim.id, tx_hash, actor="rita")

    assert error.value.reasons == (Reason.PAYOUT_NOT_FINAL,)
    assert world.snapshot() == before


def test_attach__log_without_the_paid_bit__refused_and_not_paid(world: World) -> None:
    claim, tx_hash = executed(world)
    world.chain.settle()
    world.chain.paid_at.clear()

    with pytest.raises(RefusedError) as error:
        world.do.attaching.attach(claim.id, tx_hash, actor="rita")

    assert error.value.reasons == (Reason.PAYOUT_NOT_FINAL,)
    assert claim_state(world, claim) == "BATCHED"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"policy_no": 99}, Reason.PAYOUT_WRONG_POLICY),
        ({"recipient": STRANGER}, Reason.PAYOUT_DIFFERS),
        ({"amount": 1}, Reason.PAYOUT_DIFFERS),
        ({"evidence_hash": hash32("other")}, Reason.PAYOUT_DIFFERS),
        ({"batch_id": 20200101}, Reason.PAYOUT_DIFFERS),
        ({"failed": True}, Reason.PAYOUT_WRONG_CONTRACT),
        (None, Reason.PAYOUT_WRONG_CONTRACT),
    ],
)
def test_attach__another_log__refused_and_nothing_changed(
    world: World, change: dict[str, Any] | None, reason: Reason
) -> None:
    claim, tx_hash = executed(world)
    world.chain.settle()
    logs: list[PayoutLog] = world.chain.logs
    world.chain.logs = [] if change is None else [replace(log, **change) for log in logs]
    before = world.snapshot()

    with pytest.raises(RefusedError) as error:
        world.do.attaching.attach(claim.id, tx_hash, actor="rita")

    assert error.value.reasons == (reason,)
    assert world.snapshot() == before


def test_attach__transaction_of_another_claim__refused(world: World) -> None:
    first = world.approved("alice")
    tx_hash = approve_and_execute(world, build(world))
    world.chain.settle()
    second = world.approved("bob", OTHER_BUYER)

    with pytest.raises(RefusedError) as error:
        world.do.attaching.attach(second.id, tx_hash, actor="rita")

    assert error.value.reasons == (Reason.PAYOUT_WRONG_POLICY,)
    assert claim_state(world, first) == "BATCHED"


def test_attach__unknown_and_reverted__refused(world: World) -> None:
    claim, _ = executed(world)

    for tx_hash, reason in (
        (hash32("nowhere"), Reason.PAYOUT_NOT_FOUND),
        (world.chain.revert(), Reason.PAYOUT_REVERTED),
    ):
        with pytest.raises(RefusedError) as error:
            world.do.attaching.attach(claim.id, tx_hash, actor="rita")
        assert error.value.reasons == (reason,)


def test_attach__paid_by_another_transaction__conflict(world: World) -> None:
    claim, tx_hash = executed(world)
    world.chain.settle()
    world.do.attaching.attach(claim.id, tx_hash, actor="rita")

    with pytest.raises(ConflictError) as error:
        world.do.attaching.attach(claim.id, hash32("another"), actor="rita")

    assert error.value.reasons == (Reason.POLICY_ALREADY_PAID,)


@pytest.mark.parametrize("text", ["", "0x12", "0x" + "zz" * 32])
def test_attach__no_hash__invalid(world: World, text: str) -> None:
    claim = world.approved("alice")

    with pytest.raises(InvalidInputError):
        world.do.attaching.attach(claim.id, text, actor="rita")

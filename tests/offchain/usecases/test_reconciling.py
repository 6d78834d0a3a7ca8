"""The chain's word back into the book: paid, held, revoked, expired, contradicted."""

from dataclasses import replace

import pytest
from liqpass.domain.batch_json import parse_batch_file
from liqpass.domain.chain_facts import redirect_message
from liqpass.domain.reasons import Reason
from liqpass.payouts.building import payouts_of
from liqpass.records import Claim
from liqpass.refusals import ConflictError, InvalidInputError, RefusedError
from paper_chain import BUYER, CHECKOUT, OTHER_BUYER, STRANGER, USDC, VAULT, hash32
from payout_steps import DAY_S, approve_and_execute, build, claim_state
from worlds import World

THIRD_BUYER = "0x" + "b3" * 20


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


@pytest.mark.parametrize("address", [VAULT, USDC, CHECKOUT])
def test_redirect__to_where_no_payout_may_go__refused_and_nothing_changed(world: World, address: str) -> None:
    claim = held_claim(world)
    signed = redirect_message(
        chain_id=world.chain.id, vault=VAULT, policy_no=claim.policy_no, recipient=address
    )
    world.signatures.valid.add((BUYER, signed, "0xsigned"))
    before = world.snapshot()

    with pytest.raises(RefusedError) as error:
        world.do.releasing.redirect(claim.id, actor="op", recipient=address, signature="0xsigned")
    with pytest.raises(RefusedError):
        world.do.releasing.message(claim.id, address)

    assert error.value.reasons == (Reason.RECIPIENT_REFUSED,)
    assert world.snapshot() == before


def test_redirect__signed_by_somebody_else__refused_and_nothing_changed(world: World) -> None:
    claim = held_claim(world)
    before = world.snapshot()

    with pytest.raises(RefusedError, match="not signed by the buyer"):
        world.do.releasing.redirect(claim.id, actor="op", recipient=STRANGER, signature="0xforged")

    assert world.snapshot() == before

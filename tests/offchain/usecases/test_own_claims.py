"""Nobody decides about their own claim, however their wallet is written."""

from collections.abc import Callable

import pytest
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.reasons import Reason
from liqpass.records import Claim
from liqpass.refusals import ConflictError
from paper_chain import BUYER, OTHER_BUYER, STRANGER
from payout_steps import approve_and_execute, build
from worlds import World

Act = Callable[[World, str, str], object]


def _approve(world: World, claim_id: str, who: str) -> object:
    return world.do.reviewing.approve(claim_id, reviewer=who, reason="x")


def _reject(world: World, claim_id: str, who: str) -> object:
    return world.do.reviewing.reject(claim_id, reviewer=who, reason="x", final=False)


def _reopen(world: World, claim_id: str, who: str) -> object:
    return world.do.reviewing.reopen(claim_id, reviewer=who, reason="x")


def _refetch(world: World, claim_id: str, who: str) -> object:
    return world.do.claiming.refetch(claim_id, actor=who)


def _release(world: World, claim_id: str, who: str) -> object:
    return world.do.releasing.release(claim_id, actor=who, reason="x")


def pending(world: World) -> Claim:
    return world.claimed("alice")


def approved(world: World) -> Claim:
    return world.approved("alice")


def held(world: World) -> Claim:
    claim = world.approved("alice")
    approve_and_execute(world, build(world), refused=(BUYER,))
    world.chain.settle()
    world.do.reconciling.reconcile()
    return claim


@pytest.mark.parametrize("write", [str.lower, checksum_address, lambda address: f" {address.lower()} "])
@pytest.mark.parametrize(
    ("make", "act"),
    [(pending, _approve), (pending, _reject), (pending, _refetch), (approved, _reopen), (held, _release)],
)
def test_decide__reviewer_is_the_buyer__conflict_and_nothing_changed(
    world: World, make: Callable[[World], Claim], act: Act, write: Callable[[str], str]
) -> None:
    claim = make(world)
    before = world.snapshot()

    with pytest.raises(ConflictError) as error:
        act(world, claim.id, write(BUYER))

    assert error.value.reasons == (Reason.OWN_CLAIM,)
    assert world.snapshot() == before


def test_decide__reviewer_is_another_wallet__approved(world: World) -> None:
    claim = world.claimed("alice")

    result = world.do.reviewing.approve(claim.id, reviewer=checksum_address(OTHER_BUYER))

    assert result.claim.state == "APPROVED"


def test_reject__reviewer_is_the_recipient_of_a_redirect__conflict(world: World) -> None:
    claim = held(world)
    message = world.do.releasing.message(claim.id, STRANGER)
    world.signatures.valid.add((BUYER, message, "0x01"))
    world.do.releasing.redirect(claim.id, actor="op", recipient=STRANGER, signature="0x01")

    with pytest.raises(ConflictError) as error:
        world.do.reviewing.reject(claim.id, reviewer=checksum_address(STRANGER), reason="x", final=False)

    assert error.value.reasons == (Reason.OWN_CLAIM,)


def test_submit__buyer_presses_again_after_a_failure__fetched_again(world: World) -> None:
    claim = world.claimed("alice")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET state = 'FAILED'")

    assert world.do.claiming.submit(claim.order_id, actor=BUYER).attempt == 2


def test_redirect__to_the_one_who_decides__conflict_even_with_the_buyers_signature(world: World) -> None:
    claim = held(world)
    message = world.do.releasing.message(claim.id, STRANGER)
    world.signatures.valid.add((BUYER, message, "0x01"))

    with pytest.raises(ConflictError) as error:
        world.do.releasing.redirect(
            claim.id, actor=checksum_address(STRANGER), recipient=STRANGER, signature="0x01"
        )

    assert error.value.reasons == (Reason.OWN_CLAIM,)
    assert world.do.reviewing.show(claim.id)[0].state == "HELD"

"""Quote, order and bind: what is frozen, what is refused, what a refusal leaves behind."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from liqpass.domain.evidence import StoredRequest
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.quote import order_id, quote_hash
from liqpass.domain.reasons import Reason
from liqpass.policies import ByOrder, ByPosition
from liqpass.refusals import ConflictError, InvalidInputError, PausedError, RefusedError
from paper_chain import BUYER, CHECKOUT, OTHER_BUYER, PAYOUT, PREMIUM, USDC, VAULT
from payout_steps import pass_validity
from worlds import World

BTC = "BTC-USDT-SWAP"


def small_book(folder: Path) -> World:
    """A book of 100 USDC with two quotes of 50 that can still be paid: full."""
    world = World(folder, replace(CONSERVATIVE, max_open_exposure=Usdc(2 * PAYOUT)))
    world.bound("alice")
    world.bound("bob", OTHER_BUYER)
    return world


def test_create_order__known_buyer__draft_with_our_prices(world: World) -> None:
    order = world.do.selling.create_order(BUYER, actor="buyer")

    assert (order.state, order.premium, order.payout) == ("DRAFT", PREMIUM, PAYOUT)
    assert order.order_hash == format_bytes32(order_id(order.id))
    assert order.valid_until_s == world.chain.head().time_s + 900
    assert world.do.selling.show(order.id) == order


def test_create_order__money_differs__refused_and_nothing_stored(world: World) -> None:
    before = world.snapshot()

    with pytest.raises(RefusedError) as error:
        world.do.selling.create_order(BUYER, actor="buyer", premium=Usdc(PREMIUM - 1))

    assert error.value.reasons == (Reason.MONEY_DIFFERS_FROM_QUOTE,)
    assert world.snapshot() == before


@pytest.mark.parametrize("contract", [CHECKOUT, VAULT, USDC])
def test_create_order__buyer_is_a_contract_of_ours__refused(world: World, contract: str) -> None:
    before = world.snapshot()

    with pytest.raises(RefusedError, match="no buyer's wallet") as error:
        world.do.selling.create_order(contract, actor="buyer")

    assert error.value.reasons == (Reason.RECIPIENT_REFUSED,)
    assert world.snapshot() == before


def test_create_order__malformed_wallet__invalid(world: World) -> None:
    with pytest.raises(InvalidInputError, match="not an address"):
        world.do.selling.create_order("0x1234", actor="buyer")


def test_quote__book_full__refused(tmp_path: Path) -> None:
    world = small_book(tmp_path)

    with pytest.raises(RefusedError) as error:
        world.do.selling.quote()

    assert error.value.reasons == (Reason.EXPOSURE_EXHAUSTED,)


def test_quote__unpaid_quotes_expired__sells_again(tmp_path: Path) -> None:
    world = small_book(tmp_path)
    world.chain.mine(seconds=901)

    assert world.do.selling.quote().price.premium == PREMIUM


def test_bind__by_position__frozen_quote_names_the_position(world: World) -> None:
    order = world.bound("alice")

    assert order.state == "BOUND"
    assert order.quote_hash == format_bytes32(quote_hash(order.terms()))
    assert order.terms().position_hash == order.position_hash
    with world.store.read() as unit:
        (stored,) = unit.claims.responses(order.id, 0)
    assert isinstance(stored.stored(), StoredRequest)
    assert stored.stored().body_sha256 == order.body_sha256


def test_bind__by_okx_order__resolves_to_the_open_position(world: World) -> None:
    world.okx.exchange.add_account("alice")
    position = world.okx.exchange.open_position(
        "alice", BTC, contracts=Decimal(10), lever=Decimal(5), age_ms=7_200_000
    )
    order = world.do.selling.create_order(BUYER, actor="buyer")

    bound = world.do.binding.bind(
        order.id, world.credentials("alice"), ByOrder(BTC, position.ord_id), actor="buyer"
    )

    assert (bound.pos_id, bound.ord_id) == (position.pos_id, position.ord_id)


def test_bind__okx_order_of_another_position__refused(world: World) -> None:
    world.trader("alice")
    added = world.okx.exchange.increase(
        "alice", next(iter(world.okx.exchange.account("alice").positions)), Decimal(5)
    )
    later = world.okx.exchange.account("alice").orders[-1]["ordId"]
    order = world.do.selling.create_order(BUYER, actor="buyer")

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(order.id, world.credentials("alice"), ByOrder(BTC, later), actor="buyer")

    assert added.pos_id
    assert error.value.reasons == (Reason.ORDER_DOES_NOT_OPEN_POSITION,)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"lever": Decimal(11)}, Reason.LEVERAGE_TOO_HIGH),
        ({"age_ms": 3_600_000}, Reason.POSITION_TOO_YOUNG),
    ],
)
def test_bind__underwriting_says_no__refused_and_nothing_stored(
    world: World, terms: dict[str, object], reason: Reason
) -> None:
    pos_id = world.trader("alice", **terms)
    order = world.do.selling.create_order(BUYER, actor="buyer")
    before = world.snapshot()

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(order.id, world.credentials("alice"), ByPosition(BTC, pos_id), actor="buyer")

    assert reason in error.value.reasons
    assert world.snapshot() == before


def test_bind__key_may_trade__refused(world: World) -> None:
    pos_id = world.trader("alice")
    order = world.do.selling.create_order(BUYER, actor="buyer")

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(
            order.id, world.credentials("alice", "trader"), ByPosition(BTC, pos_id), actor="buyer"
        )

    assert error.value.reasons == (Reason.KEY_NOT_READ_ONLY,)


def test_bind__after_pay__illegal_and_nothing_changed(world: World) -> None:
    order = world.covered("alice")
    before = world.snapshot()

    with pytest.raises(IllegalTransition):
        world.do.binding.bind(
            order.id, world.credentials("alice"), ByPosition(BTC, order.pos_id or ""), actor="buyer"
        )

    assert world.snapshot() == before


def test_bind__quote_expired__refused(world: World) -> None:
    pos_id = world.trader("alice")
    order = world.do.selling.create_order(BUYER, actor="buyer")
    world.chain.mine(seconds=901)

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(order.id, world.credentials("alice"), ByPosition(BTC, pos_id), actor="buyer")

    assert error.value.reasons == (Reason.QUOTE_EXPIRED,)


def test_bind__person_insured_under_another_wallet__refused(world: World) -> None:
    first = world.covered("alice")
    order = world.do.selling.create_order(OTHER_BUYER, actor="buyer")

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(
            order.id, world.credentials("alice"), ByPosition(BTC, first.pos_id or ""), actor="buyer"
        )

    assert set(error.value.reasons) == {Reason.PERSON_HAS_ACTIVE_POLICY, Reason.POSITION_ALREADY_INSURED}


def test_bind__fourth_policy_in_seven_days__refused(world: World) -> None:
    for name in ("one", "two", "three"):
        world.covered(name)
        world.chain.mine(seconds=86_400)
    pos_id = world.trader("four")
    order = world.do.selling.create_order(BUYER, actor="buyer")

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(order.id, world.credentials("four"), ByPosition(BTC, pos_id), actor="buyer")

    assert error.value.reasons == (Reason.PERSON_BOUGHT_TOO_OFTEN,)


def test_bind__own_unpaid_order_long_expired__cancelled_and_bound_anew(world: World) -> None:
    first = world.bound("alice")
    world.chain.mine(seconds=900 + 1_801)
    pass_validity(world, first)
    order = world.do.selling.create_order(BUYER, actor="buyer")

    again = world.do.binding.bind(
        order.id, world.credentials("alice"), ByPosition(BTC, first.pos_id or ""), actor="buyer"
    )

    assert again.state == "BOUND"
    assert world.do.selling.show(first.id).state == "CANCELLED"


def test_bind__own_order_paid_but_not_synced__not_cancelled(world: World) -> None:
    first = world.bound("alice")
    world.chain.pay(first)
    world.chain.mine(5)
    world.chain.mine(seconds=900 + 1_801)
    order = world.do.selling.create_order(BUYER, actor="buyer")

    with pytest.raises(RefusedError):
        world.do.binding.bind(
            order.id, world.credentials("alice"), ByPosition(BTC, first.pos_id or ""), actor="buyer"
        )

    assert world.do.selling.show(first.id).state == "BOUND"
    assert world.do.syncing.sync().covered == (first.id,)


def test_bind__blocked_person__refused_under_every_wallet(world: World) -> None:
    first = world.covered("alice")
    world.chain.mine(seconds=2 * 86_400)
    world.controlling.block("main_uid_hmac", first.main_uid_hmac or "", actor="op", reason="fraud")
    order = world.do.selling.create_order(OTHER_BUYER, actor="buyer")

    with pytest.raises(RefusedError) as error:
        world.do.binding.bind(
            order.id, world.credentials("alice"), ByPosition(BTC, first.pos_id or ""), actor="buyer"
        )

    assert Reason.PERSON_BLOCKED in error.value.reasons


def test_create_order__blocked_wallet__refused(world: World) -> None:
    world.controlling.block("wallet", BUYER, actor="op", reason="fraud")

    with pytest.raises(RefusedError) as error:
        world.do.selling.create_order(BUYER, actor="buyer")

    assert error.value.reasons == (Reason.PERSON_BLOCKED,)


def test_pause__on__quotes_orders_and_binding_stop_and_claims_go_on(world: World) -> None:
    covered = world.covered("alice")
    draft = world.do.selling.create_order(OTHER_BUYER, actor="buyer")
    world.controlling.pause(actor="op", reason="incident")
    world.liquidate("alice")

    for stopped in (
        world.do.selling.quote,
        lambda: world.do.selling.create_order(BUYER, actor="buyer"),
        lambda: world.do.building.build(actor="op"),
    ):
        with pytest.raises(PausedError, match="incident"):
            stopped()
    pos_id = world.trader("bob")
    with pytest.raises(PausedError):
        world.do.binding.bind(draft.id, world.credentials("bob"), ByPosition(BTC, pos_id), actor="buyer")

    assert world.do.claiming.submit(covered.id, actor="buyer").state == "PENDING"


def test_replace_key__another_account__refused(world: World) -> None:
    order = world.covered("alice")
    world.trader("mallory")

    with pytest.raises(RefusedError) as error:
        world.do.binding.replace_key(order.id, world.credentials("mallory"), actor="buyer")

    assert error.value.reasons == (Reason.ACCOUNT_DIFFERS_FROM_BOUND,)


def test_replace_key__draft__conflict(world: World) -> None:
    world.trader("alice")
    order = world.do.selling.create_order(BUYER, actor="buyer")

    with pytest.raises(ConflictError):
        world.do.binding.replace_key(order.id, world.credentials("alice"), actor="buyer")


def test_replace_key__first_key_broken__claim_succeeds_with_the_new_one(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    del world.okx.exchange.account("alice").keys["reader"]
    world.okx.exchange.add_key("alice", "second", "read_only")
    failed = world.do.claiming.submit(order.id, actor="buyer")

    world.do.binding.replace_key(order.id, world.credentials("alice", "second"), actor="buyer")
    claim = world.do.claiming.refetch(failed.id, actor="buyer")

    assert (failed.state, claim.state, claim.verdict) == ("FAILED", "PENDING", "ELIGIBLE")

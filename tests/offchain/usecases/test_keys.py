"""A buyer's OKX key: what is stored, what mends, what a refusal leaves behind, what deletion erases."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from liqpass.adapters.database.key_vault import KeyVault
from liqpass.bootstrap import UseCases
from liqpass.controls import Controlling
from liqpass.credentials import open_credentials
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason
from liqpass.policies import ByPosition
from liqpass.policies.keys import SPENT_AFTER_MS
from liqpass.ports import OkxFetchError
from liqpass.records import Order
from liqpass.refusals import ConflictError, InvalidInputError, RefusedError
from paper_chain import BUYER, OTHER_BUYER
from worlds import MASTER_KEY, World

BTC, ETH = "BTC-USDT-SWAP", "ETH-USDT-SWAP"
NEW_KEY = bytes([7]) * 32


@pytest.fixture
def roomy(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A world in which one buyer may have several policies."""
    parameters = replace(CONSERVATIVE, max_active_policies=5, max_recent_policies=5)
    world = World(tmp_path, parameters, database_url=database_url)
    yield world
    world.engine.dispose()


def second_order(world: World, name: str) -> Order:
    """Another order of BUYER's, on another coin of the same account."""
    opened = world.okx.exchange.open_position(
        name, ETH, contracts=Decimal(100), lever=Decimal(5), age_ms=7_200_000
    )
    order = world.do.selling.create_order(BUYER, actor="buyer")
    wanted = ByPosition(ETH, opened.pos_id)
    return world.do.binding.bind(order.id, world.credentials(name), wanted, actor="buyer")


def key_of(world: World, order: Order) -> str | None:
    """The API key that the order would claim with."""
    with world.store.read() as unit:
        found = open_credentials(unit, world.outside.vault, order.id)
    return None if found is None else found.api_key


def audit_of(world: World, subject: str) -> list[tuple[str, str, dict[str, str]]]:
    """Who did what to it."""
    entries = world.controlling.audit_entries(subject=subject)
    return [(entry.actor, entry.action, dict(entry.details)) for entry in entries]


def test_bind__first_key__stored_since_now_with_audit_entry(world: World) -> None:
    world.trader("alice")

    stored = world.do.keys.bind(to_checksum_address(BUYER), world.credentials("alice"), actor="me")

    assert (stored.stored_at_ms, stored.order_ids) == (world.clock.now_ms(), ())
    assert world.do.keys.show(BUYER) == stored
    assert world.do.keys.credentials(BUYER).api_key == world.credentials("alice").api_key
    assert world.do.keys.show(OTHER_BUYER) is None
    assert audit_of(world, f"okx_key/{BUYER}") == [("me", "OKX_KEY_BOUND", {"orders": "0"})]


def test_bind__second_key__replaces_the_first_on_every_open_order_of_the_account(roomy: World) -> None:
    first, second = roomy.covered("alice"), second_order(roomy, "alice")
    others, strangers = roomy.bound("bob"), roomy.bound("carol", OTHER_BUYER)
    roomy.do.keys.bind(BUYER, roomy.credentials("alice"), actor="buyer")
    new = roomy.okx.exchange.add_key("alice", "second", "read_only").credentials.api_key

    stored = roomy.do.keys.bind(BUYER, roomy.credentials("alice", "second"), actor="buyer")

    assert set(stored.order_ids) == {first.id, second.id}
    assert roomy.do.keys.show(BUYER) == stored
    assert (key_of(roomy, first), key_of(roomy, second)) == (new, new)
    assert key_of(roomy, others) == roomy.credentials("bob").api_key
    assert key_of(roomy, strangers) == roomy.credentials("carol").api_key
    assert audit_of(roomy, f"okx_key/{BUYER}")[-1] == ("buyer", "OKX_KEY_REPLACED", {"orders": "2"})
    assert audit_of(roomy, f"order/{first.id}")[-1] == ("buyer", "OKX_KEY_REPLACED", {})


def test_bind__key_broke__failed_claim_succeeds_with_the_new_one(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    del world.okx.exchange.account("alice").keys["reader"]
    failed = world.do.claiming.submit(order.id, actor="buyer")
    world.okx.exchange.add_key("alice", "second", "read_only")

    world.do.keys.bind(BUYER, world.credentials("alice", "second"), actor="buyer")
    claim = world.do.claiming.refetch(failed.id, actor="buyer")

    assert (failed.state, claim.state, claim.verdict) == ("FAILED", "PENDING", "ELIGIBLE")


def test_bind__key_of_another_account__stored_but_leaves_bound_orders_alone(world: World) -> None:
    order = world.covered("alice")
    world.trader("mallory")

    stored = world.do.keys.bind(BUYER, world.credentials("mallory"), actor="buyer")

    assert stored.order_ids == ()
    assert world.do.keys.show(BUYER) == stored
    assert key_of(world, order) == world.credentials("alice").api_key


@pytest.mark.parametrize(
    ("permissions", "named"),
    [
        ("read_only,trade", "may also trade: delete it at OKX now"),
        ("read_only,withdraw", "may also withdraw: delete it at OKX now"),
        ("withdraw,read_only,trade", "may also trade and withdraw: delete it at OKX now"),
        ("trade", "may also trade: delete it at OKX now"),
        ("", "lacks the permission Read"),
    ],
)
def test_bind__key_that_is_not_exactly_read_only__refused_and_nothing_kept(
    world: World, permissions: str, named: str
) -> None:
    world.covered("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    world.okx.exchange.add_key("alice", "wide", permissions)
    before = world.snapshot()

    with pytest.raises(RefusedError, match=named) as refused:
        world.do.keys.bind(BUYER, world.credentials("alice", "wide"), actor="buyer")

    assert refused.value.reasons == (Reason.KEY_NOT_READ_ONLY,)
    assert "nothing was stored" in str(refused.value)
    assert world.snapshot() == before


def test_bind__okx_unreachable_or_key_unknown__nothing_kept(world: World) -> None:
    world.trader("alice")
    known = world.credentials("alice")
    before = world.snapshot()

    world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "OKX is busy")
    with pytest.raises(OkxFetchError, match="busy"):
        world.do.keys.bind(BUYER, known, actor="buyer")
    world.okx.fault = None
    with pytest.raises(OkxFetchError, match="does not know") as unknown:
        world.do.keys.bind(BUYER, replace(known, api_key="unknown"), actor="buyer")
    with pytest.raises(InvalidInputError):
        world.do.keys.bind("0x12", known, actor="buyer")

    assert unknown.value.key_broken
    assert world.snapshot() == before


def test_positions__open_swaps__each_with_what_underwriting_says(world: World) -> None:
    bound = world.covered("alice")
    world.okx.exchange.open_position("alice", ETH, contracts=Decimal(10), lever=Decimal(50), age_ms=60_000)
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")

    found = {each.position.key.inst_id: each for each in world.do.keys.positions(BUYER)}

    assert found.keys() == {BTC, ETH}
    assert found[BTC].position.key.pos_id == bound.pos_id
    assert set(found[BTC].reasons) >= {Reason.POSITION_ALREADY_INSURED, Reason.PERSON_HAS_ACTIVE_POLICY}
    assert set(found[ETH].reasons) >= {Reason.LEVERAGE_TOO_HIGH, Reason.POSITION_TOO_YOUNG}
    assert Reason.POSITION_ALREADY_INSURED not in found[ETH].reasons


def test_positions__insurable__no_reasons_and_binding_with_the_stored_key_works(world: World) -> None:
    world.trader("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")

    (only,) = world.do.keys.positions(BUYER)
    order = world.do.selling.create_order(BUYER, actor="buyer")
    wanted = ByPosition(only.position.key.inst_id, only.position.key.pos_id)
    bound = world.do.binding.bind(order.id, world.do.keys.credentials(BUYER), wanted, actor="buyer")

    assert only.reasons == ()
    assert (bound.state, key_of(world, bound)) == ("BOUND", world.credentials("alice").api_key)
    stored = world.do.keys.show(BUYER)
    assert stored is not None
    assert stored.order_ids == (bound.id,)


def test_positions__key_widened_since__refused(world: World) -> None:
    world.trader("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    world.okx.exchange.add_key("alice", "reader", "read_only,trade")

    with pytest.raises(RefusedError, match="may also trade") as refused:
        world.do.keys.positions(BUYER)

    assert refused.value.reasons == (Reason.KEY_NOT_READ_ONLY,)


def test_positions_and_credentials__none_stored__conflict(world: World) -> None:
    for ask in (world.do.keys.positions, world.do.keys.credentials):
        with pytest.raises(ConflictError, match="bind a read-only key first") as missing:
            ask(BUYER)
        assert missing.value.reasons == (Reason.KEY_NOT_STORED,)


def test_delete__key_and_copies_of_orders__erased_everywhere_with_audit_entries(roomy: World) -> None:
    over = roomy.claimed("alice")
    roomy.do.reviewing.reject(over.id, reviewer="rita", reason="not a liquidation", final=True)
    covered, bound = roomy.covered("bob"), roomy.bound("dave")
    strangers = roomy.covered("carol", OTHER_BUYER)
    roomy.do.keys.bind(BUYER, roomy.credentials("bob"), actor="buyer")
    roomy.do.keys.bind(OTHER_BUYER, roomy.credentials("carol"), actor="buyer")

    losing = roomy.do.keys.delete(BUYER, actor="me")

    assert losing == 2
    assert roomy.do.keys.show(BUYER) is None
    assert (key_of(roomy, covered), key_of(roomy, bound)) == (None, None)
    assert key_of(roomy, strangers) == roomy.credentials("carol").api_key
    assert roomy.do.keys.show(OTHER_BUYER) is not None
    assert audit_of(roomy, f"okx_key/{BUYER}")[-1] == ("me", "OKX_KEY_ERASED", {"openOrders": "2"})
    for order in (covered, bound):
        assert audit_of(roomy, f"order/{order.id}")[-1] == ("me", "OKX_KEY_ERASED", {})


def test_delete__copy_of_an_order_without_a_stored_key__erased_too(world: World) -> None:
    order = world.covered("alice")

    losing = world.do.keys.delete(BUYER, actor="me")

    assert (losing, key_of(world, order)) == (1, None)


def test_delete__nothing_stored_or_again__zero_and_nothing_written(world: World) -> None:
    world.covered("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    assert world.do.keys.delete(BUYER, actor="me") == 1
    before = world.snapshot()

    assert world.do.keys.delete(BUYER, actor="me") == 0
    assert world.do.keys.delete(OTHER_BUYER, actor="me") == 0

    assert world.snapshot() == before


def test_delete__then_claim__waits_for_a_key_bound_again(world: World) -> None:
    order = world.covered("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    world.liquidate("alice")
    world.do.keys.delete(BUYER, actor="buyer")
    failed = world.do.claiming.submit(order.id, actor="buyer")

    stored = world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    claim = world.do.claiming.refetch(failed.id, actor="buyer")

    assert (failed.state, stored.order_ids, claim.verdict) == ("FAILED", (order.id,), "ELIGIBLE")


def test_delete__sqlite__sealed_bytes_leave_the_file(tmp_path: Path) -> None:
    world = World(tmp_path)
    order = world.covered("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    with world.store.read() as unit:
        key, copy = unit.controls.buyer_key(BUYER), unit.controls.credential(order.id)
    assert key is not None
    assert copy is not None

    world.do.keys.delete(BUYER, actor="buyer")
    world.engine.dispose()  # the last connection takes the write-ahead log into the file

    data = world.database.read_bytes()
    assert key.sealed.data not in data
    assert copy.data not in data


def test_rotate_keys__buyers_keys_too__open_under_the_new_master_key_alone(world: World) -> None:
    world.trader("alice")
    stored = world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")

    count = Controlling(world.store, world.clock, KeyVault([NEW_KEY, MASTER_KEY])).rotate_keys(actor="op")

    assert count == 2  # the buyer's key and the uid key
    later = UseCases(replace(world.outside, vault=KeyVault([NEW_KEY])))
    assert later.keys.credentials(BUYER).secret == world.credentials("alice").secret
    assert world.do.keys.show(BUYER) == stored


def test_bind__stored_key_deleted_while_okx_was_asked__refused_and_no_copy_kept(world: World) -> None:
    pos_id = world.trader("alice")
    stored = world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    credentials = world.do.keys.credentials(BUYER)
    order = world.do.selling.create_order(BUYER, actor="buyer")
    world.do.keys.delete(BUYER, actor="buyer")

    with pytest.raises(ConflictError) as gone:
        world.do.binding.bind(
            order.id,
            credentials,
            ByPosition("BTC-USDT-SWAP", pos_id),
            actor="buyer",
            stored_at_ms=stored.stored_at_ms,
        )

    assert gone.value.reasons == (Reason.KEY_NOT_STORED,)
    with world.store.read() as unit:
        assert unit.controls.credentials() == []
    assert world.do.selling.show(order.id).state == "DRAFT"


def test_erase_spent__cover_over_for_long__erased_with_audit_entry_and_others_kept(roomy: World) -> None:
    world = roomy
    over, claimed = world.covered("alice"), world.covered("bob", OTHER_BUYER)
    world.liquidate("bob")
    world.do.claiming.submit(claimed.id, actor="buyer")
    assert over.end_ms is not None
    world.clock.ahead_ms += over.end_ms + SPENT_AFTER_MS - world.clock.now_ms()

    assert world.do.keys.erase_spent() == 0
    world.clock.ahead_ms += 1
    assert world.do.keys.erase_spent() == 1

    with world.store.read() as unit:
        assert [order_id for order_id, _ in unit.controls.credentials()] == [claimed.id]
    last = world.controlling.audit_entries(subject=f"order/{over.id}")[-1]
    assert (last.action, last.actor) == ("OKX_KEY_ERASED", "service")
    assert world.do.keys.erase_spent() == 0

"""Paying without gas: whose signature is kept, until when, and what relayers are handed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from liqpass.adapters.chain.signatures import recovers_strictly
from liqpass.bootstrap import UseCases
from liqpass.domain.reasons import Reason
from liqpass.entrypoints.answers import authorization_answer, prepared_answer
from liqpass.records import Order, PaymentAuthorization, Site
from liqpass.refusals import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PausedError,
    RefusedError,
    UseCaseError,
)
from paper_chain import CHAIN_ID, CHECKOUT, USDC, VAULT, hash32
from worlds import World

KEY, OTHER_KEY = "0x" + "b1" * 32, "0x" + "b2" * 32
BUYER, OTHER = (str(Account.from_key(key).address).lower() for key in (KEY, OTHER_KEY))
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def sign(world: World, order: Order, *, key: str = KEY, **changed: str) -> str:
    """The signature of `key` under what the order's wallet is shown; `changed` replaces message fields."""
    data = json.loads(json.dumps(prepared_answer(world.do.authorizing.prepared(order.id))["typedData"]))
    data["message"] |= changed
    return "0x" + bytes(Account.sign_message(encode_typed_data(full_message=data), key).signature).hex()


def before_s(order: Order) -> int:
    """The one validBefore that is taken."""
    return order.valid_until_s + 1


def submit(world: World, order: Order, signature: str, **terms: Any) -> PaymentAuthorization:
    wanted = {"valid_before_s": before_s(order), "signature": signature, "actor": "buyer", **terms}
    return world.do.authorizing.submit(order.id, **wanted)


def kept(world: World, order: Order) -> PaymentAuthorization | None:
    with world.store.read() as unit:
        return unit.orders.authorization(order.id)


def test_prepared__bound_order__calls_and_typed_data_of_its_terms(world: World) -> None:
    order = world.bound("alice", BUYER)

    shown = prepared_answer(world.do.authorizing.prepared(order.id))

    message = shown["typedData"]["message"]
    assert (shown["approve"]["to"].lower(), shown["pay"]["to"].lower()) == (USDC, CHECKOUT)
    assert {call["value"] for call in (shown["approve"], shown["pay"])} == {"0x0"}
    assert shown["pay"]["data"].startswith("0x")
    assert order.order_hash[2:] in shown["pay"]["data"]
    assert (order.quote_hash or "")[2:] in shown["pay"]["data"]
    assert (message["from"].lower(), message["to"].lower()) == (BUYER, CHECKOUT)
    assert (message["value"], message["validAfter"]) == (str(order.premium), "0")
    assert message["validBefore"] == str(before_s(order))
    assert (shown["validAfter"], shown["validBefore"]) == (0, before_s(order))
    assert shown["typedData"]["domain"]["chainId"] == CHAIN_ID


def test_submit__buyers_signature__kept_audited_and_handed_to_relayers(world: World) -> None:
    order = world.bound("alice", BUYER)
    signature = sign(world, order)

    answer = submit(world, order, "0x" + signature[2:].upper())

    assert answer == PaymentAuthorization(order.id, 0, before_s(order), signature, world.clock.now_ms())
    assert kept(world, order) == answer
    assert world.do.authorizing.is_authorized(order.id)
    assert world.do.selling.show(order.id).state == "AWAITING_PAYMENT"
    last = world.controlling.audit_entries(subject=f"order/{order.id}")[-1]
    assert (last.actor, last.action) == ("buyer", "PAYMENT_AUTHORIZED")
    assert last.details == {"validBefore": str(before_s(order))}
    assert [authorization_answer(each) for each in world.do.authorizing.pending()] == [
        {
            "orderId": order.id,
            "orderHash": order.order_hash,
            "amount": str(order.premium),
            "quoteHash": order.quote_hash,
            "payer": BUYER,
            "validAfter": 0,
            "validBefore": before_s(order),
            "signature": signature,
        }
    ]


def test_submit__same_again__same_answer_and_nothing_written(world: World) -> None:
    order = world.bound("alice", BUYER)
    signature = sign(world, order)
    first = submit(world, order, signature)
    world.chain.mine(3)
    before = world.snapshot()

    assert submit(world, order, signature) == first

    assert world.snapshot() == before


def test_submit__another_good_signature__replaces_the_first(world: World) -> None:
    """A wallet may sign twice, each time otherwise (a random nonce of ECDSA): the later one is kept."""
    order = world.bound("alice", BUYER)
    first = sign(world, order)
    second = "0x" + "5e" * 100  # a wallet contract's signature has any length
    asked: list[str] = []
    accepting = accepting_world(world, asked)
    accepting.authorizing.submit(order.id, valid_before_s=before_s(order), signature=first, actor="buyer")

    accepting.authorizing.submit(order.id, valid_before_s=before_s(order), signature=second, actor="buyer")

    assert asked == [first, second]
    assert [each.signature for each in accepting.authorizing.pending()] == [second]
    actions = [each.action for each in world.controlling.audit_entries(subject=f"order/{order.id}")]
    assert actions.count("PAYMENT_AUTHORIZED") == 2


def accepting_world(world: World, asked: list[str]) -> UseCases:
    """The same business before wallets that take every signature; `asked` collects them."""

    class Accepting:
        def signed_by(self, address: str, message: str, signature: str) -> bool:
            raise AssertionError(f"nobody asks for {address}, {message}, {signature}")

        def authorized_by(self, address: str, digest: bytes, signature: str) -> bool:
            asked.append(signature)
            return True

    return UseCases(replace(world.outside, signatures=Accepting()))


def high_s(signature: str) -> str:
    """The second form of the same signature, which USDC refuses (EIP-2)."""
    raw = bytes.fromhex(signature[2:])
    flipped = CURVE_ORDER - int.from_bytes(raw[32:64], "big")
    return "0x" + (raw[:32] + flipped.to_bytes(32, "big") + bytes([27 + 28 - raw[64]])).hex()


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda world, order: sign(world, order, key=OTHER_KEY), id="another-key"),
        pytest.param(lambda world, order: sign(world, order, value="999999"), id="another-amount"),
        pytest.param(lambda world, order: sign(world, order, to=VAULT), id="another-recipient"),
        pytest.param(lambda world, order: sign(world, order, nonce=hash32("x")), id="another-nonce"),
        pytest.param(lambda world, order: sign(world, order, validBefore="9" * 10), id="another-time"),
        pytest.param(lambda world, order: high_s(sign(world, order)), id="high-s"),
        pytest.param(lambda world, order: sign(world, order) + "00", id="too-long"),
        pytest.param(lambda world, order: "0x" + "00" * 65, id="zeros"),
        pytest.param(lambda world, order: "0x" + "ff" * 64 + "1b", id="off-the-curve"),
    ],
)
def test_submit__forged__refused_and_nothing_kept(world: World, forge: Callable[[World, Order], str]) -> None:
    order = world.bound("alice", BUYER)
    signature = forge(world, order)
    before = world.snapshot()

    with pytest.raises(RefusedError, match=f"not the signature of {BUYER}") as refused:
        submit(world, order, signature)

    assert refused.value.reasons == (Reason.AUTHORIZATION_WRONG_SIGNATURE,)
    assert world.snapshot() == before
    assert world.do.authorizing.pending() == []


def test_submit__signature_of_another_order__refused(world: World) -> None:
    first, second = world.bound("alice", BUYER), world.bound("bob", OTHER)

    with pytest.raises(RefusedError) as refused:
        submit(world, second, sign(world, first))

    assert refused.value.reasons == (Reason.AUTHORIZATION_WRONG_SIGNATURE,)


@pytest.mark.parametrize("wrong_by_s", [-1, 1, 86_400])
def test_submit__wrong_times__refused_with_the_right_one(world: World, wrong_by_s: int) -> None:
    order = world.bound("alice", BUYER)
    valid_before_s = before_s(order) + wrong_by_s
    signature = sign(world, order, validBefore=str(valid_before_s))
    before = world.snapshot()

    with pytest.raises(RefusedError, match=f"must be {before_s(order)}") as refused:
        submit(world, order, signature, valid_before_s=valid_before_s)

    assert refused.value.reasons == (Reason.AUTHORIZATION_WRONG_TIMES,)
    assert world.snapshot() == before


@pytest.mark.parametrize("text", ["", "0x", "0xabc", "0xzz", "12" * 65, "0x" + "00" * 2049, "0x" + "١٢"])
def test_submit__not_hexadecimal_pairs__invalid(world: World, text: str) -> None:
    order = world.bound("alice", BUYER)

    with pytest.raises(InvalidInputError, match="pairs of hexadecimal digits"):
        submit(world, order, text)


def draft(world: World) -> Order:
    return world.do.selling.create_order(BUYER, actor="buyer")


def cancelled(world: World) -> Order:
    order = world.do.selling.create_order(BUYER, actor="buyer")
    return world.do.selling.cancel(order.id, actor="buyer", reason="")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (draft, Reason.MISSING_OKX_META),
        (cancelled, Reason.PAYMENT_OF_CANCELLED_ORDER),
        (lambda world: world.covered("alice", BUYER), Reason.PURCHASE_ORDER_ALREADY_PAID),
    ],
)
def test_prepared_and_submit__order_not_payable__conflict(
    world: World, make: Callable[[World], Order], reason: Reason
) -> None:
    order = make(world)
    before = world.snapshot()

    with pytest.raises(ConflictError) as unprepared:
        world.do.authorizing.prepared(order.id)
    with pytest.raises(ConflictError) as unkept:
        submit(world, order, "0x" + "11" * 65)

    assert (unprepared.value.reasons, unkept.value.reasons) == ((reason,), (reason,))
    assert world.snapshot() == before


def test_submit__paused__refused_and_relayers_get_nothing_until_resumed(world: World) -> None:
    first, second = world.bound("alice", BUYER), world.bound("bob", OTHER)
    submit(world, first, sign(world, first))
    signature = sign(world, second, key=OTHER_KEY)
    world.controlling.pause(actor="op", reason="a look at the book")

    with pytest.raises(PausedError) as paused:
        submit(world, second, signature)
    while_paused = world.do.authorizing.pending()
    world.controlling.resume(actor="op", reason="")

    assert paused.value.reasons == (Reason.SALES_PAUSED,)
    assert while_paused == []
    assert [each.order_id for each in world.do.authorizing.pending()] == [first.id]


def test_submit__quotes_last_second__too_late_for_the_next_block(world: World) -> None:
    order = world.bound("alice", BUYER)
    signature = sign(world, order)
    world.clock.ahead_ms = (order.valid_until_s - world.chain.head().time_s) * 1000 - 1
    world.do.authorizing.prepared(order.id)
    world.clock.ahead_ms += 1

    for late in (lambda: world.do.authorizing.prepared(order.id), lambda: submit(world, order, signature)):
        with pytest.raises(RefusedError) as expired:
            late()
        assert expired.value.reasons == (Reason.QUOTE_EXPIRED,)


def test_pending__quote_over__not_handed_out_and_erased_by_the_next_signature(world: World) -> None:
    order = world.bound("alice", BUYER)
    submit(world, order, sign(world, order))
    world.clock.ahead_ms = (order.valid_until_s - world.chain.head().time_s) * 1000
    at_the_end = [each.order_id for each in world.do.authorizing.pending()]
    world.clock.ahead_ms += 1000
    after = world.do.authorizing.pending()
    later = world.bound("bob", OTHER)
    submit(world, later, sign(world, later, key=OTHER_KEY))

    assert (at_the_end, after) == ([order.id], [])
    assert not world.do.authorizing.is_authorized(order.id)
    assert kept(world, order) is None


def test_pending__several__oldest_signature_first(world: World) -> None:
    first, second = world.bound("alice", BUYER), world.bound("bob", OTHER)
    submit(world, second, sign(world, second, key=OTHER_KEY))
    world.chain.mine()
    submit(world, first, sign(world, first))

    assert [each.order_id for each in world.do.authorizing.pending()] == [second.id, first.id]


def test_pay__premium_found_on_chain__signature_erased(world: World) -> None:
    order = world.bound("alice", BUYER)
    submit(world, order, sign(world, order))
    world.chain.pay(order)
    world.chain.mine(world.parameters.confirmations)

    world.do.syncing.sync()

    assert world.do.selling.show(order.id).state == "COVERED"
    assert kept(world, order) is None
    assert world.do.authorizing.pending() == []


def test_cancel__order_given_up__signature_erased(world: World) -> None:
    order = world.bound("alice", BUYER)
    submit(world, order, sign(world, order))
    world.chain.mine(seconds=order.valid_until_s - world.chain.head().time_s + 1)
    world.chain.mine(world.parameters.confirmations + 1)
    world.do.syncing.sync()
    assert kept(world, order) is not None

    world.do.selling.cancel(order.id, actor="buyer", reason="")

    assert kept(world, order) is None


def test_prepared__order_of_an_earlier_checkout__conflict(world: World) -> None:
    order = world.bound("alice", BUYER)
    moved = Site(CHAIN_ID, "0x" + "c1" * 20, VAULT, "simulator", USDC)
    later = UseCases(replace(world.outside, site=moved))

    with pytest.raises(ConflictError, match=f"is for Checkout {CHECKOUT}") as other:
        later.authorizing.prepared(order.id)

    assert other.value.reasons == (Reason.PAYMENT_WRONG_CONTRACT,)


def test_prepared_and_submit__unknown_order__not_found(world: World) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"

    with pytest.raises(NotFoundError):
        world.do.authorizing.prepared(unknown)
    with pytest.raises(UseCaseError):
        world.do.authorizing.submit(unknown, valid_before_s=1, signature="0x11", actor="buyer")


def test_recovers_strictly__one_form_only__as_usdc(world: World) -> None:
    order = world.bound("alice", BUYER)
    signature = sign(world, order)
    digest = world.do.authorizing.prepared(order.id).digest
    raw = bytes.fromhex(signature[2:])
    compact = raw[:64] + bytes([raw[64] - 27])  # v as 0 or 1

    assert recovers_strictly(digest, raw, BUYER)
    assert not recovers_strictly(digest, raw, OTHER)
    assert not recovers_strictly(digest, compact, BUYER)
    assert not recovers_strictly(digest, bytes.fromhex(high_s(signature)[2:]), BUYER)
    assert not recovers_strictly(bytes(32), raw, BUYER)

"""Payment by transaction and by hand: each refusal with its reason, listed as unmatched."""

from dataclasses import replace

import pytest
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.reasons import Reason
from liqpass.policies.payments import judge
from liqpass.refusals import ConflictError, InvalidInputError, NotFoundError, RefusedError
from paper_chain import BUYER, OTHER_BUYER, PREMIUM, STRANGER, hash32
from payout_steps import pass_validity
from worlds import World

CONFIRMATIONS = 5


def test_pay_by_transaction__five_blocks_deep__covered_from_block_time(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    paid_at_s = world.chain.head().time_s
    world.chain.mine(CONFIRMATIONS)

    covered = world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    assert (covered.state, covered.policy_no, covered.payment_kind) == ("COVERED", 1, "chain")
    assert covered.start_ms == (paid_at_s + 600) * 1000
    assert covered.end_ms == (paid_at_s + 600 + 86_400) * 1000


def test_pay_by_transaction__four_blocks_deep__waits_then_covers_and_resolves(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS - 1)

    with pytest.raises(RefusedError) as error:
        world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")
    waiting = world.do.selling.show(order.id)
    listed = [payment.reason for payment in world.do.paying.unmatched(open_only=True)]
    world.chain.mine()
    covered = world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    assert error.value.reasons == (Reason.PAYMENT_TOO_SHALLOW,)
    assert (waiting.state, listed) == ("AWAITING_PAYMENT", [Reason.PAYMENT_TOO_SHALLOW])
    assert covered.state == "COVERED"
    assert world.do.paying.unmatched(open_only=True) == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"contract": STRANGER}, Reason.PAYMENT_WRONG_CONTRACT),
        ({"order_hash": hash32("another order")}, Reason.PAYMENT_WRONG_ORDER),
        ({"quote_hash": hash32("another quote")}, Reason.PAYMENT_WRONG_QUOTE),
        ({"payer": STRANGER}, Reason.PAYMENT_WRONG_PAYER),
        ({"amount": PREMIUM - 1}, Reason.PAYMENT_WRONG_AMOUNT),
        ({"amount": PREMIUM + 1}, Reason.PAYMENT_WRONG_AMOUNT),
    ],
)
def test_pay_by_transaction__wrong_field__refused_and_listed(
    world: World, wrong: dict[str, object], reason: Reason
) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order, **wrong)
    world.chain.mine(CONFIRMATIONS)

    with pytest.raises(RefusedError) as error:
        world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    (listed,) = world.do.paying.unmatched(open_only=True)
    assert error.value.reasons == (reason,)
    assert (listed.tx_hash, listed.reason) == (tx_hash, reason)
    assert world.do.selling.show(order.id) == order


def test_pay_by_transaction__block_at_valid_until__covered(world: World) -> None:
    order = world.bound("alice")
    world.chain.mine(seconds=order.valid_until_s - world.chain.head().time_s - 2)
    tx_hash = world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)

    assert world.chain.transactions[tx_hash].block.time_s == order.valid_until_s
    assert world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer").state == "COVERED"


def test_pay_by_transaction__one_second_after_valid_until__too_late_and_listed(world: World) -> None:
    order = world.bound("alice")
    world.chain.mine(seconds=order.valid_until_s - world.chain.head().time_s - 1)
    tx_hash = world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)

    with pytest.raises(RefusedError) as error:
        world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    assert error.value.reasons == (Reason.PAYMENT_TOO_LATE,)
    assert [payment.reason for payment in world.do.paying.unmatched(open_only=True)] == ["PAYMENT_TOO_LATE"]


def test_pay_by_transaction__reverted__refused_and_listed(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.revert()

    with pytest.raises(RefusedError) as error:
        world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    (listed,) = world.do.paying.unmatched(open_only=True)
    assert error.value.reasons == (Reason.PAYMENT_REVERTED,)
    assert (listed.tx_hash, listed.log_index, listed.reason) == (tx_hash, -1, Reason.PAYMENT_REVERTED)


def test_pay_by_transaction__node_of_another_chain__refused_and_listed(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    world.chain.id = 8453

    with pytest.raises(RefusedError) as error:
        world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    assert error.value.reasons == (Reason.PAYMENT_WRONG_CHAIN,)
    assert [payment.reason for payment in world.do.paying.unmatched(open_only=True)] == [
        "PAYMENT_WRONG_CHAIN"
    ]


def test_pay_by_transaction__unknown_hash__not_found_and_not_listed(world: World) -> None:
    order = world.bound("alice")
    before = world.snapshot()

    with pytest.raises(RefusedError) as error:
        world.do.paying.pay_by_transaction(order.id, hash32("nothing"), actor="buyer")

    assert error.value.reasons == (Reason.PAYMENT_NOT_FOUND,)
    assert world.snapshot() == before


def test_pay_by_transaction__malformed_hash__invalid(world: World) -> None:
    order = world.bound("alice")

    with pytest.raises(InvalidInputError):
        world.do.paying.pay_by_transaction(order.id, "0x12", actor="buyer")


def test_pay_by_transaction__draft__conflict_missing_okx_meta(world: World) -> None:
    order = world.do.selling.create_order(BUYER, actor="buyer")
    before = world.snapshot()

    with pytest.raises(ConflictError) as error:
        world.do.paying.pay_by_transaction(order.id, hash32("x"), actor="buyer")

    assert error.value.reasons == (Reason.MISSING_OKX_META,)
    assert world.snapshot() == before


def test_pay_by_transaction__same_transaction_again__same_policy(world: World) -> None:
    order = world.covered("alice")
    before = world.snapshot()

    again = world.do.paying.pay_by_transaction(order.id, order.payment_tx or "", actor="buyer")

    assert again == order
    assert world.snapshot() == before


def test_pay_by_transaction__covered_by_another__conflict(world: World) -> None:
    order = world.covered("alice")
    second = world.chain.pay(order)

    with pytest.raises(ConflictError) as error:
        world.do.paying.pay_by_transaction(order.id, second, actor="buyer")

    assert error.value.reasons == (Reason.PURCHASE_ORDER_ALREADY_PAID,)


def test_judge__checkout_of_an_older_deployment__wrong_contract(world: World) -> None:
    order = replace(world.bound("alice"), checkout=STRANGER)
    tx_hash = world.chain.pay(order)
    (log,) = world.chain.transactions[tx_hash].premiums

    reason = judge(order, log, world.chain.mine(9), CONFIRMATIONS, world.outside.site)

    assert reason is Reason.PAYMENT_WRONG_CONTRACT


def test_mark_paid__bound__covered_from_now_and_flagged(world: World) -> None:
    order = world.bound("alice")

    covered = world.do.paying.mark_paid(order.id, actor="olga", reason="bank transfer 17")

    assert (covered.payment_kind, covered.manual_actor, covered.manual_reason) == (
        "manual",
        "olga",
        "bank transfer 17",
    )
    assert covered.start_ms == (world.chain.head().time_s + 600) * 1000
    assert covered.payment_tx is None


def test_mark_paid__no_reason__invalid(world: World) -> None:
    order = world.bound("alice")

    with pytest.raises(InvalidInputError):
        world.do.paying.mark_paid(order.id, actor="olga", reason=" ")


@pytest.mark.parametrize("state", ["draft", "covered", "cancelled"])
def test_mark_paid__not_payable__conflict_and_nothing_changed(world: World, state: str) -> None:
    if state == "draft":
        order = world.do.selling.create_order(BUYER, actor="buyer")
    elif state == "covered":
        order = world.covered("alice")
    else:
        order = world.do.selling.create_order(BUYER, actor="buyer")
        order = world.do.selling.cancel(order.id, actor="buyer", reason="changed my mind")
    before = world.snapshot()

    with pytest.raises(ConflictError):
        world.do.paying.mark_paid(order.id, actor="olga", reason="because")

    assert world.snapshot() == before


def test_cancel__covered__illegal_and_nothing_changed(world: World) -> None:
    order = world.covered("alice")
    before = world.snapshot()

    with pytest.raises(IllegalTransition):
        world.do.selling.cancel(order.id, actor="buyer", reason="no")

    assert world.snapshot() == before


def test_cancel__paid_but_not_synced__refused_until_the_payment_is_found(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)
    world.chain.mine(seconds=20 * 3_600)
    before = world.snapshot()

    with pytest.raises(ConflictError) as error:
        world.do.selling.cancel(order.id, actor="buyer", reason="the price did not fall")

    assert error.value.reasons == (Reason.PAYMENT_STILL_POSSIBLE,)
    assert world.snapshot() == before
    assert world.do.syncing.sync().covered == (order.id,)


def test_cancel__quote_still_valid__refused(world: World) -> None:
    order = world.bound("alice")
    world.chain.mine(CONFIRMATIONS + 1)
    world.do.syncing.sync()

    with pytest.raises(ConflictError) as error:
        world.do.selling.cancel(order.id, actor="buyer", reason="changed my mind")

    assert error.value.reasons == (Reason.PAYMENT_STILL_POSSIBLE,)


def test_cancel__every_block_read_in_which_it_could_be_paid__cancelled(world: World) -> None:
    order = world.bound("alice")
    pass_validity(world, order)

    cancelled = world.do.selling.cancel(order.id, actor="buyer", reason="changed my mind")

    assert cancelled.state == "CANCELLED"


def test_cancel__cursor_at_the_last_second_of_the_quote__refused(world: World) -> None:
    order = world.bound("alice")
    world.chain.mine(seconds=order.valid_until_s - world.chain.head().time_s)
    world.chain.mine(CONFIRMATIONS)
    world.do.syncing.sync()

    with pytest.raises(ConflictError):
        world.do.selling.cancel(order.id, actor="buyer", reason="changed my mind")


def test_pay__cancelled_order__conflict_that_says_so(world: World) -> None:
    order = world.bound("alice")
    pass_validity(world, order)
    world.do.selling.cancel(order.id, actor="buyer", reason="changed my mind")

    with pytest.raises(ConflictError) as error:
        world.do.paying.pay_by_transaction(order.id, hash32("x"), actor="buyer")

    assert error.value.reasons == (Reason.PAYMENT_OF_CANCELLED_ORDER,)


def test_policy_numbers__order_of_cover__sequential(world: World) -> None:
    first = world.covered("alice")
    second = world.covered("bob", OTHER_BUYER)

    assert (first.policy_no, second.policy_no) == (1, 2)


def test_resolve_unmatched__once__closed_and_not_again(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order, amount=1)
    world.chain.mine(CONFIRMATIONS)
    world.do.syncing.sync()

    world.do.paying.resolve_unmatched(tx_hash, 0, actor="op", resolution="refunded in 0xabc")

    assert world.do.paying.unmatched(open_only=True) == []
    with pytest.raises(ConflictError, match="refunded in 0xabc"):
        world.do.paying.resolve_unmatched(tx_hash, 0, actor="op", resolution="again")


def test_resolve_unmatched__unknown__not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.do.paying.resolve_unmatched(hash32("x"), 0, actor="op", resolution="y")


def test_pay_by_transaction__sync_covers_it_meanwhile__the_same_answer(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    world.chain.mine(5)
    read = world.chain.transaction

    def read_while_sync_runs(wanted: str) -> object:
        world.do.syncing.sync()
        return read(wanted)

    object.__setattr__(world.chain, "transaction", read_while_sync_runs)

    covered = world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    assert (covered.state, covered.payment_tx, covered.policy_no) == ("COVERED", tx_hash, 1)

"""Several settlers in one facilitator: which lane settles a payment, before and after restarts, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from insured_world import (
    LOCK,
    OTHER_PROVIDER,
    PRICE,
    PROVIDER,
    InsuredWorld,
    Running,
    body,
    comes,
)
from liqpass.adapters.chain.events import EventKind
from x402.schemas import SettleResponse

FIRST, SECOND, UNNAMED, EMPTY = 9, 10, 11, 12
USED = "invalid_exact_evm_nonce_already_used"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    """Both bonded providers name both lanes; nobody names UNNAMED; EMPTY is named and has no ether."""
    with InsuredWorld.open(tmp_path_factory.mktemp("lanes"), accounts=13) as world:
        for provider in (PROVIDER, OTHER_PROVIDER):
            for settler in (FIRST, SECOND, EMPTY):
                world.send(world.insurance.functions.setSettler(world.address(settler), True), provider)
        world.node.rpc("anvil_setBalance", world.address(EMPTY), "0x0")
        yield world


@pytest.fixture
def callers() -> Iterator[Callable[..., Future[SettleResponse]]]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


def sent(world: InsuredWorld) -> dict[int, int]:
    return {settler: world.sent(settler) for settler in (FIRST, SECOND, UNNAMED, EMPTY)}


def test_settle__two_lanes__two_transactions_in_flight_at_once(
    held: InsuredWorld, callers: Callable[..., Future[SettleResponse]]
) -> None:
    requirements, before = held.requirements(), sent(held)
    payments = [held.payment(requirements) for _ in range(2)]
    with held.facilitator("two", settlers=(FIRST, SECOND)) as running:
        answers = [callers(running.client().settle, payment, requirements) for payment in payments]
        both = comes(lambda: held.waiting() == 2)
        held.node.mine()
        settled = [answer.result(20) for answer in answers]

    assert (both, [answer.success for answer in settled]) == (True, [True, True])
    assert (held.sent(FIRST) - before[FIRST], held.sent(SECOND) - before[SECOND]) == (1, 1)
    log = running.log.read_text()
    assert all(f"settler={held.address(settler)} code=ok" in log for settler in (FIRST, SECOND))


def test_settle__provider_named_one_lane_only__settled_in_that_one(chain: InsuredWorld) -> None:
    requirements, before = chain.requirements(), sent(chain)
    with chain.facilitator("named", settlers=(UNNAMED, FIRST)) as running:
        answers = [running.client().settle(chain.payment(requirements), requirements) for _ in range(3)]
        verified = running.client().verify(chain.payment(requirements), requirements)

    assert ([answer.success for answer in answers], verified.is_valid) == ([True] * 3, True)
    assert (chain.sent(FIRST) - before[FIRST], chain.sent(UNNAMED)) == (3, before[UNNAMED])


def test_settle__no_lane_named__refused(chain: InsuredWorld) -> None:
    requirements, before = chain.requirements(), sent(chain)
    with chain.facilitator("unnamed", settlers=(UNNAMED,)) as running:
        answer = running.client().settle(chain.payment(requirements), requirements)

    assert (answer.success, answer.error_reason) == (False, "settler_not_named")
    assert (answer.error_message, sent(chain)) == (
        f"the provider has not named {chain.address(UNNAMED)} its settler",
        before,
    )


def test_settle__lane_without_ether__passed_over(chain: InsuredWorld) -> None:
    requirements, before = chain.requirements(), sent(chain)
    with chain.facilitator("empty", settlers=(EMPTY, FIRST)) as running:
        answers = [running.client().settle(chain.payment(requirements), requirements) for _ in range(4)]

    assert [answer.success for answer in answers] == [True] * 4
    assert (chain.sent(FIRST) - before[FIRST], chain.sent(EMPTY)) == (4, before[EMPTY])


def test_settle__no_lane_with_ether__refused_with_the_reason(chain: InsuredWorld) -> None:
    requirements = chain.requirements()
    payment = chain.payment(requirements)
    with chain.facilitator("poor", settlers=(EMPTY,)) as running:
        answer = running.client().settle(payment, requirements)

    assert (answer.success, chain.locks(chain.commitment(payment))) == (False, [])
    assert f"{chain.address(EMPTY)} holds 0 wei and needs up to" in running.log.read_text()


def test_settle__same_payment_twice_at_once__one_transaction_and_one_answer(
    held: InsuredWorld, callers: Callable[..., Future[SettleResponse]]
) -> None:
    requirements, before, locked = held.requirements(), sent(held), held.bond_of(PROVIDER)[1]
    payment, other = held.payment(requirements), held.payment(requirements)
    with held.facilitator("twice", settlers=(FIRST, SECOND)) as running:
        same = [callers(running.client().settle, payment, requirements) for _ in range(2)]
        assert comes(lambda: held.waiting() == 1)
        # The other lane is free all the while: it takes the next payment and leaves this one alone.
        answer = callers(running.client().settle, other, requirements)
        assert comes(lambda: held.waiting() == 2)
        held.node.mine()
        settled = sorted((each.result(20) for each in same), key=lambda each: not each.success)
        assert answer.result(20).success

    assert [(each.success, each.error_reason) for each in settled] == [(True, None), (False, USED)]
    assert sum(sent(held).values()) - sum(before.values()) == 2
    assert held.bond_of(PROVIDER)[1] == locked + 2 * LOCK


def test_settle__one_lane_stuck__the_other_goes_on(
    held: InsuredWorld, callers: Callable[..., Future[SettleResponse]]
) -> None:
    requirements, node = held.requirements(), held.node
    stuck = held.payment(requirements)
    with held.facilitator("stuck", settlers=(FIRST, SECOND), timeout_s=20.0) as running:
        waiting = callers(running.client().settle, stuck, requirements)
        assert comes(lambda: held.waiting() == 1)
        base = node.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"]
        node.set_next_base_fee(1_000 * int(base, 16))  # more than it was signed for
        node.mine()
        node.set_automine(on=True)
        others = [running.client().settle(held.payment(requirements), requirements) for _ in range(4)]
        left = (waiting.done(), held.locks(held.commitment(stuck)))
        node.set_next_base_fee(int(base, 16))
        node.mine()
        answer = waiting.result(20)

    assert [other.success for other in others] == [True] * 4
    assert (left, answer.success) == ((False, []), True)


def test_settle__pending__its_lane_takes_nothing_new_and_answers_when_asked_again(
    held: InsuredWorld, callers: Callable[..., Future[SettleResponse]]
) -> None:
    requirements, before = held.requirements(), sent(held)
    payment, other = held.payment(requirements), held.payment(requirements)
    with held.facilitator("pending", settlers=(FIRST, SECOND), timeout_s=0.5) as running:
        pending = running.client().settle(payment, requirements)
        again = callers(running.client().settle, payment, requirements)
        next_pending = running.client().settle(other, requirements)
        assert again.result(20).error_reason == "settlement_pending"
        held.node.set_automine(on=True)
        held.node.mine()
        settled = [running.client().settle(each, requirements) for each in (payment, other)]

    assert (pending.error_reason, next_pending.error_reason) == ("settlement_pending",) * 2
    assert [each.transaction for each in settled] == [pending.transaction, next_pending.transaction]
    assert (held.sent(FIRST) - before[FIRST], held.sent(SECOND) - before[SECOND]) == (1, 1)


def test_settle__no_lane_free_in_time__busy_with_nothing_sent(
    held: InsuredWorld, callers: Callable[..., Future[SettleResponse]]
) -> None:
    requirements = held.requirements()
    first, late = held.payment(requirements), held.payment(requirements)
    with held.facilitator("late", settlers=(FIRST,), begun_within_s=0.3) as running:
        waiting = callers(running.client().settle, first, requirements)
        assert comes(lambda: held.waiting() == 1)
        busy = running.post("/settle", body(late, requirements))
        held.node.set_automine(on=True)
        held.node.mine()
        assert waiting.result(20).success
        refused = held.locks(held.commitment(late))
        again = running.client().settle(late, requirements)

    assert (busy.status_code, busy.headers["retry-after"], busy.json()["code"]) == (503, "2", "BUSY")
    assert (refused, again.success) == ([], True)
    assert "code=busy" in running.log.read_text()


@pytest.mark.parametrize(
    ("step", "settlers"),
    [
        (EventKind.SIGNED, (SECOND, FIRST)),
        (EventKind.FINAL, (UNNAMED, SECOND, FIRST)),
    ],
)
def test_settle__killed_and_lanes_changed__goes_to_the_lane_that_signed(
    chain: InsuredWorld, settlers: tuple[int, ...], step: EventKind
) -> None:
    requirements, before = chain.requirements(), sent(chain)
    payment, journal = chain.payment(requirements), f"changed-{step}-{len(settlers)}"
    kill(chain, journal, step, body(payment, requirements))

    with chain.facilitator(journal, settlers=settlers) as running:
        answer = running.client().settle(payment, requirements)

    ((_, transaction),) = chain.locks(chain.commitment(payment))
    assert (answer.success, answer.transaction) == (True, transaction)
    assert sent(chain) == before | {FIRST: before[FIRST] + 1}


def kill(world: InsuredWorld, journal: str, step: EventKind, request: dict[str, object]) -> None:
    """FIRST alone is killed at that step of a settlement."""
    with (
        world.facilitator(journal, settlers=(FIRST,), dies_at=step) as dying,
        pytest.raises(httpx.TransportError),
    ):
        dying.post("/settle", request)


def test_settle__lane_that_signed_is_missing__told_and_left_to_it(chain: InsuredWorld) -> None:
    requirements, before = chain.requirements(), sent(chain)
    payment = chain.payment(requirements)
    kill(chain, "missing", EventKind.SIGNED, body(payment, requirements))

    with chain.facilitator("missing", settlers=(SECOND,)) as without:
        refused = without.client().settle(payment, requirements)
        other = without.client().settle(chain.payment(requirements), requirements)
    with chain.facilitator("missing", settlers=(SECOND, FIRST)) as running:
        answer = running.client().settle(payment, requirements)

    assert (refused.success, refused.error_reason, other.success) == (False, "settler_away", True)
    key = f"x402/settle/{chain.insurance.address.lower()}/{chain.commitment(payment).hex()}"
    # Both wrote to this log.
    told = f"unfinished settler={chain.address(FIRST)} keys={key}: start with its keyfile too"
    log = running.log.read_text()
    assert (log.count(told), log.count("unfinished settler=")) == (1, 1)
    assert (answer.success, len(chain.locks(chain.commitment(payment)))) == (True, 1)
    assert sent(chain) == before | {FIRST: before[FIRST] + 1, SECOND: before[SECOND] + 1}


def test_settle__answered_by_a_lane_that_is_gone__not_answered_again(chain: InsuredWorld) -> None:
    requirements, before = chain.requirements(), sent(chain)
    payment = chain.payment(requirements)
    with chain.facilitator("gone", settlers=(FIRST,)) as first:
        assert first.client().settle(payment, requirements).success

    with chain.facilitator("gone", settlers=(SECOND,)) as running:
        answer = running.client().settle(payment, requirements)

    assert (answer.success, answer.error_reason) == (False, USED)
    assert (sent(chain), chain.balance(chain.pay_to(PROVIDER))) == (before | {FIRST: before[FIRST] + 1}, 0)


def test_settle__burst_of_one_provider__the_other_is_served_in_turn(
    held: InsuredWorld, callers: Callable[..., Future[SettleResponse]]
) -> None:
    def ask(running: Running, provider: int) -> Future[SettleResponse]:
        requirements = held.requirements(provider)
        return callers(running.client(provider).settle, held.payment(requirements), requirements)

    with held.facilitator("turns", settlers=(FIRST,)) as running:
        burst = [ask(running, PROVIDER) for _ in range(5)]
        assert comes(lambda: held.waiting() == 1)
        assert comes(lambda: "settlements_waiting 5.0" in httpx.get(f"{running.url}/metrics").text)
        other = ask(running, OTHER_PROVIDER)
        assert comes(lambda: "settlements_waiting 6.0" in httpx.get(f"{running.url}/metrics").text)
        held.node.mine()  # the one in flight
        assert comes(lambda: held.waiting() == 1)
        held.node.mine()
        answered = other.result(20)
        left = sum(not each.done() for each in burst)
        held.node.set_automine(on=True)
        held.node.mine()
        assert all(each.result(20).success for each in burst)

    assert (answered.success, left) == (True, 4)


def test_settle__two_lanes__balances_of_both_sides(chain: InsuredWorld) -> None:
    requirements = chain.requirements()
    payment = chain.payment(requirements)
    payer = payment.payload["authorization"]["from"]
    before = (chain.balance(payer), chain.balance(PROVIDER), chain.bond_of(PROVIDER))
    with chain.facilitator("balances", settlers=(FIRST, SECOND)) as running:
        supported = running.client().get_supported()
        answer = running.client().settle(payment, requirements)

    client, provider, (bond, locked) = before
    assert supported.signers == {"eip155:*": [chain.address(FIRST), chain.address(SECOND)]}
    assert (answer.success, chain.balance(payer)) == (True, client - PRICE)
    assert (chain.balance(PROVIDER), chain.bond_of(PROVIDER)) == (provider + PRICE, (bond, locked + LOCK))

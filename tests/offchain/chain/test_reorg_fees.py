"""What was final, is reorganised away and then too cheap: offered more with its own nonce, and done once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from fake_chain import SAFE_DISTANCE, CrashError, FakeChain
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import StillPendingError
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.outcome import Outcome
from liqpass.adapters.chain.policy import Fees, Policy
from liqpass.adapters.chain.records import AttemptState, IntentState, NonceState
from liqpass.adapters.chain.reorg_watch import ReorgWatch
from liqpass.adapters.chain.rpc import chain_identity
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.x402.facilitator import settling_policy

SIGNER = Account.from_key("0x" + "11" * 32)
POLICY = Policy(max_fee_wei=100_000, confirmations=1, bump_after_s=5, timeout_s=60)
RECIPIENT = "0x000000000000000000000000000000000000dEaD"
OFFERED, DEAR = 210, 400  # what the first bytes offer, and what the chain asks for later


class World:
    """A chain, and an engine over one journal as each process opens it."""

    def __init__(self, chain: FakeChain, journal: Journal) -> None:
        self.chain, self.journal, self.kinds = chain, journal, list[EventKind]()
        self.policy = POLICY
        self.dies_at: EventKind | None = None

    def engine(self) -> Engine:
        return Engine(
            self.chain,
            self.journal,
            LocalSigner(SIGNER),
            self.policy,
            on_event=self.hear,
            clock=self.chain.clock,
            sleep=self.chain.sleep,
        )

    def hear(self, event: Event) -> None:
        self.kinds.append(event.kind)
        if event.kind is self.dies_at:
            raise CrashError

    def pay(self, key: str) -> Outcome:
        return self.engine().submit(key, RECIPIENT, b"", value=1, describe="")

    def fees(self, key: str) -> list[tuple[int, int, AttemptState]]:
        """Nonce, fee and state of each attempt."""
        intent = self.journal.intent(key)
        assert intent is not None
        return [(each.nonce, each.fees.max_fee, each.state) for each in self.journal.attempts(intent)]

    def final_hash(self, key: str) -> str | None:
        """Of the attempt that is on the chain."""
        intent = self.journal.intent(key)
        assert intent is not None
        (final,) = [each for each in self.journal.attempts(intent) if each.state is AttemptState.FINAL]
        return final.tx_hash

    def state(self, key: str) -> IntentState:
        intent = self.journal.intent(key)
        assert intent is not None
        return intent.state


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    chain = FakeChain()
    with Journal.open(tmp_path / "journal.sqlite3", chain_identity(chain, 8453), SIGNER.address) as journal:
        yield World(chain, journal)


def gone_and_dear(world: World, *keys: str) -> None:
    """These were paid, their blocks are gone, and the chain asks for more than they offer."""
    for key in keys:
        world.pay(key)
    world.chain.reorg(SAFE_DISTANCE - 1)
    assert world.chain.on_chain(RECIPIENT) == 0
    world.chain.mempool.clear()
    world.chain.minimum_fee = DEAR
    world.kinds.clear()


def test_submit__final_one_is_gone_and_too_cheap__offered_more_with_its_nonce(world: World) -> None:
    first = world.pay("pay/1")
    gone_and_dear(world)

    again = world.pay("pay/1")

    assert EventKind.BUMPED in world.kinds
    assert (world.chain.on_chain(RECIPIENT), world.chain.blocks[-1].nonces[SIGNER.address]) == (1, 1)
    assert again.tx_hash not in (None, first.tx_hash)
    (nonce, fee, state), *_, newest = world.fees("pay/1")
    assert (nonce, fee, state) == (0, OFFERED, AttemptState.REPLACED)
    assert (newest[0], newest[1] >= DEAR, newest[2]) == (0, True, AttemptState.FINAL)
    intent = world.journal.intent("pay/1")
    assert intent is not None
    assert (intent.state, intent.tx_hash) == (IntentState.FINAL, again.tx_hash)
    assert world.journal.nonce_state(0) is NonceState.USED


def test_submit__final_one_is_gone_and_cheap_enough__same_bytes(world: World) -> None:
    first = world.pay("pay/1")
    world.chain.reorg(SAFE_DISTANCE - 1)

    again = world.pay("pay/1")

    assert (again.tx_hash, world.chain.on_chain(RECIPIENT)) == (first.tx_hash, 1)
    assert world.fees("pay/1") == [(0, OFFERED, AttemptState.FINAL)]


def test_submit__above_the_cap__no_more_is_offered_and_it_waits(world: World) -> None:
    world.policy = replace(POLICY, max_fee_wei=OFFERED + 1)
    gone_and_dear(world, "pay/1")

    with pytest.raises(StillPendingError):
        world.pay("pay/1")

    assert EventKind.FEE_CAP_REACHED in world.kinds
    assert world.fees("pay/1") == [(0, OFFERED, AttemptState.FINAL)]


@pytest.mark.parametrize("dies_at", [EventKind.BUMPED, EventKind.SIGNED, EventKind.SENDING])
def test_submit__killed_while_it_offers_more__on_watch_after_it_and_done_once(
    world: World, dies_at: EventKind
) -> None:
    gone_and_dear(world, "pay/1")
    world.policy = replace(POLICY, bump_after_s=0)
    world.dies_at = dies_at
    with pytest.raises(CrashError):
        world.pay("pay/1")
    world.dies_at, world.policy = None, POLICY

    watch = ReorgWatch(world.chain, world.engine(), ("pay/",))
    taken_back = watch.taken_back()
    world.pay("pay/1")

    assert taken_back == ["pay/1"]
    assert (world.chain.on_chain(RECIPIENT), world.state("pay/1")) == (1, IntentState.FINAL)
    assert {nonce for nonce, *_ in world.fees("pay/1")} == {0}


def test_submit__another_is_in_flight_behind_it__both_once(world: World) -> None:
    """The later one is open in the journal: the earlier one is offered more beside it."""
    world.pay("pay/1")
    world.chain.minimum_fee = DEAR
    world.policy = replace(POLICY, timeout_s=1)
    with pytest.raises(StillPendingError):
        world.pay("pay/2")
    gone_and_dear(world)
    world.policy = POLICY

    world.pay("pay/1")
    world.pay("pay/2")

    assert world.chain.on_chain(RECIPIENT) == 2
    assert {nonce for nonce, *_ in world.fees("pay/1")} == {0}
    assert {nonce for nonce, *_ in world.fees("pay/2")} == {1}
    assert (world.state("pay/1"), world.state("pay/2")) == (IntentState.FINAL, IntentState.FINAL)


@pytest.mark.parametrize("key", ["pay/2", "pay/3"])
def test_submit__the_gone_one_is_in_its_way__offered_more_without_its_key(world: World, key: str) -> None:
    """In flight behind it, or new: nobody asks for the earlier one again."""
    world.pay("pay/1")
    if key == "pay/2":
        world.chain.minimum_fee = DEAR
        world.policy = replace(POLICY, timeout_s=1)
        with pytest.raises(StillPendingError):
            world.pay(key)
    gone_and_dear(world)
    world.policy = POLICY

    world.pay(key)

    assert world.chain.on_chain(RECIPIENT) == 2
    assert {nonce for nonce, *_ in world.fees("pay/1")} == {0}
    assert {nonce for nonce, *_ in world.fees(key)} == {1}
    found = world.pay("pay/1")  # the journal learns which of its bytes it was
    assert (found.tx_hash, world.chain.on_chain(RECIPIENT)) == (world.final_hash("pay/1"), 2)


def test_submit__gone_one_went_on_with_another_nonce__its_old_bytes_get_no_more(world: World) -> None:
    """Two nonces of one key would be two effects."""
    world.pay("pay/1")
    intent = world.journal.intent("pay/1")
    assert intent is not None
    before = world.journal.reorganised(0)
    world.journal.lost(intent, 0)
    lost = world.journal.reorganised(0)
    world.journal.signed(intent, world.journal.reserve(intent, 5, 21_000, Fees(300, 20)), b"raw", "0x05")

    assert before is not None
    assert (before[0].key, before[1].nonce) == ("pay/1", 0)
    assert (lost, world.journal.reorganised(0)) == (None, None)


@pytest.mark.parametrize("policy", [Policy(max_fee_wei=100_000), Policy.local()])
def test_settling_policy__any__offers_more_within_one_wait(world: World, policy: Policy) -> None:
    """A lane asks again and again, and each time the stuck transaction's time begins anew."""
    world.policy = replace(settling_policy(policy), confirmations=1)
    world.chain.minimum_fee = OFFERED + 10

    world.pay("pay/1")

    assert (EventKind.BUMPED in world.kinds, world.chain.on_chain(RECIPIENT)) == (True, 1)

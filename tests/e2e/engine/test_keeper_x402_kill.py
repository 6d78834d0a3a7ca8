"""The keeper killed at each step, raced, reverted, reorganised: each policy is claimed exactly once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from bonded_world import (
    AMOUNT,
    CLIENT,
    KEEPER,
    MARGIN_S,
    PROVIDER,
    STRANGER,
    TIMEOUT_S,
    BondedWorld,
)
from kill import die, in_child
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.policy_watch import PolicyWatch
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.settled_blocks import OVERLAP_BLOCKS, SettledBlocks

KILLED = -signal.SIGKILL
NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)
STEPS = [
    EventKind.PLANNED,
    EventKind.SIGNED,
    EventKind.SENDING,
    EventKind.ANSWERED,
    EventKind.SEEN,
    EventKind.CONFIRMED,
    EventKind.FINAL,
]
REVERTS = "0x5f5ffd"  # PUSH0 PUSH0 REVERT


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BondedWorld]:
    with BondedWorld.open(tmp_path) as opened:
        yield opened


def at(step: EventKind, act: Callable[[], object]) -> Callable[[Event], None]:
    def on_event(event: Event) -> None:
        if event.kind is step:
            act()

    return on_event


def killed_at(world: BondedWorld, step: EventKind) -> None:
    assert in_child(partial(world.round, on_event=at(step, die))) == KILLED


def claimed_once(world: BondedWorld, commitments: list[bytes]) -> bool:
    """By the contract's own state, by its logs, and by what the client holds."""
    logged = sorted(commitment for commitment, _ in world.claims())
    paid = world.balance(CLIENT) == len(commitments) * AMOUNT
    return paid and logged == sorted(commitments) and set(world.statuses(commitments)) == {CLAIMED}


@pytest.mark.parametrize("step", STEPS)
def test_round__killed_at_each_step_and_run_again__each_claimed_once_by_one_transaction(
    world: BondedWorld, step: EventKind
) -> None:
    due = world.overdue(3)
    killed_at(world, step)

    world.round()

    assert claimed_once(world, due)
    assert world.transactions() == 1


@pytest.mark.parametrize("step", [EventKind.PLANNED, EventKind.SIGNED, EventKind.ANSWERED])
def test_round__killed_and_more_is_due_since__each_claimed_once(world: BondedWorld, step: EventKind) -> None:
    due = world.overdue(2)
    killed_at(world, step)
    due += world.overdue(1)

    done = world.round()

    assert claimed_once(world, due)
    assert (world.transactions(), done.failed) == (2, 0)


def test_round__killed_again_and_again__each_claimed_once(world: BondedWorld) -> None:
    due = world.overdue(2)
    for step in STEPS:
        in_child(partial(world.round, on_event=at(step, die)))

    world.round()

    assert claimed_once(world, due)
    assert world.transactions() == 1


def test_round__killed_after_signing_and_others_claim__nothing_is_sent(world: BondedWorld) -> None:
    due = world.overdue(2)
    killed_at(world, EventKind.SIGNED)
    world.send(world.insurance.functions.claimMany(due), STRANGER)

    done = world.round()

    assert claimed_once(world, due)
    assert (world.transactions(), done.claimed, done.by_others) == (0, 0, 2)


def test_round__others_claim_one_while_ours_waits__ours_claims_the_rest(world: BondedWorld) -> None:
    taken, left = world.overdue(2)
    call = world.insurance.functions.claimInsurance(taken)

    def overtake(event: Event) -> None:
        if event.kind is EventKind.SENDING:
            world.node.set_automine(False)
            call.transact(
                {
                    "from": world.address(STRANGER),
                    "gas": 500_000,
                    "maxFeePerGas": 10**12,
                    "maxPriorityFeePerGas": 10**11,
                }
            )
        if event.kind is EventKind.ANSWERED:
            world.node.set_automine(True)
            world.node.mine()

    done = world.round(on_event=overtake)

    assert claimed_once(world, [taken, left])
    assert (done.claimed, done.by_others, world.transactions()) == (1, 1, 1)


def test_round__transaction_reverts__each_claimed_alone_by_the_next_round(world: BondedWorld) -> None:
    due = world.overdue(2)
    code = world.node.rpc("eth_getCode", world.insurance.address, "latest")
    world.node.set_automine(False)
    killed_at(world, EventKind.ANSWERED)
    world.node.rpc("anvil_setCode", world.insurance.address, REVERTS)
    world.node.mine()
    world.node.rpc("anvil_setCode", world.insurance.address, code)
    world.node.set_automine(True)

    done = world.round()

    assert claimed_once(world, due)
    assert (world.transactions(), len(done.transactions), done.failed) == (3, 2, 0)


def test_round__claim_is_reorganised_away__the_same_bytes_again(world: BondedWorld) -> None:
    settled = world.overdue(1)
    world.round()  # a local chain that lost its first transaction counts as new
    world.node.mine(3)
    due = world.overdue(2)
    world.round()
    ((_, first),) = {(0, transaction) for commitment, transaction in world.claims() if commitment in due}
    world.node.reorg(1)
    assert world.statuses(due) == [OPEN, OPEN]
    world.node.increase_time(TIMEOUT_S)  # the blocks that came instead need not be as late

    done = world.round()

    assert claimed_once(world, settled + due)
    assert (done.transactions, world.transactions()) == ({first}, 2)


def test_round__claim_is_reorganised_away_and_others_claim__not_sent_again(world: BondedWorld) -> None:
    settled = world.overdue(1)
    world.round()
    world.node.mine(3)
    due = world.overdue(1)
    world.round()
    world.node.reorg(1)
    world.node.increase_time(TIMEOUT_S)
    world.send(world.insurance.functions.claimMany(due), STRANGER)

    done = world.round()

    assert claimed_once(world, settled + due)
    assert (done.due, done.claimed, world.transactions()) == (0, 0, 1)


def test_round__lock_is_reorganised_away__nothing_is_sent(world: BondedWorld) -> None:
    world.node.mine(3)
    gone = world.lock()
    world.node.reorg(1)
    world.node.increase_time(TIMEOUT_S + MARGIN_S + 1)

    done = world.round()

    assert (world.status(gone), done.watched, world.transactions()) == (NONE, 0, 0)


def watch_of(world: BondedWorld) -> PolicyWatch:
    reader = BondReader(world.web3, world.insurance.address, first_block=0)
    rpc = Web3Rpc.connect(world.node.url)
    blocks = SettledBlocks(rpc, first_block=0, settled="latest", progress=lambda *_: None)
    return PolicyWatch(blocks, reader, providers=())


def commitments_in(watch: PolicyWatch) -> list[bytes]:
    return [policy.commitment for policy in watch.open_policies()[1]]


def test_watch__read_for_good_and_read_again__the_same_policies(world: BondedWorld) -> None:
    watch = watch_of(world)
    old = [world.lock(minutes=60), world.lock(minutes=60)]
    world.node.mine(OVERLAP_BLOCKS + 1)
    before = commitments_in(watch)
    new = world.lock(minutes=60)

    after = commitments_in(watch)
    world.send(world.insurance.functions.refundService(old[0]), PROVIDER)

    assert (before, after) == (old, [*old, new])
    assert commitments_in(watch) == commitments_in(watch_of(world)) == [old[1], new]


def test_watch__reorganised_deeper_than_it_rereads__begins_anew(world: BondedWorld) -> None:
    watch = watch_of(world)
    kept = world.lock(minutes=60)
    world.node.mine(3)
    gone = world.lock(minutes=60)
    world.node.mine(OVERLAP_BLOCKS + 1)
    assert commitments_in(watch) == [kept, gone]

    world.node.reorg(OVERLAP_BLOCKS + 3)

    assert commitments_in(watch) == [kept]


def test_round__ether_is_spent_only_by_transactions_on_the_chain(world: BondedWorld) -> None:
    world.overdue(2)
    before = world.web3.eth.get_balance(world.address(KEEPER))

    done = world.round()

    (transaction,) = done.transactions
    receipt = world.web3.eth.get_transaction_receipt(transaction)  # type: ignore[arg-type]
    spent = receipt["gasUsed"] * receipt["effectiveGasPrice"]
    assert world.web3.eth.get_balance(world.address(KEEPER)) == before - spent

"""Forty payouts over several transactions, held recipients, and any death in between: everybody paid once."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import ape
import pytest
from batch_builder import TEN_USDC
from liqpass.adapters.chain.contracts import read_deployment
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from operator_world import DEPLOYER, PAYER, POLICIES, World
from power_cut import CutRpc, PowerCutError, kill

from scripts._batch import Case
from scripts._connection import Connection
from scripts._execution import Execution
from scripts._operator import Operator, Site
from scripts._record import require_record
from scripts._sending import open_sender

SMALL_GAS = 500_000
FEW_GAS = 220_000  # three or four payouts
EVERYBODY = list(range(1, POLICIES + 1))
FEW = list(range(1, 13))


def run_with(world: World, rpc: Web3Rpc, file: str, gas: int = FEW_GAS) -> dict[int, str]:
    """What `ape run payout execute` does after its checks, with any node in between."""
    path = world.folder / "deployments" / "local.json"
    connection = Connection("local", 31337, False, world.web3, rpc)
    site = Site(connection, require_record(path), read_deployment(path, chain_id=31337))
    operator = Operator(
        site=site,
        address=world.address(PAYER),
        account=ape.accounts.test_accounts[PAYER],
        safe_file=None,
        dry_run=False,
        confirmed=True,
        journal=world.folder / "journal",
        policy=replace(Policy.local(), max_gas=gas),
    )
    with open_sender(operator) as sender:
        return Execution(operator, Case.read(site, Path(file))).run(sender)


def approved(world: World, policies: list[int]) -> str:
    """The file of an approved batch of payouts of 10.00."""
    path = world.write(world.batch(*(world.item(policy) for policy in policies)))
    result = world.approve(path)
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def file(world: World) -> str:
    return approved(world, EVERYBODY)


@pytest.fixture
def short_file(world: World) -> str:
    return approved(world, FEW)


def paid_once(world: World, policies: list[int] = EVERYBODY) -> bool:
    balances = {world.balance(world.policy_buyer(policy)) for policy in policies}
    executed = world.vault.events.PayoutExecuted().get_logs(from_block=0)
    assert balances == {TEN_USDC}
    assert sorted(log["args"]["policyNo"] for log in executed) == policies
    return True


def test_execute__small_gas_limit__is_split_and_shows_progress(world: World, file: str) -> None:
    before = world.nonce(PAYER)

    result = world.execute(file, "--max-gas", str(SMALL_GAS))

    assert result.exit_code == 0, result.output
    sent = world.nonce(PAYER) - before
    assert 3 <= sent <= 5
    assert f"transaction {sent}: " in result.output
    assert "40 of 40 policies paid, 400.00 of 400.00 USDC" in result.output
    assert paid_once(world)


def test_execute__limit_of_base__is_one_transaction(world: World, file: str) -> None:
    before = world.nonce(PAYER)

    result = world.execute(file)

    assert result.exit_code == 0, result.output
    assert world.nonce(PAYER) - before == 1
    assert paid_once(world)


def test_execute__limit_too_small_for_one__is_refused(world: World, short_file: str) -> None:
    before = world.nonce(PAYER)

    result = world.execute(short_file, "--max-gas", "60000")

    assert result.exit_code == 1
    assert "one payout needs more than 59400 gas; nothing was sent" in result.output
    assert world.nonce(PAYER) == before


@pytest.mark.parametrize(
    ("at", "after", "gas"),
    [(1, False, FEW_GAS), (1, True, FEW_GAS), (3, False, 400_000), (3, True, FEW_GAS), (2, True, 400_000)],
)
def test_execute__cut_at_a_broadcast__goes_on(
    world: World, short_file: str, at: int, after: bool, gas: int
) -> None:
    with pytest.raises(PowerCutError):
        run_with(world, CutRpc(world.node.url, at, after=after), short_file)
    paid_before = len(world.paid(FEW))

    resumed = world.execute(short_file, "--max-gas", str(gas))

    assert resumed.exit_code == 0, resumed.output
    assert 0 <= paid_before < len(FEW)
    assert (paid_before == 0) is (at == 1 and not after)
    assert paid_once(world, FEW)


def test_execute__process_killed__goes_on(world: World, file: str) -> None:
    child = os.fork()
    if child == 0:  # kill -9 in the middle of the broadcast: no handler, no finally, no atexit runs
        run_with(world, CutRpc(world.node.url, 2, after=True, cut=kill), file, SMALL_GAS)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    resumed = world.execute(file, "--max-gas", str(SMALL_GAS))

    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert resumed.exit_code == 0, resumed.output
    assert paid_once(world)


def test_execute__denylisted_recipient__is_held_and_paid_once_allowed(world: World) -> None:
    file = world.write(world.batch(world.item(1), world.item(2), world.item(3)))
    world.approve(file)
    denied = world.policy_buyer(2)
    world.send(world.usdc.functions.blacklist(denied), DEPLOYER)

    held = world.execute(file)
    sent = world.nonce(PAYER)
    again = world.execute(file)
    sent_again = world.nonce(PAYER)
    paid_before = world.paid([1, 2, 3])
    world.send(world.usdc.functions.unBlacklist(denied), DEPLOYER)
    paid = world.execute(file)

    words = f"held: policy 2, {denied}: Blacklistable: account is blacklisted"
    assert [each.exit_code for each in (held, again, paid)] == [0, 0, 0]
    assert words in held.output
    assert "2 of 3 policies paid" in held.output
    assert words in again.output
    assert sent_again == sent
    assert paid_before == [1, 3]
    assert "3 of 3 policies paid" in paid.output
    assert "held:" not in paid.output


def test_execute__denylisted_recipient__refused_on_chain_once_a_batch(world: World) -> None:
    """PayoutFailed is how `liqpass reconcile` learns that the claim is HELD; a second says nothing new."""
    file = world.write(world.batch(world.item(1), world.item(2), world.item(3)))
    world.approve(file)
    denied = world.policy_buyer(2)
    world.send(world.usdc.functions.blacklist(denied), DEPLOYER)

    held = world.execute(file)
    again = world.execute(file)

    failed = world.vault.events.PayoutFailed().get_logs(from_block=0)
    assert [(log["args"]["policyNo"], log["args"]["recipient"]) for log in failed] == [(2, denied)]
    assert f"held: policy 2, {denied}: Blacklistable: account is blacklisted" in held.output
    assert again.exit_code == 0, again.output
    assert world.paid([1, 2, 3]) == [1, 3]


def test_execute__denied_between_check_and_block__is_reported_and_paid_later(world: World) -> None:
    """The vault skips it: a receipt with PayoutFailed; the same chunk may go again under a new key."""
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    denied = world.policy_buyer(1)

    def deny() -> None:
        world.send(world.usdc.functions.blacklist(denied), DEPLOYER)

    failed = run_with(world, CutRpc(world.node.url, 1, after=False, cut=deny), file)
    world.send(world.usdc.functions.unBlacklist(denied), DEPLOYER)
    later = world.execute(file)

    assert list(failed) == [1]
    assert failed[1].startswith("0x")
    assert later.exit_code == 0, later.output
    assert world.paid([1]) == [1]
    assert world.balance(denied) == TEN_USDC


def test_execute__transaction_of_an_earlier_run_waits__comes_first(world: World, short_file: str) -> None:
    world.node.set_automine(False)
    try:
        with pytest.raises(PowerCutError):
            run_with(world, CutRpc(world.node.url, 1, after=True), short_file)
    finally:
        world.node.set_automine(True)

    resumed = world.execute(short_file, "--max-gas", "400000")

    assert "going on with an earlier run's transaction" in resumed.output
    assert paid_once(world, FEW)

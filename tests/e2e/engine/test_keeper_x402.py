"""`liqpass keeper x402` on a chain: what is due is paid to its clients once, and nothing else is touched."""

from __future__ import annotations

import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from bonded_world import (
    AMOUNT,
    CLIENT,
    DEPLOYER,
    KEEPER,
    MARGIN_S,
    OTHER_CLIENT,
    OTHER_PROVIDER,
    PASSPHRASE,
    PENALTY,
    PROVIDER,
    STRANGER,
    TIMEOUT_S,
    TREASURY,
    USDC,
    BondedWorld,
)

BOND = 1_000 * USDC
LOCK = AMOUNT + PENALTY
NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)


@pytest.fixture(scope="module")
def bonded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BondedWorld]:
    """One for all: nothing here is reorganised."""
    with BondedWorld.open(tmp_path_factory.mktemp("bonded")) as opened:
        yield opened


@pytest.fixture
def world(bonded: BondedWorld) -> Iterator[BondedWorld]:
    snapshot = bonded.node.snapshot()
    bonded.write_files()
    shutil.rmtree(bonded.folder / "journal", ignore_errors=True)
    yield bonded
    bonded.node.revert(snapshot)


def test_once__several_due_and_one_not__due_ones_in_one_transaction(world: BondedWorld) -> None:
    due = world.overdue(2) + world.overdue(1, provider=OTHER_PROVIDER, client=OTHER_CLIENT)
    later = world.lock()

    result = world.command()

    assert result.exit_code == 0, result.stderr
    assert (
        "4 policies open, 3 due: 3 claimed in 1 transactions, 0.30 USDC, 0 of them as credit; "
        "0 ended by others\n"
    ) in result.stdout
    assert world.statuses(due) == [CLAIMED] * 3
    assert world.status(later) == OPEN
    assert (world.balance(CLIENT), world.balance(OTHER_CLIENT)) == (2 * AMOUNT, AMOUNT)
    assert (world.balance(TREASURY), world.balance(KEEPER)) == (0, 0)
    assert world.insurance.functions.penalties().call() == 3 * PENALTY
    assert world.bond_of(PROVIDER) == (BOND - 2 * LOCK, LOCK)
    assert world.bond_of(OTHER_PROVIDER) == (BOND - LOCK, 0)
    assert world.transactions() == 1
    ((transaction,),) = [{transaction for _, transaction in world.claims()}]
    for commitment, client in zip(due, (CLIENT, CLIENT, OTHER_CLIENT), strict=True):
        line = (
            f"claimed commitment=0x{commitment.hex()} client={world.address(client)} usdc=0.10 credited=no "
            f"tx={transaction}"
        )
        assert line in result.stderr


def test_once__nothing_due__nothing_sent(world: BondedWorld) -> None:
    world.lock()

    result = world.command()

    assert (result.exit_code, "1 policies open, 0 due: 0 claimed" in result.stdout) == (0, True)
    assert world.transactions() == 0


def test_once__run_again__nothing_sent(world: BondedWorld) -> None:
    world.overdue(2)
    world.command()

    result = world.command()

    assert "0 policies open, 0 due: 0 claimed in 0 transactions" in result.stdout
    assert (world.transactions(), world.balance(CLIENT)) == (1, 2 * AMOUNT)


@pytest.mark.parametrize(("late_s", "claimed"), [(0, False), (MARGIN_S, False), (MARGIN_S + 1, True)])
def test_once__around_deadline_and_margin__claimed_only_after_both(
    world: BondedWorld, late_s: int, claimed: bool
) -> None:
    commitment = world.lock()
    deadline_s = world.insurance.functions.policies(commitment).call()[2]
    world.node.set_next_timestamp(deadline_s + late_s)
    world.node.rpc("evm_mine")

    world.command()

    assert (world.status(commitment) == CLAIMED) is claimed
    assert world.transactions() == claimed


def test_once__more_than_a_batch__as_many_transactions_as_needed(world: BondedWorld) -> None:
    due = world.overdue(5)

    result = world.command("--max-batch", "2")

    assert "5 due: 5 claimed in 3 transactions, 0.50 USDC" in result.stdout
    assert sorted(commitment for commitment, _ in world.claims()) == sorted(due)
    assert (world.transactions(), world.balance(CLIENT)) == (3, 5 * AMOUNT)


def test_once__one_provider_named__only_its_policies(world: BondedWorld) -> None:
    mine, others = world.lock(), world.lock(provider=OTHER_PROVIDER)
    world.node.increase_time(TIMEOUT_S + MARGIN_S + 1)

    result = world.command("--provider", world.address(PROVIDER))

    assert "1 policies open, 1 due: 1 claimed" in result.stdout
    assert world.statuses([mine, others]) == [CLAIMED, OPEN]


def test_once__two_providers_named__policies_of_both(world: BondedWorld) -> None:
    due = [world.lock(), world.lock(provider=OTHER_PROVIDER)]
    world.node.increase_time(TIMEOUT_S + MARGIN_S + 1)

    world.command("--provider", world.address(PROVIDER), "--provider", world.address(OTHER_PROVIDER).lower())

    assert (world.statuses(due), world.transactions()) == ([CLAIMED] * 2, 1)


@pytest.mark.parametrize(("least", "claimed"), [("0.10", True), ("0.100001", False)])
def test_once__around_the_least__less_is_left_to_its_client(
    world: BondedWorld, least: str, claimed: bool
) -> None:
    (commitment,) = world.overdue(1)

    result = world.command("--least", least)

    assert (result.exit_code, "1 policies open" in result.stdout) == (0, True)
    assert (world.status(commitment) == CLAIMED) is claimed
    assert (world.transactions(), world.balance(CLIENT)) == (claimed, AMOUNT * claimed)


def test_once__confirmed_and_refunded__left_alone(world: BondedWorld) -> None:
    confirmed, refunded = world.lock(), world.lock()
    world.send(world.insurance.functions.confirmService(confirmed, b""), PROVIDER)
    world.send(world.insurance.functions.refundService(refunded), PROVIDER)
    world.node.increase_time(TIMEOUT_S + MARGIN_S + 1)

    result = world.command()

    assert "0 policies open, 0 due" in result.stdout
    assert (world.statuses([confirmed, refunded]), world.transactions()) == ([CONFIRMED, REFUNDED], 0)


def test_once__somebody_else_was_first__costs_nothing(world: BondedWorld) -> None:
    due = world.overdue(2)
    world.send(world.insurance.functions.claimMany(due), STRANGER)
    ether = world.web3.eth.get_balance(world.address(KEEPER))

    result = world.command()

    assert "0 due: 0 claimed in 0 transactions" in result.stdout
    assert (world.transactions(), world.web3.eth.get_balance(world.address(KEEPER))) == (0, ether)


def test_once__somebody_else_took_one__the_other_is_claimed(world: BondedWorld) -> None:
    taken, left = world.overdue(2)
    world.send(world.insurance.functions.claimInsurance(taken), STRANGER)

    result = world.command()

    assert "1 policies open, 1 due: 1 claimed" in result.stdout
    assert world.statuses([taken, left]) == [CLAIMED] * 2
    assert world.balance(CLIENT) == 2 * AMOUNT


def test_once__client_on_the_denylist__credited_and_stops_nobody(world: BondedWorld) -> None:
    due = [world.lock(), world.lock(client=OTHER_CLIENT)]
    world.node.increase_time(TIMEOUT_S + MARGIN_S + 1)
    world.send(world.usdc.functions.blacklist(world.address(CLIENT)), DEPLOYER)

    result = world.command()

    assert "2 claimed in 1 transactions, 0.20 USDC, 1 of them as credit" in result.stdout
    assert f"client={world.address(CLIENT)} usdc=0.10 credited=yes" in result.stderr
    assert f"client={world.address(OTHER_CLIENT)} usdc=0.10 credited=no" in result.stderr
    assert world.statuses(due) == [CLAIMED] * 2
    assert (world.balance(CLIENT), world.credit(CLIENT)) == (0, AMOUNT)
    assert (world.balance(OTHER_CLIENT), world.credit(OTHER_CLIENT)) == (AMOUNT, 0)


def test_once__usdc_paused__everything_credited(world: BondedWorld) -> None:
    due = world.overdue(2)
    world.send(world.usdc.functions.pause(), DEPLOYER)

    result = world.command()

    assert "2 claimed in 1 transactions, 0.20 USDC, 2 of them as credit" in result.stdout
    assert world.statuses(due) == [CLAIMED] * 2
    assert (world.balance(CLIENT), world.credit(CLIENT)) == (0, 2 * AMOUNT)


def test_dry_run__due__shown_and_nothing_sent(world: BondedWorld) -> None:
    (commitment,) = world.overdue(1)

    result = world.command("--dry-run", LIQPASS_KEEPER_PASSPHRASE="")

    assert result.exit_code == 0, result.stderr
    assert "1 policies open, 1 due" in result.stdout
    assert re.search(r"would claim 1 in one transaction of \d+ gas", result.stdout)
    assert f"0x{commitment.hex()}  0.10 USDC to {world.address(CLIENT)}" in result.stdout
    assert "dry run: nothing was sent" in result.stdout
    assert (world.transactions(), world.status(commitment)) == (0, OPEN)
    assert not (world.folder / "journal").exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_watching__signal__ends_with_0_after_claiming(world: BondedWorld, how: signal.Signals) -> None:
    due = world.overdue(2)

    with world.process() as keeper:
        assert keeper.stderr is not None
        lines = iter(keeper.stderr.readline, "")
        told = next(line for line in lines if " round watched=" in line)
        keeper.send_signal(how)
        out, _ = keeper.communicate(timeout=60)

    assert "due=2 transactions=1 claimed=2 usdc=0.20 credited=0 by_others=0 failed=0" in told
    assert (keeper.returncode, out) == (0, "ended\n")
    assert world.statuses(due) == [CLAIMED] * 2


def test_watching__node_away_for_a_while__goes_on(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with BondedWorld.open(tmp_path, state_file=tmp_path / "state.json", port=port) as world:
        due = world.overdue(1)
        with world.process("--margin", "86400") as keeper:
            assert keeper.stderr is not None
            lines = iter(keeper.stderr.readline, "")
            next(line for line in lines if " round watched=1 " in line)
            world.node.stop()
            failed = next(line for line in lines if " round failed " in line)
            world.node.start()
            world.node.increase_time(2 * 86_400)  # started anew, its clock is the machine's
            told = next(line for line in lines if " round watched=" in line and "claimed=1" in line)

        assert "attempt=1" in failed
        assert "due=1 transactions=1 claimed=1" in told
        assert (world.statuses(due), world.balance(CLIENT)) == ([CLAIMED], AMOUNT)


def test_two_keepers_with_one_journal__the_second_refuses(world: BondedWorld) -> None:
    with world.process():
        result = world.command()

    assert (result.exit_code, "Error: another process is sending with" in result.stderr) == (1, True)


def test_once__no_ether__says_so_and_sends_nothing(world: BondedWorld) -> None:
    (commitment,) = world.overdue(1)
    world.node.rpc("anvil_setBalance", world.address(KEEPER), "0x1")

    result = world.command()

    assert (result.exit_code, "holds 1 wei and needs up to" in result.stderr) == (1, True)
    assert (world.transactions(), world.status(commitment)) == (0, OPEN)


REFUSALS = {
    "wrong passphrase": ({"LIQPASS_KEEPER_PASSPHRASE": "wrong"}, "the passphrase is wrong"),
    "wrong chain id": ({"LIQPASS_CHAIN_ID": "84532"}, "is of chain 31337, settings say 84532"),
    "no record": ({"LIQPASS_DEPLOYMENT": "/nowhere.json"}, "no deployment record at /nowhere.json"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_once__settings_that_cannot_work__one_clear_line(world: BondedWorld, name: str) -> None:
    world.overdue(1)
    changes, words = REFUSALS[name]

    result = world.command(**changes)

    assert (result.exit_code, words in result.stderr) == (1, True), result.stderr
    assert PASSPHRASE not in result.stdout + result.stderr
    assert world.transactions() == 0


def test_once__no_passphrase__says_what_to_set(world: BondedWorld) -> None:
    changes = world.environment()
    del changes["LIQPASS_KEEPER_PASSPHRASE"]

    result = world.command_in(changes)

    assert (result.exit_code, "set LIQPASS_KEEPER_PASSPHRASE or" in result.stderr) == (1, True)


def test_once__keyfile_readable_by_others__refused(world: BondedWorld) -> None:
    (world.folder / "keeper.json").chmod(0o644)

    result = world.command()

    assert (result.exit_code, "has mode 0644: others must not read it" in result.stderr) == (1, True)


def test_once__no_keyfile__says_what_to_give(world: BondedWorld) -> None:
    (world.folder / "keeper.json").unlink()

    result = world.command()

    assert (result.exit_code, "keeper.json: No such file or directory" in result.stderr) == (1, True)


def test_once__passphrase_in_a_file__opens_the_keyfile(world: BondedWorld) -> None:
    due = world.overdue(1)
    secret = world.folder / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    secret.chmod(0o600)
    changes = world.environment()
    del changes["LIQPASS_KEEPER_PASSPHRASE"]

    result = world.command_in(changes | {"LIQPASS_KEEPER_PASSPHRASE_FILE": str(secret)})

    assert result.exit_code == 0, result.stderr
    assert world.statuses(due) == [CLAIMED]


def test_once__passphrase_file_readable_by_others__refused(world: BondedWorld) -> None:
    secret = world.folder / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o640)
    changes = world.environment()
    del changes["LIQPASS_KEEPER_PASSPHRASE"]

    result = world.command_in(changes | {"LIQPASS_KEEPER_PASSPHRASE_FILE": str(secret)})

    assert (result.exit_code, "has mode 0640, it must be 0600" in result.stderr) == (1, True)


def test_once__record_without_the_contract__says_so(world: BondedWorld) -> None:
    record = world.folder / "local.json"
    record.write_text('{"chainId": 31337, "contracts": {}}')

    result = world.command()

    assert (result.exit_code, "has no address for X402InsuranceV2" in result.stderr) == (1, True)


def test_once__record_of_another_local_chain__refused(world: BondedWorld) -> None:
    record = world.folder / "local.json"
    record.write_text(re.sub(r'"genesisHash": "0x.{4}', '"genesisHash": "0xdead', record.read_text()))

    result = world.command()

    assert (result.exit_code, "the node is of another chain 31337" in result.stderr) == (1, True)

"""`liqpass keeper parametric` on a chain: what anyone may do is done once it may be, and nothing else."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kept_world import (
    ACTIVE_FROM_S,
    ACTIVE_TO_S,
    BENEFICIARY,
    CLAIM_DEADLINE_S,
    DEPARTURE_S,
    DEPLOYER,
    INSURERS,
    KEEPER,
    LATE_S,
    LEADER,
    MARGIN_S,
    OTHER_LEADER,
    PASSPHRASE,
    PAYOUT,
    STRANGER,
    WINDOW_S,
    KeptWorld,
)
from kill import die, in_child
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.domain.parametric.policy import format_policy_id

STEPS = (
    EventKind.PLANNED,
    EventKind.SIGNED,
    EventKind.SENDING,
    EventKind.ANSWERED,
    EventKind.SEEN,
    EventKind.CONFIRMED,
    EventKind.FINAL,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KeptWorld]:
    with KeptWorld.open(tmp_path) as opened:
        yield opened


def test_once__from_funded_to_paid__each_step_as_soon_as_it_may_be(world: KeptWorld) -> None:
    number = world.fund()
    states = []
    for time_s in (ACTIVE_FROM_S + MARGIN_S, LATE_S, LATE_S + WINDOW_S, LATE_S + WINDOW_S + MARGIN_S + 60):
        world.push(130, time_s)
        assert world.command().exit_code == 0
        states.append(world.state(number))

    # In the last second of the window nobody but leader and policy operator may approve.
    assert states == ["Active", "Claimable", "Claimable", "Settled"]
    assert world.transactions() == 4
    assert world.balance(BENEFICIARY) == PAYOUT
    assert (world.balance(world.contract.address), world.balance(KEEPER)) == (0, 0)
    keeper = world.address(KEEPER)
    assert world.events("PolicyActivated") == [{"id": number, "by": keeper}]
    assert world.events("ClaimApproved") == [{"id": number, "by": keeper}]
    (settled,) = world.events("ClaimSettled")
    assert settled == {"id": number, "beneficiary": world.address(BENEFICIARY), "amount": PAYOUT}


def test_once__reading_below_the_threshold__costs_nothing_and_the_policy_expires(world: KeptWorld) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + MARGIN_S)
    world.command()
    world.push(110, LATE_S)

    silent = world.command()

    assert "1 policies live: nothing done, in 0 transactions; 0 done by others" in silent.stdout
    assert (world.state(number), world.transactions()) == ("Active", 1)
    world.at(CLAIM_DEADLINE_S + 1 + MARGIN_S)
    expired = world.command()
    assert "1 policies live: expire 1, in 1 transactions" in expired.stdout
    assert world.events("PolicyExpired") == [{"id": number, "by": world.address(KEEPER)}]
    assert world.balance(world.contract.address) == PAYOUT  # the insurers take it themselves
    again = world.command()
    assert "0 policies live: nothing done" in again.stdout
    assert world.transactions() == 2


@pytest.mark.parametrize(("late_s", "state"), [(0, "Funded"), (MARGIN_S - 1, "Funded"), (MARGIN_S, "Active")])
def test_once__around_the_margin__waits_for_all_of_it(world: KeptWorld, late_s: int, state: str) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + late_s)

    world.command()

    assert world.state(number) == state


def test_once__funded_and_late_already__check_activates_in_the_same_transaction(world: KeptWorld) -> None:
    number = world.fund()
    world.push(9990, LATE_S)

    result = world.command()

    assert "1 policies live: check 1, in 1 transactions" in result.stdout
    assert world.state(number) == "Claimable"
    (claim,) = world.events("ClaimCreated")
    assert (claim["roundId"], claim["delayMinutes"]) == (1, 9990)


def test_once__never_activated__expires_after_the_cover(world: KeptWorld) -> None:
    number = world.fund()
    world.at(ACTIVE_TO_S + 1 + MARGIN_S)

    world.command()

    assert world.state(number) == "Expired"


def test_once__claim_rejected__made_again_by_a_newer_round_only(world: KeptWorld) -> None:
    number = world.fund()
    world.push(130, LATE_S)
    world.command()
    world.send(world.contract.functions.rejectClaim(number), LEADER)

    world.command()
    assert (world.state(number), world.transactions()) == ("Active", 1)
    world.push(130, LATE_S + 60)
    world.command()

    assert (world.state(number), world.transactions()) == ("Claimable", 2)
    assert [claim["roundId"] for claim in world.events("ClaimCreated")] == [1, 2]


@pytest.mark.parametrize("minutes", [125, -10, 2**200])
def test_once__feed_says_nonsense__other_policies_go_on(world: KeptWorld, minutes: int) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + MARGIN_S)
    world.command()
    world.push(minutes, LATE_S)

    result = world.command()

    assert (result.exit_code, world.state(number), world.transactions()) == (0, "Active", 1)


def test_once__feed_gone__other_policies_go_on(world: KeptWorld) -> None:
    other = world.deploy_feed()
    silent, sound = world.fund(feed=other), world.fund()
    world.node.rpc("anvil_setCode", other, "0x5f5ffd")  # PUSH0 PUSH0 REVERT
    world.push(130, LATE_S)

    result = world.command()

    assert result.exit_code == 0, result.stderr
    assert (world.state(silent), world.state(sound)) == ("Active", "Claimable")


def test_once__draft_open_and_failed__left_alone(world: KeptWorld) -> None:
    draft, failed = world.draft(), world.draft(payout=PAYOUT + 1)
    world.send(world.contract.functions.failUnderwriting(failed), LEADER)
    world.at(CLAIM_DEADLINE_S * 2 - ACTIVE_TO_S)

    result = world.command()

    assert (result.exit_code, world.transactions()) == (0, 0)
    assert (world.state(draft), world.state(failed)) == ("Draft", "Failed")


def test_once__several_leaders__all_or_those_that_are_named(world: KeptWorld) -> None:
    mine, others = world.fund(), world.fund(OTHER_LEADER)
    world.at(ACTIVE_FROM_S + MARGIN_S)

    world.command("--leader", world.address(OTHER_LEADER))
    assert (world.state(mine), world.state(others)) == ("Funded", "Active")
    world.command()

    assert (world.state(mine), world.state(others), world.transactions()) == ("Active", "Active", 2)


def test_once__beneficiary_denied__credited_and_the_policy_is_settled(world: KeptWorld) -> None:
    number = world.fund()
    world.push(130, LATE_S)
    world.command()
    world.send(world.usdc.functions.blacklist(world.address(BENEFICIARY)), DEPLOYER)
    world.send(world.contract.functions.approveClaim(number), LEADER)

    result = world.command()

    assert result.exit_code == 0, result.stderr
    assert world.state(number) == "Settled"
    assert world.contract.functions.credit(world.address(BENEFICIARY)).call() == PAYOUT


def test_once__somebody_else_was_first__costs_nothing(world: KeptWorld) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + MARGIN_S)
    world.send(world.contract.functions.activatePolicy(number), STRANGER)

    world.command()

    assert (world.state(number), world.transactions()) == ("Active", 0)


def test_dry_run__due__shown_and_nothing_sent(world: KeptWorld) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + MARGIN_S)

    result = world.command("--dry-run", LIQPASS_KEEPER_PASSPHRASE="")

    assert result.exit_code == 0, result.stderr
    assert "1 policies live, 1 with something due" in result.stdout
    assert re.search(rf"would activate {re.escape(format_policy_id(number))}: \d+ gas", result.stdout)
    assert "dry run: nothing was sent" in result.stdout
    assert (world.state(number), world.transactions()) == ("Funded", 0)
    assert not (world.folder / "journal").exists()


def test_once__no_ether__says_so_and_sends_nothing(world: KeptWorld) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + MARGIN_S)
    world.node.rpc("anvil_setBalance", world.address(KEEPER), "0x1")

    result = world.command()

    assert (result.exit_code, "holds 1 wei and needs up to" in result.stderr) == (1, True)
    assert (world.state(number), world.transactions()) == ("Funded", 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"LIQPASS_KEEPER_PASSPHRASE": "wrong"}, "the passphrase is wrong"),
        ({"LIQPASS_CHAIN_ID": "84532"}, "is of chain 31337, settings say 84532"),
        ({"LIQPASS_DEPLOYMENT": "/nowhere.json"}, "no deployment record at /nowhere.json"),
    ],
)
def test_once__settings_that_cannot_work__one_clear_line(
    world: KeptWorld, changes: dict[str, str], words: str
) -> None:
    result = world.command(**changes)

    assert (result.exit_code, words in result.stderr) == (1, True), result.stderr
    assert PASSPHRASE not in result.stdout + result.stderr


def test_once__record_without_the_contract__says_so(world: KeptWorld) -> None:
    (world.folder / "local.json").write_text('{"chainId": 31337, "contracts": {}}')

    result = world.command()

    assert (result.exit_code, "has no address for OpenParametric" in result.stderr) == (1, True)


@pytest.mark.parametrize("step", STEPS)
def test_round__killed_at_each_step_and_run_again__done_once_by_one_transaction(
    world: KeptWorld, step: EventKind
) -> None:
    number = world.fund()
    world.push(130, LATE_S)

    def on_event(event: Event) -> None:
        if event.kind is step:
            die()

    assert in_child(partial(world.round, on_event=on_event)) == -signal.SIGKILL
    world.round()

    assert (world.state(number), world.transactions()) == ("Claimable", 1)
    assert len(world.events("ClaimCreated")) == 1


def test_round__killed_after_signing_and_others_do_it__nothing_is_sent(world: KeptWorld) -> None:
    number = world.fund()
    world.push(130, LATE_S)

    def on_event(event: Event) -> None:
        if event.kind is EventKind.SIGNED:
            die()

    in_child(partial(world.round, on_event=on_event))
    world.send(world.contract.functions.checkOracle(number), STRANGER)
    done = world.round()

    assert (world.state(number), done.failed) == ("Claimable", 0)
    assert len(world.events("ClaimCreated")) == 1


def test_round__feed_that_answers_otherwise_once_a_check_is_sent__costs_four_transactions(
    world: KeptWorld,
) -> None:
    number = world.fund()

    def deceive(event: Event) -> None:
        if event.kind is EventKind.SENDING:
            world.node.set_automine(False)
            fees = {"maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**11}
            call = world.feed.functions.push(110)
            call.transact({"from": world.address(DEPLOYER), "gas": 200_000, **fees})
        if event.kind is EventKind.ANSWERED:
            world.node.set_automine(True)
            world.node.mine()

    failed = []
    for attempt in range(6):
        world.push(130, LATE_S + 60 * attempt)
        failed.append(world.round(on_event=deceive).failed)

    assert (world.state(number), world.transactions()) == ("Active", 4)
    assert failed == [0, 0, 0, 0, 1, 1]
    assert [checked["delayMinutes"] for checked in world.events("OracleChecked")] == [110] * 4


def test_round__reorganised__done_again_on_the_new_chain(world: KeptWorld) -> None:
    number = world.fund()
    world.push(130, LATE_S)
    world.round()
    assert world.state(number) == "Claimable"

    world.node.reorg(1)
    assert world.state(number) == "Funded"
    done = world.round()

    assert (world.state(number), done.failed) == ("Claimable", 0)
    assert len(world.events("ClaimCreated")) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_watching__killed_restarted_and_ended__goes_on_where_it_was(
    world: KeptWorld, how: signal.Signals
) -> None:
    number = world.fund()
    world.at(ACTIVE_FROM_S + MARGIN_S)
    with world.process() as keeper:
        assert keeper.stderr is not None
        next(line for line in iter(keeper.stderr.readline, "") if "action=activate" in line)
        keeper.kill()
    world.push(130, DEPARTURE_S + 7_800)

    with world.process() as keeper:
        assert keeper.stderr is not None
        next(line for line in iter(keeper.stderr.readline, "") if "action=check" in line)
        keeper.send_signal(how)
        out, _ = keeper.communicate(timeout=60)

    assert (keeper.returncode, out) == (0, "ended\n")
    assert (world.state(number), world.transactions()) == ("Claimable", 2)


def test_two_keepers_with_one_journal__the_second_refuses(world: KeptWorld) -> None:
    with world.process():
        result = world.command()

    assert (result.exit_code, "Error: another process is sending with" in result.stderr) == (1, True)


def test_refunds__after_the_keeper_expired_it__each_insurer_has_its_escrow(world: KeptWorld) -> None:
    before = [world.balance(insurer) for insurer in INSURERS]
    number = world.fund()
    world.at(ACTIVE_TO_S + 1 + MARGIN_S)
    world.command()

    for index, insurer in enumerate(INSURERS):
        world.send(world.contract.functions.refund(number, index, world.address(insurer)), insurer)

    assert [world.balance(insurer) for insurer in INSURERS] == before

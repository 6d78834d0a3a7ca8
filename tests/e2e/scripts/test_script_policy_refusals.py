"""`ape run policy` where something cannot be done: who, when and what instead; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from operator_world import DEPLOYER
from policy_world import (
    ACTIVE_FROM_S,
    ACTIVE_TO_S,
    ANYONE,
    CLAIM_DEADLINE_S,
    DEADLINE_S,
    INSURERS,
    LATE_S,
    LEADER,
    POLICY_OPERATOR,
    PolicyWorld,
)

VERBS = ("open", "fail", "accept", "reject", "activate", "check", "approve", "reject-claim", "settle")


@pytest.mark.parametrize("verb", [*VERBS, "expire", "refund", "show"])
def test_any__unknown_policy__refused(policies: PolicyWorld, verb: str) -> None:
    account = None if verb == "show" else LEADER

    policies.refused(f"there is no policy {policies.name}", verb, policies.name, account=account)


@pytest.mark.parametrize("text", ["7/1", "0x12/1", "0x" + "ab" * 20 + "/0", "one"])
def test_any__malformed_policy__says_what_a_policy_is(policies: PolicyWorld, text: str) -> None:
    result = policies.ape("open", text)

    assert result.exit_code == 2
    assert "not a policy such as 0x…/1" in result.output


def test_any__policy_by_its_number__is_the_same(policies: PolicyWorld) -> None:
    policies.drafted()

    assert f"{policies.name} is Open" in policies.done("open", str(policies.number))


WRONG_STATES: dict[str, tuple[Callable[[PolicyWorld], str], str]] = {
    "open": (PolicyWorld.opened, "is Open: open is not possible"),
    "fail": (PolicyWorld.funded, "is Funded: fail is not possible"),
    "activate": (PolicyWorld.opened, "is Open: activate is not possible"),
    "check": (PolicyWorld.claimable, "is Claimable: check is not possible, only approve, reject-claim"),
    "approve": (PolicyWorld.active, "is Active: approve is not possible"),
    "reject-claim": (PolicyWorld.approved, "is Approved: reject-claim is not possible, only settle"),
    "settle": (PolicyWorld.claimable, "is Claimable: settle is not possible"),
    "expire": (PolicyWorld.claimable, "is Claimable: expire is not possible"),
}


@pytest.mark.parametrize("verb", WRONG_STATES)
def test_any__wrong_state__refused_with_what_is_possible(policies: PolicyWorld, verb: str) -> None:
    scene, words = WRONG_STATES[verb]

    policies.refused(words, verb, scene(policies))


def test_insurers__wrong_state__refused(policies: PolicyWorld) -> None:
    name = policies.drafted()

    for verb in ("accept", "reject", "refund"):
        policies.refused(f"is Draft: {verb} is not possible", verb, name, account=INSURERS[0])


def test_leaders__wrong_account__refused(policies: PolicyWorld) -> None:
    name = policies.drafted()
    stranger, leader = policies.world.address(ANYONE), policies.world.address(LEADER)

    policies.refused(f"{stranger} may not open: only leader {leader} may", "open", name, account=ANYONE)


def test_insurers__wrong_account__refused(policies: PolicyWorld) -> None:
    name = policies.opened()

    for verb in ("accept", "reject", "refund"):
        words = f"{policies.world.address(ANYONE)} insures no share of {name}"
        policies.refused(words, verb, name, account=ANYONE)


def test_deciders__wrong_account__refused(policies: PolicyWorld) -> None:
    name = policies.claimable()
    deciders = (
        f"leader {policies.world.address(LEADER)} or policy operator "
        f"{policies.world.address(POLICY_OPERATOR)}"
    )

    policies.refused(f"only {deciders} may", "reject-claim", name, account=ANYONE)
    policies.refused(f"{deciders} may now", "approve", name, account=ANYONE)


def test_any__too_early__says_from_when(policies: PolicyWorld) -> None:
    name = policies.funded()

    policies.refused("too early to activate", "activate", name)
    policies.refused("too early to check", "check", name)
    policies.refused("too early to expire", "expire", name)


def test_accept__too_late__says_until_when(policies: PolicyWorld) -> None:
    name = policies.opened()
    policies.at(DEADLINE_S + 1)

    policies.refused("too late to accept: it was possible until", "accept", name, account=INSURERS[0])


def test_activate__too_late__says_until_when(policies: PolicyWorld) -> None:
    name = policies.funded()
    policies.at(ACTIVE_TO_S + 1)

    policies.refused("too late to activate", "activate", name)


def test_reject_claim__after_the_window__refused(policies: PolicyWorld) -> None:
    name = policies.claimable()
    policies.at(policies.now_s + 259_201)

    policies.refused("too late to reject-claim", "reject-claim", name)


def test_expire__in_the_last_second_of_claims__refused(policies: PolicyWorld) -> None:
    name = policies.active()
    policies.at(CLAIM_DEADLINE_S)

    policies.refused("too early to expire", "expire", name)


READINGS: dict[str, tuple[Callable[[PolicyWorld], None], str]] = {
    "never reported": (lambda world: world.at(LATE_S), "the feed has never reported"),
    "format": (lambda world: world.push(125, LATE_S), "which is not a delay in steps of 10"),
    "forecast": (
        lambda world: (world.push(130, ACTIVE_FROM_S + 600), world.at(LATE_S))[1],
        "a delay of 120 minutes is a forecast",
    ),
    "stale": (
        lambda world: (world.push(130, LATE_S), world.at(LATE_S + 1_801))[1],
        "the reading is 1801 s old, allowed are 1800 s",
    ),
}


@pytest.mark.parametrize("name", READINGS)
def test_check__reading_that_does_not_count__refused(policies: PolicyWorld, name: str) -> None:
    policy = policies.active()
    change, words = READINGS[name]
    change(policies)

    policies.refused(words, "check", policy, account=ANYONE)


def test_check__description_changed__refused(policies: PolicyWorld) -> None:
    name = policies.active()
    policies.push(130, LATE_S)
    policies.world.send(policies.feed.functions.setDescription("KE082"), DEPLOYER)

    policies.refused("description is not the one that was agreed to", "check", name, account=ANYONE)


def test_accept__short_balance__says_what_is_missing(policies: PolicyWorld) -> None:
    name = policies.drafted(payout="1000.00")
    policies.done("open", name)
    insurer = policies.world.address(INSURERS[1])
    held = policies.world.balance(insurer) / 10**6

    for way in ([], ["--permit"]):
        words = f"{insurer} holds {held:.2f} USDC and needs 350.00"
        policies.refused(words, "accept", name, *way, account=INSURERS[1])


def test_accept__denied_or_paused__refused(policies: PolicyWorld) -> None:
    name, usdc = policies.opened(), policies.world.usdc.functions
    policies.world.send(usdc.blacklist(policies.world.address(INSURERS[0])), DEPLOYER)

    policies.refused("has denied", "accept", name, account=INSURERS[0])
    policies.world.send(usdc.pause(), DEPLOYER)
    policies.refused("USDC is paused by its issuer", "accept", name, account=INSURERS[1])


def test_accept__other_terms_than_agreed__refused(policies: PolicyWorld) -> None:
    name = policies.opened()

    policies.refused(
        "has other terms than were agreed to",
        "accept",
        name,
        "--terms",
        policies.terms(payout="1.01"),
        account=INSURERS[0],
    )
    policies.refused(
        "has other terms than were agreed to",
        "accept",
        name,
        "--terms-hash",
        "0x" + "12" * 32,
        account=INSURERS[0],
    )


@pytest.mark.parametrize("way", [[], ["--permit"]], ids=["allowance", "permit"])
def test_accept__dry_run__shows_the_terms_and_sends_nothing(policies: PolicyWorld, way: list[str]) -> None:
    name = policies.opened()
    before = policies.world.nonces(), policies.held()

    output = policies.done("accept", name, *way, "--dry-run", account=INSURERS[2])

    assert "1.00 USDC from 120 minutes of delay on" in output
    assert "dry run: nothing was sent" in output
    assert (policies.world.nonces(), policies.held()) == before


def test_accept__twice__refused_the_second_time(policies: PolicyWorld) -> None:
    name = policies.opened()
    policies.done("accept", name, account=INSURERS[0])

    policies.refused("is Open: accept is not possible", "accept", name, account=INSURERS[0])


def test_refund__twice__refused_the_second_time(policies: PolicyWorld) -> None:
    name = policies.failed()
    policies.done("refund", name, account=INSURERS[0])

    policies.refused("was refunded already", "refund", name, account=INSURERS[0])
    policies.refused("refund is not possible", "refund", name, account=INSURERS[1])


def test_refund__to_a_contract_that_would_keep_it__refused(policies: PolicyWorld) -> None:
    name = policies.failed()

    for receiver in (policies.contract.address, policies.world.usdc.address):
        policies.refused("would keep it for ever", "refund", name, "--to", receiver, account=INSURERS[0])

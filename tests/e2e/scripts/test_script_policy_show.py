"""`ape run policy show` and `list`."""

from __future__ import annotations

import json
from typing import Any

from operator_world import DEPLOYER
from policy_world import (
    CLAIM_DEADLINE_S,
    DEADLINE_S,
    INSURERS,
    LATE_S,
    LEADER,
    POLICY_OPERATOR,
    STRANGER,
    WINDOW_S,
    PolicyWorld,
)


def shown(policies: PolicyWorld) -> dict[str, Any]:
    output = policies.done("show", policies.name, "--json", account=None)
    return dict(json.loads(output[output.index("{") :]))


def listed(policies: PolicyWorld, *options: str) -> list[tuple[str, str]]:
    output = policies.done("list", "--json", *options, account=None)
    return [(policy["policy"], policy["state"]) for policy in json.loads(output[output.index("[") :])]


def test_show__open__says_who_owes_what_until_when(policies: PolicyWorld) -> None:
    name = policies.opened()
    policies.accept(0, INSURERS[0])

    output = policies.done("show", name, account=None)
    found = shown(policies)

    assert f"policy {name}: Open" in output
    assert output.count("owes its escrow") == 2
    assert [(share["escrowUsdc"], share["status"]) for share in found["shares"]] == [
        ("0.40", "Accepted"),
        ("0.35", "Pending"),
        ("0.25", "Pending"),
    ]
    second, leader = policies.world.address(INSURERS[1]), policies.world.address(LEADER)
    assert {"action": "accept", "by": f"insurer {second}", "share": 1} | {
        "from": None,
        "until": DEADLINE_S,
        "now": True,
    } in found["actions"]
    fails = [action for action in found["actions"] if action["action"] == "fail"]
    assert [(fail["by"], fail["from"], fail["now"]) for fail in fails] == [
        (f"leader {leader}", None, True),
        ("anyone", DEADLINE_S + 1, False),
    ]


def test_show__active__says_what_the_feed_reports(policies: PolicyWorld) -> None:
    policies.active()

    assert shown(policies)["notes"] == ["feed: the feed has never reported"]
    policies.push(110, LATE_S)
    assert shown(policies)["notes"] == ["feed: round 1, 110 minutes: makes no claim"]
    policies.push(9990, LATE_S + 600)
    assert shown(policies)["notes"] == ["feed: round 2, 9990 (cancelled): makes a claim"]
    assert shown(policies)["claimDeadline"] == CLAIM_DEADLINE_S


def test_show__claimable__says_who_may_decide_until_when(policies: PolicyWorld) -> None:
    name = policies.claimable()
    made_s = policies.now_s

    found = shown(policies)

    assert found["claim"] == {"round": 1, "delayMinutes": 130, "verifiedAt": made_s, "approvedBy": None}
    assert found["approvalWindowEnds"] == made_s + WINDOW_S
    deciders = (
        f"leader {policies.world.address(LEADER)} or policy operator "
        f"{policies.world.address(POLICY_OPERATOR)}"
    )
    assert [(action["action"], action["by"], action["now"]) for action in found["actions"]] == [
        ("approve", deciders, True),
        ("approve", "anyone", False),
        ("reject-claim", deciders, True),
    ]
    output = policies.done("show", name, account=None)
    assert "claim of round 1: 130 minutes" in output
    assert "approval window until" in output


def test_show__failed__says_what_may_be_refunded(policies: PolicyWorld) -> None:
    name = policies.failed()

    assert policies.done("show", name, account=None).count("may be refunded") == 1


def test_show__names_with_markup_and_a_feed_that_changed__shown_as_they_are(policies: PolicyWorld) -> None:
    name = policies.drafted(flight="[/]", route="[red]x")
    assert "'KE081 2026-03-15 ICN departure delay, minutes'" in policies.done("show", name, account=None)
    policies.world.send(policies.feed.functions.setDescription("[/]\x1b[31m"), DEPLOYER)

    output = policies.done("show", name, account=None)

    assert "[/] [red]x, departure" in output
    assert r"'[/]\x1b[31m': NOT the one that was agreed to" in output
    assert "[/] [red]x" in policies.done("list", account=None)


def test_list__several__by_leader_insurer_and_state(policies: PolicyWorld) -> None:
    first = policies.opened()
    shares = [{"insurer": policies.world.address(INSURERS[1]), "bps": 10_000}]
    second = policies.drafted(shares=shares)

    assert listed(policies) == [(first, "Open"), (second, "Draft")]
    assert listed(policies, "--state", "draft") == [(second, "Draft")]
    assert listed(policies, "--insurer", policies.world.address(INSURERS[0])) == [(first, "Open")]
    assert listed(policies, "--leader", policies.world.address(STRANGER)) == []
    output = policies.done("list", account=None)
    assert "2 policies" in output
    assert first in output and second in output

"""What `life` tells a keeper is what the contract lets anybody do: by state, on both sides of each bound."""

from typing import Any

import pytest
from flight_policies import (
    ACTIVE_FROM,
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_DEADLINE,
    DELAYED_SINCE,
    FOREVER,
    UNDERWRITING_DEADLINE,
)
from liqpass.domain.parametric.life import SHARE_STATUSES, STATES, Action, Life, PolicyState, for_anyone
from reverts import reverts_with

FUNCTIONS = {
    Action.FAIL: "failUnderwriting",
    Action.ACTIVATE: "activatePolicy",
    Action.CHECK: "checkOracle",
    Action.APPROVE: "approveClaim",
    Action.SETTLE: "settleClaim",
    Action.EXPIRE: "expirePolicy",
}
IN_STATES = {
    Action.FAIL: ("Draft", "Open"),
    Action.ACTIVATE: ("Funded",),
    Action.CHECK: ("Funded", "Active"),
    Action.APPROVE: ("Claimable",),
    Action.SETTLE: ("Approved",),
    Action.EXPIRE: ("Funded", "Active"),
}


def life_of(contract: Any, policy: int) -> Life:
    """As the chain has it now."""
    shown = contract.policies(policy)
    return Life(
        state=STATES[contract.state(policy)],
        shares=tuple(
            SHARE_STATUSES[contract.shareStatus(policy, index)] for index in range(shown.shareCount)
        ),
        threshold_minutes=shown.thresholdMinutes,
        departure_s=shown.departure,
        underwriting_deadline_s=shown.underwritingDeadline,
        active_from_s=shown.activeFrom,
        active_to_s=shown.activeTo,
        claim_deadline_s=shown.claimDeadline,
        approval_window_s=shown.approvalWindow,
        verified_at_s=shown.verifiedAt,
        rejection_spent=shown.rejectionSpent,
        policyholders=shown.policyholders,
        uncovered=shown.payout - shown.coverage,
    )


def refusal(action: Action, life: Life, policy: int, anybody: Any, feed: Any, now: int) -> tuple[str, dict]:
    """The error, with its inputs, of an action that anybody may not take at `now`."""
    if life.state not in IN_STATES[action]:
        return "InvalidState", {"id": policy, "state": STATES.index(life.state)}
    if action in (Action.FAIL, Action.APPROVE):
        return "Unauthorized", {"id": policy, "caller": anybody}
    if action is Action.EXPIRE:
        end = CLAIM_DEADLINE if life.state is PolicyState.ACTIVE else ACTIVE_TO
        return "InvalidTimeWindow", {"time": now, "earliest": end + 1, "latest": FOREVER}
    if life.state is PolicyState.FUNDED and not ACTIVE_FROM <= now <= ACTIVE_TO:
        return "InvalidTimeWindow", {"time": now, "earliest": ACTIVE_FROM, "latest": ACTIVE_TO}
    if now > CLAIM_DEADLINE:
        return "InvalidTimeWindow", {"time": now, "earliest": 0, "latest": CLAIM_DEADLINE}
    return "OracleStale", {"feed": feed, "updatedAt": now, "earliest": DELAYED_SINCE, "latest": now}


@pytest.mark.parametrize(
    ("state", "bound"),
    [
        ("Draft", UNDERWRITING_DEADLINE + 1),
        ("Open", UNDERWRITING_DEADLINE + 1),
        ("Funded", ACTIVE_FROM),
        ("Funded", DELAYED_SINCE),
        ("Funded", ACTIVE_TO + 1),
        ("Active", DELAYED_SINCE),
        ("Active", CLAIM_DEADLINE + 1),
        ("Claimable", None),
        ("Approved", ACTIVE_TO),
        ("Settled", CLAIM_DEADLINE + 1),
        ("Expired", CLAIM_DEADLINE + 9_000),
        ("Failed", CLAIM_DEADLINE + 1),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_for_anyone__both_sides_of_a_bound__exactly_what_the_contract_takes(
    chain, parametric, scene, feed, feed_owner, stranger, clock, state, bound, before
):
    policy = scene.reach(state)
    life = life_of(parametric, policy)
    now = (bound or life.verified_at_s + APPROVAL_WINDOW_S + 1) - before
    clock.next_block_at(now - 1)
    round_id = feed.latestRoundData()[0] + 1
    feed.pushRound(round_id, 130, now, sender=feed_owner)  # of the very second in which it is read
    told = {step.action for step in for_anyone(life, now)}

    assert life.state == state
    for action, function in FUNCTIONS.items():
        with chain.isolate():
            clock.next_block_at(now)
            if action in told:
                getattr(parametric, function)(policy, sender=stranger)
                continue
            error, inputs = refusal(action, life, policy, stranger, feed, now)
            with reverts_with(getattr(parametric, error), **inputs):
                getattr(parametric, function)(policy, sender=stranger)

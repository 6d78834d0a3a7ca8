"""The rules that people see before they send are the contract's: same verdict, same hash, same escrows."""

from dataclasses import replace
from typing import Any

import pytest
from clock import DAY_S
from flight_policies import (
    ACTIVE_FROM,
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_GRACE_S,
    DELAYED_SINCE,
    DEPARTURE,
    DESCRIPTION,
    PAYOUT,
    THRESHOLD_MINUTES,
    UNDERWRITING_DEADLINE,
    policy_id,
)
from liqpass.domain.parametric.escrow import escrows
from liqpass.domain.parametric.terms import NOBODY, Share, Terms, terms_hash
from liqpass.domain.parametric.terms_check import Surroundings, faults
from reverts import reverts_with

NOW = UNDERWRITING_DEADLINE - DAY_S
MONTH_S = 30 * DAY_S


@pytest.fixture
def agreed(beneficiary: Any, policy_operator: Any, feed: Any) -> Terms:
    return Terms(
        route="ICN-JFK",
        flight="KE081",
        departure_s=DEPARTURE,
        threshold_minutes=THRESHOLD_MINUTES,
        payout=PAYOUT,
        beneficiary=beneficiary.address.lower(),
        operator=policy_operator.address.lower(),
        feed=feed.address.lower(),
        feed_description=DESCRIPTION,
        underwriting_deadline_s=UNDERWRITING_DEADLINE,
        active_from_s=ACTIVE_FROM,
        active_to_s=ACTIVE_TO,
        approval_window_s=APPROVAL_WINDOW_S,
        claim_grace_s=CLAIM_GRACE_S,
    )


@pytest.fixture
def parts(insurers: tuple[Any, ...]) -> tuple[Share, ...]:
    return tuple(
        Share(insurer.address.lower(), bps)
        for insurer, bps in zip(insurers, (4_000, 3_500, 2_500), strict=True)
    )


@pytest.fixture
def around(parametric: Any, usdc: Any, feed: Any) -> Surroundings:
    return Surroundings(
        NOW, parametric.address.lower(), usdc.address.lower(), feed.decimals(), feed.description()
    )


@pytest.fixture
def create(parametric: Any, leader: Any, clock: Any) -> Any:
    """createPolicy in a block at NOW."""

    def send(terms: Terms, shares: tuple[Share, ...]) -> Any:
        clock.next_block_at(NOW)
        return parametric.createPolicy(
            terms.as_arguments(), [share.as_arguments() for share in shares], sender=leader
        )

    return send


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"payout": 1},
        {"payout": 2**96 - 1},
        {"operator": None},
        {"threshold_minutes": 10},
        {"threshold_minutes": 830},
        {"threshold_minutes": 9_980, "active_to_s": DEPARTURE + 60 * 9_980 + 1},
        {"underwriting_deadline_s": NOW + 1},
        {"underwriting_deadline_s": ACTIVE_FROM},
        {"active_from_s": DEPARTURE},
        {"active_to_s": DELAYED_SINCE + 1},
        {"active_to_s": NOW + 400 * DAY_S},
        {"approval_window_s": 3_600, "claim_grace_s": 3_600},
        {"approval_window_s": MONTH_S, "claim_grace_s": MONTH_S},
    ],
)
def test_faults__none_at_a_bound__contract_takes_the_terms_under_the_same_hash(
    parametric, leader, create, agreed, parts, around, changes
):
    terms = replace(agreed, **changes)
    assert faults(terms, parts, around) == ()

    create(terms, parts)

    policy = policy_id(leader, 1)
    assert bytes(parametric.policies(policy).termsHash) == terms_hash(terms, parts)
    assert tuple(parametric.escrowOf(policy, index) for index in range(3)) == escrows(
        terms.payout, [share.bps for share in parts]
    )
    assert parametric.claimDeadline(policy) == terms.claim_deadline_s


@pytest.mark.parametrize(
    ("changes", "error", "inputs"),
    [
        ({"payout": 0}, "InvalidAmount", {"amount": 0, "max": 2**96 - 1}),
        ({"threshold_minutes": 0}, "InvalidDelayThreshold", {"thresholdMinutes": 0}),
        ({"threshold_minutes": 125}, "InvalidDelayThreshold", {"thresholdMinutes": 125}),
        (
            {"underwriting_deadline_s": NOW},
            "InvalidTimeWindow",
            {"time": NOW, "earliest": NOW + 1, "latest": ACTIVE_FROM},
        ),
        (
            {"underwriting_deadline_s": ACTIVE_FROM + 1},
            "InvalidTimeWindow",
            {"time": ACTIVE_FROM + 1, "earliest": NOW + 1, "latest": ACTIVE_FROM},
        ),
        (
            {"active_from_s": DEPARTURE + 1},
            "InvalidTimeWindow",
            {"time": DEPARTURE + 1, "earliest": UNDERWRITING_DEADLINE, "latest": DEPARTURE},
        ),
        (
            {"active_to_s": DELAYED_SINCE},
            "InvalidTimeWindow",
            {"time": DELAYED_SINCE, "earliest": DELAYED_SINCE + 1, "latest": NOW + 400 * DAY_S},
        ),
        (
            {"active_to_s": NOW + 400 * DAY_S + 1},
            "InvalidTimeWindow",
            {
                "time": NOW + 400 * DAY_S + 1,
                "earliest": DELAYED_SINCE + 1,
                "latest": NOW + 400 * DAY_S,
            },
        ),
        (
            {"approval_window_s": 3_599},
            "InvalidTimeWindow",
            {"time": 3_599, "earliest": 3_600, "latest": MONTH_S},
        ),
        (
            {"claim_grace_s": MONTH_S + 1},
            "InvalidTimeWindow",
            {"time": MONTH_S + 1, "earliest": 3_600, "latest": MONTH_S},
        ),
        ({"beneficiary": NOBODY}, "InvalidInput", {"field": "beneficiary", "value": 0}),
    ],
)
def test_faults__one__contract_refuses_the_terms(
    parametric, create, agreed, parts, around, changes, error, inputs
):
    terms = replace(agreed, **changes)
    assert len(faults(terms, parts, around)) == 1

    with reverts_with(getattr(parametric, error), **inputs):
        create(terms, parts)


@pytest.mark.parametrize("unfit", ["parametric", "usdc"])
def test_faults__beneficiary_is_usdc_or_the_contract__contract_refuses_it(
    parametric, request, create, agreed, parts, around, unfit
):
    address = request.getfixturevalue(unfit).address
    terms = replace(agreed, beneficiary=address.lower())
    assert len(faults(terms, parts, around)) == 1

    with reverts_with(parametric.InvalidInput, field="beneficiary", value=int(address, 16)):
        create(terms, parts)

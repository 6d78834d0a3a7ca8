"""The policy of the examples: KE081 of 15 March 2026 from Seoul, insured by three."""

from liqpass.domain.parametric.life import Life, PolicyState, ShareStatus
from liqpass.domain.parametric.terms import Share, Terms
from liqpass.domain.parametric.terms_check import Surroundings

DEPARTURE_S = 1_773_568_800
ACTIVE_FROM_S, ACTIVE_TO_S = 1_773_532_800, 1_773_619_200
DEADLINE_S = 1_773_446_400
CLAIM_DEADLINE_S = ACTIVE_TO_S + 86_400
LATE_S = DEPARTURE_S + 7_200
NOW_S = 1_773_400_000
DESCRIPTION = "KE081 2026-03-15 ICN departure delay, minutes"
FEED = "0x00000000000000000000000000000000000feed1"
CONTRACT, USDC = "0x" + "c0" * 20, "0x" + "dc" * 20

TERMS = Terms(
    route="ICN-JFK",
    flight="KE081",
    departure_s=DEPARTURE_S,
    threshold_minutes=120,
    payout=1_000_000,
    beneficiary="0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
    operator="0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
    feed=FEED,
    feed_description=DESCRIPTION,
    underwriting_deadline_s=DEADLINE_S,
    active_from_s=ACTIVE_FROM_S,
    active_to_s=ACTIVE_TO_S,
    approval_window_s=259_200,
    claim_grace_s=86_400,
)
SHARES = (
    Share("0x976ea74026e726554db657fa54763abd0c3a0aa9", 4_000),
    Share("0x14dc79964da2c08b23698b3d3cc7ca32193d9955", 3_500),
    Share("0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f", 2_500),
)
AROUND = Surroundings(NOW_S, CONTRACT, USDC, feed_decimals=0, feed_description=DESCRIPTION)

LIFE = Life(
    state=PolicyState.DRAFT,
    shares=(ShareStatus.PENDING,) * 3,
    threshold_minutes=120,
    departure_s=DEPARTURE_S,
    underwriting_deadline_s=DEADLINE_S,
    active_from_s=ACTIVE_FROM_S,
    active_to_s=ACTIVE_TO_S,
    claim_deadline_s=CLAIM_DEADLINE_S,
    approval_window_s=259_200,
    verified_at_s=0,
    rejection_spent=False,
    policyholders=0,
    uncovered=1_000_000,
)

"""From a scenario over real HTTP to a verdict: client, simulator and rules mean the same rows."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.responses import RawResponse, rows_of
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.exchange import Exchange
from liqpass.adapters.okx.simulator.faults import Damage, Fault
from liqpass.adapters.okx.simulator.server import SimulatorServer
from liqpass.domain.decision import Decision, Verdict
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import Bundle, Env, StoredRequest, Venue
from liqpass.domain.okx_records import read_open_position
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.position import Subject
from liqpass.domain.reasons import Reason
from liqpass.domain.underwriting import underwrite_position
from liqpass.domain.window import Window
from okx_doubles import NOW_MS, SetClock

HOUR_MS = 3_600_000
WINDOW = Window(NOW_MS + 600_000, NOW_MS + 600_000 + 24 * HOUR_MS)
EVENT_MS = NOW_MS + HOUR_MS


@dataclass(frozen=True)
class Story:
    """A position two hours old, bound at NOW_MS; `claim` judges what OKX shows later."""

    exchange: Exchange
    clock: SetClock
    client: OkxClient
    pos_id: str
    bound: RawResponse

    def close(self, kind: Close, **terms: object) -> None:
        self.clock.time_ms = EVENT_MS
        self.exchange.close_position("trader-1", self.pos_id, kind, **terms)

    def claim(self) -> Decision:
        self.clock.time_ms = NOW_MS + 2 * HOUR_MS
        answers = [self.bound, *self.client.claim_responses("BTC-USDT-SWAP", self.pos_id)]
        bundle = Bundle(
            claim_id="5b3c3a0e-7d0e-4a7e-9b1c-0d6f6d8f3a11",
            policy_no=1,
            venue=Venue.OKX,
            env=Env.SIMULATOR,
            subject=self.subject,
            window=WINDOW,
            event=None,
            perm_ok=True,
            requests=tuple(stored(raw) for raw in answers),
            salt="00" * 32,
        )
        return decide(bundle, WINDOW, self.subject, CONSERVATIVE)

    @property
    def subject(self) -> Subject:
        (row,) = rows_of(self.bound)
        return Subject(read_open_position(row).key, "11" * 32)


def stored(raw: RawResponse) -> StoredRequest:
    return StoredRequest(
        raw.method, raw.path, raw.http_status, raw.requested_at_ms, raw.received_at_ms, raw.body.decode()
    )


@pytest.fixture
def story(server: SimulatorServer, clock: SetClock, client: OkxClient) -> Story:
    position = server.exchange.open_position(
        "trader-1", "BTC-USDT-SWAP", contracts=Decimal(10), age_ms=2 * HOUR_MS
    )
    (bound,) = client.positions().responses
    return Story(server.exchange, clock, client, position.pos_id, bound)


def test_underwriting__default_position__accepted(story: Story) -> None:
    assert underwrite_position(stored(story.bound), story.subject.key, NOW_MS, CONSERVATIVE) == ()


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (Close.FULL_LIQUIDATION, Verdict.ELIGIBLE),
        (Close.PARTIAL_LIQUIDATION, Verdict.NEEDS_REVIEW),
        (Close.ADL, Verdict.NOT_ELIGIBLE),
        (Close.ADL_PARTIAL, Verdict.NOT_ELIGIBLE),
        (Close.DELIVERY, Verdict.NOT_ELIGIBLE),
        (Close.MANUAL, Verdict.NOT_ELIGIBLE),
        (Close.MANUAL_PARTIAL, Verdict.NOT_ELIGIBLE),
    ],
)
def test_verdict__each_way_to_end__as_the_table_says(story: Story, kind: Close, verdict: Verdict) -> None:
    story.close(kind)

    assert story.claim().verdict is verdict


def test_verdict__full_liquidation__event_and_payout(story: Story) -> None:
    story.close(Close.FULL_LIQUIDATION)

    decision = story.claim()

    assert decision.event is not None
    assert (decision.event.kind, decision.event.time_ms) == ("full_liquidation", EVENT_MS)
    assert decision.reasons == (Reason.LIQUIDATED_IN_WINDOW,)
    assert decision.payout == CONSERVATIVE.payout_cap


def test_verdict__full_liquidation_among_250_orders_and_120_rows__eligible(story: Story) -> None:
    story.close(Close.FULL_LIQUIDATION)
    for rows, count in (("orders", 250), ("positions", 120)):
        story.exchange.add_filler(
            "trader-1",
            rows,
            "BTC-USDT-SWAP",
            count,
            newest_ms=NOW_MS - 3 * HOUR_MS,
            step_ms=1000,
            pos_id=story.pos_id,
        )

    assert story.claim().verdict is Verdict.ELIGIBLE


def test_verdict__nothing_happened__not_eligible(story: Story) -> None:
    decision = story.claim()

    assert (decision.verdict, decision.reasons) == (Verdict.NOT_ELIGIBLE, (Reason.POSITION_STILL_OPEN,))


@pytest.mark.parametrize("at_ms", [WINDOW.start_ms - 60_000, WINDOW.end_ms + 60_000])
def test_verdict__liquidated_outside_the_window__not_eligible(story: Story, at_ms: int) -> None:
    story.close(Close.FULL_LIQUIDATION, at_ms=at_ms)

    assert story.claim().verdict is Verdict.NOT_ELIGIBLE


def test_verdict__partial_liquidation_then_manual_close__needs_review(story: Story) -> None:
    story.close(Close.PARTIAL_LIQUIDATION)
    story.close(Close.MANUAL)

    assert story.claim().verdict is Verdict.NEEDS_REVIEW


def test_verdict__later_position_with_the_same_pos_id_liquidated__not_eligible(story: Story) -> None:
    story.close(Close.MANUAL)
    story.clock.time_ms = EVENT_MS + 60_000
    story.exchange.open_position("trader-1", "BTC-USDT-SWAP", contracts=Decimal(10))
    story.clock.time_ms = EVENT_MS + 120_000
    story.exchange.close_position("trader-1", story.pos_id, Close.FULL_LIQUIDATION)

    assert story.claim().verdict is Verdict.NOT_ELIGIBLE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lever": Decimal(10)}, Reason.LEVERAGE_RAISED),
        ({"margin_change": Decimal(-1000)}, Reason.MARGIN_WITHDRAWN),
    ],
)
def test_verdict__position_made_riskier_after_binding__needs_review(
    story: Story, change: dict[str, Decimal], reason: Reason
) -> None:
    story.exchange.adjust("trader-1", story.pos_id, **change)
    story.close(Close.FULL_LIQUIDATION)

    decision = story.claim()

    assert decision.verdict is Verdict.NEEDS_REVIEW
    assert reason in decision.reasons


def test_verdict__size_raised_after_binding__needs_review(story: Story) -> None:
    story.clock.time_ms = NOW_MS + 60_000
    story.exchange.increase("trader-1", story.pos_id, Decimal(5))
    story.close(Close.FULL_LIQUIDATION)

    decision = story.claim()

    assert decision.verdict is Verdict.NEEDS_REVIEW
    assert Reason.SIZE_RAISED in decision.reasons


@pytest.mark.parametrize("inst_id", ["BTC-USDT-SWAP", "BTC-USDC-SWAP"])
def test_verdict__hedged_after_binding_and_still_at_the_claim__needs_review(
    story: Story, inst_id: str
) -> None:
    story.clock.time_ms = NOW_MS + 60_000
    story.exchange.open_position("trader-1", inst_id, contracts=Decimal(10), direction="short")
    story.close(Close.FULL_LIQUIDATION)

    decision = story.claim()

    assert decision.verdict is Verdict.NEEDS_REVIEW
    assert decision.reasons == (Reason.LIQUIDATED_IN_WINDOW, Reason.POSITION_HEDGED)


def test_verdict__hedge_in_the_instrument_closed_before_the_claim__needs_review(story: Story) -> None:
    story.clock.time_ms = NOW_MS + 60_000
    hedge = story.exchange.open_position(
        "trader-1", "BTC-USDT-SWAP", contracts=Decimal(10), direction="short"
    )
    story.close(Close.FULL_LIQUIDATION)
    story.exchange.close_position("trader-1", hedge.pos_id, Close.MANUAL)

    decision = story.claim()

    assert decision.verdict is Verdict.NEEDS_REVIEW
    assert decision.reasons == (Reason.LIQUIDATED_IN_WINDOW, Reason.POSITION_HEDGED)


def test_verdict__the_other_way_after_the_liquidation__still_eligible(story: Story) -> None:
    story.close(Close.FULL_LIQUIDATION)
    story.clock.time_ms = EVENT_MS + 60_000
    story.exchange.open_position("trader-1", "BTC-USDT-SWAP", contracts=Decimal(10), direction="short")

    assert story.claim().verdict is Verdict.ELIGIBLE


@pytest.mark.parametrize("column", ["posId", "uTime", "liqPenalty", "realizedPnl"])
def test_verdict__number_instead_of_string__needs_review(
    story: Story, server: SimulatorServer, column: str
) -> None:
    story.close(Close.FULL_LIQUIDATION)
    server.faults.armed.append(Fault(Damage.NUMBER, "/positions-history", column=column))

    decision = story.claim()

    assert decision.verdict is Verdict.NEEDS_REVIEW
    assert Reason.NOT_A_STRING in decision.reasons

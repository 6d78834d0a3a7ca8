"""Every row of the verdict table (facts/okx.md, design §3.1), boundaries to the millisecond."""

import dataclasses
from decimal import Decimal

import pytest
from domain_stories import (
    EVENT_MS,
    OPENED_MS,
    POS_ID,
    SUBJECT,
    WINDOW,
    bundle,
    closed_row,
    order_row,
    position_row,
    requests,
    verdict,
)
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.decision import Verdict
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import Event, parse_bundle
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason

R = Reason
ELIGIBLE, REVIEW, NOT = Verdict.ELIGIBLE, Verdict.NEEDS_REVIEW, Verdict.NOT_ELIGIBLE


def _at(time_ms, **changes):
    """The full liquidation, all its clocks at `time_ms`."""
    return requests(
        closed=[closed_row(uTime=str(time_ms), **changes)], orders=[order_row(fillTime=str(time_ms))]
    )


def test_decide__liquidation_in_window__eligible_up_to_cap():
    decision = verdict()

    assert decision.verdict is ELIGIBLE
    assert decision.reasons == (R.LIQUIDATED_IN_WINDOW,)
    assert decision.event == Event("full_liquidation", EVENT_MS, "-30")
    assert decision.realised_loss == 102_600_000  # 72.00 + 0.60 + 30.00, below the row's 103.21
    assert decision.payout == 50_000_000
    assert decision.rules_version == "liqpass.rules/2"


@pytest.mark.parametrize(
    ("time_ms", "expected", "reason"),
    [
        (WINDOW.start_ms - 1, NOT, R.OUT_OF_COVERAGE_WINDOW),
        (WINDOW.start_ms, ELIGIBLE, R.LIQUIDATED_IN_WINDOW),
        (WINDOW.end_ms - 1, ELIGIBLE, R.LIQUIDATED_IN_WINDOW),
        (WINDOW.end_ms, NOT, R.OUT_OF_COVERAGE_WINDOW),
    ],
)
def test_decide__edges_of_window__to_the_millisecond(time_ms, expected, reason):
    decision = verdict(_at(time_ms))

    assert (decision.verdict, decision.reasons) == (expected, (reason,))


@pytest.mark.parametrize(
    ("lag_ms", "expected", "reason"),
    [
        (-5001, REVIEW, R.LIQUIDATION_MISMATCH),
        (-5000, ELIGIBLE, R.LIQUIDATED_IN_WINDOW),
        (5000, ELIGIBLE, R.LIQUIDATED_IN_WINDOW),
        # beyond the row's time the order belongs to whatever came after this position
        (5001, REVIEW, R.LIQUIDATION_ORDER_MISSING),
    ],
)
def test_decide__order_and_row_clocks_apart__five_seconds(lag_ms, expected, reason):
    decision = verdict(requests(orders=[order_row(fillTime=str(EVENT_MS + lag_ms))]))

    assert (decision.verdict, decision.reasons) == (expected, (reason,))


def test_decide__order_in_window_row_after_it__order_decides():
    stored = requests(
        closed=[closed_row(uTime=str(WINDOW.end_ms + 4000))],
        orders=[order_row(fillTime=str(WINDOW.end_ms - 1))],
    )

    assert verdict(stored).verdict is ELIGIBLE


def test_decide__two_liquidation_fills_across_the_edge__review():
    stored = requests(
        closed=[closed_row(uTime=str(WINDOW.end_ms))],
        orders=[
            order_row(accFillSz="20", fillTime=str(WINDOW.end_ms - 1)),
            order_row(accFillSz="20", fillTime=str(WINDOW.end_ms), ordId="2"),
        ],
    )
    decision = verdict(stored)

    assert (decision.verdict, decision.reasons) == (REVIEW, (R.OUT_OF_COVERAGE_WINDOW,))


REVIEWED = {
    "row without order": (requests(orders=[]), R.LIQUIDATION_ORDER_MISSING),
    "order without row": (requests(closed=[]), R.LIQUIDATION_ROW_MISSING),
    "order beside a manual close": (
        requests(closed=[closed_row(type="2", liqPenalty="0", realizedPnl="-73.21")]),
        R.LIQUIDATION_ROW_MISSING,
    ),
    "partial row": (requests(closed=[closed_row(type="4")], orders=[]), R.PARTIAL_LIQUIDATION),
    "partial order": (
        requests(closed=[closed_row(type="4")], orders=[order_row(category="partial_liquidation")]),
        R.PARTIAL_LIQUIDATION,
    ),
    "partial order before the full one": (
        requests(
            orders=[
                order_row(),
                order_row(category="partial_liquidation", ordId="2", fillTime=str(EVENT_MS - 60_000)),
            ]
        ),
        R.PARTIAL_LIQUIDATION,
    ),
    "penalty on type 1": (
        requests(closed=[closed_row(type="1")], orders=[]),
        R.LIQUIDATION_PENALTY_ON_CLOSE,
    ),
    "penalty on type 2": (
        requests(closed=[closed_row(type="2")], orders=[]),
        R.LIQUIDATION_PENALTY_ON_CLOSE,
    ),
    "penalty on type 6": (
        requests(closed=[closed_row(type="6")], orders=[]),
        R.LIQUIDATION_PENALTY_ON_CLOSE,
    ),
    "other margin mode in row": (requests(closed=[closed_row(mgnMode="cross")]), R.IDENTITY_MISMATCH),
    "other side in row": (requests(closed=[closed_row(posSide="short")]), R.IDENTITY_MISMATCH),
    "other direction in row": (requests(closed=[closed_row(direction="short")]), R.IDENTITY_MISMATCH),
    "other instrument in row": (requests(closed=[closed_row(instId="BTC-USDT-SWAP")]), R.IDENTITY_MISMATCH),
    "other product in row": (requests(closed=[closed_row(instType="FUTURES")]), R.IDENTITY_MISMATCH),
    "cTime a millisecond off": (
        requests(closed=[closed_row(cTime=str(OPENED_MS + 1))]),
        R.IDENTITY_MISMATCH,
    ),
    "order of the other side": (requests(orders=[order_row(posSide="short")]), R.LIQUIDATION_MISMATCH),
    "order of the other mode": (requests(orders=[order_row(tdMode="cross")]), R.LIQUIDATION_MISMATCH),
    "order that opens": (requests(orders=[order_row(side="buy")]), R.LIQUIDATION_MISMATCH),
    "order larger than the position": (
        requests(orders=[order_row(accFillSz="41")]),
        R.LIQUIDATION_MISMATCH,
    ),
    "order not filled up": (
        requests(orders=[order_row(state="partially_filled")]),
        R.LIQUIDATION_MISMATCH,
    ),
    "a second liquidation order at another time": (
        requests(orders=[order_row(), order_row(ordId="2", fillTime=str(EVENT_MS - 5001), accFillSz="0.1")]),
        R.LIQUIDATION_MISMATCH,
    ),
    "unknown category": (
        requests(orders=[order_row(), order_row(ordId="2", category="forced_netting")]),
        R.UNKNOWN_CATEGORY,
    ),
    "unknown close type": (requests(closed=[closed_row(type="7")]), R.UNKNOWN_CLOSE_TYPE),
    "number in the row": (requests(closed=[closed_row(liqPenalty=-30)]), R.NOT_A_STRING),
    "number in a field not used": (requests(closed=[closed_row(uly=1)]), R.NOT_A_STRING),
    "number as posId": (requests(closed=[closed_row(posId=int(POS_ID))]), R.NOT_A_STRING),
    "number as cTime": (requests(closed=[closed_row(cTime=OPENED_MS)]), R.NOT_A_STRING),
    "number as type": (requests(closed=[closed_row(type=3)]), R.NOT_A_STRING),
    "number in the order": (requests(orders=[order_row(accFillSz=40)]), R.NOT_A_STRING),
    "number as the order's instrument": (requests(orders=[order_row(instId=5)]), R.NOT_A_STRING),
    "boolean in the order": (requests(orders=[order_row(reduceOnly=True)]), R.NOT_A_STRING),
    "number at binding": (requests(bound=[position_row(lever=10)]), R.NOT_A_STRING),
    "field missing": (
        requests(closed=[{k: v for k, v in closed_row().items() if k != "realizedPnl"}]),
        R.UNREADABLE_RECORD,
    ),
    "not a decimal": (requests(closed=[closed_row(pnl="-7e1")]), R.UNREADABLE_RECORD),
    "trigger missing": (requests(closed=[closed_row(triggerPx="")]), R.UNREADABLE_RECORD),
    "position not in the binding": (requests(bound=[]), R.POSITION_NOT_FOUND),
    "figures that do not add up": (
        requests(closed=[closed_row(realizedPnl="-103.23")]),
        R.FIGURES_DO_NOT_ADD_UP,
    ),
    "row in another currency": (requests(closed=[closed_row(ccy="BTC")]), R.CURRENCY_MISMATCH),
    "fee in another currency": (requests(orders=[order_row(feeCcy="SOL")]), R.CURRENCY_MISMATCH),
    "two rows of one moment": (
        requests(closed=[closed_row(), closed_row(fee="-1.22", realizedPnl="-103.22")]),
        R.CONTRADICTORY_RECORDS,
    ),
    "two closes of one moment": (
        requests(
            closed=[
                closed_row(type="2", liqPenalty="0", realizedPnl="-73.21"),
                closed_row(type="2", liqPenalty="0", realizedPnl="-73.21", closeTotalPos="39"),
            ],
            orders=[],
        ),
        R.CONTRADICTORY_RECORDS,
    ),
    "one order told in two ways": (
        requests(orders=[order_row(), order_row(pnl="-71")]),
        R.CONTRADICTORY_RECORDS,
    ),
    "liquidated and still open": (requests(still_open=[position_row()]), R.CONTRADICTORY_RECORDS),
    "closed again after the liquidation": (
        requests(closed=[closed_row(), closed_row(type="2", uTime=str(EVENT_MS + 9000))]),
        R.CONTRADICTORY_RECORDS,
    ),
    "leverage raised": (requests(closed=[closed_row(lever="10.01")]), R.LEVERAGE_RAISED),
    "size raised": (requests(closed=[closed_row(openMaxPos="41")]), R.SIZE_RAISED),
    "added to after binding": (
        requests(
            orders=[
                order_row(),
                order_row(category="normal", side="buy", ordId="2", fillTime=str(EVENT_MS - 9000)),
            ]
        ),
        R.SIZE_RAISED,
    ),
    "margin withdrawn": (requests(closed=[closed_row(triggerPx="133.33")]), R.MARGIN_WITHDRAWN),
}


@pytest.mark.parametrize(("stored", "reason"), REVIEWED.values(), ids=REVIEWED.keys())
def test_decide__doubt__needs_review(stored, reason):
    decision = verdict(stored)

    assert decision.verdict is REVIEW
    assert reason in decision.reasons


def test_decide__price_within_one_percent_of_the_announced__eligible():
    assert verdict(requests(closed=[closed_row(triggerPx="133.32")])).verdict is ELIGIBLE


def test_decide__short_position__mirror_of_the_long():
    subject_key = dataclasses.replace(SUBJECT.key, pos_side="net")
    subject = dataclasses.replace(SUBJECT, key=subject_key)
    net = {"posSide": "net"}

    def judge(trigger):

        stored = requests(
            bound=[position_row(pos="-40", liqPx="170", **net)],
            closed=[closed_row(direction="short", triggerPx=trigger, **net)],
            orders=[order_row(side="buy", **net)],
        )
        return decide(bundle(stored, subject=subject), WINDOW, subject, CONSERVATIVE)

    assert judge("170.1").verdict is ELIGIBLE
    assert judge("168.30").verdict is ELIGIBLE
    assert judge("168.29").reasons == (R.LIQUIDATED_IN_WINDOW, R.MARGIN_WITHDRAWN)


REFUSED = {
    "outside the window": (_at(WINDOW.end_ms + 10_000), {R.OUT_OF_COVERAGE_WINDOW}),
    "row alone, surely outside": (
        requests(closed=[closed_row(uTime=str(WINDOW.end_ms + 5000))], orders=[]),
        {R.OUT_OF_COVERAGE_WINDOW},
    ),
    "order alone, outside": (
        requests(closed=[], orders=[order_row(fillTime=str(WINDOW.end_ms))]),
        {R.NO_LIQUIDATION_FOUND, R.OUT_OF_COVERAGE_WINDOW},
    ),
    "partial before the cover": (
        requests(closed=[closed_row(type="4", uTime=str(WINDOW.start_ms - 5001))], orders=[]),
        {R.PARTIAL_LIQUIDATION, R.OUT_OF_COVERAGE_WINDOW},
    ),
    "closed by the trader": (
        requests(closed=[closed_row(type="2", liqPenalty="0", realizedPnl="-73.21")], orders=[]),
        {R.CLOSED_BY_TRADER},
    ),
    "closed by the trader's own order": (
        requests(
            closed=[closed_row(type="2", liqPenalty="0", realizedPnl="-73.21")],
            orders=[order_row(category="normal")],
        ),
        {R.CLOSED_BY_TRADER},
    ),
    "deleveraged": (
        requests(
            closed=[closed_row(type="6", liqPenalty="0", realizedPnl="-73.21")],
            orders=[order_row(category="adl")],
        ),
        {R.AUTO_DELEVERAGED},
    ),
    "deleveraged in part": (
        requests(closed=[closed_row(type="5", liqPenalty="0", realizedPnl="-73.21")], orders=[]),
        {R.AUTO_DELEVERAGED},
    ),
    "delivered": (requests(closed=[], orders=[order_row(category="delivery")]), {R.DELIVERED}),
    "nothing": (requests(closed=[], orders=[]), {R.NO_LIQUIDATION_FOUND}),
    "still open": (requests(closed=[], orders=[], still_open=[position_row()]), {R.POSITION_STILL_OPEN}),
    "posId reused: another cTime was liquidated, nothing of ours": (
        requests(closed=[closed_row(cTime=str(OPENED_MS + 3_600_000))], orders=[]),
        {R.NO_LIQUIDATION_FOUND},
    ),
    "posId reused: ours closed by hand, the next one liquidated": (
        requests(
            closed=[
                closed_row(cTime=str(OPENED_MS + 9_000_000)),
                closed_row(type="2", liqPenalty="0", realizedPnl="-73.21", uTime=str(EVENT_MS - 90_000)),
            ]
        ),
        {R.CLOSED_BY_TRADER},
    ),
    "the other leg was liquidated": (
        requests(
            closed=[closed_row(posId="7", posSide="short", direction="short")],
            orders=[order_row(posSide="short", side="buy")],
            still_open=[position_row()],
        ),
        {R.POSITION_STILL_OPEN},
    ),
    "another instrument was liquidated": (
        requests(closed=[], orders=[order_row(instId="BTC-USDT-SWAP")], still_open=[position_row()]),
        {R.POSITION_STILL_OPEN},
    ),
    "liquidated at a profit": (
        requests(
            closed=[closed_row(pnl="200", realizedPnl="168.79")],
            orders=[order_row(pnl="200")],
        ),
        {R.LIQUIDATED_IN_WINDOW, R.NO_REALISED_LOSS},
    ),
    "an order never filled": (
        requests(closed=[], orders=[order_row(accFillSz="0", fillTime="", state="canceled")]),
        {R.NO_LIQUIDATION_FOUND},
    ),
}


@pytest.mark.parametrize(("stored", "reasons"), REFUSED.values(), ids=REFUSED.keys())
def test_decide__no_liquidation_of_the_bound_position_in_window__not_eligible(stored, reasons):
    decision = verdict(stored)

    assert decision.verdict is NOT
    assert set(decision.reasons) == reasons


def test_decide__what_the_trader_did__never_turns_not_eligible_into_review():
    decision = verdict(_at(WINDOW.end_ms, lever="50", openMaxPos="99", triggerPx="149"))

    assert (decision.verdict, decision.reasons) == (NOT, (R.OUT_OF_COVERAGE_WINDOW,))


@pytest.mark.parametrize(
    ("lag_ms", "reason"), [(1000, R.IDENTITY_MISMATCH), (1001, R.LIQUIDATION_ROW_MISSING)]
)
def test_decide__ctime_off__looked_at_within_a_second(lag_ms, reason):
    decision = verdict(requests(closed=[closed_row(cTime=str(OPENED_MS + lag_ms))]))

    assert (decision.verdict, reason in decision.reasons) == (REVIEW, True)


@pytest.mark.parametrize(("total", "expected"), [("-103.22", ELIGIBLE), ("-103.220001", REVIEW)])
def test_decide__sum_off__one_cent_of_rounding(total, expected):
    assert verdict(requests(closed=[closed_row(realizedPnl=total)])).verdict is expected


def test_decide__closed_position_still_listed_with_size_zero__not_open():
    assert verdict(requests(still_open=[position_row(pos="0")])).verdict is ELIGIBLE


def test_decide__posid_reused_and_ours_liquidated__eligible():
    later = closed_row(cTime=str(EVENT_MS + 10_000), uTime=str(EVENT_MS + 60_000), type="2", liqPenalty="0")

    assert verdict(requests(closed=[later, closed_row()])).verdict is ELIGIBLE


def test_decide__several_rows_of_one_position__last_one_counts():
    earlier = closed_row(
        type="1", uTime=str(EVENT_MS - 60_000), liqPenalty="0", realizedPnl="-73.21", closeTotalPos="10"
    )

    assert verdict(requests(closed=[closed_row(), earlier])).verdict is ELIGIBLE


def test_decide__account_differs_from_bound__review():
    other = dataclasses.replace(SUBJECT, uid_hmac="cd" * 32)
    decision = verdict(subject=other)

    assert (decision.verdict, R.IDENTITY_MISMATCH in decision.reasons) == (REVIEW, True)


def test_decide__key_no_longer_read_only__review():
    decision = verdict(perm_ok=False)

    assert (decision.verdict, R.KEY_NOT_READ_ONLY in decision.reasons) == (REVIEW, True)


@pytest.mark.parametrize(
    ("closed", "orders", "loss"),
    [
        # the position lost 1000 by partial closes before: only the liquidation's own loss counts
        ({"pnl": "-1072", "realizedPnl": "-1103.21"}, {}, 102_600_000),
        # the position had earned 60 before: what it lost in the end counts
        ({"pnl": "-12", "realizedPnl": "-43.21"}, {}, 43_210_000),
        # rounded down to base units, against the claimant
        ({"pnl": "0", "fee": "0", "liqPenalty": "-1.2345679", "realizedPnl": "-1.2345679"}, {}, 1_234_567),
        ({}, {"pnl": "-1", "fee": "-0.00000099"}, 31_000_000),
    ],
)
def test_decide__realised_loss__smallest_supported_figure_rounded_down(closed, orders, loss):
    decision = verdict(requests(closed=[closed_row(**closed)], orders=[order_row(**orders)]))

    assert decision.verdict is ELIGIBLE
    assert (decision.realised_loss, decision.payout) == (loss, min(loss, 50_000_000))


def test_decide__penalty_on_manual_close__penalty_is_all_that_counts():
    decision = verdict(requests(closed=[closed_row(type="2")], orders=[]))

    assert (decision.realised_loss, decision.payout) == (30_000_000, 30_000_000)


def test_decide__partial_liquidation_before_cover_only__nothing_payable():
    stored = requests(
        closed=[closed_row(type="4")],
        orders=[order_row(category="partial_liquidation", fillTime=str(WINDOW.start_ms - 1))],
    )
    decision = verdict(stored)

    assert decision.verdict is REVIEW
    assert (decision.realised_loss, decision.payout) == (0, 0)
    assert decision.reasons == (R.OUT_OF_COVERAGE_WINDOW, R.PARTIAL_LIQUIDATION)


@given(
    st.integers(WINDOW.start_ms - 10_000, WINDOW.end_ms + 10_000),
    st.integers(-5000, 5000),
    st.decimals(min_value=-200, max_value=200, places=8),
)
def test_decide__any_clean_liquidation__eligible_only_inside_and_with_a_loss(time_ms, lag_ms, pnl):
    row = closed_row(uTime=str(time_ms + lag_ms), pnl=f"{pnl:f}", realizedPnl=f"{pnl - Decimal('31.21'):f}")
    decision = verdict(requests(closed=[row], orders=[order_row(fillTime=str(time_ms), pnl=f"{pnl:f}")]))

    lost = Decimal("30.6") - pnl
    payable = WINDOW.covers(time_ms) and lost >= Decimal("0.000001")
    assert decision.verdict is (ELIGIBLE if payable else NOT)
    assert decision.payout <= min(50_000_000, max(lost, 0) * 1_000_000)


def test_decide__absurd_figures__no_amount_to_rely_on():
    huge = "-" + "9" * 30
    stored = requests(
        closed=[closed_row(pnl=huge, fee="0", liqPenalty="0", realizedPnl=huge)],
        orders=[order_row(pnl=huge, fee="0")],
    )

    assert verdict(stored).payout == 0


def test_decide__same_bytes_read_back__same_decision():

    for stored in (requests(), REVIEWED["partial row"][0], REFUSED["nothing"][0]):
        original = bundle(stored)
        replayed = parse_bundle(original.canonical())

        assert replayed == original
        assert decide(replayed, WINDOW, SUBJECT, CONSERVATIVE) == decide(
            original, WINDOW, SUBJECT, CONSERVATIVE
        )


def test_decide__claim_in_the_middle_of_the_window__same_rules():
    early = tuple(dataclasses.replace(request, requested_at_ms=EVENT_MS + 1000) for request in requests())

    assert WINDOW.end_ms > EVENT_MS + 1000
    assert verdict(early) == verdict()

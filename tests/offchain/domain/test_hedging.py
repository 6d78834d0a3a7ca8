"""A hedge on the insured account after binding: a doubt, never more and never overlooked."""

import dataclasses

import pytest
from domain_stories import (
    BOUND_MS,
    CLAIMED_MS,
    EVENT_MS,
    KEY,
    OPENED_MS,
    POSITIONS_PATH,
    SUBJECT,
    WINDOW,
    answer,
    bundle,
    closed_row,
    order_row,
    position_row,
    requests,
    verdict,
)
from liqpass.domain.decision import Verdict
from liqpass.domain.eligibility import decide
from liqpass.domain.okx_pages import EvidenceIncompleteError
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason

R = Reason
ANSWERED_MS = BOUND_MS - 10  # when the positions stored at binding were received
PLAIN = (Verdict.ELIGIBLE, {R.LIQUIDATED_IN_WINDOW})
HEDGED = (Verdict.NEEDS_REVIEW, {R.LIQUIDATED_IN_WINDOW, R.POSITION_HEDGED})


def _found(stored):
    decision = verdict(stored)
    return decision.verdict, set(decision.reasons)


def _order(**changes):
    """A short opened in the same instrument an hour before the liquidation, with another order id."""
    opened = {"posSide": "short", "side": "sell", "category": "normal", "pnl": "0", "ordId": "77"}
    return order_row(**(opened | {"fillTime": str(EVENT_MS - 3_600_000)} | changes))


def test_decide__short_opened_and_closed_again_beside_the_long__hedged():
    closing = _order(side="buy", ordId="78", fillTime=str(EVENT_MS - 10), pnl="72")

    assert _found(requests(orders=[closing, order_row(), _order()])) == HEDGED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fillTime": str(ANSWERED_MS + 1)}, HEDGED),
        ({"fillTime": str(ANSWERED_MS)}, PLAIN),  # it stood in the answer, and underwriting saw it
        ({"fillTime": str(EVENT_MS + 5_000)}, HEDGED),
        ({"fillTime": str(EVENT_MS + 5_001)}, PLAIN),  # opened after the liquidation
        ({"side": "buy"}, PLAIN),  # closes a short
        ({"side": "buy", "category": "full_liquidation"}, PLAIN),
        ({"category": "twap"}, HEDGED),
        ({"tdMode": "cross"}, HEDGED),
        ({"instId": "SOL-USDC-SWAP"}, PLAIN),  # orders are asked of the one instrument: documented
        ({"posSide": "long", "tdMode": "cross", "side": "sell"}, PLAIN),
        ({"accFillSz": "0", "fillTime": "", "state": "canceled"}, PLAIN),
    ],
)
def test_decide__order_beside_the_position__hedged_if_it_opens_the_other_side_during_the_cover(
    changes, expected
):
    assert _found(requests(orders=[order_row(), _order(**changes)])) == expected


@pytest.mark.parametrize(
    ("changes", "hedged"),
    [
        ({"tdMode": "cross", "side": "buy"}, True),
        ({"tdMode": "cross", "side": "sell"}, False),
        ({"tdMode": "cross", "side": "buy", "category": "full_liquidation"}, False),
        ({"side": "buy", "pnl": "-1"}, False),  # reduces the insured position itself
    ],
)
def test_decide__net_mode__the_other_margin_mode_may_hedge(changes, hedged):
    subject = dataclasses.replace(SUBJECT, key=dataclasses.replace(KEY, pos_side="net"))
    net = {"posSide": "net"}
    stored = requests(
        bound=[position_row(pos="-40", liqPx="170", **net)],
        closed=[closed_row(direction="short", triggerPx="170.1", **net)],
        orders=[order_row(side="buy", **net), _order(**(net | changes))],
    )

    reasons = decide(bundle(stored, subject=subject), WINDOW, subject, CONSERVATIVE).reasons
    assert (R.POSITION_HEDGED in reasons) is hedged


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"posSide": "short"}, HEDGED),
        ({"posSide": "short", "instId": "SOL-USDC-SWAP"}, HEDGED),
        ({"instId": "SOL-USD-270101-150-P", "instType": "OPTION", "posSide": "net"}, HEDGED),
        ({"posSide": "short", "cTime": str(EVENT_MS + 5_000)}, HEDGED),
        ({"posSide": "short", "cTime": str(EVENT_MS + 5_001)}, PLAIN),
        ({"posSide": "short", "cTime": ""}, HEDGED),
        ({"posSide": "short", "pos": "0"}, PLAIN),
        ({"posSide": "short", "instId": "BTC-USDT-SWAP"}, PLAIN),
        ({"instId": "SOL-USDC-SWAP"}, PLAIN),  # the same direction
    ],
)
def test_decide__position_open_at_the_claim__hedged_if_against_ours_in_the_same_coin(changes, expected):
    other = position_row(posId="8", cTime=str(EVENT_MS - 60_000)) | changes

    assert _found(requests(still_open=[other])) == expected


@pytest.mark.parametrize(("changes", "reason"), [({"pos": 5}, R.NOT_A_STRING), ({"posSide": None}, None)])
def test_decide__other_position_unreadable__looked_at_by_a_person(changes, reason):
    row = position_row(posId="8", cTime=str(EVENT_MS - 60_000)) | changes

    expected = {R.LIQUIDATED_IN_WINDOW, reason or R.UNREADABLE_RECORD}
    assert _found(requests(still_open=[row])) == (Verdict.NEEDS_REVIEW, expected)


def test_decide__hedged_but_not_liquidated__stays_not_eligible():
    stored = requests(
        closed=[closed_row(type="2", liqPenalty="0", realizedPnl="-73.21")],
        orders=[_order()],
        still_open=[position_row(posId="8", posSide="short", cTime=str(OPENED_MS + 1))],
    )

    assert _found(stored) == (Verdict.NOT_ELIGIBLE, {R.CLOSED_BY_TRADER})


@pytest.mark.parametrize("query", ["", "?instType=SWAP"])
def test_decide__positions_of_the_whole_account_at_claim__judged(query):
    assert _found((*requests()[:3], answer(POSITIONS_PATH + query, []))) == PLAIN


@pytest.mark.parametrize("query", [f"?instId={KEY.inst_id}", f"?posId={KEY.pos_id}", "?instType=FUTURES"])
def test_decide__positions_at_claim_filtered__incomplete_as_it_hides_hedges(query):
    stored = (*requests()[:3], answer(POSITIONS_PATH + query, [], CLAIMED_MS))

    with pytest.raises(EvidenceIncompleteError, match="was filtered by"):
        verdict(stored)

"""Absence only when every page was read; failed answers prove nothing."""

import dataclasses
import json

import pytest
from domain_stories import (
    ARCHIVE_PATH,
    CLAIMED_MS,
    EVENT_MS,
    HISTORY_PATH,
    KEY,
    OPENED_MS,
    ORDERS_PATH,
    POSITIONS_PATH,
    WINDOW,
    answer,
    closed_row,
    order_row,
    position_row,
    requests,
    verdict,
)
from liqpass.domain.decision import Verdict
from liqpass.domain.okx_pages import EvidenceIncompleteError, read_records
from liqpass.domain.reasons import Reason

BINDING, HISTORY, ORDERS, OPEN = requests(closed=[], orders=[])
DAY_MS = 86_400_000


def _orders(count, first=0):
    return [
        order_row(category="normal", side="buy", ordId=str(9000 - n), fillTime=str(OPENED_MS))
        for n in range(first, first + count)
    ]


def _refused(*stored):
    with pytest.raises(EvidenceIncompleteError) as caught:
        verdict(tuple(stored))
    return caught.value.reason


def test_decide__250_orders_over_three_pages__all_read():
    pages = [
        answer(ORDERS_PATH, _orders(100)),
        answer(f"{ORDERS_PATH}&after={9000 - 99}", _orders(100, 100)),
        answer(f"{ORDERS_PATH}&after={9000 - 199}", [*_orders(49, 200), order_row()]),
    ]
    records = read_records((BINDING, HISTORY, *pages, OPEN), KEY, WINDOW.start_ms)

    assert len(records.orders) == 250
    closed = answer(HISTORY_PATH, [closed_row()])
    assert verdict((BINDING, closed, *pages, OPEN)).verdict is Verdict.ELIGIBLE


def test_decide__last_page_missing__incomplete():
    pages = [
        answer(ORDERS_PATH, _orders(100)),
        answer(f"{ORDERS_PATH}&after={9000 - 99}", _orders(100, 100)),
    ]

    assert _refused(BINDING, HISTORY, *pages, OPEN) is Reason.EVIDENCE_INCOMPLETE
    assert verdict((BINDING, HISTORY, *pages, answer(f"{ORDERS_PATH}&after=8801", []), OPEN)).reasons


@pytest.mark.parametrize(
    "cursor",
    ["8700", "abc", "8899"],
)
def test_decide__gap_between_pages__incomplete(cursor):
    pages = [answer(ORDERS_PATH, _orders(100)), answer(f"{ORDERS_PATH}&after={cursor}", [])]

    assert _refused(BINDING, HISTORY, *pages, OPEN) is Reason.EVIDENCE_INCOMPLETE


def test_decide__listing_starts_again_before_its_end__incomplete():
    # the rows of the first attempt may have moved on before the second one began
    assert (
        _refused(BINDING, HISTORY, answer(ORDERS_PATH, _orders(100)), ORDERS, OPEN)
        is Reason.EVIDENCE_INCOMPLETE
    )


def test_decide__first_page_with_a_cursor__incomplete():
    page = answer(f"{ORDERS_PATH}&after=8000", [])

    assert _refused(BINDING, HISTORY, page, OPEN) is Reason.EVIDENCE_INCOMPLETE


@pytest.mark.parametrize(("cursor", "complete"), [(0, False), (1, True)])
def test_decide__tied_cursors_of_history__oldest_plus_one(cursor, complete):
    oldest = EVENT_MS - 99
    rows = [closed_row(posId="7", uTime=str(EVENT_MS - n)) for n in range(100)]
    pages = [
        answer(HISTORY_PATH, rows),
        answer(f"{HISTORY_PATH}&after={oldest + cursor}", [closed_row(posId="7", uTime=str(oldest))]),
    ]

    if complete:
        records = read_records((BINDING, *pages, ORDERS, OPEN), KEY, WINDOW.start_ms)
        assert len(records.closed) == 100  # the tied row came twice and counts once
    else:
        assert _refused(BINDING, *pages, ORDERS, OPEN) is Reason.EVIDENCE_INCOMPLETE


def test_decide__smaller_limit__page_is_full_at_it():
    page = answer(f"{ORDERS_PATH}&limit=2", _orders(2))

    assert _refused(BINDING, HISTORY, page, OPEN) is Reason.EVIDENCE_INCOMPLETE
    last = answer(f"{ORDERS_PATH}&limit=2&after=8999", _orders(1, 2))
    assert verdict((BINDING, HISTORY, page, last, OPEN)).verdict is Verdict.NOT_ELIGIBLE


@pytest.mark.parametrize("limit", ["0", "101", "x", ""])
def test_decide__impossible_limit__incomplete(limit):
    page = answer(f"{ORDERS_PATH}&limit={limit}", [])

    assert _refused(BINDING, HISTORY, page, OPEN) is Reason.EVIDENCE_INCOMPLETE


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_decide__endpoint_not_fetched__incomplete(missing):
    stored = [BINDING, HISTORY, ORDERS, OPEN]
    del stored[missing]

    assert _refused(*stored) is Reason.EVIDENCE_INCOMPLETE


def test_decide__binding_not_first__incomplete():
    assert _refused(HISTORY, BINDING, ORDERS, OPEN) is Reason.EVIDENCE_INCOMPLETE


@pytest.mark.parametrize(
    ("place", "suffix"),
    [
        (1, "&type=2"),
        (1, "&mgnMode=isolated"),
        (1, "&before=5"),
        (1, "&posId=8"),
        (2, "&category=normal"),
        (2, "&state=filled"),
        (2, "&instType=SPOT"),
        (2, "&instId=BTC-USDT-SWAP"),
        (2, "&end=1790000000000"),
        (2, f"&begin={OPENED_MS}"),
        (3, "?instId=BTC-USDT-SWAP"),
        (3, "?after=1"),
    ],
)
def test_decide__filter_that_could_hide_the_event__incomplete(place, suffix):
    stored = [BINDING, HISTORY, ORDERS, OPEN]
    stored[place] = dataclasses.replace(stored[place], path=stored[place].path + suffix)

    assert _refused(*stored) is Reason.EVIDENCE_INCOMPLETE


def test_decide__begin_before_the_position__allowed():
    orders = dataclasses.replace(ORDERS, path=f"{ORDERS_PATH}&begin={OPENED_MS - 1000}")

    assert verdict((BINDING, HISTORY, orders, OPEN)).verdict is Verdict.NOT_ELIGIBLE


@pytest.mark.parametrize(("late_ms", "complete"), [(0, True), (1, False)])
def test_decide__orders_history_reaches_seven_days(late_ms, complete):
    at_ms = WINDOW.start_ms + 7 * DAY_MS + late_ms
    orders = answer(ORDERS_PATH, [], at_ms)

    if complete:
        assert verdict((BINDING, HISTORY, orders, OPEN)).verdict is Verdict.NOT_ELIGIBLE
    else:
        assert _refused(BINDING, HISTORY, orders, OPEN) is Reason.EVIDENCE_INCOMPLETE
        archive = answer(ARCHIVE_PATH, [], at_ms)
        assert verdict((BINDING, HISTORY, orders, archive, OPEN)).verdict is Verdict.NOT_ELIGIBLE


def test_decide__positions_history_older_than_three_months__incomplete():
    history = answer(HISTORY_PATH, [], WINDOW.start_ms + 89 * DAY_MS + 1)

    assert _refused(BINDING, history, ORDERS, OPEN) is Reason.EVIDENCE_INCOMPLETE


def test_decide__order_in_history_and_archive__counted_once():
    stored = (*requests(), answer(ARCHIVE_PATH, [order_row(source="", tag="")]))

    assert verdict(stored).realised_loss == 102_600_000


FAILURES = {
    "HTTP 429": ({"http_status": 429}, Reason.FETCH_FAILED),
    "code not 0": ({"body": '{"code":"50011","msg":"Too Many Requests"}'}, Reason.FETCH_FAILED),
    "frozen": ({"body": '{"code":"50021","msg":"","data":[]}'}, Reason.FETCH_FAILED),
    "HTML": ({"body": "<html>busy</html>"}, Reason.EVIDENCE_UNREADABLE),
    "empty": ({"body": ""}, Reason.EVIDENCE_UNREADABLE),
    "duplicate key": ({"body": '{"code":"0","data":[],"data":[]}'}, Reason.EVIDENCE_UNREADABLE),
    "code a number": ({"body": '{"code":0,"data":[]}'}, Reason.EVIDENCE_UNREADABLE),
    "a list": ({"body": "[]"}, Reason.EVIDENCE_UNREADABLE),
    "no data": ({"body": '{"code":"0"}'}, Reason.EVIDENCE_UNREADABLE),
    "data of strings": ({"body": '{"code":"0","data":["x"]}'}, Reason.EVIDENCE_UNREADABLE),
    "bomb": ({"body": '{"code":"0","data":' + "[" * 99 + "]" * 99 + "}"}, Reason.EVIDENCE_UNREADABLE),
    "another method": ({"method": "POST"}, Reason.EVIDENCE_INCOMPLETE),
    "another host": ({"path": f"https://evil{ORDERS_PATH}"}, Reason.EVIDENCE_INCOMPLETE),
    "a filter twice": ({"path": f"{ORDERS_PATH}&instType=SWAP"}, Reason.EVIDENCE_INCOMPLETE),
}


@pytest.mark.parametrize(("changes", "reason"), FAILURES.values(), ids=FAILURES.keys())
def test_decide__failed_answer__no_verdict_until_it_succeeds(changes, reason):
    failed = dataclasses.replace(ORDERS, **changes)

    assert _refused(BINDING, HISTORY, failed, OPEN) is reason
    assert verdict((BINDING, HISTORY, failed, ORDERS, OPEN)).verdict is Verdict.NOT_ELIGIBLE


def test_decide__binding_unreadable__no_verdict():
    broken = dataclasses.replace(BINDING, body="<html>")

    assert _refused(broken, HISTORY, ORDERS, OPEN) is Reason.EVIDENCE_UNREADABLE


def test_decide__positions_at_claim_filtered_to_swaps__allowed():
    path = f"{POSITIONS_PATH}?instType=SWAP"
    stored = (BINDING, HISTORY, ORDERS, answer(path, [position_row()], CLAIMED_MS))

    assert verdict(stored).reasons == (Reason.POSITION_STILL_OPEN,)


def test_answer__story__is_what_okx_sends():
    assert json.loads(HISTORY.body) == {"code": "0", "msg": "", "data": []}

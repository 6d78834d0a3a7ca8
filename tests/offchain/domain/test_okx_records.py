"""Rows as OKX's documents show them, and the order that opened a position."""

import json
from decimal import Decimal

import pytest
from domain_stories import OPENED_MS, closed_row, order_row, position_row
from liqpass.domain.okx_records import (
    OkxRecordError,
    order_opens,
    parse_instrument,
    read_account_config,
    read_closed_position,
    read_open_position,
    read_order,
)
from liqpass.domain.reasons import Reason

DOCUMENTED_ROW = json.loads(
    '{"cTime":"1790022269524","ccy":"USDT","closeAvgPx":"1462.93","closeTotalPos":"1448","direction":"long",'
    '"fee":"-21.2861363","fundingFee":"0","instId":"ZEC-USDT-SWAP","instType":"SWAP","lever":"50.0",'
    '"liqPenalty":"-211.832264","mgnMode":"isolated","nonSettleAvgPx":"","openAvgPx":"1477.1441",'
    '"openMaxPos":"1448","pnl":"-205.8198","pnlRatio":"-1.026","posId":"3785165892823834624",'
    '"posSide":"long","realizedPnl":"-438.9382003","settledPnl":"","triggerPx":"1463.1","type":"3",'
    '"uTime":"1790022846317","uly":"ZEC-USDT"}'
)
DOCUMENTED_ORDER = json.loads(
    '{"accFillSz":"1448","avgPx":"1462.93","cTime":"1790022846316","category":"full_liquidation",'
    '"fee":"-10.5916132","feeCcy":"USDT","fillPx":"1462.93","fillSz":"1448","fillTime":"1790022846317",'
    '"instId":"ZEC-USDT-SWAP","instType":"SWAP","lever":"50.0","ordId":"2497956918703120999",'
    '"ordType":"market","pnl":"-205.8198","posSide":"long","px":"","reduceOnly":"true","side":"sell",'
    '"state":"filled","sz":"1448","tdMode":"isolated","tradeId":"0","uTime":"1790022846317"}'
)


def test_read_closed_position__documented_row__figures_add_up():
    row = read_closed_position(DOCUMENTED_ROW)

    assert row.realised_pnl == sum(row.parts) == Decimal("-438.9382003")
    assert (row.close_type, row.leverage, row.trigger_px) == ("3", Decimal(50), Decimal("1463.1"))
    assert (row.key.c_time_ms, row.u_time_ms) == (1790022269524, 1790022846317)


def test_read_order__documented_order__read():
    order = read_order(DOCUMENTED_ORDER)

    assert (order.category, order.fill_time_ms, order.filled_size) == (
        "full_liquidation",
        1790022846317,
        1448,
    )
    assert order.pnl + order.fee == Decimal("-216.4114132")


@pytest.mark.parametrize(
    ("lag_ms", "opens"), [(-1001, False), (-1000, True), (-1, True), (0, True), (1000, True), (1001, False)]
)
def test_order_opens__clocks_apart__one_second(lag_ms, opens):
    order = read_order(order_row(side="buy", category="normal", fillTime=str(OPENED_MS + lag_ms)))

    assert order_opens(order, read_open_position(position_row())) is opens


@pytest.mark.parametrize(
    "changes",
    [{"side": "sell"}, {"posSide": "short"}, {"tdMode": "cross"}, {"instId": "BTC-USDT-SWAP"}],
)
def test_order_opens__another_identity__no(changes):
    row = order_row(**({"side": "buy", "fillTime": str(OPENED_MS)} | changes))

    assert not order_opens(read_order(row), read_open_position(position_row()))


def test_order_opens__short_in_net_mode__opened_by_a_sale():
    position = read_open_position(position_row(posSide="net", pos="-40"))
    order = read_order(order_row(posSide="net", side="sell", fillTime=str(OPENED_MS)))

    assert (position.direction, position.size) == ("short", 40)
    assert order_opens(order, position)


@pytest.mark.parametrize(
    ("inst_id", "linear"),
    [
        ("BTC-USDT-SWAP", True),
        ("BTC-USDC-SWAP", True),
        ("BTC-USD-SWAP", False),
        ("BTC-USDT", False),
        ("BTC-USDT-270101", False),
        ("BTC-USD-270101-5-C", False),
        ("--SWAP", False),
        ("", False),
    ],
)
def test_parse_instrument__id__linear_swap_or_not(inst_id, linear):
    assert parse_instrument(inst_id).is_linear_swap is linear


@pytest.mark.parametrize(
    ("read", "row", "reason"),
    [
        (read_open_position, position_row(lever=10), Reason.NOT_A_STRING),
        (read_open_position, position_row(lever=Decimal("1.5")), Reason.NOT_A_STRING),
        (read_open_position, position_row(lever=True), Reason.NOT_A_STRING),
        (read_open_position, position_row(lever=None), Reason.UNREADABLE_RECORD),
        (read_open_position, position_row(lever="1_0"), Reason.UNREADABLE_RECORD),
        (read_open_position, position_row(lever="+1"), Reason.UNREADABLE_RECORD),
        (read_open_position, position_row(lever="NaN"), Reason.UNREADABLE_RECORD),
        (read_open_position, position_row(lever="1" * 31), Reason.UNREADABLE_RECORD),
        (read_open_position, position_row(cTime=""), Reason.UNREADABLE_RECORD),
        (read_open_position, position_row(cTime="-5"), Reason.UNREADABLE_RECORD),
        (read_closed_position, closed_row(openMaxPos=""), Reason.UNREADABLE_RECORD),
        (read_order, order_row(fillTime=""), Reason.UNREADABLE_RECORD),
        (read_order, order_row(category=3), Reason.NOT_A_STRING),
        (read_account_config, {"uid": 1, "mainUid": "1", "perm": "read_only"}, Reason.NOT_A_STRING),
        (read_account_config, {"uid": "", "mainUid": "1", "perm": "read_only"}, Reason.UNREADABLE_RECORD),
        (read_account_config, {"uid": "1", "perm": "read_only"}, Reason.UNREADABLE_RECORD),
    ],
)
def test_read__field_of_another_kind__finding_not_coerced(read, row, reason):
    with pytest.raises(OkxRecordError) as caught:
        read(row)

    assert caught.value.reason is reason

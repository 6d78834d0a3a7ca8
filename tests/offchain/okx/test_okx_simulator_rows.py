"""Rows have the shape and the arithmetic of the examples in the notes on OKX."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.exchange import Exchange
from liqpass.adapters.okx.simulator.rows import position_row, text
from okx_doubles import NOW_MS

Row = dict[str, Any]
HISTORY = {
    "cTime": "1790022269524",
    "ccy": "USDT",
    "closeAvgPx": "1462.93",
    "closeTotalPos": "1448",
    "direction": "long",
    "fee": "-21.28613830",
    "fundingFee": "0",
    "instId": "ZEC-USDT-SWAP",
    "instType": "SWAP",
    "lever": "50.0",
    "liqPenalty": "-211.832264",
    "mgnMode": "isolated",
    "nonSettleAvgPx": "",
    "openAvgPx": "1477.1441",
    "openMaxPos": "1448",
    "pnl": "-205.820168",
    "posSide": "long",
    "settledPnl": "",
    "triggerPx": "1462.93",
    "type": "3",
    "uTime": "1790022846317",
    "uly": "ZEC-USDT",
}
ORDER = {
    "accFillSz": "1448",
    "avgPx": "1462.93",
    "cTime": "1790022846316",
    "category": "full_liquidation",
    "fee": "-10.5916132",
    "feeCcy": "USDT",
    "fillPx": "1462.93",
    "fillSz": "1448",
    "fillTime": "1790022846317",
    "instId": "ZEC-USDT-SWAP",
    "instType": "SWAP",
    "lever": "50.0",
    "ordType": "market",
    "pnl": "-205.820168",
    "posSide": "long",
    "px": "",
    "reduceOnly": "true",
    "side": "sell",
    "state": "filled",
    "sz": "1448",
    "tdMode": "isolated",
    "tradeId": "0",
    "uTime": "1790022846317",
}


@pytest.fixture
def exchange() -> Exchange:
    made = Exchange(lambda: NOW_MS)
    made.add_account("trader")
    return made


def test_liquidation__the_documented_example__same_rows(exchange: Exchange) -> None:
    """Opened at a rounded average price, OKX's own sum differs by 0.0004 from the product of its figures."""
    position = exchange.open_position(
        "trader",
        "ZEC-USDT-SWAP",
        contracts=Decimal(1448),
        avg_px=Decimal("1477.1441"),
        lever=Decimal(50),
        age_ms=NOW_MS - 1790022269524,
    )

    row = exchange.close_position(
        "trader", position.pos_id, Close.FULL_LIQUIDATION, price=Decimal("1462.93"), at_ms=1790022846317
    )

    order = exchange.account("trader").orders[-1]
    shown = {
        name: value for name, value in row.items() if name not in {"posId", "pnlRatio", "realizedPnl", "fee"}
    }
    assert shown == {name: value for name, value in HISTORY.items() if name != "fee"}
    assert Decimal(row["fee"]).quantize(Decimal("0.001")) == Decimal("-21.286")
    assert Decimal(row["realizedPnl"]).quantize(Decimal("0.001")) == Decimal("-438.939")
    assert Decimal(row["pnlRatio"]).quantize(Decimal("0.001")) == Decimal("-1.026")
    assert {name: value for name, value in order.items() if name != "ordId"} == ORDER
    assert len(row["posId"]) == len(order["ordId"]) == 19


CLOSES = [
    (Close.FULL_LIQUIDATION, "3", "full_liquidation", True),
    (Close.PARTIAL_LIQUIDATION, "4", "partial_liquidation", True),
    (Close.ADL, "6", "adl", False),
    (Close.ADL_PARTIAL, "5", "adl", False),
    (Close.DELIVERY, "2", "delivery", False),
    (Close.MANUAL, "2", "normal", False),
    (Close.MANUAL_PARTIAL, "1", "normal", False),
]


@pytest.mark.parametrize(("kind", "row_type", "category", "penalised"), CLOSES)
def test_close__each_kind__type_category_and_penalty(
    exchange: Exchange, kind: Close, row_type: str, category: str, penalised: bool
) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    row = exchange.close_position("trader", position.pos_id, kind)

    order = exchange.account("trader").orders[-1]
    assert (row["type"], order["category"]) == (row_type, category)
    assert (Decimal(row["liqPenalty"]) < 0) == penalised
    assert (position.pos_id in exchange.account("trader").positions) == (row_type in "145")
    assert exchange.account("trader").history == [row]


def test_close__partial_liquidation_then_manual__latest_type_but_penalty_stays(exchange: Exchange) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    exchange.close_position("trader", position.pos_id, Close.PARTIAL_LIQUIDATION)
    row = exchange.close_position("trader", position.pos_id, Close.MANUAL)

    assert (row["type"], row["closeTotalPos"]) == ("2", "10")
    assert Decimal(row["liqPenalty"]) < 0
    assert exchange.account("trader").history == [row]


def test_close__new_row__both_states_kept(exchange: Exchange) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    exchange.close_position("trader", position.pos_id, Close.PARTIAL_LIQUIDATION, at_ms=NOW_MS - 5)
    exchange.close_position("trader", position.pos_id, Close.MANUAL, new_row=True)

    assert [(row["type"], row["uTime"]) for row in exchange.account("trader").history] == [
        ("4", str(NOW_MS - 5)),
        ("2", str(NOW_MS)),
    ]


def test_open__closed_before__old_pos_id_and_new_ctime(exchange: Exchange) -> None:
    first = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10), age_ms=5000)
    exchange.close_position("trader", first.pos_id, Close.MANUAL)

    second = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    assert second.pos_id == first.pos_id
    assert second.c_time_ms - first.c_time_ms == 5000


@pytest.mark.parametrize(
    ("inst_id", "terms"),
    [
        ("BTC-USDT-SWAP", {"contracts": Decimal(0)}),
        ("BTC-USDT-SWAP", {"contracts": Decimal(1), "lever": Decimal(0)}),
        ("DOGE-USDT-SWAP", {"contracts": Decimal(1)}),
    ],
)
def test_open__impossible__refused(exchange: Exchange, inst_id: str, terms: dict[str, Decimal]) -> None:
    with pytest.raises(SimulatorError):
        exchange.open_position("trader", inst_id, **terms)


def test_open__open_already__refused(exchange: Exchange) -> None:
    exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(1))

    with pytest.raises(SimulatorError, match="open already"):
        exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(1))


@pytest.mark.parametrize(
    ("kind", "contracts"),
    [(Close.MANUAL, 3), (Close.MANUAL_PARTIAL, 10), (Close.MANUAL_PARTIAL, 11), (Close.FULL_LIQUIDATION, 0)],
)
def test_close__size_that_does_not_fit__refused(exchange: Exchange, kind: Close, contracts: int) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    with pytest.raises(SimulatorError, match="impossible"):
        exchange.close_position("trader", position.pos_id, kind, contracts=Decimal(contracts))


def test_adjust__leverage_margin_mark__shown_in_the_row(exchange: Exchange) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10), lever=Decimal(5))
    before = position_row(position)

    raised = position_row(exchange.adjust("trader", position.pos_id, lever=Decimal(10)))
    drawn = position_row(exchange.adjust("trader", position.pos_id, margin_change=Decimal(-100)))
    moved = position_row(exchange.adjust("trader", position.pos_id, mark_px=Decimal(99000)))

    assert [row["lever"] for row in (before, raised)] == ["5", "10"]
    assert [row["margin"] for row in (before, raised, drawn)] == ["2000", "1000", "900"]
    assert Decimal(before["liqPx"]) < Decimal(raised["liqPx"]) < Decimal(drawn["liqPx"])
    assert (moved["markPx"], moved["upl"]) == ("99000", "-100")


def test_adjust__no_margin_left__refused(exchange: Exchange) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    with pytest.raises(SimulatorError, match="no margin"):
        exchange.adjust("trader", position.pos_id, margin_change=Decimal(-2000))


def test_increase__more_contracts__size_average_and_another_order(exchange: Exchange) -> None:
    position = exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10))

    row = position_row(exchange.increase("trader", position.pos_id, Decimal(10), Decimal(90000)))

    assert (row["pos"], row["avgPx"], row["margin"]) == ("20", "95000", "3800")
    assert [order["category"] for order in exchange.account("trader").orders] == ["normal", "normal"]


def test_position_row__net_mode_short__negative_size(exchange: Exchange) -> None:
    exchange.add_account("net", position_mode="net_mode")

    row = position_row(
        exchange.open_position(
            "net", "ETH-USDT-SWAP", contracts=Decimal(7), direction="short", mgn_mode="cross"
        )
    )

    assert (row["posSide"], row["pos"], row["mgnMode"], row["margin"]) == ("net", "-7", "cross", "")
    assert Decimal(row["imr"]) == Decimal(560)
    assert Decimal(row["liqPx"]) > Decimal(row["markPx"])


def test_position_row__fields__what_the_rules_read(exchange: Exchange) -> None:
    row = position_row(exchange.open_position("trader", "BTC-USDT-SWAP", contracts=Decimal(10)))

    needed = "posId instId mgnMode posSide pos lever avgPx markPx liqPx margin mgnRatio cTime uTime ccy upl"
    assert [name for name in needed.split() if row[name] == ""] == []
    assert {name for name, value in row.items() if not isinstance(value, str)} == {"closeOrderAlgo"}


@given(
    contracts=st.integers(2, 10**6),
    lever=st.integers(1, 100),
    price=st.decimals(Decimal("0.01"), Decimal(10**6), places=2),
    move=st.decimals(Decimal("0.5"), Decimal("1.5"), places=3),
    direction=st.sampled_from(["long", "short"]),
    funding=st.decimals(Decimal(-100), Decimal(100), places=4),
    kind=st.sampled_from(list(Close)),
)
def test_rows__any_close__strings_and_sums_that_add_up(
    contracts: int, lever: int, price: Decimal, move: Decimal, direction: str, funding: Decimal, kind: Close
) -> None:
    exchange = Exchange(lambda: NOW_MS)
    exchange.add_account("trader")
    position = exchange.open_position(
        "trader",
        "ETH-USDT-SWAP",
        contracts=Decimal(contracts),
        direction=direction,
        lever=Decimal(lever),
        avg_px=price,
        funding_fee=funding,
    )

    row = exchange.close_position("trader", position.pos_id, kind, price=price * move)

    orders = exchange.account("trader").orders
    parts = [Decimal(row[name] or "0") for name in ("pnl", "fee", "fundingFee", "liqPenalty", "settledPnl")]
    assert sum(parts) == Decimal(row["realizedPnl"])
    assert sum(Decimal(order["fee"]) for order in orders) == Decimal(row["fee"])
    assert sum(Decimal(order["pnl"]) for order in orders) == Decimal(row["pnl"])
    stake = price * contracts * Decimal("0.1") / lever
    assert abs(Decimal(row["realizedPnl"]) / stake - Decimal(row["pnlRatio"])) <= Decimal("0.00000001")
    assert {type(value) for found in (row, *orders) for value in found.values()} == {str}
    assert int(row["uTime"]) == int(orders[-1]["fillTime"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [("100", "100"), ("1.500", "1.5"), ("-0.00", "0"), ("1E+3", "1000"), ("0.00000001", "0.00000001")],
)
def test_text__decimal__plain_notation(value: str, shown: str) -> None:
    assert text(Decimal(value)) == shown

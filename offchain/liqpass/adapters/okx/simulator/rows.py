"""Positions and orders as OKX writes them: every scalar a string, every sum adding up exactly.

The rows of positions-history and of orders have the fields of the examples in the project's notes on OKX. The
row of an open position is modelled after OKX's documentation of `/account/positions`; it was not measured on
a live account.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from liqpass.adapters.okx.simulator.instruments import TAKER_FEE, Instrument

Row = dict[str, Any]
_GRAIN = Decimal("0.00000001")


def rounded(value: Decimal) -> Decimal:
    """To eight decimals: as fine as OKX shows amounts."""
    return value.quantize(_GRAIN, ROUND_HALF_EVEN)


def text(value: Decimal) -> str:
    """Plain decimal notation without trailing zeros, never `-0`."""
    return f"{value.normalize() + 0:f}"


@dataclass(slots=True, kw_only=True)
class Position:
    """An open position; amounts in the settlement currency, sizes in contracts.

    Sums since it was opened: `pnl`, `fee`, `funding_fee`, `liq_penalty`, `closed`, `close_notional`.
    """

    instrument: Instrument
    pos_id: str
    ord_id: str
    mgn_mode: str
    pos_side: str
    direction: str
    contracts: Decimal
    open_max: Decimal
    avg_px: Decimal
    mark_px: Decimal
    lever: Decimal
    margin: Decimal
    fee: Decimal
    funding_fee: Decimal
    c_time_ms: int
    u_time_ms: int
    pnl: Decimal = Decimal(0)
    liq_penalty: Decimal = Decimal(0)
    closed: Decimal = Decimal(0)
    close_notional: Decimal = Decimal(0)

    @property
    def sign(self) -> int:
        """1 where a rising price profits, -1 where a falling one does."""
        return 1 if self.direction == "long" else -1

    @property
    def coins(self) -> Decimal:
        """Size in the underlying coin."""
        return self.contracts * self.instrument.contract_value

    @property
    def liq_px(self) -> Decimal:
        """The price at which margin plus profit only covers maintenance margin and the closing fee.

        A cross position is treated as if nothing but its initial margin stood behind it.
        """
        rate = 1 - self.sign * (self.instrument.maintenance + TAKER_FEE)
        price = (self.avg_px * self.coins - self.sign * self.margin) / (self.coins * rate)
        return rounded(max(price, Decimal(0)))

    @property
    def realized_pnl(self) -> Decimal:
        """In the settlement currency, fees and penalty included."""
        return self.pnl + self.fee + self.funding_fee + self.liq_penalty

    def unrealised_at(self, price: Decimal) -> Decimal:
        """Profit at that price, in the settlement currency."""
        return rounded(self.sign * (price - self.avg_px) * self.coins)


def position_row(position: Position) -> Row:
    """The row of `/account/positions`."""
    upl = position.unrealised_at(position.mark_px)
    notional = position.mark_px * position.coins
    maintenance = rounded(notional * position.instrument.maintenance)
    cover = maintenance + rounded(notional * TAKER_FEE)
    isolated = position.mgn_mode == "isolated"
    signed = position.contracts * (position.sign if position.pos_side == "net" else 1)
    known = {
        "adl": "1",
        "availPos": text(signed),
        "avgPx": text(position.avg_px),
        "cTime": str(position.c_time_ms),
        "ccy": position.instrument.settle,
        "fee": text(position.fee),
        "fundingFee": text(position.funding_fee),
        "idxPx": text(position.mark_px),
        "imr": "" if isolated else text(position.margin),
        "instId": position.instrument.inst_id,
        "instType": "SWAP",
        "last": text(position.mark_px),
        "lever": text(position.lever),
        "liqPenalty": text(position.liq_penalty),
        "liqPx": text(position.liq_px),
        "margin": text(position.margin) if isolated else "",
        "markPx": text(position.mark_px),
        "mgnMode": position.mgn_mode,
        "mgnRatio": text(rounded((position.margin + upl) / cover)),
        "mmr": text(maintenance),
        "notionalUsd": text(rounded(notional)),
        "pnl": text(position.pnl),
        "pos": text(signed),
        "posId": position.pos_id,
        "posSide": position.pos_side,
        "realizedPnl": text(position.realized_pnl),
        "tradeId": "0",
        "uTime": str(position.u_time_ms),
        "upl": text(upl),
        "uplLastPx": text(upl),
        "uplRatio": text(rounded(upl / position.margin)),
        "uplRatioLastPx": text(rounded(upl / position.margin)),
        "usdPx": "1",
    }
    empty = (
        "baseBal baseBorrowed baseInterest bePx bizRefId bizRefType clSpotInUseAmt deltaBS deltaPA gammaBS "
        "gammaPA interest liab liabCcy maxSpotInUseAmt nonSettleAvgPx optVal pendingCloseOrdLiabVal posCcy "
        "quoteBal quoteBorrowed quoteInterest settledPnl spotInUseAmt spotInUseCcy thetaBS thetaPA vegaBS "
        "vegaPA"
    )
    return dict(sorted({**known, **dict.fromkeys(empty.split(), ""), "closeOrderAlgo": []}.items()))


def history_row(position: Position, row_type: str, trigger_px: str) -> Row:
    """The row of `/account/positions-history` after a close; `row_type` is OKX's 1 to 6."""
    stake = position.avg_px * position.open_max * position.instrument.contract_value / position.lever
    return {
        "cTime": str(position.c_time_ms),
        "ccy": position.instrument.settle,
        "closeAvgPx": text(rounded(position.close_notional / position.closed)),
        "closeTotalPos": text(position.closed),
        "direction": position.direction,
        "fee": text(position.fee),
        "fundingFee": text(position.funding_fee),
        "instId": position.instrument.inst_id,
        "instType": "SWAP",
        "lever": f"{position.lever:.1f}",
        "liqPenalty": text(position.liq_penalty),
        "mgnMode": position.mgn_mode,
        "nonSettleAvgPx": "",
        "openAvgPx": text(position.avg_px),
        "openMaxPos": text(position.open_max),
        "pnl": text(position.pnl),
        "pnlRatio": text(rounded(position.realized_pnl / stake)),
        "posId": position.pos_id,
        "posSide": position.pos_side,
        "realizedPnl": text(position.realized_pnl),
        "settledPnl": "",
        "triggerPx": trigger_px,
        "type": row_type,
        "uTime": str(position.u_time_ms),
        "uly": position.instrument.underlying,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One order filled at once: `reduces` for a close. `pnl` and `fee` as OKX signs them."""

    ord_id: str
    side: str
    category: str
    contracts: Decimal
    price: Decimal
    pnl: Decimal
    fee: Decimal
    reduces: bool
    c_time_ms: int
    fill_time_ms: int


def order_row(position: Position, fill: Fill) -> Row:
    """The row of `/trade/order` and of the two order histories."""
    size, price = text(fill.contracts), text(fill.price)
    return {
        "accFillSz": size,
        "avgPx": price,
        "cTime": str(fill.c_time_ms),
        "category": fill.category,
        "fee": text(fill.fee),
        "feeCcy": position.instrument.settle,
        "fillPx": price,
        "fillSz": size,
        "fillTime": str(fill.fill_time_ms),
        "instId": position.instrument.inst_id,
        "instType": "SWAP",
        "lever": f"{position.lever:.1f}",
        "ordId": fill.ord_id,
        "ordType": "market",
        "pnl": text(fill.pnl),
        "posSide": position.pos_side,
        "px": "",
        "reduceOnly": "true" if fill.reduces else "false",
        "side": fill.side,
        "state": "filled",
        "sz": size,
        "tdMode": position.mgn_mode,
        "tradeId": "0",
        "uTime": str(fill.fill_time_ms),
    }

"""The simulated exchange: accounts, their keys, positions and what happened to them. Pure, in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal

from liqpass.adapters.okx.simulator.accounts import Account, ApiKey, SimulatorError, made_up_key, uid_of
from liqpass.adapters.okx.simulator.closes import LIQUIDATIONS, PARTIAL, TRIGGERED, TYPE_AND_CATEGORY, Close
from liqpass.adapters.okx.simulator.instruments import INSTRUMENTS, LIQUIDATION_PENALTY, TAKER_FEE, Instrument
from liqpass.adapters.okx.simulator.rows import (
    Fill,
    Position,
    Row,
    history_row,
    order_row,
    rounded,
    text,
)

# OKX's ids grow with time; this origin makes ours as long as the examples in the notes on OKX.
_ID_ORIGIN_MS = 1194463507102


class Exchange:
    """All accounts and one clock. `skew_ms` moves the exchange's clock against the world's."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._sequence = itertools.count(1)
        self.skew_ms = 0
        self.accounts: dict[str, Account] = {}

    def now_ms(self) -> int:
        """The exchange's clock, which may run ahead or behind by `skew_ms`."""
        return self._now_ms() + self.skew_ms

    def add_account(
        self, name: str, *, position_mode: str = "long_short_mode", main_account: str | None = None
    ) -> Account:
        """A new account with one key `reader` (read_only) and one `trader` (read_only,trade)."""
        if name in self.accounts:
            raise SimulatorError(f"there is an account {name} already")
        uid = uid_of(name)
        main_uid = uid if main_account is None else self.account(main_account).main_uid
        account = Account(name, uid, main_uid, position_mode)
        self.accounts[name] = account
        self.add_key(name, "reader", "read_only")
        self.add_key(name, "trader", "read_only,trade")
        return account

    def add_key(self, name: str, label: str, permissions: str, *, demo: bool = False) -> ApiKey:
        """Another key of an account, or the same one with other permissions."""
        key = made_up_key(name, label, permissions, demo=demo)
        self.account(name).keys[label] = key
        return key

    def account(self, name: str) -> Account:
        """Raises SimulatorError for a name that there is not."""
        try:
            return self.accounts[name]
        except KeyError:
            raise SimulatorError(f"there is no account {name}") from None

    def find_key(self, api_key: str) -> tuple[Account, ApiKey] | None:
        """The key and whose it is."""
        for account in self.accounts.values():
            for key in account.keys.values():
                if key.credentials.api_key == api_key:
                    return account, key
        return None

    def open_position(
        self,
        name: str,
        inst_id: str,
        *,
        contracts: Decimal,
        direction: str = "long",
        lever: Decimal = Decimal(5),
        mgn_mode: str = "isolated",
        avg_px: Decimal | None = None,
        extra_margin: Decimal = Decimal(0),
        funding_fee: Decimal = Decimal(0),
        age_ms: int = 0,
    ) -> Position:
        """Opens at market. Same instrument, mode and side as one closed before: the same posId, as at OKX.

        The opening fill lies 1 ms before the position's cTime, as the records of OKX sometimes do.
        """
        account = self.account(name)
        if contracts <= 0 or lever <= 0:
            raise SimulatorError("size and leverage must be above zero")
        instrument = _listed(inst_id)
        price = instrument.price if avg_px is None else avg_px
        pos_side = "net" if account.position_mode == "net_mode" else direction
        at_ms = self.now_ms() - age_ms
        pos_id = account.pos_ids.setdefault((inst_id, mgn_mode, pos_side), self._new_id(at_ms))
        if pos_id in account.positions:
            raise SimulatorError(f"position {pos_id} is open already: increase it")
        notional = contracts * instrument.contract_value * price
        position = Position(
            instrument=instrument,
            pos_id=pos_id,
            ord_id=self._new_id(at_ms),
            mgn_mode=mgn_mode,
            pos_side=pos_side,
            direction=direction,
            contracts=contracts,
            open_max=contracts,
            avg_px=price,
            mark_px=price,
            lever=lever,
            margin=rounded(notional / lever) + extra_margin,
            fee=-rounded(notional * TAKER_FEE),
            funding_fee=funding_fee,
            c_time_ms=at_ms,
            u_time_ms=at_ms,
        )
        account.positions[pos_id] = position
        account.orders.append(_opening_fill(position, position.ord_id, contracts, price))
        return position

    def increase(self, name: str, pos_id: str, contracts: Decimal, price: Decimal | None = None) -> Position:
        """Adds to an open position: the average price, the size and the margin change."""
        account = self.account(name)
        position = account.position(pos_id)
        at_ms = self.now_ms()
        paid = position.mark_px if price is None else price
        notional = contracts * position.instrument.contract_value * paid
        total = position.contracts + contracts
        position.avg_px = rounded((position.avg_px * position.contracts + paid * contracts) / total)
        position.contracts = total
        position.open_max = max(position.open_max, total)
        position.margin += rounded(notional / position.lever)
        position.fee -= rounded(notional * TAKER_FEE)
        position.u_time_ms = at_ms
        account.orders.append(_opening_fill(position, self._new_id(at_ms), contracts, paid))
        return position

    def adjust(
        self,
        name: str,
        pos_id: str,
        *,
        lever: Decimal | None = None,
        margin_change: Decimal = Decimal(0),
        mark_px: Decimal | None = None,
    ) -> Position:
        """Changes leverage (and the margin with it), adds or withdraws margin, moves the mark price."""
        position = self.account(name).position(pos_id)
        if lever is not None:
            position.lever = lever
            position.margin = rounded(position.avg_px * position.coins / lever)
        position.margin += margin_change
        if position.margin <= 0:
            raise SimulatorError("no margin would be left")
        if mark_px is not None:
            position.mark_px = mark_px
        position.u_time_ms = self.now_ms()
        return position

    def close_position(
        self,
        name: str,
        pos_id: str,
        kind: Close,
        *,
        contracts: Decimal | None = None,
        price: Decimal | None = None,
        at_ms: int | None = None,
        new_row: bool = False,
    ) -> Row:
        """Closes all, or for the partial kinds `contracts` (default half), and returns the history row.

        `price` defaults to the liquidation price for liquidations, else to the mark price; `at_ms`, when it
        happens, to now. OKX shows a position's latest state in one row; `new_row` keeps the former.
        """
        account = self.account(name)
        position = account.position(pos_id)
        row_type, category = TYPE_AND_CATEGORY[kind]
        size = position.contracts if contracts is None else contracts
        if kind in PARTIAL:
            size = (position.contracts / 2).to_integral_value() if contracts is None else contracts
        if not 0 < size <= position.contracts or (size == position.contracts) == (kind in PARTIAL):
            raise SimulatorError(f"{kind} of {size} of {position.contracts} contracts is impossible")
        paid = (position.liq_px if kind in LIQUIDATIONS else position.mark_px) if price is None else price
        time_ms = self.now_ms() if at_ms is None else at_ms
        coins = size * position.instrument.contract_value
        pnl = rounded(position.sign * (paid - position.avg_px) * coins)
        fee = -rounded(paid * coins * TAKER_FEE)
        if kind in LIQUIDATIONS:
            position.liq_penalty -= rounded(paid * coins * LIQUIDATION_PENALTY)
        position.margin = rounded(position.margin * (position.contracts - size) / position.contracts)
        position.contracts -= size
        position.closed += size
        position.close_notional += paid * size
        position.pnl += pnl
        position.fee += fee
        position.u_time_ms = time_ms
        fill = Fill(
            ord_id=self._new_id(time_ms - 1),
            side="sell" if position.sign > 0 else "buy",
            category=category,
            contracts=size,
            price=paid,
            pnl=pnl,
            fee=fee,
            reduces=True,
            c_time_ms=time_ms - 1,
            fill_time_ms=time_ms,
        )
        account.orders.append(order_row(position, fill))
        row = history_row(position, row_type, text(paid) if kind in TRIGGERED else "")
        if not new_row:
            account.history = [old for old in account.history if not _same_life(old, row)]
        account.history.append(row)
        if position.contracts == 0:
            del account.positions[pos_id]
        return row

    def add_filler(
        self,
        name: str,
        kind: str,
        inst_id: str,
        count: int,
        *,
        newest_ms: int,
        step_ms: int,
        pos_id: str | None,
    ) -> None:
        """`count` closed positions (`positions`) or filled orders (`orders`), for lists of many pages.

        They lie `step_ms` apart, the last at `newest_ms`; with 0 all tie. Positions share `pos_id` if given.
        """
        account = self.account(name)
        instrument = _listed(inst_id)
        for number in range(count):
            time_ms = newest_ms - (count - 1 - number) * step_ms
            position = Position(
                instrument=instrument,
                pos_id=self._new_id(time_ms) if pos_id is None else pos_id,
                ord_id=self._new_id(time_ms),
                mgn_mode="isolated",
                pos_side="long",
                direction="long",
                contracts=Decimal(0),
                open_max=Decimal(1),
                avg_px=instrument.price,
                mark_px=instrument.price,
                lever=Decimal(5),
                margin=Decimal(0),
                fee=-rounded(2 * instrument.price * instrument.contract_value * TAKER_FEE),
                funding_fee=Decimal(0),
                c_time_ms=time_ms - 60_000 - number,
                u_time_ms=time_ms,
                closed=Decimal(1),
                close_notional=instrument.price,
            )
            if kind == "orders":
                account.orders.append(_opening_fill(position, position.ord_id, Decimal(1), instrument.price))
            else:
                account.history.append(history_row(position, "2", ""))

    def _new_id(self, time_ms: int) -> str:
        return str(((time_ms - _ID_ORIGIN_MS) << 22) + next(self._sequence))


def _opening_fill(position: Position, ord_id: str, contracts: Decimal, price: Decimal) -> Row:
    """The order that opened or increased the position at its present uTime."""
    at_ms = position.u_time_ms - 1
    fill = Fill(
        ord_id=ord_id,
        side="buy" if position.sign > 0 else "sell",
        category="normal",
        contracts=contracts,
        price=price,
        pnl=Decimal(0),
        fee=-rounded(contracts * position.instrument.contract_value * price * TAKER_FEE),
        reduces=False,
        c_time_ms=at_ms,
        fill_time_ms=at_ms,
    )
    return order_row(position, fill)


def _listed(inst_id: str) -> Instrument:
    if inst_id not in INSTRUMENTS:
        raise SimulatorError(f"no instrument {inst_id}; there are {', '.join(INSTRUMENTS)}")
    return INSTRUMENTS[inst_id]


def _same_life(one: Row, other: Row) -> bool:
    return (one["posId"], one["cTime"]) == (other["posId"], other["cTime"])

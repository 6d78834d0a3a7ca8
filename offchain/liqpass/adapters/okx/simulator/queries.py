"""What a signed GET answers: filters, time reach and paging of each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from liqpass.adapters.okx.simulator.accounts import Account, ApiKey
from liqpass.adapters.okx.simulator.exchange import Exchange
from liqpass.adapters.okx.simulator.gate import RefusalError
from liqpass.adapters.okx.simulator.instruments import INSTRUMENTS
from liqpass.adapters.okx.simulator.rows import Row, position_row

DAY_MS = 86_400_000
THREE_MONTHS_MS = 90 * DAY_MS
Params = Mapping[str, str]


def account_config(_exchange: Exchange, account: Account, key: ApiKey, _params: Params) -> list[Row]:
    """The one row of `/account/config`, with its booleans."""
    return [
        {
            "acctLv": "2",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "enableSpotBorrow": False,
            "greeksType": "PA",
            "ip": "",
            "kycLv": "2",
            "label": key.label,
            "level": "Lv1",
            "levelTmp": "",
            "liquidationGear": "-1",
            "mainUid": account.main_uid,
            "mgnIsoMode": "automatic",
            "opAuth": "0",
            "perm": key.permissions,
            "posMode": account.position_mode,
            "roleType": "0",
            "spotOffsetType": "",
            "spotRoleType": "0",
            "spotTraderInsts": [],
            "traderInsts": [],
            "type": "0" if account.uid == account.main_uid else "1",
            "uid": account.uid,
        }
    ]


def positions(_exchange: Exchange, account: Account, _key: ApiKey, params: Params) -> list[Row]:
    """Open positions, newest cTime first; instId and posId may be comma lists."""
    _known_instruments(params)
    rows = [position_row(position) for position in account.positions.values()]
    rows = _matching(rows, params, ("instType", "instId", "posId"))
    return sorted(rows, key=lambda row: int(row["cTime"]), reverse=True)


def positions_history(exchange: Exchange, account: Account, _key: ApiKey, params: Params) -> list[Row]:
    """Three months, newest uTime first, paged by uTime."""
    _known_instruments(params)
    since = exchange.now_ms() - THREE_MONTHS_MS
    rows = [row for row in account.history if int(row["uTime"]) >= since]
    rows = _matching(rows, params, ("instType", "instId", "mgnMode", "type", "posId"))
    return _page(reversed(rows), params, "uTime")


def order(_exchange: Exchange, account: Account, _key: ApiKey, params: Params) -> list[Row]:
    """The one order of instId and ordId, or 51603."""
    for name in ("instId", "ordId"):
        if not params.get(name):
            raise RefusalError("50014", f"Parameter {name} can not be empty.")
    _known_instruments(params)
    rows = _matching(account.orders, params, ("instId", "ordId"))
    if not rows:
        raise RefusalError("51603", "Order does not exist")
    return rows


def orders_history(exchange: Exchange, account: Account, _key: ApiKey, params: Params) -> list[Row]:
    """Seven days, newest ordId first, paged by ordId."""
    return _orders(account, params, exchange.now_ms() - 7 * DAY_MS)


def orders_history_archive(exchange: Exchange, account: Account, _key: ApiKey, params: Params) -> list[Row]:
    """As `orders_history`, three months."""
    return _orders(account, params, exchange.now_ms() - THREE_MONTHS_MS)


SIGNED: dict[str, Callable[[Exchange, Account, ApiKey, Params], list[Row]]] = {
    "/api/v5/account/config": account_config,
    "/api/v5/account/positions": positions,
    "/api/v5/account/positions-history": positions_history,
    "/api/v5/trade/order": order,
    "/api/v5/trade/orders-history": orders_history,
    "/api/v5/trade/orders-history-archive": orders_history_archive,
}


def _orders(account: Account, params: Params, since: int) -> list[Row]:
    if not params.get("instType"):
        raise RefusalError("50014", "Parameter instType can not be empty.")
    _known_instruments(params)
    begin, end = _number(params, "begin"), _number(params, "end")
    rows = [
        row
        for row in account.orders
        if int(row["cTime"]) >= max(since, begin or 0) and (end is None or int(row["cTime"]) <= end)
    ]
    return _page(_matching(rows, params, ("instType", "instId", "category", "state")), params, "ordId")


def _page(rows: Iterable[Row], params: Params, column: str) -> list[Row]:
    """`after` is older than, `before` newer than; rows that tie stay in the order given."""
    limit = _number(params, "limit")
    if limit is not None and not 1 <= limit <= 100:
        raise RefusalError("51000", "Parameter limit error")
    after, before = _number(params, "after"), _number(params, "before")
    chosen = [
        row
        for row in rows
        if (after is None or int(row[column]) < after) and (before is None or int(row[column]) > before)
    ]
    return sorted(chosen, key=lambda row: -int(row[column]))[: 100 if limit is None else limit]


def _matching(rows: Iterable[Row], params: Params, names: tuple[str, ...]) -> list[Row]:
    wanted = {name: params[name].split(",") for name in names if params.get(name)}
    return [row for row in rows if all(row[name] in values for name, values in wanted.items())]


def _number(params: Params, name: str) -> int | None:
    value = params.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise RefusalError("51000", f"Parameter {name} error")
    return int(value)


def _known_instruments(params: Params) -> None:
    for inst_id in filter(None, params.get("instId", "").split(",")):
        if inst_id not in INSTRUMENTS:
            raise RefusalError("51001", "Instrument ID does not exist")

"""Each underwriting rule at its edge, and the hedged 100× money machine."""

import dataclasses

import pytest
from domain_stories import BOUND_MS, KEY, OPENED_MS, POSITIONS_PATH, answer, position_row
from liqpass.domain.okx_records import AccountConfig, read_account_config
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason
from liqpass.domain.underwriting import (
    Book,
    PersonHistory,
    quoting_closed,
    underwrite,
    underwrite_person,
    underwrite_position,
)

R = Reason
NEWCOMER = PersonHistory(active_policies=0, recent_policies=0, blocked=False)
EMPTY_BOOK = Book(open_exposure=0, position_insured=False)
READ_ONLY = AccountConfig("1", "1", frozenset({"read_only"}))


def _judge(*rows, key=KEY, at_ms=BOUND_MS, path=POSITIONS_PATH):
    return underwrite_position(answer(path, rows), key, at_ms, CONSERVATIVE)


def _mine(**changes):
    key = dataclasses.replace(
        KEY,
        inst_id=changes.get("instId", KEY.inst_id),
        pos_side=changes.get("posSide", KEY.pos_side),
    )
    return _judge(position_row(**changes), key=key)


def test_underwrite__ordinary_position_of_a_newcomer__accepted():
    reasons = underwrite(
        response=answer(POSITIONS_PATH, [position_row()]),
        key=KEY,
        bound_at_ms=BOUND_MS,
        account=READ_ONLY,
        history=NEWCOMER,
        book=EMPTY_BOOK,
        parameters=CONSERVATIVE,
    )

    assert reasons == ()


def test_underwrite__hedged_100x_money_machine__refused_by_four_rules():
    # Long and short of one coin at 100x, one minute old: a move of 1 % liquidates one leg, the other leg
    # gains as much, and the payout would be profit.
    long_leg = position_row(lever="100", markPx="150", liqPx="149.2", cTime=str(BOUND_MS - 60_000))
    short_leg = position_row(
        lever="100",
        markPx="150",
        liqPx="150.8",
        posSide="short",
        posId="8",
        cTime=str(BOUND_MS - 60_000),
    )
    key = dataclasses.replace(KEY, c_time_ms=BOUND_MS - 60_000)

    assert _judge(long_leg, short_leg, key=key) == (
        R.LEVERAGE_TOO_HIGH,
        R.LIQUIDATION_TOO_CLOSE,
        R.POSITION_TOO_YOUNG,
        R.POSITION_HEDGED,
    )


def test_underwrite__hedge_within_all_other_limits__refused_as_hedged():
    short_leg = position_row(posSide="short", posId="8", liqPx="170")

    assert _judge(position_row(), short_leg) == (R.POSITION_HEDGED,)


@pytest.mark.parametrize(
    ("other", "hedged"),
    [
        ({"instId": "SOL-USDC-SWAP", "posSide": "net", "pos": "-1"}, True),
        ({"instId": "SOL-USD-SWAP", "posSide": "net", "pos": "-1"}, True),
        ({"instId": "SOL-USD-270101", "instType": "FUTURES", "posSide": "short"}, True),
        ({"instId": "SOL-USD-270101-150-P", "instType": "OPTION", "posSide": "net", "pos": "1"}, True),
        ({"instId": "SOL-USDT", "instType": "MARGIN", "posSide": "net", "pos": "1"}, True),
        ({"instId": "SOL-USDC-SWAP", "posSide": "net", "pos": "1"}, False),
        ({"instId": "BTC-USDT-SWAP", "posSide": "short"}, False),
        ({"instId": "SOLV-USDT-SWAP", "posSide": "short"}, False),
        ({"posSide": "short", "pos": "0"}, False),
    ],
)
def test_underwrite__another_position__hedge_is_the_other_direction_of_one_coin(other, hedged):
    reasons = _judge(position_row(), position_row(posId="8", **other))

    assert reasons == ((R.POSITION_HEDGED,) if hedged else ())


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"lever": "10"}, ()),
        ({"lever": "10.01"}, (R.LEVERAGE_TOO_HIGH,)),
        ({"lever": "0"}, (R.LEVERAGE_TOO_HIGH,)),
        ({"liqPx": "135"}, ()),
        ({"liqPx": "135.0001"}, (R.LIQUIDATION_TOO_CLOSE,)),
        ({"liqPx": "165"}, (R.LIQUIDATION_TOO_CLOSE,)),  # on the wrong side of a long
        ({"posSide": "short", "liqPx": "165"}, ()),
        ({"posSide": "short", "liqPx": "164.9999"}, (R.LIQUIDATION_TOO_CLOSE,)),
        ({"posSide": "net", "pos": "-40", "liqPx": "165"}, ()),
        ({"posSide": "net", "pos": "40", "liqPx": "135"}, ()),
        ({"liqPx": ""}, (R.LIQUIDATION_PRICE_UNKNOWN,)),
        ({"liqPx": "0"}, (R.LIQUIDATION_PRICE_UNKNOWN,)),
        ({"instId": "SOL-USDC-SWAP"}, ()),
        ({"instId": "SOL-USD-SWAP"}, (R.NOT_A_LINEAR_SWAP,)),
        ({"instId": "SOL-EUR-SWAP"}, (R.SETTLEMENT_NOT_USDT_OR_USDC,)),
        ({"instId": "SOL-USDT-270101", "instType": "FUTURES"}, (R.NOT_A_LINEAR_SWAP,)),
        ({"instType": "MARGIN"}, (R.NOT_A_LINEAR_SWAP,)),
        ({"lever": 10}, (R.POSITION_UNREADABLE,)),
        ({"markPx": "0"}, (R.POSITION_UNREADABLE,)),
        ({"markPx": ""}, (R.POSITION_UNREADABLE,)),
        ({"mgnMode": "cross"}, (R.POSITION_NOT_FOUND,)),
        ({"pos": "0"}, (R.POSITION_NOT_FOUND,)),
    ],
)
def test_underwrite__one_term_changed__judged(changes, reasons):
    assert _mine(**changes) == reasons


@pytest.mark.parametrize(("age_ms", "young"), [(3_600_000, True), (3_600_001, False)])
def test_underwrite__age__more_than_an_hour(age_ms, young):
    reasons = _judge(position_row(), at_ms=OPENED_MS + age_ms)

    assert reasons == ((R.POSITION_TOO_YOUNG,) if young else ())


@pytest.mark.parametrize(
    ("path", "reasons"),
    [
        (f"{POSITIONS_PATH}?instType=SWAP", ()),
        (f"{POSITIONS_PATH}?instId=SOL-USDT-SWAP", (R.POSITION_UNREADABLE,)),  # would hide the other leg
        (f"{POSITIONS_PATH}?posId={KEY.pos_id}", (R.POSITION_UNREADABLE,)),
        ("/api/v5/account/balance", (R.POSITION_UNREADABLE,)),
    ],
)
def test_underwrite__filtered_response__refused(path, reasons):
    assert _judge(position_row(), path=path) == reasons


def test_underwrite__failed_response__refused():
    response = answer(POSITIONS_PATH, [position_row()], http_status=500)

    assert underwrite_position(response, KEY, BOUND_MS, CONSERVATIVE) == (R.POSITION_UNREADABLE,)


@pytest.mark.parametrize(
    ("history", "reasons"),
    [
        ((0, 2, False), ()),
        ((1, 2, False), (R.PERSON_HAS_ACTIVE_POLICY,)),
        ((0, 3, False), (R.PERSON_BOUGHT_TOO_OFTEN,)),
        ((0, 0, True), (R.PERSON_BLOCKED,)),
    ],
)
def test_underwrite_person__history__judged(history, reasons):
    assert underwrite_person(PersonHistory(*history), EMPTY_BOOK, CONSERVATIVE) == reasons


def test_underwrite_person__position_insured_already__refused():
    book = Book(open_exposure=0, position_insured=True)

    assert underwrite_person(NEWCOMER, book, CONSERVATIVE) == (R.POSITION_ALREADY_INSURED,)


@pytest.mark.parametrize(("exposure", "closed"), [(2_450_000_000, False), (2_450_000_001, True)])
def test_quoting_closed__open_exposure__one_more_full_payout_must_fit(exposure, closed):
    assert quoting_closed(exposure, CONSERVATIVE) is closed
    reasons = underwrite_person(NEWCOMER, Book(exposure, False), CONSERVATIVE)
    assert reasons == ((R.EXPOSURE_EXHAUSTED,) if closed else ())


@pytest.mark.parametrize(
    ("perm", "accepted"),
    [
        ("read_only", True),
        ("read_only,trade", False),
        ("read_only,withdraw,trade", False),
        ("trade", False),
        ("", False),
        ("READ_ONLY", False),
    ],
)
def test_account_config__permissions__exactly_read_only(perm, accepted):
    config = read_account_config({"uid": "1", "mainUid": "2", "perm": perm, "autoLoan": False})

    assert config.is_read_only is accepted
    reasons = underwrite(
        response=answer(POSITIONS_PATH, [position_row()]),
        key=KEY,
        bound_at_ms=BOUND_MS,
        account=config,
        history=NEWCOMER,
        book=EMPTY_BOOK,
        parameters=CONSERVATIVE,
    )
    assert reasons == (() if accepted else (R.KEY_NOT_READ_ONLY,))

"""Terms: each rule of createPolicy with its own sentence, all faults at once, the contract's hash."""

import dataclasses

import pytest
from liqpass.domain.money import MAX_USDC
from liqpass.domain.parametric.terms import NOBODY, Share, terms_hash
from liqpass.domain.parametric.terms_check import TermsError, check, faults
from liqpass.domain.parametric.times import TimeError, format_time, parse_time
from parametric_stories import (
    ACTIVE_FROM_S,
    ACTIVE_TO_S,
    AROUND,
    CONTRACT,
    DEADLINE_S,
    DEPARTURE_S,
    FEED,
    LATE_S,
    NOW_S,
    SHARES,
    TERMS,
    USDC,
)

YEAR_S = 400 * 86_400


def of(**changes):
    return faults(dataclasses.replace(TERMS, **changes), SHARES, AROUND)


def test_faults__the_example__none():
    assert faults(TERMS, SHARES, AROUND) == ()
    check(TERMS, SHARES, AROUND)


@pytest.mark.parametrize(
    "changes",
    [
        {"payout": 1},
        {"payout": MAX_USDC},
        {"threshold_minutes": 10},
        {"threshold_minutes": 830},
        {"underwriting_deadline_s": NOW_S + 1},
        {"underwriting_deadline_s": ACTIVE_FROM_S},
        {"active_from_s": DEPARTURE_S},
        {"active_to_s": LATE_S + 1},
        {"active_to_s": NOW_S + YEAR_S},
        {"approval_window_s": 3_600},
        {"claim_grace_s": 30 * 86_400},
        {"operator": None},
        {"flight": "KE081-20260315-X"},
    ],
)
def test_faults__at_a_bound__none(changes):
    assert of(**changes) == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"payout": 0}, f"payout 0 is outside 1..{MAX_USDC} base units"),
        ({"payout": MAX_USDC + 1}, f"payout {MAX_USDC + 1} is outside 1..{MAX_USDC} base units"),
        ({"threshold_minutes": 0}, "threshold 0 is not a multiple of 10 in 10..9980 minutes"),
        ({"threshold_minutes": 125}, "threshold 125 is not a multiple of 10 in 10..9980 minutes"),
        (
            {"underwriting_deadline_s": NOW_S},
            "underwriting deadline 2026-03-13T11:06:40Z is not after now, 2026-03-13T11:06:40Z",
        ),
        (
            {"underwriting_deadline_s": ACTIVE_FROM_S + 1},
            "underwriting deadline 2026-03-15T00:00:01Z is after active from, 2026-03-15T00:00:00Z",
        ),
        (
            {"active_from_s": DEPARTURE_S + 1},
            "active from 2026-03-15T10:00:01Z is after the departure, 2026-03-15T10:00:00Z",
        ),
        (
            {"active_to_s": LATE_S},
            (
                "active to 2026-03-15T12:00:00Z is not after the departure and the threshold, "
                "2026-03-15T12:00:00Z"
            ),
        ),
        ({"active_to_s": NOW_S + YEAR_S + 1}, "active to 2027-04-17T11:06:41Z is more than 400 days away"),
        ({"approval_window_s": 3_599}, "approval window 3599 s is outside 3600..2592000 s"),
        ({"approval_window_s": 2_592_001}, "approval window 2592001 s is outside 3600..2592000 s"),
        ({"claim_grace_s": 3_599}, "claim grace 3599 s is outside 3600..2592000 s"),
        ({"claim_grace_s": 2_592_001}, "claim grace 2592001 s is outside 3600..2592000 s"),
        ({"beneficiary": NOBODY}, f"beneficiary {NOBODY} is nobody"),
        ({"beneficiary": CONTRACT}, f"beneficiary {CONTRACT} is the contract itself"),
        ({"beneficiary": USDC}, f"beneficiary {USDC} is USDC"),
        ({"route": ""}, "route '' is not 1 to 16 visible ASCII characters"),
        ({"route": "ICN JFK"}, "route 'ICN JFK' is not 1 to 16 visible ASCII characters"),
        (
            {"flight": "KE081-20260315-XX"},
            "flight 'KE081-20260315-XX' is not 1 to 16 visible ASCII characters",
        ),
        (
            {"feed_description": "KE081 2026-03-16"},
            f"feed {FEED} is {TERMS.feed_description!r}, the terms are for 'KE081 2026-03-16'",
        ),
    ],
)
def test_faults__one_rule_broken__its_sentence(changes, sentence):
    assert of(**changes) == (sentence,)


def test_faults__threshold_too_long__it_and_no_room_for_a_claim():
    assert of(threshold_minutes=9_990) == (
        "threshold 9990 is not a multiple of 10 in 10..9980 minutes",
        "active to 2026-03-16T00:00:00Z is not after the departure and the threshold, 2026-03-22T08:30:00Z",
    )


@pytest.mark.parametrize(
    ("around", "sentence"),
    [
        ({"feed_decimals": 8}, f"feed {FEED} has 8 decimals instead of 0"),
        ({"feed_decimals": None}, f"feed {FEED} does not answer as a feed"),
        ({"feed_description": None}, f"feed {FEED} does not answer as a feed"),
    ],
)
def test_faults__feed_unfit__its_sentence(around, sentence):
    assert faults(TERMS, SHARES, dataclasses.replace(AROUND, **around)) == (sentence,)


ONE, TWO = SHARES[0].insurer, SHARES[1].insurer


@pytest.mark.parametrize(
    ("shares", "sentences"),
    [
        ((), ("0 shares, allowed are 1..16", "the shares add up to 0 bps instead of 10000 bps")),
        ((Share(ONE, 9_999),), ("the shares add up to 9999 bps instead of 10000 bps",)),
        (
            (Share(ONE, 10_000), Share(TWO, 0)),
            ("share 1 of 0 bps is outside 1..10000 bps",),
        ),
        (
            (Share(ONE, 5_000), Share(ONE, 5_000)),
            (f"share 1 has the same insurer as share 0, {ONE}",),
        ),
        ((Share(NOBODY, 10_000),), ("share 0 has no insurer",)),
        (
            (Share(ONE, 70_000),),
            (
                "share 0 of 70000 bps is outside 1..10000 bps",
                "the shares add up to 70000 bps instead of 10000 bps",
            ),
        ),
        (
            tuple(Share(f"0x{index:040x}", 625) for index in range(1, 18)),
            ("17 shares, allowed are 1..16", "the shares add up to 10625 bps instead of 10000 bps"),
        ),
    ],
)
def test_faults__shares_unfit__a_sentence_each(shares, sentences):
    assert faults(TERMS, shares, AROUND) == sentences


def test_faults__sixteen_shares__none():
    assert faults(TERMS, tuple(Share(f"0x{index:040x}", 625) for index in range(1, 17)), AROUND) == ()


def test_check__several_faults__all_in_one_error():
    with pytest.raises(TermsError) as caught:
        check(dataclasses.replace(TERMS, payout=0, beneficiary=NOBODY), (Share(ONE, 1),), AROUND)

    assert caught.value.faults == (
        f"payout 0 is outside 1..{MAX_USDC} base units",
        f"beneficiary {NOBODY} is nobody",
        "the shares add up to 1 bps instead of 10000 bps",
    )
    assert str(caught.value) == "\n".join(caught.value.faults)


def test_terms__claim_deadline__grace_after_the_cover():
    assert TERMS.claim_deadline_s == ACTIVE_TO_S + 86_400
    assert TERMS.underwriting_deadline_s == DEADLINE_S


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(TERMS)])
def test_terms_hash__any_term_changed__another(field):
    value = getattr(TERMS, field)
    other = value + 1 if isinstance(value, int) else ONE if value.startswith("0x") else value + "X"

    assert terms_hash(dataclasses.replace(TERMS, **{field: other}), SHARES) != terms_hash(TERMS, SHARES)


def test_terms_hash__another_share__another():
    assert terms_hash(TERMS, SHARES[::-1]) != terms_hash(TERMS, SHARES)


def test_terms__as_arguments__in_the_contracts_order():
    assert TERMS.as_arguments()[:7] == (
        b"ICN-JFK" + bytes(9),
        b"KE081" + bytes(11),
        DEPARTURE_S,
        120,
        1_000_000,
        TERMS.beneficiary,
        TERMS.operator,
    )
    assert dataclasses.replace(TERMS, operator=None).as_arguments()[6] == NOBODY
    assert SHARES[0].as_arguments() == (ONE, 4_000)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-15T10:00:00Z",
        "2026-03-15T10:00Z",
        "2026-03-15T19:00:00+09:00",
        "2026-03-15T05:30:00-04:30",
        1_773_568_800,
    ],
)
def test_parse_time__zone_or_seconds__unix_seconds(value):
    assert parse_time(value) == DEPARTURE_S


@pytest.mark.parametrize(
    "value", [-1, 2**40, True, 1.0, None, "1773568800", "2026-03-15", "2026-03-15 10:00Z"]
)
def test_parse_time__anything_else__refused(value):
    with pytest.raises(TimeError):
        parse_time(value)


def test_format_time__beyond_the_calendar__bare_seconds():
    assert (format_time(DEPARTURE_S), format_time(2**40 - 1)) == ("2026-03-15T10:00:00Z", "1099511627775")

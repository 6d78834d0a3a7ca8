"""The terms file: the example as it is shipped, and every malformation told at once."""

from pathlib import Path

import pytest
import yaml
from liqpass.domain.parametric.escrow import escrows
from liqpass.domain.parametric.terms_check import TermsError, faults
from liqpass.domain.parametric.terms_file import parse_terms
from parametric_stories import AROUND, DEPARTURE_S, SHARES, TERMS

EXAMPLE = (Path(__file__).parents[4] / "docs" / "examples" / "ke081.yaml").read_text("utf-8")


def document(**changes):
    return {**yaml.safe_load(EXAMPLE), **changes}


def test_parse_terms__the_example__terms_and_shares_of_the_story():
    terms, shares = parse_terms(yaml.safe_load(EXAMPLE))

    assert (terms, shares) == (TERMS, SHARES)
    assert (terms.departure_s, terms.active_from_s, terms.active_to_s) == (
        1_773_568_800,
        1_773_532_800,
        1_773_619_200,
    )
    assert escrows(terms.payout, [share.bps for share in shares]) == (400_000, 350_000, 250_000)
    assert faults(terms, shares, AROUND) == ()


def test_parse_terms__unix_seconds_and_nobody_as_operator__taken():
    terms, _ = parse_terms(document(departure=DEPARTURE_S, operator=None))

    assert (terms.departure_s, terms.operator) == (DEPARTURE_S, None)


def test_parse_terms__time_without_quotes__taken_with_its_zone():
    text = EXAMPLE.replace('"2026-03-15T19:00:00+09:00"', "2026-03-15T19:00:00+09:00")

    assert parse_terms(yaml.safe_load(text))[0].departure_s == DEPARTURE_S


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"more": 1}, "the file: unknown key 'more'"),
        ({"payout": 1}, "payout: not text: 1; put it in quotes"),
        ({"payout": "1,00"}, "payout: not an amount of USDC with at most 6 decimals: '1,00'"),
        ({"payout": "0.0000001"}, "payout: not an amount of USDC with at most 6 decimals: '0.0000001'"),
        ({"feed": 0xFEED}, "feed: not text: 65261; put it in quotes"),
        ({"feed": "0xfeed"}, "feed: not an address: '0xfeed'"),
        ({"beneficiary": None}, "beneficiary: not text: None; put it in quotes"),
        ({"operator": ""}, "operator: not an address: ''"),
        ({"departure": "2026-03-15T19:00:00"}, "departure: not a time with a zone such as "),
        ({"active_to": 1.5}, "active_to: not a time with a zone such as "),
        ({"threshold_minutes": "120"}, "threshold_minutes: not a whole number: '120'"),
        ({"threshold_minutes": True}, "threshold_minutes: not a whole number: True"),
        ({"flight": 81}, "flight: not text: 81; put it in quotes"),
        ({"shares": {}}, "shares: not a list"),
        ({"shares": ["x"]}, "shares[0]: not a mapping of keys to values"),
        ({"shares": [{"insurer": SHARES[0].insurer}]}, "shares[0]: no bps"),
        ({"shares": [{"insurer": "x", "bps": 1}]}, "shares[0].insurer: not an address: 'x'"),
        ({"shares": [{"insurer": SHARES[0].insurer, "bps": "1"}]}, "shares[0].bps: not a whole number: '1'"),
    ],
)
def test_parse_terms__one_value_malformed__its_fault_alone(changes, fault):
    with pytest.raises(TermsError) as caught:
        parse_terms(document(**changes))

    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(fault)


def test_parse_terms__naive_time_without_quotes__refused():
    text = EXAMPLE.replace('"2026-03-15T19:00:00+09:00"', "2026-03-15T19:00:00")

    with pytest.raises(TermsError) as caught:
        parse_terms(yaml.safe_load(text))

    assert caught.value.faults == ("departure: a time needs its zone and whole seconds: 2026-03-15T19:00:00",)


@pytest.mark.parametrize("value", [None, [], "flight: KE081"])
def test_parse_terms__no_mapping__one_fault(value):
    with pytest.raises(TermsError) as caught:
        parse_terms(value)

    assert caught.value.faults == ("the file: not a mapping of keys to values",)


def test_parse_terms__empty__every_key_missing():
    with pytest.raises(TermsError) as caught:
        parse_terms({})

    assert caught.value.faults == tuple(f"the file: no {key}" for key in yaml.safe_load(EXAMPLE))


def test_parse_terms__several_malformed__all_told():
    with pytest.raises(TermsError) as caught:
        parse_terms(document(payout="x", feed="y", shares=[{"insurer": "z"}]))

    assert caught.value.faults == (
        "shares[0]: no bps",
        "shares[0].insurer: not an address: 'z'",
        "payout: not an amount of USDC with at most 6 decimals: 'x'",
        "feed: not an address: 'y'",
    )

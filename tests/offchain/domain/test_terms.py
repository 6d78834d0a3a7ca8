"""Quote, position, parameters, window, price: what is hashed and what is refused."""

import dataclasses

import pytest
from domain_stories import BOUND_MS, KEY, SUBJECT
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.identifiers import (
    IdentifierError,
    checksum_address,
    format_bytes32,
    parse_address,
    parse_bytes32,
    parse_number,
    parse_sha256,
    parse_uuid,
)
from liqpass.domain.money import MoneyError
from liqpass.domain.parameters import CONSERVATIVE, Parameters, ParametersError
from liqpass.domain.position import BoundPosition, PositionError, Subject, position_hash
from liqpass.domain.pricing import payout, price
from liqpass.domain.quote import QuoteError, QuoteTerms, order_id, quote_hash
from liqpass.domain.window import Window, cover_window, may_claim

UUID = "12345678-1234-4234-8234-123456789abc"
TERMS = QuoteTerms(
    order_id=format_bytes32(order_id(UUID)),
    buyer="0x" + "b0" * 20,
    chain_id=8453,
    checkout="0x" + "c0" * 20,
    premium=1_000_000,
    payout=50_000_000,
    position_hash="ab" * 32,
    valid_until_s=1_790_007_260,
    params_version=CONSERVATIVE.params_version,
)
BOUND = BoundPosition(KEY, SUBJECT.uid_hmac, BOUND_MS, "cd" * 32)


def test_order_id__uuid__keccak_of_its_text():
    assert order_id(UUID).hex() == "dee0970fc3479e347897921c703404542f90b1700672bc288c27dbb655c3c498"


@pytest.mark.parametrize(
    "text", [UUID.upper(), UUID.replace("-", ""), UUID[:-1], UUID.replace("4234", "1234"), "", 5]
)
def test_order_id__not_a_uuid4_in_lower_case__refused(text):
    with pytest.raises(IdentifierError):
        order_id(text)


def test_quote__terms__known_hash_and_json_back():
    assert quote_hash(TERMS).hex() == "5b06ea89f678564dfebb4fd946bec17729f6971b84ac8164b3be27dbcf6dab34"
    assert QuoteTerms.from_json(TERMS.as_json()) == TERMS
    assert all(isinstance(value, str) for value in TERMS.as_json().values())


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "0x" + "1" * 64},
        {"buyer": "0x" + "b1" * 20},
        {"chain_id": 84532},
        {"checkout": "0x" + "c1" * 20},
        {"premium": 1_000_001},
        {"payout": 50_000_001},
        {"position_hash": "ac" * 32},
        {"valid_until_s": 1_790_007_261},
        {"params_version": "0" * 16},
    ],
)
def test_quote__any_term_changed__other_hash(changes):
    assert quote_hash(dataclasses.replace(TERMS, **changes)) != quote_hash(TERMS)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("schema", "liqpass.quote/2", QuoteError),
        ("orderId", "0x12", IdentifierError),
        ("orderId", "0x" + "A" * 64, IdentifierError),
        ("buyer", "0x" + "B0" * 20, IdentifierError),
        ("buyer", "0x" + "0" * 40, IdentifierError),
        ("chainId", "0", QuoteError),
        ("chainId", 8453, IdentifierError),
        ("premium", "1.00", MoneyError),
        ("premium", 1_000_000, MoneyError),
        ("payout", "-1", MoneyError),
        ("positionHash", "zz", IdentifierError),
        ("validUntil", "01", IdentifierError),
        ("validUntil", "0", QuoteError),
        ("paramsVersion", "x", QuoteError),
        ("paramsVersion", "X" * 16, QuoteError),
        ("more", "x", QuoteError),
    ],
)
def test_quote__malformed_json__refused(key, value, error):
    with pytest.raises(error):
        QuoteTerms.from_json(TERMS.as_json() | {key: value})


def test_quote__checksummed_address__must_be_lower_case():
    with pytest.raises(QuoteError, match="not in lower case"):
        dataclasses.replace(TERMS, buyer="0x52908400098527886E0F7030069857D2E4169EE7")


def test_position__bound__known_hash_and_json_back():
    assert position_hash(BOUND) == "81f1ee099d944c003e4f7534aabb7b59cf09f74a802bf8ed8163e0674b3b5613"
    assert BoundPosition.from_json(BOUND.as_json()) == BOUND
    assert Subject.from_json(SUBJECT.as_json()) == SUBJECT


@pytest.mark.parametrize("field", ["inst_id", "mgn_mode", "pos_side", "pos_id", "c_time_ms"])
def test_position__any_part_of_the_key_changed__other_hash(field):
    other = 7 if field == "c_time_ms" else "x"
    changed = dataclasses.replace(BOUND, key=dataclasses.replace(KEY, **{field: other}))

    assert position_hash(changed) != position_hash(BOUND)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("schema", "x", PositionError),
        ("instId", "", PositionError),
        ("instId", "x" * 65, PositionError),
        ("posId", 5, PositionError),
        ("cTime", "x", IdentifierError),
        ("uidHmac", "x", IdentifierError),
        ("boundAtMs", None, IdentifierError),
        ("bodySha256", "AB" * 32, IdentifierError),
        ("more", "x", PositionError),
    ],
)
def test_position__malformed_json__refused(key, value, error):
    with pytest.raises(error):
        BoundPosition.from_json(BOUND.as_json() | {key: value})


def test_parameters__conservative__those_of_the_design():
    assert CONSERVATIVE.as_json() == {
        "premium": "1000000",
        "payout_cap": "50000000",
        "daily_cap": "500000000",
        "hot_wallet_max": "550000000",
        "max_open_exposure": "2500000000",
        "quote_valid_s": "900",
        "waiting_s": "600",
        "cover_s": "86400",
        "claim_grace_s": "86400",
        "confirmations": "5",
        "max_leverage": "10",
        "min_liquidation_distance_bps": "1000",
        "min_position_age_s": "3600",
        "max_active_policies": "1",
        "max_recent_policies": "3",
        "recent_s": "604800",
        "cut_off_minute": "600",
        "cut_off_utc_offset_min": "480",
    }
    assert CONSERVATIVE.params_version == "0157150d513465c6"
    assert Parameters.from_json(CONSERVATIVE.as_json()) == CONSERVATIVE


@pytest.mark.parametrize("name", list(CONSERVATIVE.as_json()))
def test_parameters__any_number_changed__other_version(name):
    changed = dataclasses.replace(CONSERVATIVE, **{name: getattr(CONSERVATIVE, name) + 1})

    assert changed.params_version != CONSERVATIVE.params_version
    assert Parameters.from_json(changed.as_json()) == changed


@pytest.mark.parametrize(
    "changes",
    [
        {"premium": 0},
        {"premium": 50_000_000},
        {"payout_cap": 500_000_001},
        {"daily_cap": 550_000_001},
        {"max_open_exposure": 49_999_999},
        {"max_active_policies": 4},
        {"confirmations": 0},
        {"max_leverage": 126},
        {"min_liquidation_distance_bps": 0},
        {"cover_s": 59},
        {"cut_off_minute": 1440},
        {"cut_off_utc_offset_min": -721},
        {"waiting_s": 1.5},
        {"premium": True},
    ],
)
def test_parameters__contradiction_or_out_of_bounds__refused(changes):
    with pytest.raises(ParametersError):
        dataclasses.replace(CONSERVATIVE, **changes)


def test_parameters__west_of_greenwich__json_back():
    west = dataclasses.replace(CONSERVATIVE, cut_off_utc_offset_min=-480)

    assert Parameters.from_json(west.as_json()) == west


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("premium", 1),
        ("premium", "1.0"),
        ("premium", "-0"),
        ("premium", "--1"),
        ("premium", "01"),
        ("more", "1"),
    ],
)
def test_parameters__malformed_json__refused(key, value):
    with pytest.raises(ParametersError):
        Parameters.from_json(CONSERVATIVE.as_json() | {key: value})


def test_cover_window__payment_time__waiting_then_a_day():
    assert cover_window(1_790_000_000, CONSERVATIVE) == Window(1_790_000_600_000, 1_790_087_000_000)


@pytest.mark.parametrize(("time_ms", "inside"), [(99, False), (100, True), (199, True), (200, False)])
def test_window__edges__start_included_end_not(time_ms, inside):
    assert Window(100, 200).covers(time_ms) is inside


@pytest.mark.parametrize(
    ("now_ms", "allowed"), [(99, False), (100, True), (86_400_199, True), (86_400_200, False)]
)
def test_may_claim__from_start_to_grace_after_end(now_ms, allowed):
    assert may_claim(Window(100, 200), now_ms, CONSERVATIVE) is allowed


def test_price__parameters__fixed_premium_and_a_ceiling():
    quoted = price(CONSERVATIVE)

    assert (quoted.premium, quoted.payout_up_to, quoted.cover_s) == (1_000_000, 50_000_000, 86_400)
    assert quoted.params_version == CONSERVATIVE.params_version


@given(st.integers(0, 2**96 - 1), st.integers(0, 2**96 - 1))
def test_payout__any_loss__never_above_loss_or_cap(loss, cap):
    assert payout(loss, cap) in {loss, cap}
    assert payout(loss, cap) <= min(loss, cap)


@pytest.mark.parametrize(
    "address",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",  # EIP-55's own examples
        "0xde709f2102306220921060314715629080e2fb77",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_parse_address__eip55_examples__lower_case_and_back(address):
    assert parse_address(address) == address.lower()
    assert checksum_address(address.lower()) == address


@pytest.mark.parametrize(
    "text",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed",
        "0x" + "0" * 40,
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\n",
        None,
    ],
)
def test_parse_address__wrong_checksum_zero_or_malformed__refused(text):
    with pytest.raises(IdentifierError):
        parse_address(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_bytes32, "0x" + "A" * 64),
        (parse_bytes32, "a" * 64),
        (parse_bytes32, "0x" + "a" * 63),
        (parse_sha256, "0x" + "a" * 62),
        (parse_sha256, "A" * 64),
        (parse_number, "-1"),
        (parse_number, "00"),
        (parse_number, "1" * 79),
        (parse_number, "١"),
        (parse_number, 1),
        (parse_uuid, None),
    ],
)
def test_parse_identifier__another_form__refused(parse, text):
    with pytest.raises(IdentifierError):
        parse(text)


def test_format_bytes32__wrong_length__refused():
    assert parse_bytes32(format_bytes32(b"\1" * 32)) == b"\1" * 32
    with pytest.raises(IdentifierError):
        format_bytes32(b"\1" * 31)

import pytest
from liqpass.adapters.okx.errors import InvalidCredentialsError
from liqpass.adapters.okx.signing import Credentials, okx_timestamp, signature, signed_headers

SECRET = b"22582BD0CFF14C41EDBF1AB98506286D"
TIMESTAMP = "2020-12-08T09:08:57.715Z"
TIME_MS = 1_607_418_537_715


@pytest.mark.parametrize(
    ("raw_path", "expected"),
    [
        (b"/api/v5/account/balance?ccy=BTC", "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
        (b"/api/v5/account/config", "Kr/8IrbDYujS4cg2KkmB+tO2HMUXxyayG6ZwNb4H/yA="),
    ],
)
def test_signature__published_vector__equal(raw_path: bytes, expected: str) -> None:
    assert signature(SECRET, TIMESTAMP, raw_path) == expected


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [
        (TIME_MS, TIMESTAMP),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_607_418_537_007, "2020-12-08T09:08:57.007Z"),
        (1_607_418_537_999, "2020-12-08T09:08:57.999Z"),
    ],
)
def test_okx_timestamp__milliseconds__as_okx_writes_them(time_ms: int, expected: str) -> None:
    assert okx_timestamp(time_ms) == expected


def test_signed_headers__demo_key__says_so() -> None:
    headers = signed_headers(
        Credentials("k", SECRET.decode(), "p", demo=True), TIME_MS, b"/api/v5/account/config"
    )

    assert headers == {
        "OK-ACCESS-KEY": "k",
        "OK-ACCESS-SIGN": "Kr/8IrbDYujS4cg2KkmB+tO2HMUXxyayG6ZwNb4H/yA=",
        "OK-ACCESS-TIMESTAMP": TIMESTAMP,
        "OK-ACCESS-PASSPHRASE": "p",
        "x-simulated-trading": "1",
    }


def test_signed_headers__production_key__no_demo_header() -> None:
    assert "x-simulated-trading" not in signed_headers(Credentials("k", "s", "p"), TIME_MS, b"/")


@pytest.mark.parametrize(
    "value", ["", "a\r\nX-Injected: 1", "pässphrase", " padded", "padded ", "x" * 257, "a\x00b"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_credentials__not_a_header_value__refused_without_showing_it(value: str, place: int) -> None:
    parts = ["k", "s", "p"]
    parts[place] = value

    with pytest.raises(InvalidCredentialsError) as refused:
        Credentials(*parts)

    name = ("api_key", "secret", "passphrase")[place]
    assert str(refused.value) in {
        f"{name} must be 1 to 256 printable ASCII characters",
        f"{name} must not begin or end with a blank",
    }

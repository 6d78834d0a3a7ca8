"""Terms and shares out of the parsed YAML that a leader writes: strict, and every fault at once."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from liqpass.domain.identifiers import IdentifierError, parse_address
from liqpass.domain.money import MoneyError, parse_usdc
from liqpass.domain.parametric.terms import Share, Terms
from liqpass.domain.parametric.terms_check import TermsError
from liqpass.domain.parametric.times import TimeError, parse_time

Value = TypeVar("Value")

_KEYS = (
    "flight",
    "route",
    "departure",
    "threshold_minutes",
    "payout",
    "beneficiary",
    "operator",
    "feed",
    "feed_description",
    "underwriting_deadline",
    "active_from",
    "active_to",
    "approval_window_s",
    "claim_grace_s",
    "shares",
)
_SHARE_KEYS = ("insurer", "bps")
_MAX_BITS = 64


class _WrongTypeError(ValueError):
    """A value of another type than the key takes."""


def parse_terms(document: object) -> tuple[Terms, tuple[Share, ...]]:
    """Read the mapping of a terms file; unknown and missing keys are refused.

    Money is a decimal string of USDC, a time ISO 8601 with its zone or unix seconds. Raises `TermsError` with
    every fault. Says only that the file has its form: `terms_check.faults` says whether a policy can be made
    of it.
    """
    reader = _Reader()
    top = reader.mapping("the file", document, _KEYS)
    rows = top.get("shares")
    if "shares" in top and not isinstance(rows, list):
        reader.faults.append("shares: not a list")
    shares = [
        _share(reader, f"shares[{index}]", row)
        for index, row in enumerate(rows if isinstance(rows, list) else [])
    ]
    fields: dict[str, Any] = {
        "route": reader.read(top, "route", _text),
        "flight": reader.read(top, "flight", _text),
        "departure_s": reader.read(top, "departure", parse_time),
        "threshold_minutes": reader.read(top, "threshold_minutes", _whole),
        "payout": reader.read(top, "payout", _money),
        "beneficiary": reader.read(top, "beneficiary", _address),
        "operator": reader.read(top, "operator", _address_or_none),
        "feed": reader.read(top, "feed", _address),
        "feed_description": reader.read(top, "feed_description", _text),
        "underwriting_deadline_s": reader.read(top, "underwriting_deadline", parse_time),
        "active_from_s": reader.read(top, "active_from", parse_time),
        "active_to_s": reader.read(top, "active_to", parse_time),
        "approval_window_s": reader.read(top, "approval_window_s", _whole),
        "claim_grace_s": reader.read(top, "claim_grace_s", _whole),
    }
    if reader.faults:
        raise TermsError(reader.faults)
    return Terms(**fields), tuple(Share(**share) for share in shares)


def _share(reader: "_Reader", where: str, row: object) -> dict[str, Any]:
    share = reader.mapping(where, row, _SHARE_KEYS)
    return {
        "insurer": reader.read(share, "insurer", _address, f"{where}."),
        "bps": reader.read(share, "bps", _whole, f"{where}."),
    }


class _Reader:
    """Reads what it can, and remembers every fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def mapping(self, where: str, value: object, keys: tuple[str, ...]) -> Mapping[str, object]:
        """`value` with exactly these keys; empty where it is no mapping."""
        if not isinstance(value, Mapping):
            self.faults.append(f"{where}: not a mapping of keys to values")
            return {}
        self.faults += [f"{where}: unknown key {key!r}" for key in value if key not in keys]
        self.faults += [f"{where}: no {key}" for key in keys if key not in value]
        return value

    def read(
        self, mapping: Mapping[str, object], key: str, parse: Callable[[object], Value], where: str = ""
    ) -> Value | None:
        """None only where a fault has been remembered, or `parse` gives it."""
        if key not in mapping:
            return None
        try:
            return parse(mapping[key])
        except (IdentifierError, MoneyError, TimeError, _WrongTypeError) as error:
            self.faults.append(f"{where}{key}: {error}")
            return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongTypeError(f"not text: {value!r}; put it in quotes")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise _WrongTypeError(f"not a whole number: {value!r}")
    if value.bit_length() > _MAX_BITS:  # Python refuses to write numbers of thousands of digits
        raise _WrongTypeError(f"a number of more than {_MAX_BITS} bits")
    return value


def _money(value: object) -> int:
    return parse_usdc(_text(value))


def _address(value: object) -> str:
    return parse_address(_text(value))  # YAML reads an unquoted 0x… as a number


def _address_or_none(value: object) -> str | None:
    return None if value is None else _address(value)

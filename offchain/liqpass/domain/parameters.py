"""Every number that the rules use, in one validated, versioned value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from liqpass.domain.canonical import canonical_json, sha256_hex
from liqpass.domain.money import MAX_USDC, MoneyError, Usdc, parse_usdc

_DIGITS = re.compile(r"0|[1-9][0-9]{0,28}", re.ASCII)


class ParametersError(ValueError):
    """Parameters that contradict each other or lie outside their bounds."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Amounts in USDC base units, durations in seconds (`_s`), ratios in basis points (`_bps`).

    The cut-off is a local time of day in a zone of fixed offset from UTC. Asia/Shanghai has kept UTC+8
    without summer time since 1991; a fixed offset needs no time-zone database, which a bare machine lacks,
    and gives the approver's machine and the service the same answer.
    """

    premium: Usdc
    payout_cap: Usdc
    daily_cap: Usdc
    hot_wallet_max: Usdc
    max_open_exposure: Usdc
    quote_valid_s: int
    waiting_s: int
    cover_s: int
    claim_grace_s: int
    confirmations: int
    max_leverage: int
    min_liquidation_distance_bps: int
    min_position_age_s: int
    max_active_policies: int
    max_recent_policies: int
    recent_s: int
    cut_off_minute: int
    cut_off_utc_offset_min: int

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Raise `ParametersError` naming the first value that is out of bounds."""
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if type(value) is not int:
                raise ParametersError(f"{name} is an integer, not {type(value).__name__}")
            if not low <= value <= high:
                raise ParametersError(f"{name} is {value}, allowed is {low}..{high}")
        if self.premium >= self.payout_cap:
            raise ParametersError(f"premium {self.premium} is not below the payout cap {self.payout_cap}")
        if self.payout_cap > self.daily_cap:  # such a claim could never be paid
            raise ParametersError(f"payout cap {self.payout_cap} is above the daily cap {self.daily_cap}")
        if self.daily_cap > self.hot_wallet_max:
            raise ParametersError(
                f"daily cap {self.daily_cap} is above the hot wallet's {self.hot_wallet_max}"
            )
        if self.max_open_exposure < self.payout_cap:
            raise ParametersError(
                f"open exposure {self.max_open_exposure} is below one payout of {self.payout_cap}"
            )
        if self.max_recent_policies < self.max_active_policies:
            raise ParametersError(
                f"{self.max_recent_policies} recent policies are fewer than {self.max_active_policies} active"
            )

    def as_json(self) -> dict[str, str]:
        """Field names to decimal strings: the form that is hashed and embedded in a batch file."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Parameters":
        """The inverse of `as_json`. Raises `ParametersError` for missing, unknown or malformed values."""
        names = {field.name for field in fields(cls)}
        if set(value) != names:
            raise ParametersError(f"parameters differ in: {sorted(names.symmetric_difference(value))}")
        numbers: dict[str, int] = {}
        for name, text in value.items():
            negative = isinstance(text, str) and text.startswith("-") and text != "-0"
            digits = text[1:] if isinstance(text, str) and negative else text
            if not isinstance(digits, str) or _DIGITS.fullmatch(digits) is None:
                raise ParametersError(f"{name} is not a decimal string: {text!r}")
            numbers[name] = -int(digits) if negative else int(digits)
        return cls(**numbers)  # type: ignore[arg-type]  # Usdc is an int; validate() checks the range

    @property
    def params_version(self) -> str:
        """First 16 hex digits of SHA-256 over the canonical form: what a quote commits to."""
        return sha256_hex(canonical_json(self.as_json()))[:16]


AMOUNTS = frozenset({"premium", "payout_cap", "daily_cap", "hot_wallet_max", "max_open_exposure"})
"""Names of those that are amounts of USDC."""

MEANINGS: dict[str, str] = {
    "premium": "what a policy costs",
    "payout_cap": "the most that a policy pays; never more than the realised loss",
    "daily_cap": "the most that one day's batch pays; the vault enforces its own",
    "hot_wallet_max": "the most that the vault should hold; the vault enforces its own",
    "max_open_exposure": "payouts that may still fall due at which selling stops",
    "quote_valid_s": "how long a quote may be paid, from the order's creation",
    "waiting_s": "from the payment's block to the start of the cover",
    "cover_s": "how long the cover lasts",
    "claim_grace_s": "how long after the cover's end a claim may come",
    "confirmations": "blocks on top of a payment before it counts",
    "max_leverage": "the most leverage that is insured",
    "min_liquidation_distance_bps": "the least distance of mark to liquidation price, of the mark price",
    "min_position_age_s": "the least age of a position at binding",
    "max_active_policies": "policies that one person may have at a time",
    "max_recent_policies": "policies that one person may buy within `recent_s`",
    "recent_s": "the time over which `max_recent_policies` counts",
    "cut_off_minute": "local minute of the day by which a claim must be approved for the day's batch",
    "cut_off_utc_offset_min": "offset of that local time from UTC, in minutes",
}
"""What each is, for people; its unit is in its name, amounts are USDC."""

_DAY_S = 86_400
BOUNDS: dict[str, tuple[int, int]] = {
    "premium": (1, MAX_USDC),
    "payout_cap": (1, MAX_USDC),
    "daily_cap": (1, MAX_USDC),
    "hot_wallet_max": (1, MAX_USDC),
    "max_open_exposure": (1, MAX_USDC),
    "quote_valid_s": (60, _DAY_S),
    "waiting_s": (0, 7 * _DAY_S),
    "cover_s": (60, 30 * _DAY_S),
    "claim_grace_s": (0, 30 * _DAY_S),
    "confirmations": (1, 10_000),
    "max_leverage": (1, 125),
    "min_liquidation_distance_bps": (1, 10_000),
    "min_position_age_s": (0, 30 * _DAY_S),
    "max_active_policies": (1, 100),
    "max_recent_policies": (1, 1000),
    "recent_s": (3600, 90 * _DAY_S),
    "cut_off_minute": (0, 1439),
    "cut_off_utc_offset_min": (-720, 840),
}

CONSERVATIVE = Parameters(
    premium=Usdc(1_000_000),
    payout_cap=Usdc(50_000_000),
    daily_cap=Usdc(500_000_000),
    hot_wallet_max=Usdc(550_000_000),
    max_open_exposure=Usdc(2_500_000_000),  # five daily caps
    quote_valid_s=900,
    waiting_s=600,
    cover_s=_DAY_S,
    claim_grace_s=_DAY_S,
    confirmations=5,
    max_leverage=10,
    min_liquidation_distance_bps=1000,
    min_position_age_s=3600,
    max_active_policies=1,
    max_recent_policies=3,
    recent_s=7 * _DAY_S,
    cut_off_minute=600,  # 10:00
    cut_off_utc_offset_min=480,  # Asia/Shanghai
)
"""The defaults of design §3.1 and §3.6."""


def read_parameters(overrides: Mapping[str, str]) -> Parameters:
    """The conservative parameters with `overrides`: amounts as USDC (`50.00`), the rest as whole numbers.

    Raises ParametersError naming what is unknown, malformed or out of bounds.
    """
    changes: dict[str, int] = {}
    for name, text in overrides.items():
        if name not in BOUNDS:
            raise ParametersError(f"unknown parameter {name}; known: {', '.join(BOUNDS)}")
        try:
            changes[name] = parse_usdc(text) if name in AMOUNTS else int(text)
        except (MoneyError, ValueError):
            unit = "an amount of USDC such as 50.00" if name in AMOUNTS else "a whole number"
            raise ParametersError(f"parameter {name} must be {unit}") from None
    if "daily_cap" in changes and "max_open_exposure" not in changes:
        changes["max_open_exposure"] = 5 * changes["daily_cap"]
    return replace(CONSERVATIVE, **changes)  # type: ignore[arg-type]  # Usdc is an int; validate() checks it

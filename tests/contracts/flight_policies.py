"""KE081 ICN-JFK as the tests insure it: the document's times, moved by whole days to the tests' clock."""

from dataclasses import astuple, dataclass, replace
from typing import Any

from clock import DAY_S, NOON
from eth_abi.abi import encode
from eth_hash.auto import keccak

LATER_S = (NOON // DAY_S + 5) * DAY_S - 1_773_532_800
ACTIVE_FROM = 1_773_532_800 + LATER_S
DEPARTURE = 1_773_568_800 + LATER_S
ACTIVE_TO = 1_773_619_200 + LATER_S
UNDERWRITING_DEADLINE = ACTIVE_FROM - 2 * DAY_S
APPROVAL_WINDOW_S = 72 * 3_600
CLAIM_GRACE_S = 24 * 3_600
CLAIM_DEADLINE = ACTIVE_TO + CLAIM_GRACE_S

THRESHOLD_MINUTES = 120
DELAYED_SINCE = DEPARTURE + 60 * THRESHOLD_MINUTES
"""From when on readings count."""
LATE = DEPARTURE + 60 * 130
"""When the flight has left 130 minutes late."""

PAYOUT = 1_000_000
BPS = (4_000, 3_500, 2_500)
ESCROWS = (400_000, 350_000, 250_000)

DESCRIPTION = "KE081 ICN 2035-05-20 departure delay, minutes"
MAX_AGE_S = 1_800
FOREVER = 2**256 - 1
ZERO = "0x" + "00" * 20

STATES = (
    "None",
    "Draft",
    "Open",
    "Funded",
    "Active",
    "Claimable",
    "Approved",
    "Settled",
    "Expired",
    "Failed",
)
SHARE_STATUSES = ("Pending", "Accepted", "Rejected", "Refunded")

_TERMS_TYPE = (
    "(bytes16,bytes16,uint40,uint16,uint96,address,address,address,bytes32,"
    "uint40,uint40,uint40,uint32,uint32)"
)
_SHARES_TYPE = "(address,uint16)[]"

Shares = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Terms:
    """The contract's `Terms`, in its order."""

    route: bytes
    flightNo: bytes  # noqa: N815
    departure: int
    thresholdMinutes: int  # noqa: N815
    payout: int
    beneficiary: str
    operator: str
    feed: str
    feedDescriptionHash: bytes  # noqa: N815
    underwritingDeadline: int  # noqa: N815
    activeFrom: int  # noqa: N815
    activeTo: int  # noqa: N815
    approvalWindow: int  # noqa: N815
    claimGrace: int  # noqa: N815

    @property
    def values(self) -> tuple[Any, ...]:
        return astuple(self)

    def but(self, **changes: Any) -> "Terms":
        return replace(self, **changes)


def ke081(beneficiary: Any, operator: Any, feed: Any) -> Terms:
    """The document's policy."""
    return Terms(
        route=b"ICN-JFK".ljust(16, b"\0"),
        flightNo=b"KE081".ljust(16, b"\0"),
        departure=DEPARTURE,
        thresholdMinutes=THRESHOLD_MINUTES,
        payout=PAYOUT,
        beneficiary=beneficiary.address,
        operator=operator.address,
        feed=feed.address,
        feedDescriptionHash=keccak(DESCRIPTION.encode()),
        underwritingDeadline=UNDERWRITING_DEADLINE,
        activeFrom=ACTIVE_FROM,
        activeTo=ACTIVE_TO,
        approvalWindow=APPROVAL_WINDOW_S,
        claimGrace=CLAIM_GRACE_S,
    )


def shared(insurers: Any, bps: tuple[int, ...] = BPS) -> Shares:
    """One share an insurer."""
    return [(insurer.address, part) for insurer, part in zip(insurers, bps, strict=True)]


def terms_hash(terms: Terms, shares: Shares) -> bytes:
    """What insurers agree to, hashed here as anybody would off chain."""
    return keccak(encode([_TERMS_TYPE, _SHARES_TYPE], [terms.values, shares]))


def policy_id(leader: Any, sequence: int) -> int:
    return int(leader.address, 16) << 64 | sequence


def as_logged(value: Any) -> Any:
    """How ape decodes a struct in an event: its addresses in lower case."""
    if isinstance(value, list | tuple):
        return type(value)(as_logged(item) for item in value)
    return value.lower() if isinstance(value, str) else value

"""The terms and shares of a policy, as `OpenParametric.createPolicy` takes and hashes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_hash.auto import keccak

from liqpass.domain.money import Usdc

NOBODY = "0x" + "0" * 40
NAME_BYTES = 16  # route and flight number on chain

_TERMS = (
    "(bytes16,bytes16,uint40,uint16,uint96,address,address,address,bytes32,"
    "uint40,uint40,uint40,uint32,uint32)"
)
_SHARES = "(address,uint16)[]"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an insurer agrees to, besides the shares.

    Times (`_s`) in unix seconds, the two windows in seconds, money in base units, addresses in lower case.
    `operator` may decide on claims besides the leader, None for nobody. `terms_check.faults` says whether a
    policy can be made of it.
    """

    route: str
    flight: str
    departure_s: int
    threshold_minutes: int
    payout: Usdc
    beneficiary: str
    operator: str | None
    feed: str
    feed_description: str
    underwriting_deadline_s: int
    active_from_s: int
    active_to_s: int
    approval_window_s: int
    claim_grace_s: int

    @property
    def claim_deadline_s(self) -> int:
        """The last second in which a claim can be made, unless a rejection moves it."""
        return self.active_to_s + self.claim_grace_s

    def as_arguments(self) -> tuple[object, ...]:
        """The contract's struct `Terms`, field by field."""
        return (
            _padded(self.route),
            _padded(self.flight),
            self.departure_s,
            self.threshold_minutes,
            self.payout,
            self.beneficiary,
            self.operator or NOBODY,
            self.feed,
            keccak(self.feed_description.encode()),
            self.underwriting_deadline_s,
            self.active_from_s,
            self.active_to_s,
            self.approval_window_s,
            self.claim_grace_s,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """An insurer (lower-case address) and its part of the payout in basis points."""

    insurer: str
    bps: int

    def as_arguments(self) -> tuple[object, ...]:
        """The contract's struct `Share`."""
        return (self.insurer, self.bps)


def terms_hash(terms: Terms, shares: Sequence[Share]) -> bytes:
    """The contract's `termsHash`: what an insurer accepts. Terms and shares must be free of faults."""
    return hash_arguments(terms.as_arguments(), [share.as_arguments() for share in shares])


def hash_arguments(terms: Sequence[object], shares: Sequence[Sequence[object]]) -> bytes:
    """The same of the contract's structs, field by field, such as its views answer."""
    return keccak(encode([_TERMS, _SHARES], (tuple(terms), [tuple(share) for share in shares])))


def _padded(name: str) -> bytes:
    return name.encode("ascii").ljust(NAME_BYTES, b"\0")

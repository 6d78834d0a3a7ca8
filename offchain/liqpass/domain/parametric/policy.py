"""A policy as the chain holds it: its number, what was agreed, and where it is in its life."""

from __future__ import annotations

import re
from dataclasses import dataclass

from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_address
from liqpass.domain.money import Usdc
from liqpass.domain.parametric.life import Life, ShareStatus
from liqpass.domain.parametric.terms import NOBODY, Share

_SEQUENCE_BITS = 64
_ID = re.compile(r"(0x[0-9a-fA-F]{40})/([1-9][0-9]{0,19})", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,77}", re.ASCII)


def policy_id(leader: str, sequence: int) -> int:
    """The contract's id of a leader's policy. Sequences begin at 1."""
    return int(leader, 16) << _SEQUENCE_BITS | sequence


def leader_of(number: int) -> str:
    """The leader in an id, in lower case."""
    return f"0x{number >> _SEQUENCE_BITS:040x}"


def format_policy_id(number: int) -> str:
    """`0xLeader…/1` for people: the leader's address and which of its policies."""
    return f"{checksum_address(leader_of(number))}/{number & ((1 << _SEQUENCE_BITS) - 1)}"


def parse_policy_id(text: str) -> int:
    """Read `0xLeader…/1`, or the contract's number in decimal. Raises `IdentifierError`."""
    match = _ID.fullmatch(text)
    if match is not None:
        leader, sequence = parse_address(match[1]), int(match[2])
        if sequence < 1 << _SEQUENCE_BITS:
            return policy_id(leader, sequence)
    elif _NUMBER.fullmatch(text) is not None and int(text) < 1 << (160 + _SEQUENCE_BITS):
        return int(text)
    raise IdentifierError(f"not a policy such as 0x…/1: {text!r}")


@dataclass(frozen=True, slots=True)
class InsuredShare:
    """A share with what its insurer escrows, in base units."""

    share: Share
    escrow: Usdc
    status: ShareStatus


@dataclass(frozen=True, slots=True)
class ClaimMade:
    """The claim made last: the feed's round, the delay in minutes, who approved it (lower case, or None)."""

    round_id: int
    delay_minutes: int
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """Addresses in lower case, `operator` None for nobody; times (`_s`) in unix seconds.

    `terms_hash` is the contract's; `shown_hash` is that of terms and shares as they were read. `claim` is
    None where there never was one.
    """

    number: int
    terms_hash: bytes
    shown_hash: bytes
    route: str
    flight: str
    payout: Usdc
    beneficiary: str
    operator: str | None
    feed: str
    feed_description_hash: bytes
    claim_grace_s: int
    created_at_s: int
    shares: tuple[InsuredShare, ...]
    coverage: Usdc
    claim: ClaimMade | None
    life: Life

    @property
    def leader(self) -> str:
        """The leader's address, in lower case: it is in the number."""
        return leader_of(self.number)

    @property
    def name(self) -> str:
        """The number as people write it."""
        return format_policy_id(self.number)

    def share_of(self, account: str) -> int | None:
        """The index of an account's share: there is at most one."""
        for index, insured in enumerate(self.shares):
            if insured.share.insurer == account.lower():
                return index
        return None

    def decides(self, account: str) -> bool:
        """Whether the account may approve and reject claims."""
        return account.lower() in (self.leader, self.operator or NOBODY)

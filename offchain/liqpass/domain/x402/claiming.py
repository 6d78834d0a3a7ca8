"""What a keeper claims now, and in which transactions. Pure: the chain's events and clock come in.

Nothing here is trusted to be complete: the contract skips what cannot be claimed, so the worst that a wrong
answer costs is gas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from eth_utils.crypto import keccak

from liqpass.domain.money import Usdc
from liqpass.domain.x402.insurance import Insurance, X402Error

KEY_PREFIX = "x402/claim/"
TRANSACTION_GAS = 50_000  # of a claimMany, whatever it claims
CLAIM_GAS = 100_000  # most that one claim adds: a provider and a client never touched before
_TRIES = 2  # transactions with one policy that may revert; then a person has to look


@dataclass(frozen=True, slots=True)
class OpenPolicy:
    """A lock without an end. `amount` goes to the client; addresses are lower case.

    `deadline_s`: the last unix second in which the provider may confirm.
    """

    commitment: bytes
    provider: str
    client: str
    amount: Usdc
    deadline_s: int

    def is_due(self, now_s: int, margin_s: int) -> bool:
        """Whether more than `margin_s` have passed since the deadline in a block of that time."""
        return now_s > self.deadline_s + margin_s


@dataclass(frozen=True, slots=True)
class Seen:
    """What a range of blocks shows: locks made, and commitments whose lock ended, in whichever way."""

    opened: tuple[OpenPolicy, ...]
    ended: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """`batches`: one transaction each. `left`: due, but transactions with it alone keep reverting."""

    batches: tuple[tuple[OpenPolicy, ...], ...]
    left: tuple[OpenPolicy, ...]


def still_open(known: Iterable[OpenPolicy], seen: Seen) -> tuple[OpenPolicy, ...]:
    """The open policies after these blocks, each once: a commitment is locked once and ends once."""
    policies = {policy.commitment: policy for policy in (*known, *seen.opened)}
    return tuple(policy for policy in policies.values() if policy.commitment not in seen.ended)


def due_policies(
    policies: Iterable[OpenPolicy], *, now_s: int, margin_s: int, least: Usdc
) -> tuple[OpenPolicy, ...]:
    """Those that are due, the longest overdue first. Raises `X402Error` for a negative margin.

    Without those of less than `least`: anyone can lock a bond of its own for next to nothing, again and
    again, and leave the gas of the claims to a keeper.
    """
    if margin_s < 0:
        raise X402Error(f"a margin of {margin_s} s would claim before the deadline")
    due = (policy for policy in policies if policy.amount >= least and policy.is_due(now_s, margin_s))
    return tuple(sorted(due, key=lambda policy: (policy.deadline_s, policy.commitment)))


def claims_per_transaction(wanted: int, gas: int) -> int:
    """`wanted`, or fewer where `gas` does not suffice for so many; at least one."""
    return max(1, min(wanted, (gas - TRANSACTION_GAS) // CLAIM_GAS))


def plan_claims(
    due: Sequence[OpenPolicy], *, in_flight: Set[bytes], reverts: Mapping[bytes, int], most: int
) -> ClaimPlan:
    """Transactions for `due`, in that order, each of at most `most` policies, each policy in at most one.

    `in_flight`: in signed bytes that may still run: never signed for again. `reverts`: how many transactions
    with that policy were mined and reverted. Such a one goes alone, so that it stops no other, and after
    a second time not at all.
    """
    free = [policy for policy in due if policy.commitment not in in_flight]
    sound = [policy for policy in free if not reverts.get(policy.commitment)]
    alone = [policy for policy in free if 0 < reverts.get(policy.commitment, 0) < _TRIES]
    together = [tuple(sound[start : start + most]) for start in range(0, len(sound), most)]
    left = tuple(policy for policy in free if reverts.get(policy.commitment, 0) >= _TRIES)
    return ClaimPlan((*together, *((policy,) for policy in alone)), left)


def claim_key(insurance: Insurance, batch: Sequence[OpenPolicy]) -> str:
    """The batch's name in the journal.

    The deadlines belong to it: a reorganisation may lock a commitment a second time, later, after its first
    lock was claimed.
    """
    terms = b"".join(policy.commitment + policy.deadline_s.to_bytes(8, "big") for policy in batch)
    return f"{KEY_PREFIX}{insurance.contract}/{keccak(terms).hex()[:32]}"

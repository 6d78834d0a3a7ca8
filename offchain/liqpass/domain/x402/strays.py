"""USDC that came to a provider's payment address without a lock, and is still there. Pure: logs come in.

A settlement pays in and locks in one transaction, and its commitment follows from the client's authorization.
Whatever else arrives stays until CONFIG returns it, whoever sent it and however often.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.commitments import is_settlement, settlement_commitment
from liqpass.domain.x402.insurance import Insurance

_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is on the chain."""

    block: int
    index: int  # among all logs of the block
    tx_hash: str

    @property
    def order(self) -> tuple[int, int]:
        """By which logs are older or newer."""
        return self.block, self.index


@dataclass(frozen=True, slots=True)
class Arrival:
    """USDC sent by `client` to the payment address of `provider`; addresses in lower case.

    `nonce`: of the EIP-3009 authorization that moved it; None where there is none, or nobody has looked.
    """

    provider: str
    client: str
    amount: Usdc
    place: Place
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock of a provider's bond, of either kind."""

    commitment: bytes
    provider: str
    client: str
    amount: Usdc
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Return:
    """A `StrayReturned` log."""

    provider: str
    client: str
    amount: Usdc
    place: Place


@dataclass(frozen=True, slots=True)
class Stray:
    """An arrival without a lock, of which `left` has not been returned: more than nothing."""

    arrival: Arrival
    left: Usdc


@dataclass(frozen=True, slots=True)
class Holding:
    """What one payment address holds by its logs.

    `returned_elsewhere`: what was returned beyond what its receiver had sent, within the same logs.
    """

    provider: str
    strays: tuple[Stray, ...]
    returned_elsewhere: int

    @property
    def amount(self) -> int:
        """Base units; below zero where what was returned had come before the logs begin."""
        return sum(stray.left for stray in self.strays) - self.returned_elsewhere


class Unreturnable(StrEnum):
    """Why `returnStray` cannot send a stray back to where it came from."""

    PROVIDER = "sent by the provider or its payout address: the contract returns nothing to these"
    NOBODY = "minted: nobody sent it"


def ambiguous(arrivals: Iterable[Arrival], locks: Iterable[Lock]) -> tuple[str, ...]:
    """Transactions with a settlement in which not exactly the settled payments arrived, oldest first.

    Which of their arrivals was settled, only the nonces tell.
    """
    settled: defaultdict[str, Counter[tuple[str, str, int]]] = defaultdict(Counter)
    for lock in locks:
        if is_settlement(lock.commitment):
            settled[lock.tx_hash][lock.provider, lock.client, lock.amount] += 1
    arrived: defaultdict[str, Counter[tuple[str, str, int]]] = defaultdict(Counter)
    for each in arrivals:
        if each.amount and each.place.tx_hash in settled:
            arrived[each.place.tx_hash][each.provider, each.client, each.amount] += 1
    return tuple(tx_hash for tx_hash, found in settled.items() if arrived[tx_hash] != found)


def unlocked(
    insurance: Insurance,
    arrivals: Iterable[Arrival],
    locks: Iterable[Lock],
    nonces: Mapping[str, Mapping[int, bytes]],
) -> tuple[Arrival, ...]:
    """Arrivals of more than nothing that no settlement locked, in their order.

    `nonces`: of each ambiguous transaction, by the index of the log that moved the money.
    """
    settled: defaultdict[str, set[bytes]] = defaultdict(set)
    for lock in locks:
        if is_settlement(lock.commitment):
            settled[lock.tx_hash].add(lock.commitment)

    def is_locked(each: Arrival) -> bool:
        commitments = settled.get(each.place.tx_hash)
        if not commitments:
            return False
        known = nonces.get(each.place.tx_hash)
        if known is None:
            return True
        nonce = known.get(each.place.index)
        return nonce is not None and (
            settlement_commitment(insurance, provider=each.provider, client=each.client, nonce=nonce)
            in commitments
        )

    return tuple(each for each in arrivals if each.amount and not is_locked(each))


def holding(provider: str, arrivals: Iterable[Arrival], returns: Iterable[Return]) -> Holding:
    """What is left of one provider's unlocked `arrivals` after its `returns`.

    A return takes what its receiver had sent until then: the oldest of exactly that amount that is whole,
    otherwise the oldest ones, in part if need be.
    """
    events: list[Arrival | Return] = sorted([*arrivals, *returns], key=lambda each: each.place.order)
    left: dict[tuple[int, int], Stray] = {}  # oldest first
    elsewhere = 0
    for event in events:
        if isinstance(event, Arrival):
            left[event.place.order] = Stray(event, event.amount)
        else:
            elsewhere += _take(left, event)
    return Holding(provider, tuple(left.values()), elsewhere)


def largest(strays: Iterable[Stray], most: int) -> tuple[Stray, ...]:
    """At most so many, those with the most left; oldest first. Tiny ones, sent to flood, hide none."""
    chosen = heapq.nlargest(
        most, strays, key=lambda stray: stray.left
    )  # of equal ones, those that come first
    return tuple(sorted(chosen, key=lambda stray: stray.arrival.place.order))


def named(stray: Stray, nonces: Mapping[int, bytes]) -> Stray:
    """With the nonce of its authorization, out of its transaction's, by the index of the log."""
    return replace(stray, arrival=replace(stray.arrival, nonce=nonces.get(stray.arrival.place.index)))


def unreturnable(stray: Stray, payout_address: str) -> Unreturnable | None:
    """Why it cannot go back; None where it can. `payout_address`: the provider's, in lower case."""
    client = stray.arrival.client
    if client == _NOBODY:
        return Unreturnable.NOBODY
    return Unreturnable.PROVIDER if client in (stray.arrival.provider, payout_address) else None


def return_command(stray: Stray) -> str:
    """What CONFIG runs twice, to announce and to execute it; `--network` and the signer are its own."""
    provider, client = (checksum_address(each) for each in (stray.arrival.provider, stray.arrival.client))
    return f"ape run bond return-stray {provider} {client} {format_usdc(stray.left)}"


def _take(left: dict[tuple[int, int], Stray], given: Return) -> int:
    """Takes the return out of `left`; what it did not find there."""
    own = [order for order, stray in left.items() if stray.arrival.client == given.client]
    exact = [order for order in own if left[order].left == left[order].arrival.amount == given.amount]
    amount: int = given.amount
    for order in exact[:1] or own:
        stray = left[order]
        taken = min(amount, stray.left)
        amount -= taken
        if taken == stray.left:
            del left[order]
        else:
            left[order] = replace(stray, left=Usdc(stray.left - taken))
        if not amount:
            break
    return amount

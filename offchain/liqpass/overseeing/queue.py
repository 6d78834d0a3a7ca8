"""The queue: claims a page at a time by a key, so that the last page costs what the first one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liqpass.claims.review import APPROVE
from liqpass.domain.claim_state import OPEN_STATES, ClaimState
from liqpass.domain.eligibility import Verdict
from liqpass.domain.identifiers import (
    IdentifierError,
    parse_address,
    parse_number,
    parse_uuid,
)
from liqpass.ports import UnitOfWork
from liqpass.records import Claim, Order, RecordError, Review
from liqpass.refusals import InvalidInputError

COUNT_LIMIT = 1_000  # a state is counted no further: the number of paid claims grows for ever
MAX_PAGE = 200
MAX_ORDERS = 1_000  # of one buyer, the newest
_MAX_TIME = 2**63 - 1

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A claim in a list, without its bundle, and who has said what about it."""

    claim: Claim
    buyer: str
    inst_id: str | None
    words: tuple[Review, ...]
    age_ms: int

    @property
    def approvals(self) -> int:
        """How many have approved the evidence that it has now."""
        return sum(word.decision == APPROVE for word in self.claim.counting(self.words))

    @property
    def takes_two(self) -> bool:
        """Whether it waits and two different reviewers must approve it."""
        return self.claim.state == ClaimState.PENDING and self.claim.verdict == Verdict.NEEDS_REVIEW

    @property
    def needs_second(self) -> bool:
        """Whether one has approved it and another one must."""
        return self.takes_two and self.approvals == 1


@dataclass(frozen=True, slots=True)
class QueuePage:
    """`next` is the cursor of the page after it, empty at the end. `counts`: claims by state, each up to
    COUNT_LIMIT. `newest_first`: so listed where every claim is over, or none is asked for by its state."""

    rows: tuple[QueueRow, ...]
    counts: Mapping[str, int]
    next: str
    newest_first: bool


def read_page(
    unit: UnitOfWork,
    *,
    state: ClaimState | None,
    verdict: str | None,
    search: str,
    cursor: str,
    limit: int,
    now_ms: int,
) -> QueuePage:
    """A page of the queue. Raises InvalidInputError for a cursor or search text that means nothing."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInputError(f"a page has 1 to {MAX_PAGE} claims")
    after = _read_cursor(cursor) if cursor else None
    newest_first = state is None or state not in OPEN_STATES
    if search.strip():
        found = [
            claim
            for claim in _search(unit, search.strip())
            if state in (None, claim.state) and verdict in (None, claim.verdict)
        ]
        listed = _after(found, after, newest_first=newest_first)[: limit + 1]
    else:
        # There is no index by verdict alone: ask each state, along its index, and merge.
        states: list[ClaimState | None] = [state] if state or verdict is None else list(ClaimState)
        listed = [
            claim
            for each in states
            for claim in unit.figures.claims_page(
                state=each, verdict=verdict, after=after, newest_first=newest_first, limit=limit + 1
            )
        ]
        listed = sorted(listed, key=_key, reverse=newest_first)[: limit + 1]
    shown = listed[:limit]
    return QueuePage(
        rows=_rows(unit, shown, now_ms),
        counts=count_by_state(unit),
        next=_cursor(shown[-1]) if len(listed) > limit else "",
        newest_first=newest_first,
    )


def count_by_state(unit: UnitOfWork) -> Mapping[str, int]:
    """Claims of every state, each counted up to COUNT_LIMIT."""
    return {str(state): unit.figures.count_claims(state, up_to=COUNT_LIMIT) for state in ClaimState}


def _rows(unit: UnitOfWork, claims: list[Claim], now_ms: int) -> tuple[QueueRow, ...]:
    orders = unit.figures.orders_by_id([claim.order_id for claim in claims])
    words: dict[str, list[Review]] = {}
    for word in unit.figures.words_on([claim.id for claim in claims]):
        words.setdefault(word.claim_id, []).append(word)
    return tuple(
        _row(claim, orders.get(claim.order_id), tuple(words.get(claim.id, ())), now_ms) for claim in claims
    )


def _row(claim: Claim, order: Order | None, words: tuple[Review, ...], now_ms: int) -> QueueRow:
    if order is None:
        raise RecordError(f"claim {claim.id} has no order")
    return QueueRow(claim, order.buyer, order.inst_id, words, now_ms - claim.requested_at_ms)


def _search(unit: UnitOfWork, text: str) -> list[Claim]:
    try:
        if text.lower().startswith("0x"):
            orders = unit.orders.listed(buyer=parse_address(text), limit=MAX_ORDERS)
            return unit.figures.claims_found(order_ids=[order.id for order in orders])
        if text.isdecimal():
            number = parse_number(text)
            return unit.figures.claims_found(policy_no=number) if number <= _MAX_TIME else []
        uuid = parse_uuid(text.lower())
    except IdentifierError:
        raise InvalidInputError(
            "search for a policy number, the id of a claim or order, or a wallet's whole address"
        ) from None
    return unit.figures.claims_found(claim_id=uuid) or unit.figures.claims_found(order_ids=[uuid])


def _after(claims: list[Claim], after: Key | None, *, newest_first: bool) -> list[Claim]:
    kept = [
        claim
        for claim in claims
        if after is None or (_key(claim) < after if newest_first else _key(claim) > after)
    ]
    return sorted(kept, key=_key, reverse=newest_first)


def _key(claim: Claim) -> Key:
    return claim.requested_at_ms, claim.id


def _cursor(claim: Claim) -> str:
    return f"{claim.requested_at_ms}.{claim.id}"


def _read_cursor(text: str) -> Key:
    time_ms, _, claim_id = text.partition(".")
    try:
        key = parse_number(time_ms), parse_uuid(claim_id)
    except IdentifierError:
        key = None
    if key is None or key[0] > _MAX_TIME:
        raise InvalidInputError("the cursor is none that this list has given")
    return key

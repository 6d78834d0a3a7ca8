"""What operators look at, as the use case asks for it: rows without bundles, counts, sums, journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from liqpass.records import Claim, Order, Review


class Figures(Protocol):
    """Reads whose cost does not grow with history. Claims come without their bundles."""

    def claims_page(
        self,
        *,
        state: str | None,
        verdict: str | None,
        after: tuple[int, str] | None,
        newest_first: bool,
        limit: int,
    ) -> list[Claim]: ...

    def claims_found(
        self,
        *,
        claim_id: str | None = None,
        policy_no: int | None = None,
        order_ids: Sequence[str] | None = None,
    ) -> list[Claim]: ...

    def orders_by_id(self, order_ids: Sequence[str]) -> Mapping[str, Order]: ...

    def words_on(self, claim_ids: Sequence[str]) -> list[Review]: ...

    def count_claims(self, state: str, *, up_to: int) -> int: ...

    def first_reasons(self, states: Sequence[str], *, limit: int) -> list[str]: ...

    def oldest_request_ms(self, state: str) -> int | None: ...

    def count_fetching_since(self, at_ms: int) -> int: ...

    def paid_since(self, at_ms: int) -> int: ...

    def open_items_total(self, batch_states: Sequence[str]) -> int: ...

    def count_unmatched(self) -> int: ...

    def claims_per_day(self, since_ms: int) -> Mapping[int, int]: ...

    def payouts_per_day(self, since_ms: int) -> Mapping[int, tuple[int, int]]: ...


@dataclass(frozen=True, slots=True)
class StuckIntent:
    """A transaction that was meant and has not ended; `since_ms` is its last change."""

    key: str
    signer: str
    state: str
    since_ms: int


class JournalsError(Exception):
    """A journal on this machine cannot be read: nothing may be concluded about its intents."""


class Journals(Protocol):
    """Signers' journals on this machine."""

    def stuck(self, *, for_ms: int) -> list[StuckIntent]:
        """Intents neither final nor abandoned that have not changed for so long. Raises JournalsError."""

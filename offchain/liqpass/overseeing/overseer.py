"""Everything that operators and reviewers look at; nothing is changed."""

from __future__ import annotations

from liqpass.claims import Replaying
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.parameters import Parameters
from liqpass.lookups import existing_claim
from liqpass.overseeing.alerts import STUCK_INTENT_MS, Alert, alerts
from liqpass.overseeing.audit_watch import AuditWatch
from liqpass.overseeing.claim_view import ClaimView, read_claim, replay
from liqpass.overseeing.overview import MAX_DAYS, DayFigures, Overview, read_book, read_days
from liqpass.overseeing.queue import QueuePage, read_page
from liqpass.ports import ChainError, ChainReader, Clock, Store
from liqpass.ports.oversight import Journals, JournalsError
from liqpass.records import Site
from liqpass.refusals import InvalidInputError


class Overseeing:
    """Reads whose cost does not grow with history. `journals` None: none are on this machine."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chain: ChainReader,
        *,
        site: Site,
        parameters: Parameters,
        journals: Journals | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain
        self._site = site
        self._parameters = parameters
        self._journals = journals
        self._replaying = Replaying(store)
        self._audit = AuditWatch(store)

    def queue(
        self, *, state: ClaimState | None, verdict: str | None, search: str, cursor: str, limit: int
    ) -> QueuePage:
        """Claims a page at a time: oldest first, or newest first where all that are listed are over.

        `search`: a policy number, the id of a claim or order, or a buyer's address. Raises InvalidInputError.
        """
        now_ms = self._clock.now_ms()
        with self._store.read() as unit:
            return read_page(
                unit, state=state, verdict=verdict, search=search, cursor=cursor, limit=limit, now_ms=now_ms
            )

    def claim(self, claim_id: str) -> ClaimView:
        """One claim with everything about it. Raises NotFoundError."""
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
        replayed = replay(self._replaying, claim)
        with self._store.read() as unit:
            return read_claim(unit, claim_id, replayed)

    def overview(self) -> Overview:
        """The figures now; what cannot be read is None, never an error."""
        now_ms = self._clock.now_ms()
        with self._store.read() as unit:
            book = read_book(unit, self._site, self._parameters, now_ms)
        stuck, journals_fault = None, None
        if self._journals is not None:
            try:
                stuck = tuple(self._journals.stuck(for_ms=STUCK_INTENT_MS))
            except JournalsError as error:
                journals_fault = str(error)
        return Overview(
            at_ms=now_ms,
            parameters=self._parameters,
            book=book,
            vault_balance=self._balance(),
            stuck=stuck,
            journals_fault=journals_fault,
            audit=self._audit.health(),
        )

    @staticmethod
    def alerts(seen: Overview) -> tuple[Alert, ...]:
        """What in an overview needs a person."""
        return alerts(seen)

    def per_day(self, days: int) -> list[DayFigures]:
        """Claims and payouts of the last days, oldest first, today the last. Raises InvalidInputError."""
        if not 1 <= days <= MAX_DAYS:
            raise InvalidInputError(f"1 to {MAX_DAYS} days can be shown")
        with self._store.read() as unit:
            return read_days(unit, days, self._clock.now_ms())

    def _balance(self) -> int | None:
        try:
            return self._chain.vault_balance()
        except ChainError:
            return None

"""Claims, their reviews and OKX's raw answers in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, insert, select, update

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.tables import claims, okx_responses, reviews
from liqpass.records import Act, Claim, OkxResponse, Review, StaleStateError


class ClaimRows:
    """Compare-and-set on claims, each change with its audit entry."""

    def __init__(self, connection: Connection, audit: AuditRows) -> None:
        self._connection = connection
        self._audit = audit

    def add(self, claim: Claim, act: Act) -> None:
        """Insert a new claim; the database refuses a second one that is not rejected."""
        self._connection.execute(insert(claims).values(**asdict(claim)))
        self._audit.append(f"claim/{claim.id}", act)

    def get(self, claim_id: str) -> Claim | None:
        """The claim of this id."""
        return self._one(claims.c.id == claim_id)

    def live_of(self, order_id: str) -> Claim | None:
        """The order's one claim that is not rejected."""
        return self._one((claims.c.order_id == order_id) & (claims.c.state != "REJECTED"))

    def by_policy_no(self, policy_no: int) -> Claim | None:
        """The policy's one claim that is not rejected."""
        return self._one((claims.c.policy_no == policy_no) & (claims.c.state != "REJECTED"))

    def by_proof_token(self, token: str) -> Claim | None:
        """The claim whose public proof page has this token."""
        return self._one(claims.c.proof_token == token)

    def listed(
        self, *, state: str | None = None, order_id: str | None = None, limit: int = 500
    ) -> list[Claim]:
        """Oldest first: that is the order in which they are reviewed."""
        query = select(claims).order_by(claims.c.requested_at_ms, claims.c.id).limit(limit)
        if state is not None:
            query = query.where(claims.c.state == state)
        if order_id is not None:
            query = query.where(claims.c.order_id == order_id)
        return [Claim(**row) for row in self._connection.execute(query).mappings()]

    def approved_before(self, cut_off_ms: int) -> list[Claim]:
        """Approved claims, by approval time, that were approved before the cut-off."""
        query = (
            select(claims)
            .where(claims.c.state == "APPROVED", claims.c.approved_at_ms < cut_off_ms)
            .order_by(claims.c.approved_at_ms, claims.c.policy_no)
        )
        return [Claim(**row) for row in self._connection.execute(query).mappings()]

    def fetching_since(self, at_ms: int) -> list[Claim]:
        """VERIFYING claims whose fetch began at or before `at_ms`."""
        query = (
            select(claims)
            .where(claims.c.state == "VERIFYING", claims.c.attempted_at_ms <= at_ms)
            .order_by(claims.c.attempted_at_ms, claims.c.id)
        )
        return [Claim(**row) for row in self._connection.execute(query).mappings()]

    def advance(self, claim: Claim, to: str, act: Act, **changes: Any) -> Claim:
        """Move from the state and attempt that `claim` shows; raises StaleStateError."""
        result = self._connection.execute(
            update(claims)
            .where(
                claims.c.id == claim.id, claims.c.state == str(claim.state), claims.c.attempt == claim.attempt
            )
            .values(state=to, **changes)
        )
        if result.rowcount != 1:
            raise StaleStateError(f"claim {claim.id} is no longer {claim.state}")
        self._audit.append(f"claim/{claim.id}", act)
        moved = self.get(claim.id)
        if moved is None:
            raise StaleStateError(f"claim {claim.id} is gone")
        return moved

    def add_review(self, review: Review, act: Act) -> None:
        """Keep one reviewer's word."""
        seq = len(self.reviews_of(review.claim_id)) + 1
        self._connection.execute(insert(reviews).values(seq=seq, **asdict(review)))
        self._audit.append(f"claim/{review.claim_id}", act)

    def reviews_of(self, claim_id: str) -> list[Review]:
        """All words on a claim, in the order in which they were said."""
        columns = [reviews.c[field.name] for field in fields(Review)]
        query = select(*columns).where(reviews.c.claim_id == claim_id).order_by(reviews.c.seq)
        return [Review(**row) for row in self._connection.execute(query).mappings()]

    def store_responses(self, owner_id: str, attempt: int, responses: Sequence[OkxResponse]) -> None:
        """Keep OKX's answers, exact bytes, of one attempt for an order (binding) or a claim."""
        for seq, response in enumerate(responses):
            self._connection.execute(
                insert(okx_responses).values(
                    owner_id=owner_id,
                    attempt=attempt,
                    seq=seq,
                    body_sha256=hashlib.sha256(response.body).hexdigest(),
                    **asdict(response),
                )
            )

    def responses(self, owner_id: str, attempt: int) -> list[OkxResponse]:
        """OKX's answers of one attempt, in the order in which they came."""
        query = (
            select(okx_responses)
            .where(okx_responses.c.owner_id == owner_id, okx_responses.c.attempt == attempt)
            .order_by(okx_responses.c.seq)
        )
        return [
            OkxResponse(
                method=row.method,
                path=row.path,
                http_status=row.http_status,
                requested_at_ms=row.requested_at_ms,
                received_at_ms=row.received_at_ms,
                body=row.body,
            )
            for row in self._connection.execute(query)
        ]

    def _one(self, condition: Any) -> Claim | None:
        row = self._connection.execute(select(claims).where(condition)).mappings().one_or_none()
        return None if row is None else Claim(**row)

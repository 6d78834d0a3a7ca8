"""What belongs to whoever asks; another's is not there (404), as if it had never been."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from liqpass.domain.reasons import Reason
from liqpass.entrypoints.shapes.values import UUID_EXAMPLE
from liqpass.entrypoints.web.api.forms import ORDER_ID
from liqpass.entrypoints.web.service import Service
from liqpass.records import Claim, Order, Review, Session
from liqpass.refusals import NotFoundError

OrderId = Annotated[str, Path(pattern=ORDER_ID, description="the order's UUID", examples=[UUID_EXAMPLE])]
ClaimId = Annotated[str, Path(pattern=ORDER_ID, description="the claim's UUID", examples=[UUID_EXAMPLE])]
BatchId = Annotated[
    int, Path(ge=20_000_101, le=99_991_231, description="UTC date YYYYMMDD", examples=[20260122])
]


def own_order(service: Service, session: Session, order_id: str) -> Order:
    """The buyer's order. Raises NotFoundError, in the same words for another's as for none."""
    order = service.use_cases.selling.show(order_id)
    if order.buyer != session.address:
        raise NotFoundError(f"no order {order_id}", Reason.PURCHASE_ORDER_NOT_FOUND)
    return order


def own_claim(service: Service, session: Session, claim_id: str) -> tuple[Claim, list[Review]]:
    """The buyer's claim. Raises NotFoundError, in the same words for another's as for none."""
    claim, reviews = service.use_cases.reviewing.show(claim_id)
    if service.use_cases.selling.show(claim.order_id).buyer != session.address:
        raise NotFoundError(f"no claim {claim_id}")
    return claim, reviews

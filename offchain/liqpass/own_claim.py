"""Nobody decides about a payout to themselves."""

from __future__ import annotations

from liqpass.domain.reasons import Reason
from liqpass.records import Claim, Order
from liqpass.refusals import ConflictError


def refuse_own_claim(actor: str, order: Order, claim: Claim) -> None:
    """Raise ConflictError (OWN_CLAIM) where the actor, an address in any case, bought or would be paid."""
    if actor.strip().lower() in {order.buyer, claim.recipient}:
        raise ConflictError(
            f"claim {claim.id} is of {actor}: somebody else must decide about it", Reason.OWN_CLAIM
        )

"""Claims and what reviewers say of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes `typing`'s own from Python 3.12 on

from liqpass.entrypoints.shapes.values import Address, Amount, DayId, Hash, Id, PolicyNo, Time, exact


@exact
class Failure(TypedDict):
    """Why OKX's records could not be fetched."""

    code: str
    message: str | None
    retryable: bool


class Claim(TypedDict):
    """A claim: state, what the rules say and why, what it pays."""

    claimId: Id
    orderId: Id
    policyNo: PolicyNo
    state: Annotated[str, Field(examples=["PENDING"])]
    legacyState: Annotated[
        str, Field(description="as older clients know it", examples=["VERIFIED_PENDING_REVIEW"])
    ]
    attempt: int
    requestedAt: Time
    fetchedAt: Time | None
    failure: Failure | None
    verdict: Annotated[str | None, Field(examples=["ELIGIBLE"])]
    reasons: Annotated[list[str], Field(examples=[["LIQUIDATED_IN_WINDOW"]])]
    event: Annotated[dict[str, str] | None, Field(description="kind, timeMs, liqPenalty: OKX's strings")]
    realisedLossUsdc: Amount | None
    payoutUsdc: Amount | None
    evidenceHash: Hash | None
    rulesVersion: str | None
    recipient: Address | None
    approvedAt: Time | None
    rejectionFinal: bool | None
    batchId: DayId | None
    holdReason: str | None


@exact
class Review(TypedDict):
    """A reviewer's word; `counts` false: said of other evidence, or voided since."""

    reviewer: Address
    decision: Annotated[str, Field(examples=["APPROVE"])]
    reason: str
    at: Time
    counts: bool


@exact
class ClaimAnswer(Claim):
    """A claim and what reviewers said of it."""

    reviews: list[Review]


@exact
class BuyersClaimAnswer(Claim):
    """A claim as its buyer sees it: not who reviewed it, but why it was rejected."""

    rejectionReason: str | None


@exact
class ReviewAnswer(TypedDict):
    """The claim after a review; `needsSecondReviewer`: another reviewer has to approve it too."""

    claim: ClaimAnswer
    needsSecondReviewer: bool


@exact
class MessageAnswer(TypedDict):
    """A text to be signed (EIP-191)."""

    message: str

"""Batches, payouts, payments that cover nothing."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes `typing`'s own from Python 3.12 on

from liqpass.entrypoints.shapes.values import Address, Amount, ChainId, DayId, Hash, Id, PolicyNo, Time, exact


@exact
class Payout(TypedDict):
    """One payout of a batch; `outcome`: open, paid, held or returned."""

    policyNo: PolicyNo
    claimId: Id
    recipient: Address
    amountUsdc: Amount
    evidenceHash: Hash
    outcome: Annotated[str, Field(examples=["open"])]


@exact
class BatchAnswer(TypedDict):
    """One day's payouts, frozen; listed without `payouts`."""

    batchId: DayId
    state: Annotated[str, Field(examples=["PLANNED"])]
    chainId: ChainId
    vault: Address
    payoutRoot: Hash
    totalUsdc: Amount
    builtAt: Time
    closedAt: Time | None
    payouts: NotRequired[list[Payout]]


@exact
class BatchesAnswer(TypedDict):
    """Newest first."""

    batches: list[BatchAnswer]


@exact
class PlannedPayout(TypedDict):
    """An approved claim."""

    policyNo: PolicyNo
    claimId: Id
    amountUsdc: Amount


@exact
class LeftOut(PlannedPayout):
    """An approved claim that the signers would refuse, and why."""

    reasons: list[str]
    messages: list[str]


@exact
class PlanAnswer(TypedDict):
    """What a batch pays, carries over and leaves out; `payoutRoot` once it is built."""

    batchId: DayId
    cutOff: Time
    totalUsdc: Amount
    payouts: list[PlannedPayout]
    carriedOverAboveCap: list[PlannedPayout]
    carriedOverAfterCutOff: list[PlannedPayout]
    aboveDailyCap: list[PlannedPayout]
    leftOut: list[LeftOut]
    payoutRoot: Hash | None


@exact
class UnmatchedPayment(TypedDict):
    """A payment that covers nothing; `logIndex` -1: of no log."""

    transaction: Hash
    logIndex: int
    reason: str
    detail: str
    payer: Address | None
    amountUsdc: Amount | None
    block: int | None
    foundAt: Time
    resolution: str | None


@exact
class UnmatchedAnswer(TypedDict):
    """Oldest first."""

    payments: list[UnmatchedPayment]


@exact
class ResolvedAnswer(TypedDict):
    """What was done about a payment that covers nothing."""

    transaction: Hash
    logIndex: int
    resolution: str


@exact
class ProofAnswer(TypedDict):
    """Hash the leaf up with `proof` (sorted pairs, keccak-256) and compare with the root in the vault."""

    state: Annotated[str, Field(examples=["PAID"])]
    evidenceHash: Hash | None
    fetchedAt: Time | None
    chainId: ChainId | None
    vault: Address | None
    batchId: DayId | None
    payoutRoot: Hash | None
    leaf: Hash | None
    proof: list[Hash]
    transaction: Hash | None
    block: Annotated[int | None, Field(examples=[12345678])]
    confirmedAt: Time | None

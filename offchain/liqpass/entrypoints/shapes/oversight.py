"""What reviewers and operators look at."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic takes `typing`'s own from Python 3.12 on

from liqpass.entrypoints.shapes.claims import ClaimAnswer
from liqpass.entrypoints.shapes.orders import Order
from liqpass.entrypoints.shapes.payouts import BatchAnswer
from liqpass.entrypoints.shapes.values import Address, Amount, DayId, Hash, Seconds, Time, Version, exact


@exact
class RulesAnswer(TypedDict):
    """Amounts as USDC, all else as whole numbers of the unit that the name says."""

    paramsVersion: Version
    parameters: dict[str, str]


@exact
class QueueRow(ClaimAnswer):
    """A claim in the queue."""

    buyer: Address
    instId: str | None
    ageS: Seconds
    approvals: int
    takesTwoReviewers: bool
    needsSecondReviewer: bool


@exact
class QueueAnswer(TypedDict):
    """A page of the queue; `next` null at the end. A count of `countLimit` means: so many or more."""

    claims: list[QueueRow]
    next: str | None
    newestFirst: bool
    counts: dict[str, int]
    countLimit: int


@exact
class RawResponse(TypedDict):
    """One answer of OKX as it came; `sha256` of its exact bytes, times in milliseconds."""

    method: str
    path: str
    httpStatus: int
    requestedAtMs: str
    receivedAtMs: str
    sha256: str
    body: str


@exact
class Attempt(TypedDict):
    """What OKX answered at one attempt; 0: at binding."""

    attempt: int
    responses: list[RawResponse]


@exact
class Replay(TypedDict):
    """Whether deciding again from the stored bytes gives the stored decision; `fault`: it cannot be done."""

    agrees: bool
    differences: list[str]
    fault: str | None


@exact
class HistoryEntry(TypedDict):
    """An entry of the audit log."""

    seq: int
    at: Time
    actor: str
    action: str
    subject: str
    requestId: str | None
    details: dict[str, str]


@exact
class PaidOut(TypedDict):
    """A payout that the vault's paid bit confirms."""

    batchId: DayId
    recipient: Address
    amountUsdc: Amount
    transaction: Hash | None
    block: int
    confirmedAt: Time


@exact
class SamePerson(TypedDict):
    """What else the same wallet or OKX person has."""

    otherOrders: int
    otherClaims: int


@exact
class ClaimDetailAnswer(TypedDict):
    """A claim with its order, evidence as it came, reviews, history, and whether the decision still holds."""

    claim: ClaimAnswer
    order: Order
    rules: RulesAnswer
    attempts: list[Attempt]
    replay: Replay | None
    history: list[HistoryEntry]
    batch: BatchAnswer | None
    payout: PaidOut | None
    samePerson: SamePerson


@exact
class DailyCap(TypedDict):
    """What of the daily cap is used."""

    capUsdc: Amount
    paidTodayUsdc: Amount
    toPayUsdc: Amount
    usedUsdc: Amount
    usedPercent: int


@exact
class HotWallet(TypedDict):
    """What the vault holds; null: the chain cannot be read."""

    balanceUsdc: Amount | None
    maxUsdc: Amount


@exact
class Exposure(TypedDict):
    """Payouts that may still fall due."""

    openUsdc: Amount
    maxUsdc: Amount


@exact
class OpenBatch(BatchAnswer):
    """A batch that is not closed."""

    ageS: Seconds


@exact
class StuckIntent(TypedDict):
    """A transaction that was meant and has not ended."""

    key: str
    signer: str
    state: str
    since: Time


@exact
class AuditFault(TypedDict):
    """The first entry that does not follow from the one before."""

    seq: int
    message: str


@exact
class AuditHealth(TypedDict):
    """`count` entries, `verified` of them so far."""

    count: int
    verified: int
    fault: AuditFault | None


@exact
class Alert(TypedDict):
    """What needs a person."""

    code: str
    message: str


class Overview(TypedDict):
    """Gauges and warnings; null: it cannot be read now, or there is none."""

    at: Time
    claimsByState: dict[str, int]
    countLimit: int
    openClaimsByReason: dict[str, int]
    oldestPendingS: Seconds | None
    deadFetches: int
    held: int
    dailyCap: DailyCap
    hotWallet: HotWallet
    exposure: Exposure
    unmatchedPayments: int
    openBatches: list[OpenBatch]
    stuckIntents: list[StuckIntent] | None
    audit: AuditHealth
    syncLagS: Seconds | None
    warnings: list[Alert]


@exact
class Day(TypedDict):
    """Claims and payouts of a UTC day."""

    day: str
    claims: int
    payouts: int
    paidUsdc: Amount


@exact
class OverviewAnswer(Overview):
    """Gauges, warnings, the last days, and why the service is paused."""

    perDay: list[Day]
    paused: str | None


@exact
class OnChainPause(TypedDict):
    """How the GUARDIAN stops the chain."""

    command: str
    safeFile: str


@exact
class PauseAnswer(TypedDict):
    """Why the service is paused, null while it is not."""

    paused: str | None
    onChain: OnChainPause

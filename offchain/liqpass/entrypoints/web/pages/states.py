"""How states and verdicts are shown: a short label, a tone for its colour, and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """`tone`: neutral, info, ok, warn or bad; the label says the same in words."""

    label: str
    tone: str
    meaning: str


POLICIES: dict[str, Shown] = {
    "DRAFT": Shown("Not bound yet", "neutral", "Choose the OKX position that you want to insure."),
    "BOUND": Shown(
        "Ready to pay", "info", "The position is bound. Pay the premium before the quote is over."
    ),
    "AWAITING_PAYMENT": Shown(
        "Payment on its way", "info", "Signed or sent; the cover is sure once the chain has confirmed it."
    ),
    "SCHEDULED": Shown("Starts soon", "info", "Paid. The cover starts after the waiting time."),
    "ACTIVE": Shown("Active", "ok", "Your position is covered."),
    "EXPIRED": Shown(
        "Cover ended", "neutral", "The cover is over. You can claim for a liquidation during it."
    ),
    "COVERED": Shown("Covered", "ok", "Your position is covered."),
    "CLAIM_REQUESTED": Shown("Claim in review", "info", "A person is looking at your claim."),
    "APPROVED": Shown("Claim approved", "ok", "Your payout goes out with the next daily batch."),
    "PAID": Shown("Paid out", "ok", "The payout is on chain and final."),
    "REJECTED": Shown("Claim rejected", "bad", "The claim was rejected for good and the policy is over."),
    "CANCELLED": Shown("Cancelled", "neutral", "The order was given up before it was paid."),
}

CLAIMS: dict[str, Shown] = {
    "VERIFYING": Shown("Reading OKX", "info", "We are fetching the records from OKX. It takes some seconds."),
    "PENDING": Shown("Waiting for review", "info", "The evidence is stored. A person decides next."),
    "APPROVED": Shown("Approved", "ok", "Waits for the day's batch, which goes out once a day."),
    "BATCHED": Shown("In a batch", "ok", "Two people sign the batch, then the vault pays."),
    "PAID": Shown("Paid", "ok", "The payout is on chain and final."),
    "HELD": Shown("Payout held", "warn", "USDC refused the transfer to this wallet. We will be in touch."),
    "REJECTED": Shown("Rejected", "bad", "A reviewer rejected the claim."),
    "FAILED": Shown("Could not read OKX", "warn", "Nothing is lost: the claim can be tried again."),
}

BATCHES: dict[str, Shown] = {
    "PLANNED": Shown("Planned", "info", "Frozen; waits for the approver."),
    "APPROVED": Shown("Approved", "info", "Its root is approved on chain; waits for the payer."),
    "EXECUTING": Shown("Executing", "info", "Some payouts are on chain."),
    "CLOSED": Shown("Closed", "ok", "Every payout is paid or held."),
    "REVOKED": Shown("Revoked", "warn", "Given up; what was not paid waits for the next batch."),
    "EXPIRED": Shown("Expired", "warn", "Its approval ran out; what was not paid waits for the next batch."),
}

VERDICTS: dict[str, Shown] = {
    "ELIGIBLE": Shown("Eligible", "ok", "Row and order agree: liquidated during the cover."),
    "NEEDS_REVIEW": Shown(
        "Needs review", "warn", "Two different reviewers have to approve it, with a reason."
    ),
    "NOT_ELIGIBLE": Shown("Not eligible", "bad", "Cannot be approved; reject it or fetch again."),
}

OUTCOMES: dict[str, Shown] = {
    "open": Shown("Open", "info", "Not paid yet."),
    "paid": Shown("Paid", "ok", "The vault's paid bit is set at a final block."),
    "held": Shown("Held", "warn", "USDC refused the transfer."),
    "returned": Shown("Returned", "neutral", "Goes into a later batch."),
}


def shown(states: dict[str, Shown], state: str | None) -> Shown:
    """How a state is shown; one that is not listed shows itself."""
    return states.get(state or "", Shown(state or "unknown", "neutral", ""))

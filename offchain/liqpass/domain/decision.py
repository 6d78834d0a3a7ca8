"""What the rules answer."""

from dataclasses import dataclass
from enum import StrEnum

from liqpass.domain.evidence import Event
from liqpass.domain.money import Usdc
from liqpass.domain.reasons import Reason


class Verdict(StrEnum):
    """NOT_ELIGIBLE cannot be approved; NEEDS_REVIEW needs a reason and a second reviewer."""

    ELIGIBLE = "ELIGIBLE"
    NEEDS_REVIEW = "NEEDS_REVIEW"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"


@dataclass(frozen=True, slots=True)
class Decision:
    """`payout` = min(cap, `realised_loss`), base units, rounded down; zero where no loss can be read.

    `reasons` is sorted and never empty; `event` is the liquidation found, also one outside the window.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    event: Event | None
    realised_loss: Usdc
    payout: Usdc
    rules_version: str

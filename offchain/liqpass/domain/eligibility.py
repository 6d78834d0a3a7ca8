"""The verdict on a claim, from the stored bytes of its evidence bundle alone (design §3.1)."""

from dataclasses import dataclass
from enum import StrEnum

from liqpass.domain.evidence import Bundle, Event
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.position import Subject
from liqpass.domain.reasons import Reason
from liqpass.domain.window import Window

RULES_VERSION = "liqpass.rules/1"


class EvidenceIncompleteError(ValueError):
    """The bundle does not hold what a verdict needs: the claim is FAILED and may be fetched again."""

    def __init__(self, reason: Reason, message: str) -> None:
        """`reason` is FETCH_FAILED, EVIDENCE_INCOMPLETE or EVIDENCE_UNREADABLE."""
        self.reason = reason
        super().__init__(message)


class Verdict(StrEnum):
    """NOT_ELIGIBLE cannot be approved; NEEDS_REVIEW needs a reason and a second reviewer."""

    ELIGIBLE = "ELIGIBLE"
    NEEDS_REVIEW = "NEEDS_REVIEW"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"


@dataclass(frozen=True, slots=True)
class Decision:
    """`payout` = min(cap, `realised_loss`), both base units and rounded down; `reasons` sorted, not empty."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    event: Event | None
    realised_loss: Usdc
    payout: Usdc
    rules_version: str


def decide(bundle: Bundle, window: Window, subject: Subject, parameters: Parameters) -> Decision:
    """Judge `bundle` for the policy that covers `subject` during `window`, ignoring `bundle.event`."""
    raise NotImplementedError((bundle, window, subject, parameters))

"""One policy as its buyer sees it: where it stands, what comes next, what may be done now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from liqpass.domain.claim_state import ClaimState
from liqpass.domain.eligibility import Verdict
from liqpass.domain.parameters import Parameters
from liqpass.domain.policy_state import PolicyState, PolicyView, view
from liqpass.domain.window import may_claim
from liqpass.entrypoints.web.pages import states
from liqpass.payouts import PublicProof
from liqpass.records import Claim, Order, Review

_UNPAID = (PolicyState.DRAFT, PolicyState.BOUND, PolicyState.AWAITING_PAYMENT)
_OVER = (PolicyState.PAID, PolicyState.REJECTED, PolicyState.CANCELLED)
_SIDES = {"long": "long", "short": "short", "net": "net"}
_STEPS = ("Order", "Position", "Payment", "Cover")


@dataclass(frozen=True, slots=True)
class Countdown:
    """What a clock on the page runs down to."""

    label: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """`step`: done, now or next."""

    label: str
    step: str


@dataclass(frozen=True, slots=True)
class Event:
    """`at_ms` None: not known yet, the note says what it waits for."""

    label: str
    at_ms: int | None
    step: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """What the templates ask of a policy. `claims` oldest first; `reviews` and `proof`: of the last one."""

    order: Order
    parameters: Parameters
    claims: Sequence[Claim]
    reviews: Sequence[Review]
    proof: PublicProof | None
    now_ms: int

    @property
    def view(self) -> str:
        """The state as the clock shows it."""
        return str(view(PolicyState(self.order.state), self.order.window, self.now_ms))

    @property
    def shown(self) -> states.Shown:
        """Label, tone and meaning of the state."""
        if self.quote_is_over and self.view in (PolicyState.DRAFT, PolicyState.BOUND):
            return states.Shown("Quote over", "neutral", "This order was not paid in time.")
        return states.shown(states.POLICIES, self.view)

    @property
    def name(self) -> str:
        """`Policy 12`; before payment it has no number."""
        number = self.order.policy_no
        return f"Order {self.order.id[:8]}" if number is None else f"Policy {number}"

    @property
    def side(self) -> str:
        """Long, short or net."""
        return _SIDES.get(self.order.pos_side or "", self.order.pos_side or "")

    @property
    def is_unpaid(self) -> bool:
        """Whether the premium is still to come."""
        return self.order.state in _UNPAID

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen."""
        return self.order.state in _OVER

    @property
    def quote_is_over(self) -> bool:
        """Whether a payment now would come too late."""
        return self.is_unpaid and self.now_ms // 1000 > self.order.valid_until_s

    @property
    def is_worth_going_on(self) -> bool:
        """Whether an unpaid order can still become a policy."""
        return not self.quote_is_over or self.order.state == PolicyState.AWAITING_PAYMENT

    @property
    def is_pending(self) -> bool:
        """Whether the page should look again by itself."""
        waits = (PolicyState.BOUND, PolicyState.AWAITING_PAYMENT, PolicyState.CLAIM_REQUESTED)
        return self.order.state in waits or self.order.state == PolicyState.APPROVED

    @property
    def claim(self) -> Claim | None:
        """The claim that counts: the newest."""
        return self.claims[-1] if self.claims else None

    @property
    def claim_shown(self) -> states.Shown:
        """Label, tone and meaning of the claim's state."""
        return states.shown(states.CLAIMS, self.claim.state if self.claim else None)

    @property
    def reason_codes(self) -> list[str]:
        """Why the verdict on the claim is what it is."""
        return list(json.loads(self.claim.reasons)) if self.claim and self.claim.reasons else []

    @property
    def rejection(self) -> Review | None:
        """The word that rejected the claim."""
        if self.claim is None or self.claim.state != ClaimState.REJECTED:
            return None
        return next((review for review in reversed(self.reviews) if review.decision == "REJECT"), None)

    @property
    def payout(self) -> int | None:
        """What was or will be paid; None while nobody has approved it."""
        return self.claim.payout if self.claim and self.claim.approved_at_ms is not None else None

    @property
    def paid_tx(self) -> str | None:
        """The transaction that paid out."""
        return None if self.proof is None else self.proof.transaction

    @property
    def claim_until_ms(self) -> int | None:
        """The end of the time to claim."""
        end_ms = self.order.end_ms
        return None if end_ms is None else end_ms + self.parameters.claim_grace_s * 1000

    @property
    def countdown(self) -> Countdown | None:
        """The next moment that matters."""
        order, until_ms = self.order, self.claim_until_ms
        if self.is_unpaid and not self.quote_is_over:
            return Countdown("Quote holds for", order.valid_until_s * 1000)
        if order.start_ms is None or order.end_ms is None or until_ms is None:
            return None
        moments = {
            PolicyView.SCHEDULED: Countdown("Cover starts in", order.start_ms),
            PolicyView.ACTIVE: Countdown("Cover ends in", order.end_ms),
        }
        if self.view == PolicyView.EXPIRED and self.now_ms < until_ms:
            return Countdown("Time left to claim", until_ms)
        return moments.get(self.view)  # type: ignore[call-overload,no-any-return]  # other states are no moment

    @property
    def may_claim(self) -> bool:
        """Whether pressing the button would do something."""
        return self._claim_state()[0]

    @property
    def claim_words(self) -> str:
        """What claiming does now, or why it cannot be done."""
        return self._claim_state()[1]

    @property
    def claim_button(self) -> str:
        """What the button says."""
        return "Submit claim" if self.order.state == PolicyState.COVERED else "Fetch the records again"

    def _claim_state(self) -> tuple[bool, str]:
        claim, window, state = self.claim, self.order.window, self.order.state
        if state == PolicyState.COVERED and window is not None:
            if self.now_ms < window.start_ms:
                return False, "You can claim once the cover has begun."
            # An earlier claim was rejected: the time that its review took is not the trader's.
            asked_ms = min([self.now_ms, *(each.requested_at_ms for each in self.claims)])
            if not may_claim(window, asked_ms, self.parameters):
                return False, "The time to claim is over."
            return (
                True,
                "Was the position liquidated? We then fetch its records from OKX; it takes some seconds.",
            )
        if state == PolicyState.CLAIM_REQUESTED and claim is not None:
            if claim.state == ClaimState.FAILED:
                return True, "The claim is kept. Try again now or later."
            if claim.state == ClaimState.PENDING and claim.verdict == Verdict.NOT_ELIGIBLE:
                return True, "Was the position liquidated since? Then fetch the records again."
        return False, ""

    @property
    def steps(self) -> list[Step]:
        """The way to a paid policy."""
        now = {PolicyState.DRAFT: 1, PolicyState.BOUND: 2, PolicyState.AWAITING_PAYMENT: 2}
        at = now.get(PolicyState(self.order.state), len(_STEPS))
        names = ("done", "now", "next")
        return [Step(label, names[(place >= at) + (place > at)]) for place, label in enumerate(_STEPS)]

    @property
    def timeline(self) -> list[Event]:
        """Everything in order of time; what waits for people stands between past and future."""
        dated = [
            Event(label, at_ms, "done" if at_ms <= self.now_ms else "next", note)
            for label, at_ms, note in self._moments()
            if at_ms is not None
        ]
        dated.sort(key=lambda event: event.at_ms or 0)
        past = [event for event in dated if event.step == "done"]
        return [*past, *self._waiting(), *dated[len(past) :]]

    def _moments(self) -> Iterator[tuple[str, int | None, str]]:
        order = self.order
        yield "Order created", order.created_at_ms, ""
        yield "Position bound", order.bound_at_ms, order.inst_id or ""
        yield "Premium paid", order.paid_at_ms, ""
        yield "Cover starts", order.start_ms, ""
        yield "Cover ends", order.end_ms, ""
        if not self.is_over:
            yield "Last moment to claim", self.claim_until_ms, ""
        for claim in self.claims:
            yield "Claim submitted", claim.requested_at_ms, ""
            yield "Records fetched from OKX", claim.fetched_at_ms, ""
            yield "Claim approved", claim.approved_at_ms, ""
            if claim.state == ClaimState.REJECTED:
                final = "the policy is over" if claim.rejection_final else "the cover goes on"
                yield "Claim rejected", claim.closed_at_ms, final
        if self.proof is not None:
            yield "Payout final on chain", self.proof.confirmed_at_ms, f"block {self.proof.block}"

    def _waiting(self) -> Iterator[Event]:
        claim = self.claim
        if claim is None:
            return
        if claim.state == ClaimState.PENDING:
            yield Event("Review by a person", None, "now", "usually within a day")
        elif claim.state == ClaimState.APPROVED:
            yield Event("Daily batch", None, "now", "after the next cut-off")
        elif claim.state == ClaimState.BATCHED:
            yield Event("Payout from the vault", None, "now", f"batch {claim.batch_id}, signed by two people")
        elif claim.state == ClaimState.HELD:
            yield Event("Payout held", None, "bad", "USDC refused the transfer to this wallet")

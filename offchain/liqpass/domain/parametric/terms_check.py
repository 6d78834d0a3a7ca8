"""Whether `OpenParametric.createPolicy` would take terms and shares: every fault at once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from liqpass.domain.money import MAX_USDC
from liqpass.domain.parametric.escrow import TOTAL_BPS
from liqpass.domain.parametric.reading import (
    MAX_THRESHOLD_MINUTES,
    MIN_THRESHOLD_MINUTES,
    STEP_MINUTES,
    delayed_since,
)
from liqpass.domain.parametric.terms import NAME_BYTES, NOBODY, Share, Terms
from liqpass.domain.parametric.times import format_time

MAX_SHARES = 16
MAX_TERM_S = 400 * 86_400
MIN_WINDOW_S = 3_600
MAX_WINDOW_S = 30 * 86_400

_NAME = re.compile(r"[!-~]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the chain shows where the policy is to be made. Addresses in lower case.

    `now_s` is the time of the latest block. `feed_decimals` and `feed_description` are None where the terms'
    feed does not answer.
    """

    now_s: int
    contract: str
    usdc: str
    feed_decimals: int | None
    feed_description: str | None


class TermsError(ValueError):
    """Terms of which no policy can be made; `faults` has one sentence for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def check(terms: Terms, shares: Sequence[Share], around: Surroundings) -> None:
    """Raise `TermsError` with every fault."""
    found = faults(terms, shares, around)
    if found:
        raise TermsError(found)


def faults(terms: Terms, shares: Sequence[Share], around: Surroundings) -> tuple[str, ...]:
    """One sentence a fault, none where the contract takes terms and shares.

    Stricter than the contract in one point: route and flight have 1 to 16 visible ASCII characters, because
    an empty or unreadable name tells an insurer nothing.
    """
    return (
        *_of_the_names(terms),
        *_of_the_cover(terms),
        *_of_the_times(terms, around.now_s),
        *_of_the_recipients(terms, around),
        *_of_the_feed(terms, around),
        *_of_the_shares(shares),
    )


def _of_the_names(terms: Terms) -> Iterator[str]:
    for name, text in (("route", terms.route), ("flight", terms.flight)):
        if _NAME.fullmatch(text) is None:
            yield f"{name} {text!r} is not 1 to {NAME_BYTES} visible ASCII characters"


def _of_the_cover(terms: Terms) -> Iterator[str]:
    if not 0 < terms.payout <= MAX_USDC:
        yield f"payout {terms.payout} is outside 1..{MAX_USDC} base units"
    threshold = terms.threshold_minutes
    in_range = MIN_THRESHOLD_MINUTES <= threshold <= MAX_THRESHOLD_MINUTES
    if not in_range or threshold % STEP_MINUTES != 0:
        yield (
            f"threshold {threshold} is not a multiple of {STEP_MINUTES} in "
            f"{MIN_THRESHOLD_MINUTES}..{MAX_THRESHOLD_MINUTES} minutes"
        )


def _of_the_times(terms: Terms, now_s: int) -> Iterator[str]:
    deadline, start, departure = terms.underwriting_deadline_s, terms.active_from_s, terms.departure_s
    late = delayed_since(departure, terms.threshold_minutes)
    if deadline <= now_s:
        yield f"underwriting deadline {format_time(deadline)} is not after now, {format_time(now_s)}"
    if deadline > start:
        yield f"underwriting deadline {format_time(deadline)} is after active from, {format_time(start)}"
    if start > departure:
        yield f"active from {format_time(start)} is after the departure, {format_time(departure)}"
    if terms.active_to_s <= late:  # otherwise no claim would be possible in the cover
        yield (
            f"active to {format_time(terms.active_to_s)} is not after the departure and the threshold, "
            f"{format_time(late)}"
        )
    if terms.active_to_s > now_s + MAX_TERM_S:
        yield f"active to {format_time(terms.active_to_s)} is more than {MAX_TERM_S // 86_400} days away"
    for name, window_s in (
        ("approval window", terms.approval_window_s),
        ("claim grace", terms.claim_grace_s),
    ):
        if not MIN_WINDOW_S <= window_s <= MAX_WINDOW_S:
            yield f"{name} {window_s} s is outside {MIN_WINDOW_S}..{MAX_WINDOW_S} s"


def _of_the_recipients(terms: Terms, around: Surroundings) -> Iterator[str]:
    unfit = {NOBODY: "nobody", around.contract: "the contract itself", around.usdc: "USDC"}
    if terms.beneficiary in unfit:
        yield f"beneficiary {terms.beneficiary} is {unfit[terms.beneficiary]}"


def _of_the_feed(terms: Terms, around: Surroundings) -> Iterator[str]:
    if around.feed_decimals is None or around.feed_description is None:
        yield f"feed {terms.feed} does not answer as a feed"
        return
    if around.feed_decimals != 0:
        yield f"feed {terms.feed} has {around.feed_decimals} decimals instead of 0"
    if around.feed_description != terms.feed_description:
        yield (
            f"feed {terms.feed} is {around.feed_description!r}, the terms are for {terms.feed_description!r}"
        )


def _of_the_shares(shares: Sequence[Share]) -> Iterator[str]:
    if not 1 <= len(shares) <= MAX_SHARES:
        yield f"{len(shares)} shares, allowed are 1..{MAX_SHARES}"
    first: dict[str, int] = {}
    for index, share in enumerate(shares):
        if share.insurer == NOBODY:
            yield f"share {index} has no insurer"
        elif share.insurer in first:
            yield f"share {index} has the same insurer as share {first[share.insurer]}, {share.insurer}"
        first.setdefault(share.insurer, index)
        if not 0 < share.bps <= TOTAL_BPS:
            yield f"share {index} of {share.bps} bps is outside 1..{TOTAL_BPS} bps"
    total = sum(share.bps for share in shares)
    if total != TOTAL_BPS:
        yield f"the shares add up to {total} bps instead of {TOTAL_BPS} bps"

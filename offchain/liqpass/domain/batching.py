"""Which approved claims go into today's batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from liqpass.domain.money import Usdc
from liqpass.domain.parameters import Parameters


class BatchingError(ValueError):
    """A date that is none, or a claim that could never be paid."""


@dataclass(frozen=True, slots=True)
class ApprovedClaim:
    """An approved claim that waits for its batch; `amount` in base units."""

    claim_id: str
    policy_no: int
    amount: Usdc
    approved_at_ms: int


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """`planned` is paid today, in this order; the others wait, in this order.

    `above_daily_cap`: more than a whole day pays. They wait until the daily cap is raised, or a person takes
    the approval back; nobody behind them waits with them.
    """

    batch_id: int
    cut_off_ms: int
    planned: tuple[ApprovedClaim, ...]
    over_cap: tuple[ApprovedClaim, ...]
    after_cut_off: tuple[ApprovedClaim, ...]
    above_daily_cap: tuple[ApprovedClaim, ...] = ()

    @property
    def total(self) -> Usdc:
        """Sum of the planned amounts."""
        return Usdc(sum(claim.amount for claim in self.planned))


def batch_id(now_ms: int) -> int:
    """The UTC date of `now_ms` as the integer YYYYMMDD: what `approveBatch` demands of the block's day."""
    day = datetime.fromtimestamp(now_ms // 1000, UTC)
    return day.year * 10_000 + day.month * 100 + day.day


def cut_off_ms(batch: int, parameters: Parameters) -> int:
    """The cut-off on the date of `batch`, at the parameters' local time. Raises `BatchingError`."""
    try:
        midnight = datetime(batch // 10_000, batch // 100 % 100, batch % 100, tzinfo=UTC)
    except ValueError as error:
        raise BatchingError(f"{batch} is not a date YYYYMMDD") from error
    local = midnight + timedelta(minutes=parameters.cut_off_minute - parameters.cut_off_utc_offset_min)
    return int(local.timestamp()) * 1000


def plan_batch(
    approved: Iterable[ApprovedClaim], *, batch: int, cap: Usdc, parameters: Parameters
) -> BatchPlan:
    """Plan the batch of the UTC date `batch`, paying at most `cap` (daily cap, or what is left of it today).

    Claims approved before the cut-off are taken by approval time (then policy number) until the next one
    does not fit: nobody overtakes, so a large payout is never starved by small ones behind it. A claim above
    the daily cap (lowered after it was sold) is set aside: it fits no day.
    Raises `BatchingError` for a claim of nothing, or listed twice.
    """
    limit_ms = cut_off_ms(batch, parameters)
    queue = sorted(approved, key=lambda claim: (claim.approved_at_ms, claim.policy_no))
    if len({claim.policy_no for claim in queue}) != len(queue):
        raise BatchingError("a policy is listed twice")
    for claim in queue:
        if claim.amount <= 0:
            raise BatchingError(f"claim {claim.claim_id} is over {claim.amount}: nothing to pay")
    above = tuple(claim for claim in queue if claim.amount > parameters.daily_cap)
    queue = [claim for claim in queue if claim not in above]
    in_time = [claim for claim in queue if claim.approved_at_ms < limit_ms]
    room, fitting = cap, 0
    for claim in in_time:
        if claim.amount > room:
            break
        room = Usdc(room - claim.amount)
        fitting += 1
    return BatchPlan(
        batch_id=batch,
        cut_off_ms=limit_ms,
        planned=tuple(in_time[:fitting]),
        over_cap=tuple(in_time[fitting:]),
        after_cut_off=tuple(claim for claim in queue if claim.approved_at_ms >= limit_ms),
        above_daily_cap=above,
    )

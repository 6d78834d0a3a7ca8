"""Whether a position is insured at all (design §3.1)."""

from dataclasses import dataclass

from liqpass.domain.evidence import StoredRequest
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.position import PositionKey
from liqpass.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """What the service knows of the buyer: the larger figure of wallet and keyed hash of OKX `mainUid`.

    `active_policies` are paid for or awaiting payment and not over; `recent_policies` were sold in the last
    `recent_s` seconds, active ones included; `blocked` if wallet or hash stands on the blocklist.
    """

    active_policies: int
    recent_policies: int
    blocked: bool


@dataclass(frozen=True, slots=True)
class Book:
    """`open_exposure`: sum of the payouts of all policies that may still be paid, base units."""

    open_exposure: Usdc
    position_insured: bool


def underwrite_person(history: PersonHistory, book: Book, parameters: Parameters) -> tuple[Reason, ...]:
    """Reasons to refuse this buyer now; empty: accepted."""
    reasons = []
    if history.blocked:
        reasons.append(Reason.PERSON_BLOCKED)
    if history.active_policies >= parameters.max_active_policies:
        reasons.append(Reason.PERSON_HAS_ACTIVE_POLICY)
    if history.recent_policies >= parameters.max_recent_policies:
        reasons.append(Reason.PERSON_BOUGHT_TOO_OFTEN)
    if book.position_insured:
        reasons.append(Reason.POSITION_ALREADY_INSURED)
    if quoting_closed(book.open_exposure, parameters):
        reasons.append(Reason.EXPOSURE_EXHAUSTED)
    return tuple(reasons)


def quoting_closed(open_exposure: Usdc, parameters: Parameters) -> bool:
    """Whether one more policy of the full payout would exceed `max_open_exposure`."""
    return open_exposure + parameters.payout_cap > parameters.max_open_exposure


def underwrite_position(
    response: StoredRequest, key: PositionKey, bound_at_ms: int, parameters: Parameters
) -> tuple[Reason, ...]:
    """Reasons to refuse the position `key` of the stored `GET /api/v5/account/positions`; empty: accepted."""
    raise NotImplementedError((response, key, bound_at_ms, parameters))

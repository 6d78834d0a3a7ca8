"""Whether a position is insured at all (design §3.1).

The machine these rules stop: long and short of the same coin at 100×. A move of one per cent liquidates one
leg, the other gains as much, and the payout comes on top of nothing lost. So: leverage at most 10 and the
liquidation price at least 10 % away (a 100× position stands 1 % away and fails both); no opposite position
in the same coin on the account; a position that lived before the buyer thought of the cover; few policies a
person; and, at the claim, never more than the realised loss. A hedge on another exchange or sub-account
cannot be seen: distance, frequency and the ceiling of the payout are what is left against it.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from liqpass.domain.evidence import StoredRequest
from liqpass.domain.hedging import opposes
from liqpass.domain.money import Usdc
from liqpass.domain.okx_pages import POSITIONS, EvidenceIncompleteError, read_rows
from liqpass.domain.okx_records import (
    SETTLEMENTS,
    AccountConfig,
    Exposure,
    OkxRecordError,
    OpenPosition,
    is_open,
    parse_instrument,
    read_exposure,
    read_open_position,
)
from liqpass.domain.parameters import Parameters
from liqpass.domain.position import PositionKey
from liqpass.domain.reasons import Reason

_UNFILTERED = {"", "instType=SWAP"}


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


def underwrite(
    *,
    response: StoredRequest,
    key: PositionKey,
    bound_at_ms: int,
    account: AccountConfig,
    history: PersonHistory,
    book: Book,
    parameters: Parameters,
) -> tuple[Reason, ...]:
    """All rules at once, at binding. Reasons to refuse; empty: accepted."""
    key_reasons = () if account.is_read_only else (Reason.KEY_NOT_READ_ONLY,)
    return (
        *key_reasons,
        *underwrite_position(response, key, bound_at_ms, parameters),
        *underwrite_person(history, book, parameters),
    )


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
    """Reasons to refuse the position `key` of the stored `GET /api/v5/account/positions`; empty: accepted.

    The request must be unfiltered (or `instType=SWAP`): a filter by instrument would hide a hedge.
    """
    path = urlsplit(response.path)
    if path.path != POSITIONS or path.query not in _UNFILTERED:
        return (Reason.POSITION_UNREADABLE,)
    try:
        rows = [row for row in read_rows(response) if is_open(row)]
        same_id = [row for row in rows if row.get("posId") == key.pos_id]
        mine = [position for position in map(read_open_position, same_id) if position.key == key]
        if len(mine) != 1:
            return (Reason.POSITION_NOT_FOUND,)
        others = [read_exposure(row) for row in rows if row.get("posId") != key.pos_id]
    except (EvidenceIncompleteError, OkxRecordError):
        return (Reason.POSITION_UNREADABLE,)
    return tuple(_position_reasons(mine[0], others, bound_at_ms, parameters))


def _position_reasons(
    mine: OpenPosition, others: list[Exposure], bound_at_ms: int, parameters: Parameters
) -> list[Reason]:
    reasons = []
    instrument = parse_instrument(mine.key.inst_id)
    if mine.inst_type != "SWAP" or not instrument.is_linear_swap:
        reasons.append(Reason.NOT_A_LINEAR_SWAP)
    elif instrument.quote not in SETTLEMENTS:
        reasons.append(Reason.SETTLEMENT_NOT_USDT_OR_USDC)
    if not 0 < mine.leverage <= parameters.max_leverage:
        reasons.append(Reason.LEVERAGE_TOO_HIGH)
    reasons.extend(_distance_reasons(mine, parameters))
    if bound_at_ms - mine.key.c_time_ms <= parameters.min_position_age_s * 1000:
        reasons.append(Reason.POSITION_TOO_YOUNG)
    if any(opposes(other, mine.key.inst_id, mine.direction) for other in others):
        reasons.append(Reason.POSITION_HEDGED)
    return reasons


def _distance_reasons(mine: OpenPosition, parameters: Parameters) -> list[Reason]:
    # Signed: a liquidation price on the wrong side of the mark is no distance at all.
    if mine.liq_px is None or mine.liq_px <= 0:
        return [Reason.LIQUIDATION_PRICE_UNKNOWN]
    away = mine.mark_px - mine.liq_px if mine.direction == "long" else mine.liq_px - mine.mark_px
    if away * 10_000 < mine.mark_px * parameters.min_liquidation_distance_bps:
        return [Reason.LIQUIDATION_TOO_CLOSE]
    return []

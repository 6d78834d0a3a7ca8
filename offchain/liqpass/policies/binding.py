"""Binding an OKX position to an order, before paying: read-only key, underwriting, frozen quote."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.credentials import hash_uid, seal_credentials
from liqpass.domain import policy_state
from liqpass.domain.batch_check import PRODUCTION_CHAINS
from liqpass.domain.evidence import Env
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.okx_pages import EvidenceIncompleteError, read_rows
from liqpass.domain.okx_records import (
    AccountConfig,
    OkxRecordError,
    OpenPosition,
    order_opens,
    read_open_position,
    read_order,
)
from liqpass.domain.parameters import Parameters
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.position import BoundPosition, PositionKey, position_hash
from liqpass.domain.quote import quote_hash
from liqpass.domain.reasons import Reason
from liqpass.domain.underwriting import Book, PersonHistory, underwrite
from liqpass.lookups import existing_order, parameters_of
from liqpass.policies.selling import open_exposure, require_open, unpaid_for_good
from liqpass.ports import Clock, OkxAccount, OkxAccounts, OkxCredentials, Store, UnitOfWork, Vault
from liqpass.records import Act, OkxResponse, Order, Site
from liqpass.refusals import ConflictError, RefusedError

# Longer than a payment in time needs to be found: an unpaid order then stops occupying its position.
UNPAID_AFTER_S = 1_800
SOLD = (
    PolicyState.COVERED,
    PolicyState.CLAIM_REQUESTED,
    PolicyState.APPROVED,
    PolicyState.PAID,
    PolicyState.REJECTED,
)


@dataclass(frozen=True, slots=True)
class ByOrder:
    """The position that this OKX order opened."""

    inst_id: str
    ord_id: str


@dataclass(frozen=True, slots=True)
class ByPosition:
    """The open position with this id."""

    inst_id: str
    pos_id: str


@dataclass(frozen=True, slots=True)
class _Reading:
    account: AccountConfig
    position: OpenPosition
    response: OkxResponse


class Binding:
    """Binds a DRAFT order; replaces the key of a bound one."""

    def __init__(self, store: Store, clock: Clock, okx: OkxAccounts, vault: Vault, site: Site) -> None:
        self._store = store
        self._clock = clock
        self._okx = okx
        self._vault = vault
        self._site = site

    def positions(self, credentials: OkxCredentials) -> list[OpenPosition]:
        """The account's open positions, to choose from. Raises OkxFetchError, RefusedError."""
        with self._okx.open(credentials) as account:
            _require_read_only(_account(account))
            return [position for _, position in _open_positions(account.positions())]

    def bind(
        self, order_uuid: str, credentials: OkxCredentials, wanted: ByOrder | ByPosition, *, actor: str
    ) -> Order:
        """Bind the position and freeze the quote. Raises NotFoundError, IllegalTransition (bound or paid),
        PausedError, OkxFetchError, RefusedError with every underwriting reason; nothing is kept then.
        """
        with self._store.read() as unit:
            order = existing_order(unit, order_uuid)
            policy_state.advance(PolicyState(order.state), PolicyAction.BIND)
            parameters = parameters_of(unit, order)
        env = self._env(credentials)
        with self._okx.open(credentials) as account:
            reading = _read(account, wanted)
        bound_at_ms = self._clock.now_ms()
        if bound_at_ms // 1000 > order.valid_until_s:
            raise RefusedError("the quote has expired: create a new order", Reason.QUOTE_EXPIRED)
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            policy_state.advance(PolicyState(order.state), PolicyAction.BIND)
            require_open(unit)
            uid_hmac = hash_uid(unit, self._vault, reading.account.uid)
            main_uid_hmac = hash_uid(unit, self._vault, reading.account.main_uid)
            reasons = underwrite(
                response=reading.response.stored(),
                key=reading.position.key,
                bound_at_ms=bound_at_ms,
                account=reading.account,
                history=self._history(unit, order, main_uid_hmac, parameters, bound_at_ms),
                book=self._book(unit, uid_hmac, reading.position.key, parameters, bound_at_ms),
                parameters=parameters,
            )
            if reasons:
                raise RefusedError("this position cannot be insured", *reasons)
            seal_credentials(unit, self._vault, order.id, credentials, bound_at_ms)
            unit.claims.store_responses(order.id, 0, [reading.response])
            ord_id = wanted.ord_id if isinstance(wanted, ByOrder) else None
            bound = BoundPosition(
                reading.position.key, uid_hmac, bound_at_ms, reading.response.stored().body_sha256
            )
            return self._freeze(
                unit, order, bound, main_uid_hmac=main_uid_hmac, ord_id=ord_id, env=env, actor=actor
            )

    def replace_key(self, order_uuid: str, credentials: OkxCredentials, *, actor: str) -> None:
        """Another read-only key of the same account, where the first one broke.

        Raises NotFoundError, ConflictError (order not bound, or over), RefusedError
        (KEY_NOT_READ_ONLY, ACCOUNT_DIFFERS_FROM_BOUND), OkxFetchError.
        """
        with self._okx.open(credentials) as account:
            config = _account(account)
        _require_read_only(config)
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            if order.state not in policy_state.OPEN_STATES:
                raise ConflictError(f"order {order.id} is {order.state}", Reason.MISSING_OKX_META)
            if hash_uid(unit, self._vault, config.uid) != order.uid_hmac:
                raise RefusedError("the key is of another OKX account", Reason.ACCOUNT_DIFFERS_FROM_BOUND)
            seal_credentials(unit, self._vault, order.id, credentials, now_ms)
            unit.controls.note(f"order/{order.id}", Act(actor, "OKX_KEY_REPLACED", now_ms, {}))

    def _freeze(
        self,
        unit: UnitOfWork,
        order: Order,
        bound: BoundPosition,
        *,
        main_uid_hmac: str,
        ord_id: str | None,
        env: Env,
        actor: str,
    ) -> Order:
        changes: dict[str, str | int | None] = {
            "okx_env": str(env),
            "ord_id": ord_id,
            "inst_id": bound.key.inst_id,
            "mgn_mode": bound.key.mgn_mode,
            "pos_side": bound.key.pos_side,
            "pos_id": bound.key.pos_id,
            "c_time_ms": bound.key.c_time_ms,
            "bound_at_ms": bound.bound_at_ms,
            "body_sha256": bound.body_sha256,
            "position_hash": position_hash(bound),
            "uid_hmac": bound.uid_hmac,
            "main_uid_hmac": main_uid_hmac,
        }
        act = Act(
            actor,
            "POSITION_BOUND",
            bound.bound_at_ms,
            {"instId": bound.key.inst_id, "positionHash": position_hash(bound)},
        )
        to = policy_state.advance(PolicyState(order.state), PolicyAction.BIND)
        moved = unit.orders.advance(order, to, act, **changes)
        frozen = format_bytes32(quote_hash(moved.terms()))
        unit.orders.freeze_quote(
            moved, frozen, Act(actor, "QUOTE_FROZEN", bound.bound_at_ms, {"hash": frozen})
        )
        return existing_order(unit, order.id)

    def _env(self, credentials: OkxCredentials) -> Env:
        env = Env(self._site.okx_env)
        if env is Env.PRODUCTION and credentials.demo:
            if self._site.chain_id in PRODUCTION_CHAINS:
                raise RefusedError("a demo-trading position risks no money", Reason.WRONG_ENVIRONMENT)
            return Env.DEMO
        return env

    def _history(
        self, unit: UnitOfWork, order: Order, main_uid_hmac: str, parameters: Parameters, now_ms: int
    ) -> PersonHistory:
        theirs = unit.orders.of_person(buyer=order.buyer, main_uid_hmac=main_uid_hmac)
        self._cancel_unpaid(unit, theirs, now_ms)
        theirs = unit.orders.of_person(buyer=order.buyer, main_uid_hmac=main_uid_hmac)
        active = [each for each in theirs if _is_active(each, now_ms)]
        since_ms = now_ms - parameters.recent_s * 1000
        recent = [
            each
            for each in theirs
            if each in active or (each.state in SOLD and (each.paid_at_ms or 0) >= since_ms)
        ]
        blocked = unit.controls.is_blocked("wallet", order.buyer) or unit.controls.is_blocked(
            "main_uid_hmac", main_uid_hmac
        )
        return PersonHistory(len(active), len(recent), blocked)

    @staticmethod
    def _cancel_unpaid(unit: UnitOfWork, theirs: list[Order], now_ms: int) -> None:
        for each in theirs:
            state = PolicyState(each.state)
            unpaid = state in (PolicyState.BOUND, PolicyState.AWAITING_PAYMENT)
            expired = now_ms // 1000 > each.valid_until_s + UNPAID_AFTER_S
            if unpaid and expired and unpaid_for_good(unit, each):
                to = policy_state.advance(state, PolicyAction.CANCEL)
                act = Act("service", "ORDER_CANCELLED", now_ms, {"reason": str(Reason.QUOTE_EXPIRED)})
                unit.orders.advance(each, to, act)
                unit.controls.drop_credential(each.id)

    @staticmethod
    def _book(unit: UnitOfWork, uid_hmac: str, key: PositionKey, parameters: Parameters, now_ms: int) -> Book:
        same = unit.orders.of_position(uid_hmac=uid_hmac, pos_id=key.pos_id, c_time_ms=key.c_time_ms)
        insured = any(
            each.state in policy_state.OPEN_STATES and (each.end_ms is None or each.end_ms > now_ms)
            for each in same
        )
        return Book(open_exposure(unit, parameters, now_ms), insured)


def _is_active(order: Order, now_ms: int) -> bool:
    """Paid for or awaiting payment, and not over."""
    if order.state not in policy_state.OPEN_STATES:
        return False
    return order.state != PolicyState.COVERED or order.end_ms is None or order.end_ms > now_ms


def _require_read_only(config: AccountConfig) -> None:
    if not config.is_read_only:
        raise RefusedError(
            "the OKX key must have the permission read_only and no other", Reason.KEY_NOT_READ_ONLY
        )


def _account(account: OkxAccount) -> AccountConfig:
    identity = account.identity()
    return AccountConfig(identity.uid, identity.main_uid, identity.permissions)


def _read(account: OkxAccount, wanted: ByOrder | ByPosition) -> _Reading:
    config = _account(account)
    _require_read_only(config)  # before anything else is asked with a key that could trade
    response = account.positions()
    try:
        found = [
            position
            for pos_id, position in _open_positions(response)
            if position.key.inst_id == wanted.inst_id
            and (isinstance(wanted, ByOrder) or pos_id == wanted.pos_id)
        ]
        if not found:
            raise RefusedError(f"no open position in {wanted.inst_id} fits", Reason.POSITION_NOT_FOUND)
        if isinstance(wanted, ByOrder):
            rows = read_rows(account.order(wanted.inst_id, wanted.ord_id).stored())
            order = read_order(rows[0]) if len(rows) == 1 else None
            found = [position for position in found if order is not None and order_opens(order, position)]
    except (EvidenceIncompleteError, OkxRecordError) as error:
        raise RefusedError(f"OKX's answer cannot be read: {error}", Reason.POSITION_UNREADABLE) from None
    if len(found) != 1:
        raise RefusedError(
            "this order is not the one that opened the position that is open now: choose the position itself",
            Reason.ORDER_DOES_NOT_OPEN_POSITION,
        )
    return _Reading(config, found[0], response)


def _open_positions(response: OkxResponse) -> list[tuple[str, OpenPosition]]:
    try:
        positions = [
            read_open_position(row) for row in read_rows(response.stored()) if row.get("pos") not in ("0", "")
        ]
    except (EvidenceIncompleteError, OkxRecordError) as error:
        raise RefusedError(f"OKX's answer cannot be read: {error}", Reason.POSITION_UNREADABLE) from None
    return [(position.key.pos_id, position) for position in positions]

"""Binding an OKX position to an order, before paying: read-only key, underwriting, frozen quote."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.credentials import hash_uid, seal_credentials
from liqpass.domain import chains, policy_state
from liqpass.domain.evidence import Env
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.okx_pages import EvidenceIncompleteError, read_rows
from liqpass.domain.okx_records import (
    READ_ONLY,
    AccountConfig,
    OkxRecordError,
    OpenPosition,
    is_open,
    order_opens,
    read_open_position,
    read_order,
)
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.position import BoundPosition, position_hash
from liqpass.domain.quote import quote_hash
from liqpass.domain.reasons import Reason
from liqpass.domain.underwriting import underwrite
from liqpass.lookups import existing_order, parameters_of
from liqpass.policies.persons import cancel_abandoned, person_history, position_book
from liqpass.policies.selling import require_open
from liqpass.ports import Clock, OkxAccount, OkxAccounts, OkxCredentials, Store, UnitOfWork, Vault
from liqpass.records import Act, OkxResponse, Order, Site
from liqpass.refusals import ConflictError, RefusedError


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
            require_read_only(account_config(account))
            return open_swaps(account.positions())

    def bind(
        self,
        order_uuid: str,
        credentials: OkxCredentials,
        wanted: ByOrder | ByPosition,
        *,
        actor: str,
        stored_at_ms: int | None = None,
    ) -> Order:
        """Bind the position and freeze the quote. `stored_at_ms`: since when these credentials are the
        buyer's stored key; one that is deleted meanwhile is not kept with the order.

        Raises NotFoundError, IllegalTransition (bound or paid), PausedError, ConflictError (KEY_NOT_STORED),
        OkxFetchError, RefusedError with every underwriting reason; nothing is kept then.
        """
        with self._store.read() as unit:
            order = existing_order(unit, order_uuid)
            policy_state.advance(PolicyState(order.state), PolicyAction.BIND)
            parameters = parameters_of(unit, order)
        env = require_env(credentials, self._site)
        with self._okx.open(credentials) as account:
            reading = _read(account, wanted)
        bound_at_ms = self._clock.now_ms()
        if bound_at_ms // 1000 > order.valid_until_s:
            raise RefusedError("the quote has expired: create a new order", Reason.QUOTE_EXPIRED)
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            policy_state.advance(PolicyState(order.state), PolicyAction.BIND)
            require_open(unit)
            if stored_at_ms is not None:
                stored = unit.controls.buyer_key(order.buyer)
                if stored is None or stored.stored_at_ms != stored_at_ms:
                    raise ConflictError("the OKX key was deleted or replaced", Reason.KEY_NOT_STORED)
            uid_hmac = hash_uid(unit, self._vault, reading.account.uid)
            main_uid_hmac = hash_uid(unit, self._vault, reading.account.main_uid)
            cancel_abandoned(unit, buyer=order.buyer, main_uid_hmac=main_uid_hmac, now_ms=bound_at_ms)
            reasons = underwrite(
                response=reading.response.stored(),
                key=reading.position.key,
                bound_at_ms=bound_at_ms,
                account=reading.account,
                history=person_history(
                    unit,
                    buyer=order.buyer,
                    main_uid_hmac=main_uid_hmac,
                    parameters=parameters,
                    now_ms=bound_at_ms,
                ),
                book=position_book(
                    unit,
                    uid_hmac=uid_hmac,
                    key=reading.position.key,
                    parameters=parameters,
                    now_ms=bound_at_ms,
                ),
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
        (KEY_NOT_READ_ONLY, ACCOUNT_DIFFERS_FROM_BOUND, WRONG_ENVIRONMENT), OkxFetchError.
        """
        env = require_env(credentials, self._site)
        with self._okx.open(credentials) as account:
            config = account_config(account)
        require_read_only(config)
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            if order.state not in policy_state.OPEN_STATES:
                raise ConflictError(f"order {order.id} is {order.state}", Reason.MISSING_OKX_META)
            if hash_uid(unit, self._vault, config.uid) != order.uid_hmac:
                raise RefusedError("the key is of another OKX account", Reason.ACCOUNT_DIFFERS_FROM_BOUND)
            if order.okx_env != str(env):
                raise RefusedError(
                    f"the position was bound in {order.okx_env}, the key is of {env}",
                    Reason.WRONG_ENVIRONMENT,
                )
            renew_key(unit, self._vault, order, credentials, actor=actor, now_ms=now_ms)

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


def renew_key(
    unit: UnitOfWork, vault: Vault, order: Order, credentials: OkxCredentials, *, actor: str, now_ms: int
) -> None:
    """Make these the credentials of an order whose account they were checked to be of."""
    seal_credentials(unit, vault, order.id, credentials, now_ms)
    unit.controls.note(f"order/{order.id}", Act(actor, "OKX_KEY_REPLACED", now_ms, {}))


def require_env(credentials: OkxCredentials, site: Site) -> Env:
    """The environment that the key trades in. Raises RefusedError where its positions risk no money."""
    env = Env(site.okx_env)
    if env is Env.PRODUCTION and credentials.demo:
        if site.chain_id in chains.PRODUCTION:
            raise RefusedError("a demo-trading position risks no money", Reason.WRONG_ENVIRONMENT)
        return Env.DEMO
    return env


def require_read_only(config: AccountConfig) -> None:
    """Raise RefusedError, which says what the key may do, unless that is to read and nothing else."""
    if config.is_read_only:
        return
    more = sorted(config.permissions - READ_ONLY)
    if more:
        raise RefusedError(
            f"this OKX key may also {' and '.join(more)}: delete it at OKX now and make one whose only "
            "permission is Read; nothing was stored",
            Reason.KEY_NOT_READ_ONLY,
        )
    raise RefusedError(
        "this OKX key lacks the permission Read: make one whose only permission is Read; nothing was stored",
        Reason.KEY_NOT_READ_ONLY,
    )


def account_config(account: OkxAccount) -> AccountConfig:
    """Whose key it is and what it may do. Raises OkxFetchError."""
    identity = account.identity()
    return AccountConfig(identity.uid, identity.main_uid, identity.permissions)


def _read(account: OkxAccount, wanted: ByOrder | ByPosition) -> _Reading:
    config = account_config(account)
    require_read_only(config)  # before anything else is asked with a key that could trade
    response = account.positions()
    try:
        rows = read_rows(response.stored())
        found = [
            read_open_position(row)
            for row in rows
            if row.get("instId") == wanted.inst_id
            and is_open(row)
            and (isinstance(wanted, ByOrder) or row.get("posId") == wanted.pos_id)
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


def open_swaps(response: OkxResponse) -> list[OpenPosition]:
    """The open perpetual swaps of an answer: nothing else can be insured. Raises RefusedError."""
    try:
        rows = [row for row in read_rows(response.stored()) if is_open(row)]
        return [read_open_position(row) for row in rows if row.get("instType") == "SWAP"]
    except (EvidenceIncompleteError, OkxRecordError) as error:
        raise RefusedError(f"OKX's answer cannot be read: {error}", Reason.POSITION_UNREADABLE) from None

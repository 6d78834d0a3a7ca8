"""A buyer's OKX key: bound once, used for each of their orders, erased everywhere when its owner says so."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.credentials import hash_uid, open_buyer_key, seal_buyer_key
from liqpass.domain import policy_state
from liqpass.domain.okx_records import AccountConfig, OpenPosition
from liqpass.domain.parameters import Parameters
from liqpass.domain.policy_state import PolicyState
from liqpass.domain.reasons import Reason
from liqpass.domain.underwriting import underwrite
from liqpass.policies.binding import account_config, open_swaps, renew_key, require_env, require_read_only
from liqpass.policies.persons import person_history, position_book
from liqpass.policies.selling import parse_buyer
from liqpass.ports import Clock, OkxAccounts, OkxCredentials, Store, UnitOfWork, Vault
from liqpass.records import Act, BuyerKey, OkxResponse, Order, Site
from liqpass.refusals import ConflictError

SPENT_AFTER_MS = 60 * 86_400_000  # twice the longest time to claim that the rules allow


@dataclass(frozen=True, slots=True)
class StoredKey:
    """That a key is stored, since when, and the open orders that it can claim for. Never any part of it."""

    stored_at_ms: int
    order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenSwap:
    """An open position and why it would not be insured now; no reasons: it would be."""

    position: OpenPosition
    reasons: tuple[Reason, ...]


class Keys:
    """Bind, look, use, delete. The key is opened only to ask OKX, and leaves only as `credentials`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        okx: OkxAccounts,
        vault: Vault,
        *,
        site: Site,
        parameters: Parameters,
    ) -> None:
        self._store = store
        self._clock = clock
        self._okx = okx
        self._vault = vault
        self._site = site
        self._parameters = parameters

    def bind(self, buyer: str, credentials: OkxCredentials, *, actor: str) -> StoredKey:
        """Store a key that may read and nothing else, in place of an earlier one.

        It also becomes the key of each of the buyer's open orders that is bound to the same account, so
        that one new key mends all of them. Raises InvalidInputError, RefusedError (KEY_NOT_READ_ONLY,
        WRONG_ENVIRONMENT), OkxFetchError; nothing is kept then.
        """
        wallet = parse_buyer(buyer)
        env = require_env(credentials, self._site)
        with self._okx.open(credentials) as account:
            config = account_config(account)
        require_read_only(config)
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            earlier = unit.controls.buyer_key(wallet)
            key = BuyerKey(
                buyer=wallet,
                sealed=seal_buyer_key(self._vault, wallet, credentials),
                uid_hmac=hash_uid(unit, self._vault, config.uid),
                main_uid_hmac=hash_uid(unit, self._vault, config.main_uid),
                stored_at_ms=now_ms,
            )
            unit.controls.put_buyer_key(key)
            orders = [order for order in _open_orders(unit, key) if order.okx_env == str(env)]
            for order in orders:
                renew_key(unit, self._vault, order, credentials, actor=actor, now_ms=now_ms)
            action = "OKX_KEY_BOUND" if earlier is None else "OKX_KEY_REPLACED"
            unit.controls.note(_subject(wallet), Act(actor, action, now_ms, {"orders": str(len(orders))}))
        return StoredKey(now_ms, tuple(order.id for order in orders))

    def show(self, buyer: str) -> StoredKey | None:
        """Since when a key is stored and which open orders use it; None where none is."""
        with self._store.read() as unit:
            key = unit.controls.buyer_key(parse_buyer(buyer))
            if key is None:
                return None
            orders = [
                order.id
                for order in _open_orders(unit, key)
                if unit.controls.credential(order.id) is not None
            ]
        return StoredKey(key.stored_at_ms, tuple(orders))

    def credentials(self, buyer: str) -> OkxCredentials:
        """The stored key, to ask OKX with. Raises ConflictError (KEY_NOT_STORED)."""
        with self._store.read() as unit:
            return self._open(unit, parse_buyer(buyer))

    def positions(self, buyer: str) -> list[OpenSwap]:
        """The account's open perpetual swaps, each with what underwriting says of it now.

        Raises ConflictError (KEY_NOT_STORED), RefusedError (KEY_NOT_READ_ONLY, POSITION_UNREADABLE),
        OkxFetchError.
        """
        wallet = parse_buyer(buyer)
        credentials = self.credentials(wallet)
        with self._okx.open(credentials) as account:
            config = account_config(account)
            require_read_only(config)  # its owner may have widened it since
            response = account.positions()
        found = open_swaps(response)
        now_ms = self._clock.now_ms()
        with self._store.read() as unit:
            key = unit.controls.buyer_key(wallet)
            if key is None:
                raise _not_stored()
            return [
                OpenSwap(
                    position,
                    self._reasons(
                        unit, key, position=position, response=response, config=config, now_ms=now_ms
                    ),
                )
                for position in found
            ]

    def delete(self, buyer: str, *, actor: str) -> int:
        """Erase the key and every copy that an order of the buyer's has.

        How many open orders lose it: a claim on one needs a key bound again. Nothing to erase: 0, and nothing
        is written.
        """
        wallet = parse_buyer(buyer)
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            known = unit.controls.buyer_key(wallet) is not None
            open_ids = {order.id for order in unit.orders.of_buyer(wallet, states=policy_state.OPEN_STATES)}
            held = unit.controls.drop_keys_of(wallet)
            if not known and not held:
                return 0
            for order_uuid in held:
                unit.controls.note(f"order/{order_uuid}", Act(actor, "OKX_KEY_ERASED", now_ms, {}))
            losing = len(open_ids.intersection(held))
            unit.controls.note(
                _subject(wallet), Act(actor, "OKX_KEY_ERASED", now_ms, {"openOrders": str(losing)})
            )
        return losing

    def erase_spent(self) -> int:
        """Erase the copies of covers that ended so long ago that nobody can claim on them; how many."""
        now_ms = self._clock.now_ms()
        act = Act("service", "OKX_KEY_ERASED", now_ms, {"reason": "the cover is over"})
        with self._store.write() as unit:
            spent = unit.controls.drop_spent_credentials(
                covered=PolicyState.COVERED, ended_before_ms=now_ms - SPENT_AFTER_MS
            )
            for order_uuid in spent:
                unit.controls.note(f"order/{order_uuid}", act)
        return len(spent)

    def _open(self, unit: UnitOfWork, wallet: str) -> OkxCredentials:
        key = unit.controls.buyer_key(wallet)
        if key is None:
            raise _not_stored()
        return open_buyer_key(self._vault, key)

    def _reasons(
        self,
        unit: UnitOfWork,
        key: BuyerKey,
        *,
        position: OpenPosition,
        response: OkxResponse,
        config: AccountConfig,
        now_ms: int,
    ) -> tuple[Reason, ...]:
        return underwrite(
            response=response.stored(),
            key=position.key,
            bound_at_ms=now_ms,
            account=config,
            history=person_history(
                unit,
                buyer=key.buyer,
                main_uid_hmac=key.main_uid_hmac,
                parameters=self._parameters,
                now_ms=now_ms,
            ),
            book=position_book(
                unit,
                uid_hmac=key.uid_hmac,
                key=position.key,
                parameters=self._parameters,
                now_ms=now_ms,
            ),
            parameters=self._parameters,
        )


def _open_orders(unit: UnitOfWork, key: BuyerKey) -> list[Order]:
    theirs = unit.orders.of_buyer(key.buyer, states=policy_state.OPEN_STATES)
    return [order for order in theirs if order.uid_hmac == key.uid_hmac]


def _subject(wallet: str) -> str:
    return f"okx_key/{wallet}"


def _not_stored() -> ConflictError:
    return ConflictError("no OKX key is stored: bind a read-only key first", Reason.KEY_NOT_STORED)

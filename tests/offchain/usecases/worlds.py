"""A whole business over fakes: a chain in memory, the simulator's exchange without HTTP, a database."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from liqpass.adapters.chain.premium_calls import TokenDomain, prepare_premium
from liqpass.adapters.chain.signatures import recovers_strictly
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.key_vault import KeyVault
from liqpass.adapters.database.store import SqlStore
from liqpass.adapters.database.tables import metadata
from liqpass.adapters.okx.simulator import queries
from liqpass.adapters.okx.simulator.accounts import Account, ApiKey
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.exchange import Exchange
from liqpass.bootstrap import Outside, UseCases
from liqpass.controls import Controlling
from liqpass.domain.batch_file import BatchFile, BatchItem
from liqpass.domain.batching import batch_id
from liqpass.domain.chain_facts import ChainFacts, PremiumPayment, redirect_message
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import CONSERVATIVE, Parameters
from liqpass.domain.reasons import Reason
from liqpass.ports import (
    OkxCredentials,
    OkxFetchError,
    OkxIdentity,
    PreparedPremium,
)
from liqpass.records import Claim, OkxResponse, Order, Site
from paper_chain import BUYER, CHAIN_ID, CHECKOUT, HOUR_S, USDC, VAULT, FakeChain
from sqlalchemy import Dialect, Engine, select

MASTER_KEY = bytes(range(32))
_COMPILED: dict[object, object] = {}
_DIALECTS: dict[str, Dialect] = {}


class FakeClock:
    """The chain's time plus `ahead_ms`."""

    def __init__(self, chain: FakeChain) -> None:
        self._chain = chain
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return self._chain.head().time_s * 1000 + self.ahead_ms


class FakeOkx:
    """OkxAccounts over the simulator's exchange.

    `fault`: what the next fetches raise. `during`: what happens while a claim is fetched.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.exchange = Exchange(clock.now_ms)
        self.fault: OkxFetchError | None = None
        self.bodies: list[bytes] | None = None
        self.repeated: tuple[bytes, int] | None = None
        self.fetches = 0
        self.during: Callable[[], object] = lambda: None

    @contextmanager
    def open(self, credentials: OkxCredentials) -> Iterator[FakeAccount]:
        found = self.exchange.find_key(credentials.api_key)
        if found is None:
            raise OkxFetchError(Reason.FETCH_FAILED, "OKX does not know the key", key_broken=True)
        yield FakeAccount(self, *found)


@dataclass(repr=False)  # tracebacks that tests look through show the locals of its methods
class FakeAccount:
    okx: FakeOkx
    account: Account
    key: ApiKey

    def identity(self) -> OkxIdentity:
        self._fail()
        permissions = frozenset(part for part in self.key.permissions.split(",") if part)
        return OkxIdentity(self.account.uid, self.account.main_uid, permissions)

    def positions(self) -> OkxResponse:
        return self._get("/api/v5/account/positions", {})

    def order(self, inst_id: str, ord_id: str) -> OkxResponse:
        return self._get("/api/v5/trade/order", {"instId": inst_id, "ordId": ord_id})

    def claim_responses(self, inst_id: str, pos_id: str, begin_ms: int) -> list[OkxResponse]:
        self.okx.fetches += 1
        self.okx.during()
        swap = {"instType": "SWAP", "instId": inst_id}
        since = {**swap, "begin": str(begin_ms), "limit": "100"}
        return [
            self._get("/api/v5/account/positions-history", {**swap, "posId": pos_id, "limit": "100"}),
            self._get("/api/v5/trade/orders-history", since),
            self._get("/api/v5/trade/orders-history-archive", since),
            *self._filler(),
            self._get("/api/v5/account/positions", {}),
        ]

    def _filler(self) -> list[OkxResponse]:
        """The same answer again and again, where a test wants evidence to be large."""
        body, count = self.okx.repeated or (b"", 0)
        now_ms = self.okx.exchange.now_ms()
        return [OkxResponse("GET", "/api/v5/account/positions", 200, now_ms, now_ms, body)] * count

    def _get(self, path: str, params: dict[str, str]) -> OkxResponse:
        self._fail()
        rows = queries.SIGNED[path](self.okx.exchange, self.account, self.key, params)
        body = json.dumps({"code": "0", "msg": "", "data": rows}).encode()
        if self.okx.bodies:
            body = self.okx.bodies.pop(0)
        query = "&".join(f"{name}={value}" for name, value in params.items())
        now_ms = self.okx.exchange.now_ms()
        return OkxResponse("GET", f"{path}?{query}" if query else path, 200, now_ms, now_ms, body)

    def _fail(self) -> None:
        if self.okx.fault is not None:
            raise self.okx.fault


class FakePremiums:
    """Premiums in a made-up USDC; `domain` is what its buyers sign under."""

    def __init__(self) -> None:
        self.domain = TokenDomain("USD Coin", "2", CHAIN_ID, USDC)

    def prepare(self, order: Order) -> PreparedPremium:
        return prepare_premium(order, self.domain)


class FakeSignatures:
    """Accepts exactly the texts that a test put in; under a premium, what the account's key signed."""

    def __init__(self) -> None:
        self.valid: set[tuple[str, str, str]] = set()

    def signed_by(self, address: str, message: str, signature: str) -> bool:
        return (address, message, signature) in self.valid

    def authorized_by(self, address: str, digest: bytes, signature: str) -> bool:
        return recovers_strictly(digest, bytes.fromhex(signature[2:]), address)


class FakeSigners:
    """What a signer's machine would read. `meanwhile`: what happens while it reads."""

    def __init__(self, chain: FakeChain, signatures: FakeSignatures) -> None:
        self._chain = chain
        self._signatures = signatures
        self.meanwhile: Callable[[], object] = lambda: None

    def facts(
        self, batch: BatchFile, *, liquidations_paid_before: frozenset[str] = frozenset()
    ) -> ChainFacts:
        self.meanwhile()
        head = self._chain.head()
        payments: dict[str, tuple[PremiumPayment, ...]] = {}
        for log in self._chain.premium_logs(0, head.number):
            paid = PremiumPayment(
                order_id=log.order_hash,
                transaction=log.tx_hash,
                checkout=log.contract,
                payer=log.payer,
                amount=Usdc(log.amount),
                quote_hash=log.quote_hash,
                block_time_s=log.block.time_s,
                confirmations=head.number - log.block.number,
            )
            payments[log.order_hash] = (*payments.get(log.order_hash, ()), paid)
        return ChainFacts(
            chain_id=self._chain.chain_id(),
            vault=VAULT,
            checkout=CHECKOUT,
            usdc=USDC,
            batch_id=batch_id(head.time_s * 1000),
            payments=payments,
            paid_policies=self._chain.paid_policies([item.policy_no for item in batch.items], head),
            redirects=frozenset(item.policy_no for item in batch.items if self._is_signed(batch, item)),
            liquidations_paid_before=liquidations_paid_before,
        )

    def _is_signed(self, batch: BatchFile, item: BatchItem) -> bool:
        if item.redirect is None:
            return False
        message = redirect_message(
            chain_id=batch.chain_id,
            vault=batch.vault,
            policy_no=item.policy_no,
            recipient=item.redirect.recipient,
        )
        return self._signatures.signed_by(item.quote.buyer, message, item.redirect.signature)


@cache
def _empty_database() -> bytes:
    """A migrated database file; migrating once saves a third of a second a test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{path}")
        migrate.upgrade(engine)
        engine.dispose()  # the last connection takes the write-ahead log into the file
        return path.read_bytes()


def _dialect_of(engine: Engine) -> Dialect:
    """One a kind of database, which knows its server: what is compiled is found again by its dialect only."""
    if engine.name not in _DIALECTS:
        engine.connect().close()
        _DIALECTS[engine.name] = engine.dialect
    return _DIALECTS[engine.name]


class World:
    """The business. Every trader has one account of the same name and one open BTC position."""

    def __init__(
        self, folder: Path, parameters: Parameters = CONSERVATIVE, *, database_url: str | None = None
    ) -> None:
        """`database_url`: of a migrated database; without it the book is `liqpass.db` in the folder."""
        self.database = folder / "liqpass.db"
        if database_url is None:
            self.database.write_bytes(_empty_database())
        engine = open_engine(database_url or f"sqlite:///{self.database}")
        # Compiling SQL anew for each test's engine would take half of the tests' time.
        engine.dialect = _dialect_of(engine)
        self.engine = engine.execution_options(compiled_cache=_COMPILED)
        self.store = SqlStore(self.engine)
        self.chain = FakeChain(parameters.confirmations)
        self.clock = FakeClock(self.chain)
        self.okx = FakeOkx(self.clock)
        self.signatures = FakeSignatures()
        self.signers = FakeSigners(self.chain, self.signatures)
        self.parameters = parameters
        self.outside = Outside(
            store=self.store,
            clock=self.clock,
            chain=self.chain,
            okx=self.okx,
            vault=KeyVault([MASTER_KEY]),
            signatures=self.signatures,
            signers=self.signers,
            premiums=FakePremiums(),
            site=Site(CHAIN_ID, CHECKOUT, VAULT, "simulator", USDC),
            parameters=parameters,
            first_block=0,
        )
        self.do = UseCases(self.outside)
        self.controlling = Controlling(self.store, self.clock, self.outside.vault)

    def trader(self, name: str, **terms: object) -> str:
        """A new account with a position two hours old; its posId."""
        self.okx.exchange.add_account(name)
        wanted = {"contracts": Decimal(100), "lever": Decimal(5), "age_ms": 2 * HOUR_S * 1000, **terms}
        opened = self.okx.exchange.open_position(name, "BTC-USDT-SWAP", **wanted)  # type: ignore[arg-type]
        return opened.pos_id

    def credentials(self, name: str, label: str = "reader") -> OkxCredentials:
        key = self.okx.exchange.account(name).keys[label].credentials
        return OkxCredentials(key.api_key, key.secret, key.passphrase, False)

    def bound(self, name: str, buyer: str = BUYER) -> Order:
        """A BOUND order of a new trader."""
        from liqpass.policies import ByPosition  # noqa: PLC0415  # the only place that needs it

        pos_id = self.trader(name)
        order = self.do.selling.create_order(buyer, actor="buyer")
        wanted = ByPosition("BTC-USDT-SWAP", pos_id)
        return self.do.binding.bind(order.id, self.credentials(name), wanted, actor="buyer")

    def covered(self, name: str, buyer: str = BUYER) -> Order:
        """A COVERED order of a new trader, its cover begun."""
        order = self.bound(name, buyer)
        tx_hash = self.chain.pay(order)
        self.chain.mine(self.parameters.confirmations)
        order = self.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")
        self.chain.mine(seconds=self.parameters.waiting_s + 1)
        return order

    def liquidate(self, name: str, kind: Close = Close.FULL_LIQUIDATION) -> None:
        (pos_id,) = self.okx.exchange.account(name).positions
        self.okx.exchange.close_position(name, pos_id, kind)
        self.chain.mine(seconds=10)

    def claimed(self, name: str, buyer: str = BUYER, kind: Close = Close.FULL_LIQUIDATION) -> Claim:
        """A PENDING claim on a liquidated position."""
        order = self.covered(name, buyer)
        self.liquidate(name, kind)
        return self.do.claiming.submit(order.id, actor="buyer")

    def approved(self, name: str, buyer: str = BUYER) -> Claim:
        """An APPROVED claim."""
        return self.do.reviewing.approve(self.claimed(name, buyer).id, reviewer="rita").claim

    def snapshot(self) -> list[tuple[object, ...]]:
        """Every row of every table, to show that nothing changed."""
        with self.engine.connect() as connection:
            rows = [
                (table.name, *row)
                for table in metadata.sorted_tables
                for row in connection.execute(select(table))
            ]
        return sorted(rows, key=repr)

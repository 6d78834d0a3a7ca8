"""`liqpass serve` over a real chain and the OKX simulator, and callers that sign in with their wallets."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.money import Usdc, parse_usdc
from rich.console import Console

from demo.narrator import Narrator
from demo.service import ServiceProcess
from demo.stage import DEPLOYER, Stage

INTERNAL_KEY = "internal-key-of-the-browser-tests-0123456789"
INSTRUMENT = "BTC-USDT-SWAP"
TWO_HOURS_MS = 7_200_000
TEN_USDC = parse_usdc("10.00")
# Tests move the clock by days; nobody shall have to sign in again because of that.
SESSION_S = 604_800


@dataclass(frozen=True)
class Wallet:
    """A key and its address, named by its role in the test."""

    key: str

    @classmethod
    def fresh(cls) -> Self:
        return cls("0x" + secrets.token_hex(32))

    @property
    def address(self) -> str:
        return str(Account.from_key(self.key).address)

    def sign(self, text: str) -> str:
        return "0x" + bytes(Account.sign_message(encode_defunct(text=text), self.key).signature).hex()


REVIEWER, SECOND_REVIEWER, OPERATOR = (Wallet("0x" + pair * 32) for pair in ("c1", "c2", "d1"))


@dataclass(frozen=True)
class Position:
    """An open position of an account of its own at the exchange."""

    account: str
    pos_id: str


class Live:
    """Chain, exchange, deployed contracts, an empty book, and the service as a process."""

    def __init__(self, stage: Stage, service: ServiceProcess) -> None:
        self.stage = stage
        self.service = service
        stage.node.rpc("anvil_autoImpersonateAccount", True)

    @classmethod
    @contextlib.contextmanager
    def open(cls, *options: str, **environment: str) -> Iterator[Self]:
        """Serves until the end of the block; `environment` in settings' own names, without LIQPASS_."""
        with Stage.open(Narrator(Console(file=io.StringIO()))) as stage:
            stage.ape("deploy")
            stage.liqpass("db", "upgrade")
            settings = {
                "LIQPASS_REVIEWERS": f"{REVIEWER.address},{SECOND_REVIEWER.address}",
                "LIQPASS_OPERATORS": OPERATOR.address,
                "LIQPASS_INTERNAL_KEY": INTERNAL_KEY,
                "LIQPASS_SESSION_S": str(SESSION_S),
                "LIQPASS_RATE_PER_MINUTE": "0",
                "LIQPASS_COSTLY_RATE_PER_MINUTE": "0",
                **{f"LIQPASS_{name.upper()}": value for name, value in environment.items()},
            }
            os.environ.update(settings)  # for commands that are run here too; the stage takes it back
            with ServiceProcess(stage.folder / "serve.log", {}, "--every", "1", *options) as service:
                yield cls(stage, service)

    def fund(self, wallet: Wallet, amount: Usdc = TEN_USDC) -> None:
        """USDC and gas."""
        self.stage.node.rpc("anvil_setBalance", wallet.address, hex(10**18))
        mint = self.stage.usdc.functions.mint(wallet.address, amount)
        mint.transact({"from": self.stage.address(DEPLOYER)})  # type: ignore[typeddict-item]

    def trader(self, name: str) -> Position:
        """A new account with a position two hours old."""
        simulator = self.stage.simulator
        with simulator.simulation.lock:
            simulator.exchange.add_account(name)
            opened = simulator.exchange.open_position(
                name, INSTRUMENT, contracts=Decimal(10), age_ms=TWO_HOURS_MS
            )
        return Position(name, opened.pos_id)

    def key_of(self, position: Position, label: str = "reader") -> Mapping[str, str]:
        """The key of the account as a form takes it."""
        key = self.stage.simulator.exchange.account(position.account).keys[label].credentials
        return {"apiKey": key.api_key, "secret": key.secret, "passphrase": key.passphrase}

    def liquidate(self, position: Position, kind: Close = Close.FULL_LIQUIDATION) -> None:
        simulator = self.stage.simulator
        with simulator.simulation.lock:
            simulator.exchange.close_position(position.account, position.pos_id, kind)


class Caller:
    """A client of the API that is no browser: signs in, and keeps cookie and CSRF token itself."""

    def __init__(self, url: str, prefix: str = "/api") -> None:
        self._client = httpx.Client(base_url=url, timeout=30)
        self._prefix = prefix
        self._headers: dict[str, str] = {}

    def sign_in(self, wallet: Wallet) -> Self:
        asked = self._client.post(f"{self._prefix}/sign-in/nonce", json={"address": wallet.address})
        text = asked.json()["message"]
        answer = self._client.post(
            f"{self._prefix}/sign-in", json={"message": text, "signature": wallet.sign(text)}
        )
        assert answer.status_code == 200, answer.text
        # By hand: the cookie is Secure, and httpx sends such a one over https only.
        self._headers = {
            "Cookie": answer.headers["set-cookie"].split(";")[0],
            "X-CSRF-Token": answer.json()["csrfToken"],
        }
        return self

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path, headers=self._headers)

    def post(self, path: str, body: Any = None, *, key: str) -> httpx.Response:
        return self._client.post(path, json=body, headers={**self._headers, "Idempotency-Key": key})

"""The web service over `worlds.World`: real routes, sessions and signatures, a chain in memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from liqpass.adapters.chain.signatures import Web3SignatureCheck
from liqpass.adapters.database.idempotency_rows import SqlIdempotency
from liqpass.adapters.sign_in_messages import Eip4361Messages
from liqpass.domain.parameters import CONSERVATIVE, Parameters
from liqpass.entrypoints.web.app import create_app
from liqpass.entrypoints.web.service import Access, Part, Realm, Service
from liqpass.identity import SigningIn
from starlette.testclient import TestClient
from web3 import Web3
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse
from worlds import World

ORIGIN = "https://cover.test"
ADMIN_ORIGIN = "https://desk.test"
INTERNAL_KEY = "internal-key-of-the-tests-0123456789"
PREFIXES = {Realm.PUBLIC: "/api", Realm.ADMIN: "/admin"}


class NoCode(BaseProvider):
    """A node on which no address is a contract, so that only accounts can sign."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        assert method == "eth_getCode"
        return {"jsonrpc": "2.0", "id": 1, "result": "0x"}


@dataclass(frozen=True)
class Wallet:
    """A key and its address, named by its role in the test."""

    key: str

    @property
    def address(self) -> str:
        return str(Account.from_key(self.key).address)

    def sign(self, text: str) -> str:
        return "0x" + bytes(Account.sign_message(encode_defunct(text=text), self.key).signature).hex()


BUYER = Wallet("0x" + "b1" * 32)
OTHER_BUYER = Wallet("0x" + "b2" * 32)
REVIEWER = Wallet("0x" + "c1" * 32)
SECOND_REVIEWER = Wallet("0x" + "c2" * 32)
OPERATOR = Wallet("0x" + "d1" * 32)
STRANGER = Wallet("0x" + "e1" * 32)


class Browser:
    """One signed-in (or not) caller: keeps cookies, sends the CSRF token and a fresh Idempotency-Key."""

    _keys = itertools.count()

    def __init__(self, client: TestClient, realm: Realm) -> None:
        self.client = client
        self.realm = realm
        self.csrf = ""

    def sign_in(self, wallet: Wallet) -> Browser:
        prefix = PREFIXES[self.realm]
        nonce = self.client.post(f"{prefix}/sign-in/nonce", json={"address": wallet.address})
        text = nonce.json()["message"]
        answer = self.client.post(f"{prefix}/sign-in", json={"message": text, "signature": wallet.sign(text)})
        assert answer.status_code == 200, answer.text
        self.csrf = answer.json()["csrfToken"]
        return self

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def post(self, path: str, body: Any = None, *, method: str = "POST", **headers: str) -> Any:
        sent = {"X-CSRF-Token": self.csrf, "Idempotency-Key": f"key-{next(self._keys)}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(
            method, path, json=body, headers={name: value for name, value in sent.items() if value}
        )


class WebWorld(World):
    """World and web application; `service.access` as a test wants it."""

    def __init__(
        self,
        folder: Path,
        parameters: Parameters = CONSERVATIVE,
        *,
        part: Part = Part.ALL,
        database_url: str | None = None,
    ) -> None:
        super().__init__(folder, parameters, database_url=database_url)
        self.wallet_check = Web3SignatureCheck(Web3(NoCode()))
        self.service = Service(
            use_cases=self.do,
            controlling=self.controlling,
            signing_in=SigningIn(
                self.store,
                self.clock,
                Eip4361Messages(),
                self.wallet_check,
                chain_id=self.outside.site.chain_id,
                session_s=3600,
            ),
            idempotency=SqlIdempotency(self.engine),
            engine=self.engine,
            clock=self.clock,
            site=self.outside.site,
            parameters=parameters,
            access=Access(
                public_origin=ORIGIN,
                admin_origin=ADMIN_ORIGIN,
                reviewers=frozenset({REVIEWER.address.lower(), SECOND_REVIEWER.address.lower()}),
                operators=frozenset({OPERATOR.address.lower()}),
                internal_key=INTERNAL_KEY.encode(),
                rate_per_minute=0,
                costly_rate_per_minute=0,
            ),
        )
        self.app = create_app(self.service, part=part)

    def browser(self, wallet: Wallet | None = None, *, realm: Realm = Realm.PUBLIC) -> Browser:
        """A caller with cookies of its own, signed in where a wallet is given."""
        client = TestClient(
            self.app, base_url=self.service.access.origin(realm), raise_server_exceptions=False
        )
        browser = Browser(client, realm)
        return browser if wallet is None else browser.sign_in(wallet)

    def desk(self, wallet: Wallet) -> Browser:
        """A caller at the admin application."""
        return self.browser(wallet, realm=Realm.ADMIN)

    def internal(self) -> Browser:
        """A machine of the operator's."""
        browser = self.browser()
        browser.client.headers["x-internal-key"] = INTERNAL_KEY
        return browser

"""What the x402 benchmark asks: facilitators over HTTP, each in a process of its own, and a shop for each."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.asking import reading_web3
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.payment_checks import Site
from liqpass.adapters.x402.provider_file import ServedProviders
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import InsuredProvider
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.entrypoints.cli.serve import bound
from liqpass.entrypoints.web.protocol import PromptProtocol
from liqpass.entrypoints.x402.app import facilitator_app
from liqpass.entrypoints.x402.metrics import Figures
from web3 import Web3
from x402 import AssetAmount, x402ClientSync, x402FacilitatorSync, x402ResourceServer
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.http.facilitator_client import CreateHeadersAuthProvider
from x402.http.middleware.fastapi import PaymentMiddlewareASGI
from x402.http.types import PaymentOption, RouteConfig
from x402.mechanisms.evm import FacilitatorWeb3Signer
from x402.mechanisms.evm.exact import (
    register_exact_evm_client,
    register_exact_evm_facilitator,
    register_exact_evm_server,
)
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentPayload, PaymentRequired, PaymentRequirements

from benchmarks.artifacts import built
from benchmarks.stage import BenchmarkError, Stage

ACCOUNTS = 20
PRICE = 100_000  # 0.10 USDC
NETWORK = "eip155:31337"
KEY = "the-key-of-the-benchmark-provider-0123"
_BOND = 100_000_000_000
_CLIENT, _PROVIDER, _FIRST_SETTLER = 8, 9, 10
_SDK_POLL_S = 0.1  # what the stock facilitator's web3.py waits between two looks for a receipt
_TRANSFERRED = Web3.to_hex(Web3.keccak(text="Transfer(address,address,uint256)"))


@dataclass(frozen=True, slots=True)
class Contender:
    """A facilitator: the SDK's own with `lanes` 0, else ours with so many settlers; accounts by index."""

    name: str
    lanes: int
    first_settler: int

    @property
    def settlers(self) -> range:
        """Accounts that send its settlements."""
        return range(self.first_settler, self.first_settler + max(self.lanes, 1))


CONTENDERS = (
    Contender("stock", 0, _FIRST_SETTLER),
    Contender("insured, 1 lane", 1, _FIRST_SETTLER + 1),
    Contender("insured, 4 lanes", 4, _FIRST_SETTLER + 2),
)


class PaidStage:
    """A bonded provider and a client with USDC on a running anvil, which mines each transaction at once."""

    def __init__(self, node: Anvil, folder: Path) -> None:
        self.node, self._folder = node, folder
        stage = Stage(node)
        self._stage, self.usdc = stage, stage.usdc.address
        self.client, self.provider = node.account(_CLIENT), node.account(_PROVIDER)
        deployed = stage.deploy(
            built("X402InsuranceV2"), self.usdc, stage.actors.treasury.address, stage.manager.address, 200, 5
        )
        self.insurance = Insurance(31337, deployed.address.lower())
        for holder in (self.client, self.provider):
            stage.transact(stage.usdc.functions.mint(holder.address, _BOND), stage.actors.deployer)
        stage.transact(stage.usdc.functions.approve(deployed.address, _BOND), self.provider)
        stage.transact(deployed.functions.depositBond(_BOND), self.provider)
        for contender in CONTENDERS[1:]:
            for settler in contender.settlers:
                named = deployed.functions.setSettler(node.account(settler).address, True)
                stage.transact(named, self.provider)

    # Payments

    def pay_to(self, contender: Contender) -> str:
        """The provider itself, or its payment address."""
        if not contender.lanes:
            return str(self.provider.address)
        return Web3.to_checksum_address(payment_address(self.insurance, self.provider.address.lower()))

    def paying(self) -> x402ClientSync:
        """The stock client, allowed to spend this USDC."""
        client = x402ClientSync()
        register_exact_evm_client(client, EthAccountSigner(self.client))
        client.set_spend_controls(
            {
                "allowed_assets": [
                    {"network": NETWORK, "asset": self.usdc, "max_amount_per_payment": str(10 * PRICE)}
                ]
            }
        )
        return client

    def body(self, contender: Contender) -> dict[str, Any]:
        """A new payment, signed, as the SDK posts it."""
        requirements = PaymentRequirements(
            scheme="exact",
            network=NETWORK,
            asset=self.usdc,
            amount=str(PRICE),
            pay_to=self.pay_to(contender),
            max_timeout_seconds=3_000,
            extra={"name": "USDC", "version": "2"},
        )
        payload = self.paying().create_payment_payload(PaymentRequired(accepts=[requirements]))
        return {
            "x402Version": 2,
            "paymentPayload": payload.model_dump(by_alias=True, exclude_none=True),
            "paymentRequirements": requirements.model_dump(by_alias=True, exclude_none=True),
        }

    def settlements(self, contender: Contender) -> list[str]:
        """Transactions in which its settlers moved a payment, oldest first."""
        query = {
            "address": self.usdc,
            "fromBlock": "0x0",
            "topics": [_TRANSFERRED, "0x" + self.client.address[2:].lower().rjust(64, "0")],
        }
        logs = self.node.rpc("eth_getLogs", query)
        senders = {self.node.account(settler).address.lower() for settler in contender.settlers}
        hashes = dict.fromkeys(log["transactionHash"] for log in logs)
        return [each for each in hashes if self.node.rpc("eth_getTransactionByHash", each)["from"] in senders]

    def gas(self, tx_hash: str) -> int:
        """Gas that a transaction used."""
        return int(self.node.rpc("eth_getTransactionReceipt", tx_hash)["gasUsed"], 16)

    # Servers

    @contextlib.contextmanager
    def facilitator(self, contender: Contender, *, depth: int) -> Iterator[str]:
        """Its URL, while it serves from a process of its own. The stock one counts a receipt at once."""
        if not contender.lanes:
            settler = self.node.account(contender.first_settler)
            with _served(lambda run: run(_stock(settler, self.node.url))) as url:
                yield url
            return
        policy = replace(Policy.local(), confirmations=depth)
        if depth > 1:
            policy = replace(policy, poll_s=_SDK_POLL_S)

        def serve(run: Callable[[FastAPI], None]) -> None:
            web3 = reading_web3(self.node.url, timeout_s=20)
            reader = BondReader(web3, self.insurance.contract, first_block=0)
            with InsuredFacilitator.open(
                Site(Web3Rpc.connect(self.node.url), web3, reader, self.insurance, reader.usdc()),
                [LocalSigner(self.node.account(settler)) for settler in contender.settlers],
                policy,
                journal_folder=self._folder / contender.name,
                on_event=lambda _: None,
                begun_within_s=60.0,
            ) as insured:
                provider = InsuredProvider(self.provider.address.lower())
                served = ServedProviders(((hashlib.sha256(KEY.encode()).digest(), provider),), ())
                run(facilitator_app(insured, served, Figures()))

        with _served(serve) as url:
            yield url

    @contextlib.contextmanager
    def shop(self, contender: Contender, facilitator: str) -> Iterator[str]:
        """An API with the stock middleware, in a process of its own: /work is paid, /free is not."""
        bearer = {"Authorization": f"Bearer {KEY}"}
        auth = CreateHeadersAuthProvider(lambda: {"verify": bearer, "settle": bearer, "supported": {}})
        config = FacilitatorConfig(url=facilitator, auth_provider=auth)

        def serve(run: Callable[[FastAPI], None]) -> None:
            server = x402ResourceServer(HTTPFacilitatorClient(config))
            register_exact_evm_server(server, NETWORK)
            extra = {"name": "USDC", "version": "2"}
            option = PaymentOption(
                scheme="exact",
                pay_to=self.pay_to(contender),
                price=AssetAmount(amount=str(PRICE), asset=self.usdc, extra=extra),
                network=NETWORK,
                max_timeout_seconds=300,
            )
            app = FastAPI()
            app.add_middleware(
                PaymentMiddlewareASGI, routes={"GET /work": RouteConfig(accepts=option)}, server=server
            )

            @app.get("/work")
            @app.get("/free")
            async def work() -> dict[str, str]:
                return {"result": "42"}

            run(app)

        with _served(serve) as url:
            yield url


def _stock(settler: LocalAccount, rpc_url: str) -> FastAPI:
    """The SDK's facilitator behind the three routes that its client asks; each request in a thread."""
    facilitator = x402FacilitatorSync()
    signer = FacilitatorWeb3Signer("0x" + bytes(settler.key).hex(), rpc_url)
    register_exact_evm_facilitator(facilitator, signer, networks=NETWORK)
    app = FastAPI()

    def read(body: dict[str, Any]) -> tuple[PaymentPayload, PaymentRequirements]:
        requirements = PaymentRequirements.model_validate(body["paymentRequirements"])
        return PaymentPayload.model_validate(body["paymentPayload"]), requirements

    @app.get("/supported")
    def supported() -> dict[str, Any]:
        return facilitator.get_supported().model_dump(by_alias=True, exclude_none=True)

    @app.post("/verify")
    def verify(body: dict[str, Any]) -> dict[str, Any]:
        return facilitator.verify(*read(body)).model_dump(by_alias=True, exclude_none=True)

    @app.post("/settle")
    def settle(body: dict[str, Any]) -> dict[str, Any]:
        return facilitator.settle(*read(body)).model_dump(by_alias=True, exclude_none=True)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


@contextlib.contextmanager
def _served(serve: Callable[[Callable[[FastAPI], None]], None]) -> Iterator[str]:
    """The URL of an application that `serve` makes and runs in its own process. Raises BenchmarkError."""
    listening = bound("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def run(app: FastAPI) -> None:
        config = uvicorn.Config(
            app, http=PromptProtocol, log_level="critical", access_log=False, lifespan="off"
        )
        uvicorn.Server(config).run(sockets=[listening])

    process = multiprocessing.get_context("fork").Process(target=serve, args=(run,), daemon=True)
    process.start()
    try:
        _wait_for(url, process.is_alive)
        yield url
    finally:
        process.terminate()
        process.join(30)
        listening.close()


def _wait_for(url: str, is_alive: Callable[[], bool]) -> None:
    """The listening socket takes connections before anybody answers: the first answer is waited for."""
    end_s = time.monotonic() + 60
    while is_alive() and time.monotonic() < end_s:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/healthz", timeout=1)
            return
    raise BenchmarkError(f"nobody answers at {url}")

"""X402InsuranceV2 on a private node, bonded providers, the facilitator as a process, and stock clients."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from eth_abi.abi import encode
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.asking import reading_web3
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.payment_checks import Site
from liqpass.adapters.x402.provider_file import ServedProviders, read_provider_file
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.entrypoints.cli.serve import bound
from liqpass.entrypoints.x402.app import facilitator_app
from liqpass.entrypoints.x402.metrics import Figures
from web3 import Web3
from web3.contract import Contract
from x402 import x402ClientSync
from x402.http import FacilitatorConfig, HTTPFacilitatorClientSync
from x402.http.facilitator_client import CreateHeadersAuthProvider
from x402.mechanisms.evm.constants import ERC6492_MAGIC_VALUE, MULTICALL3_ADDRESS
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentPayload, PaymentRequired, PaymentRequirements

from benchmarks.artifacts import built
from examples.local_chain import LocalChain

DEPLOYER, TREASURY, PROVIDER, OTHER_PROVIDER, POOR_PROVIDER, SHY_PROVIDER, CLIENT, SETTLER, STRANGER = range(
    9
)
USDC = 1_000_000
PRICE, PENALTY = 100_000, 2_000
LOCK = PRICE + PENALTY
BOND = 1_000 * USDC
NETWORK = "eip155:31337"
KEYS = {
    PROVIDER: "canary-key-of-the-provider-0123456789",
    OTHER_PROVIDER: "canary-key-of-the-other-provider-0123",
    POOR_PROVIDER: "canary-key-of-the-poor-provider-01234",
    SHY_PROVIDER: "canary-key-of-the-shy-provider-012345",
}
PASSPHRASE = "canary-passphrase-of-each-keyfile"
# Building a TLS context takes longer than a settlement; all of this is plain HTTP.
HTTP = httpx.Client(timeout=20, verify=False)
_LOCKED = Web3.to_hex(Web3.keccak(text="InsurancePurchased(bytes32,address,address,uint96,uint96,uint40)"))


class WalletSigner(EthAccountSigner):
    """The key of a smart wallet's owner: it signs, the wallet pays (EIP-1271)."""

    def __init__(self, owner: Any, wallet: str) -> None:
        super().__init__(owner)
        self._wallet = wallet

    @property
    def address(self) -> str:
        return self._wallet


class UnbornWalletSigner(WalletSigner):
    """The same before the wallet exists: each signature says how to create it (ERC-6492)."""

    def __init__(self, owner: Any, wallet: str, factory: str, creation: bytes) -> None:
        super().__init__(owner, wallet)
        self.factory, self._creation = factory, creation

    def sign_typed_data(self, *arguments: Any) -> bytes:
        signature = super().sign_typed_data(*arguments)
        envelope = encode(["address", "bytes", "bytes"], [self.factory, self._creation, signature])
        return envelope + ERC6492_MAGIC_VALUE


@dataclass
class InsuredWorld:
    """Four providers: two bonded, one with a bond for one payment, one that names no settler."""

    chain: LocalChain
    folder: Path

    @classmethod
    @contextmanager
    def open(cls, folder: Path, **options: Any) -> Iterator[InsuredWorld]:
        """`options` are anvil's."""
        with LocalChain.open(deployer=DEPLOYER, treasury=TREASURY, **options) as chain:
            world = cls(chain, folder)
            for provider in KEYS:
                bond = LOCK if provider == POOR_PROVIDER else BOND
                chain.bond(provider, bond, *([] if provider == SHY_PROVIDER else [SETTLER]))
            chain.mint(CLIENT, 1_000 * USDC)
            chain.write_record(folder / "local.json")
            world.write_keyfile(SETTLER)
            world.write_providers()
            yield world

    def write_keyfile(self, account: int) -> Path:
        """The account's keyfile, which PASSPHRASE opens."""
        path = self.folder / f"{'settler' if account == SETTLER else account}.json"
        self.chain.write_keyfile(path, account, PASSPHRASE)
        return path

    def write_providers(self) -> None:
        """The list of whom the facilitator serves."""
        providers = [
            {
                "provider": self.address(provider),
                "key_sha256": hashlib.sha256(key.encode()).hexdigest(),
                "timeout_minutes": 7,
                "max_timeout_minutes": 60,
            }
            for provider, key in KEYS.items()
        ]
        (self.folder / "providers.yaml").write_text(json.dumps({"providers": providers}))

    # The chain

    @property
    def node(self) -> Anvil:
        return self.chain.node

    @property
    def web3(self) -> Web3:
        return self.chain.web3

    @property
    def usdc(self) -> Contract:
        return self.chain.usdc

    @property
    def insurance(self) -> Contract:
        return self.chain.insurance

    def address(self, account: int) -> str:
        return self.chain.address(account)

    def send(self, call: Any, account: int) -> None:
        self.chain.send(call, account)

    def wallet(self, owner: int) -> str:
        """A smart wallet of `owner` with 10 USDC."""
        artifact = built("MockSmartWallet")
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        sent = factory.constructor(self.address(owner)).transact({"from": self.address(owner)})
        wallet = str(self.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"])
        self.send(self.usdc.functions.mint(wallet, 10 * USDC), DEPLOYER)
        return wallet

    def unborn_wallet(self, owner: int) -> UnbornWalletSigner:
        """Signs for a wallet with 10 USDC that is not created yet; adds Multicall3, which the SDK needs."""
        deployed = {}
        for name in ("MockSmartWalletFactory", "MockMulticall3"):
            artifact = built(name)
            factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
            sent = factory.constructor().transact({"from": self.address(DEPLOYER)})
            address = self.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
            deployed[name] = self.web3.eth.contract(address, abi=artifact.abi)
        code = self.web3.eth.get_code(deployed["MockMulticall3"].address)
        self.node.rpc("anvil_setCode", MULTICALL3_ADDRESS, Web3.to_hex(code))
        factory = deployed["MockSmartWalletFactory"]
        wallet = factory.functions.walletOf(self.address(owner)).call()
        self.send(self.usdc.functions.mint(wallet, 10 * USDC), DEPLOYER)
        creation = bytes.fromhex(factory.encode_abi("create", [self.address(owner)])[2:])
        return UnbornWalletSigner(self.node.account(owner), wallet, factory.address, creation)

    def balance(self, holder: int | str) -> int:
        address = self.address(holder) if isinstance(holder, int) else holder
        return int(self.usdc.functions.balanceOf(address).call())

    def bond_of(self, account: int) -> tuple[int, int]:
        """(bond, locked)."""
        found = self.insurance.functions.accounts(self.address(account)).call()
        return int(found[0]), int(found[1])

    def sent(self, settler: int = SETTLER) -> int:
        """How many transactions the settler has on the chain."""
        return self.web3.eth.get_transaction_count(self.address(settler))

    def waiting(self) -> int:
        """How many transactions no block holds yet."""
        return int(self.node.rpc("txpool_status")["pending"], 16)

    def locks(self, commitment: bytes | None = None) -> list[tuple[bytes, str]]:
        """(commitment, transaction) of InsurancePurchased logs, oldest first."""
        topics = [_LOCKED] if commitment is None else [_LOCKED, Web3.to_hex(commitment)]
        query = {"address": self.insurance.address, "fromBlock": "0x0", "topics": topics}
        found = self.node.rpc("eth_getLogs", query)
        return [(bytes.fromhex(log["topics"][1][2:]), log["transactionHash"]) for log in found]

    def status(self, commitment: bytes | str) -> int:
        """The policy's, as the contract numbers it."""
        return int(self.insurance.functions.policies(commitment).call()[3])

    # Payments as the stock client makes them

    @property
    def terms(self) -> Insurance:
        return Insurance(31337, self.insurance.address.lower())

    def pay_to(self, provider: int) -> str:
        return Web3.to_checksum_address(payment_address(self.terms, self.address(provider).lower()))

    def requirements(self, provider: int = PROVIDER, **changes: Any) -> PaymentRequirements:
        fields: dict[str, Any] = {
            "scheme": "exact",
            "network": NETWORK,
            "asset": self.usdc.address,
            "amount": str(PRICE),
            "pay_to": self.pay_to(provider),
            "max_timeout_seconds": 300,
            "extra": {"name": "USDC", "version": "2"},
        }
        return PaymentRequirements(**(fields | changes))

    def allowed(self, client: Any, signer: Any = None) -> Any:
        """A stock client that may spend the mock USDC."""
        register_exact_evm_client(client, signer or EthAccountSigner(self.node.account(CLIENT)))
        client.set_spend_controls(
            {
                "allowed_assets": [
                    {"network": NETWORK, "asset": self.usdc.address, "max_amount_per_payment": str(USDC)}
                ]
            }
        )
        return client

    def payment(self, requirements: PaymentRequirements) -> PaymentPayload:
        offer = PaymentRequired(accepts=[requirements])
        return self.allowed(x402ClientSync()).create_payment_payload(offer)

    def commitment(self, payload: PaymentPayload, provider: int = PROVIDER) -> bytes:
        signed = payload.payload["authorization"]
        return settlement_commitment(
            self.terms,
            provider=self.address(provider).lower(),
            client=signed["from"].lower(),
            nonce=bytes.fromhex(signed["nonce"][2:]),
        )

    # The facilitator

    def served(self) -> ServedProviders:
        return read_provider_file(self.folder / "providers.yaml")

    def site(self) -> Site:
        web3 = reading_web3(self.node.url, timeout_s=20)
        reader = BondReader(web3, self.insurance.address, first_block=0)
        return Site(Web3Rpc.connect(self.node.url, tries=2), web3, reader, self.terms, reader.usdc())

    @contextmanager
    def facilitator(
        self,
        journal: str = "journal",
        *,
        dies_at: EventKind | None = None,
        timeout_s: float = 20.0,
        begun_within_s: float = 15.0,
        factories: Sequence[str] = (),
        settlers: Sequence[int] = (SETTLER,),
        confirmations: int = 1,
    ) -> Iterator[Running]:
        """In a process of its own, over HTTP; it kills itself at the first event of that kind.

        `timeout_s`: after which a settlement is answered as pending; `begun_within_s`: after which one is
        refused that no lane has begun. A lane for each of `settlers`.
        """
        listening = bound("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        log = self.folder / f"{journal}.log"
        child = os.fork()
        if child == 0:
            policy = replace(Policy.local(), timeout_s=timeout_s, confirmations=confirmations)
            options: dict[str, Any] = {"factories": factories, "begun_within_s": begun_within_s}
            signers = [LocalSigner(self.node.account(settler)) for settler in settlers]
            self._serve(listening, log, self.folder / journal, policy, dies_at, signers, options)
        listening.close()
        running = Running(child, url, log)
        try:
            assert HTTP.get(f"{url}/healthz").status_code == 200
            yield running
        finally:
            running.end()

    def _serve(
        self,
        listening: socket.socket,
        log: Path,
        journal: Path,
        policy: Policy,
        dies_at: EventKind | None,
        signers: Sequence[LocalSigner],
        options: dict[str, Any],
    ) -> None:
        """In the child: never returns into pytest."""

        def on_event(event: Event) -> None:
            if event.kind is dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            logging.basicConfig(filename=log, level=logging.INFO, force=True)
            figures = Figures()
            with InsuredFacilitator.open(
                self.site(),
                signers,
                policy,
                journal_folder=journal,
                on_event=on_event,
                on_answer=figures.count,
                **options,
            ) as insured:
                app = facilitator_app(insured, self.served(), figures)
                config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
                uvicorn.Server(config).run(sockets=[listening])
        finally:
            os._exit(0)


@dataclass
class Running:
    """A facilitator's process; `log` is complete once it has ended."""

    pid: int
    url: str
    log: Path
    ended: bool = False

    def client(self, provider: int = PROVIDER, key: str | None = None) -> HTTPFacilitatorClientSync:
        """The SDK's own, with a provider's key."""
        bearer = {"Authorization": f"Bearer {key or KEYS[provider]}"}
        auth = CreateHeadersAuthProvider(lambda: {"verify": bearer, "settle": bearer, "supported": {}})
        return HTTPFacilitatorClientSync(
            FacilitatorConfig(url=self.url, auth_provider=auth, http_client=HTTP)
        )

    def post(self, path: str, body: Any, key: str | None = KEYS[PROVIDER]) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return HTTP.post(self.url + path, json=body, headers=headers)

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def body(payload: PaymentPayload, requirements: PaymentRequirements) -> dict[str, Any]:
    """What the SDK posts to /verify and /settle."""
    return {
        "x402Version": 2,
        "paymentPayload": payload.model_dump(by_alias=True, exclude_none=True),
        "paymentRequirements": requirements.model_dump(by_alias=True, exclude_none=True),
    }


def comes(true: Callable[[], bool]) -> bool:
    """Whether it comes true within 20 s: another process or thread works at it, and is left the processor."""
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True

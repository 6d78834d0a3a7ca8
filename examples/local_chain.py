"""A private chain with the bond's contract on it: where examples and tests of insured payments happen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.asking import reading_web3
from liqpass.adapters.chain.contracts import abi_of
from web3 import Web3
from web3.contract import Contract

from benchmarks.artifacts import built

PENALTY_BPS, TIMEOUT_MINUTES = 200, 5
DEPLOYING_GAS = 10_000_000


class LocalChainError(Exception):
    """A transaction of the setting failed."""


@dataclass(frozen=True, slots=True)
class LocalChain:
    """anvil, a mock USDC and, since `block`, X402InsuranceV2; accounts are those of the node, by number."""

    node: Anvil
    web3: Web3
    deployer: int
    usdc: Contract
    insurance: Contract
    block: int

    @classmethod
    @contextmanager
    def open(cls, *, deployer: int, treasury: int, **options: Any) -> Iterator[Self]:
        """`deployer` mints USDC, too; `options` are anvil's. Raises AnvilError, ArtifactError."""
        with Anvil(**options) as node:
            web3 = reading_web3(node.url, timeout_s=20)
            account = node.account(deployer).address

            def deploy(name: str, *arguments: Any) -> str:
                artifact = built(name)
                factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
                receipt = node.transact(factory.constructor(*arguments), account, gas=DEPLOYING_GAS)
                return web3.to_checksum_address(receipt["contractAddress"])

            usdc = deploy("MockUSDCProxy", deploy("MockUSDC"), "USDC", account)
            manager = deploy("LiqPassAccessManager", account)
            terms = (node.account(treasury).address, manager, PENALTY_BPS, TIMEOUT_MINUTES)
            insurance = deploy("X402InsuranceV2", usdc, *terms)
            yield cls(
                node,
                web3,
                deployer,
                web3.eth.contract(web3.to_checksum_address(usdc), abi=abi_of("MockUSDC")),
                web3.eth.contract(web3.to_checksum_address(insurance), abi=abi_of("X402InsuranceV2")),
                web3.eth.block_number,
            )

    def address(self, account: int) -> str:
        return str(self.node.account(account).address)

    def send(self, call: Any, account: int) -> None:
        """Raises LocalChainError when it reverts."""
        if self.node.transact(call, self.address(account), gas=1_000_000)["status"] != "0x1":
            raise LocalChainError(f"{call.fn_name} by {self.address(account)} failed")

    def mint(self, account: int, amount: int) -> None:
        """USDC out of nothing, in base units."""
        self.send(self.usdc.functions.mint(self.address(account), amount), self.deployer)

    def bond(self, provider: int, amount: int, *settlers: int) -> None:
        """Mint and deposit a provider's bond, and name its settlers."""
        self.mint(provider, amount)
        self.send(self.usdc.functions.approve(self.insurance.address, amount), provider)
        self.send(self.insurance.functions.depositBond(amount), provider)
        for settler in settlers:
            self.send(self.insurance.functions.setSettler(self.address(settler), True), provider)

    def write_record(self, path: Path) -> None:
        """The deployment record."""
        genesis = self.node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        entry = {"address": self.insurance.address, "block": self.block}
        record = {"chainId": 31337, "genesisHash": genesis, "contracts": {"X402InsuranceV2": entry}}
        path.write_text(json.dumps(record))

    def write_keyfile(self, path: Path, account: int, passphrase: str) -> None:
        """The account's encrypted keyfile, of few rounds: its key is known to everybody anyway."""
        path.touch(mode=0o600)
        key = self.node.account(account).key
        path.write_text(json.dumps(Account.encrypt(key, passphrase, kdf="pbkdf2", iterations=1_000)))

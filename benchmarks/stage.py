"""What every figure is measured on: anvil with Base's gas limit, a proxied USDC, LiqPass with its roles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from eth_utils.abi import function_abi_to_4byte_selector
from liqpass.adapters.chain.anvil import Anvil
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.types import TxReceipt

from benchmarks.artifacts import Artifact, bare_transfers, built
from scripts._roles import FUNCTION_ROLES, Role

TX_GAS_LIMIT = 2**24  # EIP-7825, in force on Base
PREMIUM = 1_000_000  # 1.00 USDC
PAYOUT = 50_000_000  # 50.00 USDC
HUGE = 2**96 - 1
NOWHERE = "0x" + "00" * 20


class BenchmarkError(Exception):
    """A measured transaction failed: the figures would mean nothing."""


class TooMuchGasError(BenchmarkError):
    """A transaction ran into the limit of one transaction."""


@dataclass(frozen=True, slots=True)
class Actors:
    """Funded development accounts by what they do. `payee` stands for whoever a bare USDC call pays."""

    deployer: LocalAccount
    buyer: LocalAccount
    relayer: LocalAccount
    payee: LocalAccount
    approver: LocalAccount
    payer: LocalAccount
    guardian: LocalAccount
    treasury: LocalAccount


class Stage:
    """Contracts on a running anvil, with USDC where an operation needs it."""

    def __init__(self, node: Anvil) -> None:
        self.node = node
        self.web3 = Web3(HTTPProvider(node.url, request_kwargs={"timeout": 60}))
        self.actors = Actors(*(node.account(index) for index in range(8)))
        self.usdc = self._usdc()
        self.manager = self.deploy(built("LiqPassAccessManager"), self.actors.deployer.address)
        governed = (self.usdc.address, self.actors.treasury.address, self.manager.address)
        self.checkout = self.deploy(built("Checkout"), *governed)
        self.vault = self.deploy(built("PayoutVault"), *governed, HUGE, HUGE, NOWHERE)
        self.successor = self.deploy(built("PayoutVault"), *governed, HUGE, HUGE, self.vault.address)
        self.bare = self.deploy(bare_transfers())
        self._grant_roles()
        self._fund()

    def deploy(self, artifact: Artifact, *arguments: Any) -> Contract:
        """Create a contract from the deployer's account."""
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self.transact(factory.constructor(*arguments), self.actors.deployer)
        assert receipt["contractAddress"] is not None
        return self.web3.eth.contract(receipt["contractAddress"], abi=artifact.abi)

    def transact(self, call: Any, sender: LocalAccount) -> TxReceipt:
        """Mine one call in a transaction of its own, so that every slot is cold. Raises BenchmarkError."""
        return self._mined(call.transact({"from": sender.address, "gas": TX_GAS_LIMIT}))

    def pay_bare(self, payments: list[tuple[str, int]]) -> TxReceipt:
        """Pay recipients through the bare loop. Raises BenchmarkError."""
        words = [address[2:] + f"{amount:024x}" for address, amount in payments]
        data = "0x" + self.usdc.address[2:].rjust(64, "0") + "".join(words)
        return self._mined(
            self.web3.eth.send_transaction(
                {
                    "from": self.actors.payer.address,
                    "to": self.bare.address,
                    "data": HexStr(data),
                    "gas": TX_GAS_LIMIT,
                }
            )
        )

    def recipients(self, count: int) -> list[str]:
        """Addresses (lower case) that nobody has used yet."""
        return ["0x" + Web3.keccak(text=f"recipient {index}")[-20:].hex() for index in range(count)]

    def evidence_hash(self, index: int) -> bytes:
        """Any 32 bytes without runs of zeros, which would be cheaper as calldata."""
        return hashlib.sha256(f"evidence {index}".encode()).digest()

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """Undo whatever the block does, so that no figure depends on the order of the measurements."""
        snapshot = self.node.snapshot()
        try:
            yield
        finally:
            self.node.revert(snapshot)

    def _mined(self, transaction: Any) -> TxReceipt:
        receipt = self.web3.eth.wait_for_transaction_receipt(transaction, timeout=60, poll_latency=0.005)
        if receipt["status"] != 1 and receipt["gasUsed"] == TX_GAS_LIMIT:
            raise TooMuchGasError(f"a transaction needs more than {TX_GAS_LIMIT:,} gas")
        if receipt["status"] != 1:
            raise BenchmarkError(f"a transaction failed after {receipt['gasUsed']:,} gas")
        return receipt

    def _usdc(self) -> Contract:
        implementation = self.deploy(built("MockUSDC"))
        proxy = self.deploy(
            built("MockUSDCProxy"), implementation.address, "USDC", self.actors.deployer.address
        )
        return self.web3.eth.contract(proxy.address, abi=implementation.abi)

    def _grant_roles(self) -> None:
        deployer, actors = self.actors.deployer, self.actors
        for name, contract in (
            ("Checkout", self.checkout),
            ("PayoutVault", self.vault),
            ("PayoutVault", self.successor),
        ):
            for function, role in FUNCTION_ROLES[name].items():
                selector = function_abi_to_4byte_selector(contract.get_function_by_name(function).abi)
                call = self.manager.functions.setTargetFunctionRole(contract.address, [selector], role)
                self.transact(call, deployer)
        holders = {Role.APPROVER: actors.approver, Role.PAYER: actors.payer, Role.GUARDIAN: actors.guardian}
        for role, holder in holders.items():
            self.transact(self.manager.functions.grantRole(role, holder.address, 0), deployer)

    def _fund(self) -> None:
        holders = [self.actors.buyer, self.actors.payee, self.actors.treasury]
        for address in [*(holder.address for holder in holders), self.vault.address, self.successor.address]:
            self.transact(self.usdc.functions.mint(address, 10**12), self.actors.deployer)
        self.transact(self.usdc.functions.mint(self.bare.address, 10**12), self.actors.deployer)

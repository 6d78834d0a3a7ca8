"""A deployed system on a private node, forty paid premiums, and `ape run` as an operator calls it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ape._cli import cli as ape_cli
from batch_builder import NOW_S, PAID_S, batch_id_at, build, item, quote
from click.testing import CliRunner, Result
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import abi_of
from liqpass.domain.batch_file import BatchFile, BatchItem
from liqpass.domain.batch_json import write_batch_file
from liqpass.domain.quote import quote_hash
from node_connection import NodeProvider, own_node
from web3 import Web3
from web3.contract import Contract
from web3.types import RPCEndpoint

REPOSITORY = Path(__file__).resolve().parents[3]
DEPLOYER, RULERS, GUARDIAN, APPROVER, PAYER, TREASURY, BUYER, RELAYER, STRANGER = range(9)
FIRST_POLICY_BUYER = 10
POLICIES = 40
ACCOUNTS = FIRST_POLICY_BUYER + POLICIES
ONE_USDC = 1_000_000
_ABIS = {
    "AccessManager": "LiqPassAccessManager",
    "Checkout": "Checkout",
    "PayoutVault": "PayoutVault",
    "MockUSDC": "MockUSDC",
}


@dataclass(frozen=True)
class World:
    """The node, the folder of records and journals, and the contracts."""

    node: Anvil
    folder: Path

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[World]:
        """Deployed, forty premiums paid in the block of PAID_S, the vault funded, the time NOW_S."""
        shutil.copytree(REPOSITORY / "deployments" / "parameters", folder / "deployments" / "parameters")
        with Anvil(accounts=ACCOUNTS, genesis_timestamp_s=PAID_S - 3600) as node, own_node(node.url):
            world = cls(node, folder)
            deployed = world.ape("deploy")
            assert deployed.exit_code == 0, deployed.output
            world.sell()
            yield world

    def ape(self, *arguments: str, network: str = "ethereum:local", url: str | None = None) -> Result:
        """`ape run <arguments>` against the node, with records and journals of this world."""
        command = [
            "run",
            *arguments,
            "--network",
            f"{network}:{url or self.node.url}",
            "--deployments",
            str(self.folder / "deployments"),
        ]
        if not {"status", "claims", "show", "list"} & {*arguments}:
            command += ["--journal", str(self.folder / "journal")]
        return CliRunner().invoke(ape_cli, command)

    @cached_property
    def web3(self) -> Web3:
        return Web3(NodeProvider(self.node.url))

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        record = json.loads((self.folder / "deployments" / "local.json").read_text())["contracts"]
        return {
            name: self.web3.eth.contract(record[name]["address"], abi=abi_of(abi))
            for name, abi in _ABIS.items()
        }

    @property
    def usdc(self) -> Contract:
        return self.contracts["MockUSDC"]

    @property
    def checkout(self) -> Contract:
        return self.contracts["Checkout"]

    @property
    def vault(self) -> Contract:
        return self.contracts["PayoutVault"]

    def address(self, account: int) -> str:
        return self.node.account(account).address

    def transact(self, call: Any, account: int) -> str:
        """Send without waiting; the transaction's hash."""
        return "0x" + call.transact({"from": self.address(account), "gas": 1_000_000}).hex().removeprefix(
            "0x"
        )

    def send(self, call: Any, account: int) -> None:
        receipt = self.web3.eth.wait_for_transaction_receipt(self.transact(call, account))
        assert receipt["status"] == 1

    def nonces(self) -> list[int]:
        """How many transactions each account has sent: unchanged means that nothing was sent."""
        counts = self._ask("eth_getTransactionCount", [self.address(account) for account in range(10)])
        return [int(count, 16) for count in counts]

    def nonce(self, account: int) -> int:
        return int(self.node.rpc("eth_getTransactionCount", self.address(account), "latest"), 16)

    def balance(self, address: str) -> int:
        return int(self.usdc.functions.balanceOf(address).call())

    def balances(self, addresses: list[str]) -> dict[str, int]:
        """USDC of each."""
        calls = [{"to": self.usdc.address, "data": f"0x70a08231{address[2:]:0>64}"} for address in addresses]
        held = self._ask("eth_call", calls)
        return {address: int(amount, 16) for address, amount in zip(addresses, held, strict=True)}

    def _ask(self, method: str, subjects: list[Any]) -> list[str]:
        """The node's answers as of its latest block, one a subject, in one request."""
        questions = [(RPCEndpoint(method), [subject, "latest"]) for subject in subjects]
        return [answer["result"] for answer in self.web3.provider.make_batch_request(questions)]

    def policy_buyer(self, policy_no: int) -> str:
        return self.address(FIRST_POLICY_BUYER + policy_no - 1)

    def sell(self) -> None:
        """Forty buyers pay their premium in one block; the treasury funds the vault with 500.00."""
        node, usdc, checkout = self.node, self.usdc.functions, self.checkout.functions
        buyers = range(FIRST_POLICY_BUYER, FIRST_POLICY_BUYER + POLICIES)
        node.set_automine(False)
        for buyer in [*buyers, BUYER]:
            self.transact(usdc.mint(self.address(buyer), ONE_USDC), DEPLOYER)
        self.transact(usdc.mint(self.address(TREASURY), 2_000 * ONE_USDC), DEPLOYER)
        for buyer in buyers:
            self.transact(usdc.approve(self.checkout.address, ONE_USDC), buyer)
        self.transact(usdc.approve(self.vault.address, 500 * ONE_USDC), TREASURY)
        node.mine()
        self.transact(self.vault.functions.fund(500 * ONE_USDC), TREASURY)
        node.mine()
        hashes = []
        for number, buyer in enumerate(buyers, 1):
            terms = quote(number, self.address(buyer), self.checkout.address)
            call = checkout.pay(bytes.fromhex(terms.order_id[2:]), ONE_USDC, quote_hash(terms))
            hashes.append(self.transact(call, buyer))
        node.set_next_timestamp(PAID_S)
        node.rpc("evm_mine")
        node.set_automine(True)
        node.set_next_timestamp(NOW_S)
        node.mine(6)
        (self.folder / "payments.json").write_text(json.dumps(hashes))

    def item(self, policy_no: int, **changes: Any) -> BatchItem:
        """Policy `policy_no` as the service would export it."""
        transaction = json.loads((self.folder / "payments.json").read_text())[policy_no - 1]
        buyer = self.policy_buyer(policy_no)
        return item(policy_no, buyer, self.checkout.address, transaction, **changes)

    def batch(self, *items: BatchItem, **changes: Any) -> BatchFile:
        """Today's batch over these items."""
        fields = {"vault": self.vault.address, "checkout": self.checkout.address, "batch_id": self.batch_id}
        return build(items, **(fields | changes))

    @property
    def batch_id(self) -> int:
        return batch_id_at(NOW_S)

    def write(self, batch: BatchFile, name: str = "batch.json") -> str:
        """The exported file's path."""
        path = self.folder / name
        path.write_bytes(write_batch_file(batch))
        return str(path)

    def paid(self, policies: range | list[int]) -> list[int]:
        """Which of these the vault has paid."""
        return [policy for policy in policies if self.vault.functions.isPaid(policy).call()]

    def approve(self, file: str, *options: str, account: int = APPROVER) -> Result:
        return self.ape("payout", "approve", "--file", file, "--account", f"TEST::{account}", *options)

    def execute(self, file: str, *options: str, account: int = PAYER) -> Result:
        return self.ape("payout", "execute", "--file", file, "--account", f"TEST::{account}", *options)


def transaction_in(result: Result) -> str:
    """The hash in the last line `transaction 0x…`."""
    assert result.exit_code == 0, result.output
    found = re.findall(r"^transaction (0x[0-9a-f]{64})$", result.output, re.MULTILINE)
    assert found, result.output
    return str(found[-1])

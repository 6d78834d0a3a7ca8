"""X402InsuranceV2 with a bonded provider on a private node, policies in it, and the keeper as it is run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.claim_sender import ClaimSender
from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.events import Event
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.policy_watch import PolicyWatch
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.settled_blocks import SettledBlocks
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.domain.money import Usdc
from liqpass.domain.x402.insurance import Insurance
from liqpass.entrypoints.claim_keeper import ClaimKeeper, DuePolicies, Round
from liqpass.entrypoints.cli import main
from web3 import HTTPProvider, Web3
from web3.contract import Contract

from benchmarks.artifacts import built

DEPLOYER, TREASURY, PROVIDER, OTHER_PROVIDER, CLIENT, OTHER_CLIENT, KEEPER, STRANGER = range(8)
USDC = 1_000_000
AMOUNT, PENALTY = 100_000, 2_000  # the document's 0.10 and 0.002
TIMEOUT_S, MARGIN_S = 300, 10
_LONGEST_S = 60
PASSPHRASE = "canary-passphrase-of-the-keeper"
_CLAIMED = "0x" + Web3.keccak(text="InsuranceClaimed(bytes32,address,address,uint96,uint96)").hex()


@dataclass
class BondedWorld:
    """`insurance` with two providers of 1000 USDC each, who cover two clients."""

    node: Anvil
    folder: Path
    web3: Web3
    usdc: Contract
    insurance: Contract
    locked: int = 0

    @classmethod
    @contextmanager
    def open(cls, folder: Path, **options: Any) -> Iterator[BondedWorld]:
        with Anvil(**options) as node:
            web3 = Web3(HTTPProvider(node.url))
            deployer = node.account(DEPLOYER).address

            def deploy(name: str, *arguments: Any) -> str:
                artifact = built(name)
                factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
                receipt = node.transact(factory.constructor(*arguments), deployer, gas=10_000_000)
                return web3.to_checksum_address(receipt["contractAddress"])

            usdc = deploy("MockUSDCProxy", deploy("MockUSDC"), "USDC", deployer)
            manager = deploy("LiqPassAccessManager", deployer)
            insurance = deploy("X402InsuranceV2", usdc, node.account(TREASURY).address, manager, 200, 5)
            world = cls(
                node,
                folder,
                web3,
                web3.eth.contract(usdc, abi=abi_of("MockUSDC")),
                web3.eth.contract(insurance, abi=abi_of("X402InsuranceV2")),
            )
            world.write_files()
            world.bond()
            yield world

    def write_files(self) -> None:
        """The deployment record, and the keeper's keyfile."""
        genesis = self.node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        entry = {"address": self.insurance.address, "block": self.web3.eth.block_number}
        record = {"chainId": 31337, "genesisHash": genesis, "contracts": {"X402InsuranceV2": entry}}
        (self.folder / "local.json").write_text(json.dumps(record))
        key = self.node.account(KEEPER).key
        keyfile = self.folder / "keeper.json"
        keyfile.write_text(json.dumps(Account.encrypt(key, PASSPHRASE, kdf="pbkdf2", iterations=1_000)))
        keyfile.chmod(0o600)

    def bond(self) -> None:
        for provider in (PROVIDER, OTHER_PROVIDER):
            self.send(self.usdc.functions.mint(self.address(provider), 1_000 * USDC), DEPLOYER)
            self.send(self.usdc.functions.approve(self.insurance.address, 1_000 * USDC), provider)
            self.send(self.insurance.functions.depositBond(1_000 * USDC), provider)
            for client in (CLIENT, OTHER_CLIENT):
                self.send(
                    self.insurance.functions.approveCoverage(self.address(client), 100 * USDC, 60), provider
                )

    def address(self, account: int) -> str:
        return self.node.account(account).address

    def send(self, call: Any, account: int) -> None:
        assert self.node.transact(call, self.address(account), gas=1_000_000)["status"] == "0x1"

    def lock(self, *, provider: int = PROVIDER, client: int = CLIENT, minutes: int = 5) -> bytes:
        """A new policy of AMOUNT; its commitment."""
        self.locked += 1
        commitment = Web3.keccak(self.locked)[1:].rjust(32, b"\0")
        call = self.insurance.functions.purchaseInsurance(commitment, self.address(provider), AMOUNT, minutes)
        self.send(call, client)
        return commitment

    def overdue(self, count: int, **options: Any) -> list[bytes]:
        """So many policies, all of them due."""
        commitments = [self.lock(**options) for _ in range(count)]
        self.node.increase_time(TIMEOUT_S + MARGIN_S + 1)
        return commitments

    def status(self, commitment: bytes) -> int:
        """The contract's ClaimStatus: 0 none, 1 open, 2 confirmed, 3 claimed, 4 refunded."""
        return int(self.insurance.functions.policies(commitment).call()[3])

    def statuses(self, commitments: list[bytes]) -> list[int]:
        return [self.status(commitment) for commitment in commitments]

    def balance(self, account: int) -> int:
        return int(self.usdc.functions.balanceOf(self.address(account)).call())

    def credit(self, account: int) -> int:
        return int(self.insurance.functions.credit(self.address(account)).call())

    def bond_of(self, account: int) -> tuple[int, int]:
        """(bond, locked)."""
        found = self.insurance.functions.accounts(self.address(account)).call()
        return int(found[0]), int(found[1])

    def transactions(self) -> int:
        """How many transactions the keeper's account has on the chain."""
        return int(self.node.rpc("eth_getTransactionCount", self.address(KEEPER), "latest"), 16)

    def claims(self) -> list[tuple[bytes, str]]:
        """(commitment, transaction) of every InsuranceClaimed log, oldest first."""
        query = {"address": self.insurance.address, "fromBlock": "0x0", "topics": [_CLAIMED]}
        found = self.node.rpc("eth_getLogs", query)
        return [(bytes.fromhex(log["topics"][1][2:]), log["transactionHash"]) for log in found]

    # The keeper, in three ways

    def round(self, *, on_event: Callable[[Event], None] = lambda _: None, most: int = 100) -> Round:
        """One round with everything new, as after a restart."""
        rpc = Web3Rpc.connect(self.node.url, tries=2)
        reader = BondReader(Web3(HTTPProvider(self.node.url)), self.insurance.address, first_block=0)
        blocks = SettledBlocks(rpc, first_block=0, settled="latest", progress=lambda *_: None)
        watch = PolicyWatch(blocks, reader, providers=())
        with ClaimSender.open(
            rpc,
            LocalSigner(self.node.account(KEEPER)),
            Policy.local(),
            reader=reader,
            insurance=Insurance(31337, self.insurance.address.lower()),
            journal_folder=self.folder / "journal",
            on_event=on_event,
        ) as sender:
            due = DuePolicies(watch, reader, margin_s=MARGIN_S, least=Usdc(0))
            return ClaimKeeper(due, sender, most=most).round()

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
        ours = {
            "LIQPASS_RPC_URL": self.node.url,
            "LIQPASS_DEPLOYMENT": str(self.folder / "local.json"),
            "LIQPASS_JOURNAL_FOLDER": str(self.folder / "journal"),
            "LIQPASS_KEEPER_PASSPHRASE": PASSPHRASE,
        }
        return kept | ours | changes

    def command(self, *options: str, **changes: str) -> Result:
        """`liqpass keeper x402 --keyfile … --once` in this process."""
        return self.command_in(self.environment(**changes), *options)

    def command_in(self, environment: dict[str, str], *options: str) -> Result:
        """The same in an environment, of which CliRunner takes nothing away: None does."""
        arguments = ["keeper", "x402", "--keyfile", str(self.folder / "keeper.json"), "--once", *options]
        gone = {name: None for name in os.environ if name not in environment}
        return CliRunner(mix_stderr=False).invoke(
            main, arguments, env=gone | environment, catch_exceptions=False
        )

    @contextmanager
    def process(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """The same as a process that goes on; it watches when this returns."""
        code = "from liqpass.entrypoints.cli import main; main()"
        arguments = ["keeper", "x402", "--keyfile", str(self.folder / "keeper.json"), "--interval", "0.1"]
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments, *options],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        too_long = threading.Timer(_LONGEST_S, process.kill)  # then its lines end, and the test with them
        too_long.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("claiming from 0x")
            yield process
        finally:
            too_long.cancel()
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()

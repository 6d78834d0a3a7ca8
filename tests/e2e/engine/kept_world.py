"""OpenParametric with policies on KE081 on a private node, and the keeper as it is run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import ParametricDeployment, abi_of
from liqpass.adapters.chain.events import Event
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.parametric_watch import ParametricWatch
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.policy_sender import PolicySender
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.settled_blocks import SettledBlocks
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.domain.money import Usdc
from liqpass.domain.parametric.flight_status import feed_description
from liqpass.domain.parametric.life import STATES
from liqpass.domain.parametric.policy import policy_id
from liqpass.domain.parametric.terms import Share, Terms
from liqpass.entrypoints.cli import main
from liqpass.entrypoints.parametric_keeper import DueActions, ParametricKeeper, Round
from web3 import HTTPProvider, Web3
from web3.contract import Contract

from benchmarks.artifacts import built

DEPLOYER, LEADER, OTHER_LEADER, BENEFICIARY, FIRST, SECOND, THIRD, KEEPER, STRANGER = range(9)
INSURERS = (FIRST, SECOND, THIRD)
PAYOUT = 1_000_000
GENESIS_S = 1_773_400_000
DEADLINE_S = 1_773_446_400
ACTIVE_FROM_S, DEPARTURE_S, ACTIVE_TO_S = 1_773_532_800, 1_773_568_800, 1_773_619_200
CLAIM_DEADLINE_S = ACTIVE_TO_S + 86_400
LATE_S = DEPARTURE_S + 130 * 60
WINDOW_S = 259_200
MARGIN_S = 10
PASSPHRASE = "canary-passphrase-of-the-keeper"
_DESCRIPTION = feed_description("KE081", "2026-03-15", "ICN")


@dataclass
class KeptWorld:
    """`contract` and `feed`; insurers hold USDC and have allowed all of it."""

    node: Anvil
    folder: Path
    web3: Web3
    usdc: Contract
    contract: Contract
    feed: Contract

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[KeptWorld]:
        with Anvil(genesis_timestamp_s=GENESIS_S) as node:
            web3 = Web3(HTTPProvider(node.url))
            deployer = node.account(DEPLOYER).address

            def deploy(name: str, *arguments: Any) -> str:
                return _deploy(node, web3, deployer, name, *arguments)

            usdc = deploy("MockUSDCProxy", deploy("MockUSDC"), "USDC", deployer)
            world = cls(
                node,
                folder,
                web3,
                web3.eth.contract(usdc, abi=abi_of("MockUSDC")),
                web3.eth.contract(deploy("OpenParametric", usdc), abi=abi_of("OpenParametric")),
                web3.eth.contract(deploy("MockFeed", deployer, _DESCRIPTION), abi=abi_of("MockFeed")),
            )
            for insurer in INSURERS:
                world.send(world.usdc.functions.mint(world.address(insurer), 10 * PAYOUT), DEPLOYER)
                world.send(world.usdc.functions.approve(world.contract.address, 10 * PAYOUT), insurer)
            world.write_files()
            yield world

    def write_files(self) -> None:
        """The deployment record, and the keeper's keyfile."""
        genesis = self.node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        entry = {"address": self.contract.address, "block": 1}
        record = {"chainId": 31337, "genesisHash": genesis, "contracts": {"OpenParametric": entry}}
        (self.folder / "local.json").write_text(json.dumps(record))
        key = self.node.account(KEEPER).key
        keyfile = self.folder / "keeper.json"
        keyfile.touch(mode=0o600)
        keyfile.write_text(json.dumps(Account.encrypt(key, PASSPHRASE, kdf="pbkdf2", iterations=1_000)))

    def address(self, account: int) -> str:
        return self.node.account(account).address

    def send(self, call: Any, account: int) -> None:
        assert self.node.transact(call, self.address(account), gas=1_000_000)["status"] == "0x1"

    # Policies

    def deploy_feed(self) -> str:
        """Another feed of the same flight; its address."""
        deployer = self.address(DEPLOYER)
        return _deploy(self.node, self.web3, deployer, "MockFeed", deployer, _DESCRIPTION)

    def terms(self, feed: str) -> Terms:
        return Terms(
            route="ICN-JFK",
            flight="KE081",
            departure_s=DEPARTURE_S,
            threshold_minutes=120,
            payout=PAYOUT,
            beneficiary=self.address(BENEFICIARY),
            operator=None,
            feed=feed,
            feed_description=_DESCRIPTION,
            underwriting_deadline_s=DEADLINE_S,
            active_from_s=ACTIVE_FROM_S,
            active_to_s=ACTIVE_TO_S,
            approval_window_s=WINDOW_S,
            claim_grace_s=86_400,
        )

    def draft(self, leader: int = LEADER, *, feed: str | None = None, **changes: Any) -> int:
        """A new policy of the leader; its number."""
        terms = replace(self.terms(feed or self.feed.address), **changes)
        shares = [
            Share(self.address(who), bps) for who, bps in zip(INSURERS, (4000, 3500, 2500), strict=True)
        ]
        create = self.contract.functions.createPolicy(
            terms.as_arguments(), [share.as_arguments() for share in shares]
        )
        self.send(create, leader)
        return policy_id(self.address(leader), self.contract.functions.sequences(self.address(leader)).call())

    def fund(self, leader: int = LEADER, **options: Any) -> int:
        """A policy that all insurers have accepted."""
        number = self.draft(leader, **options)
        self.send(self.contract.functions.openUnderwriting(number), leader)
        agreed = self.contract.functions.policies(number).call()[0]
        for index, insurer in enumerate(INSURERS):
            self.send(self.contract.functions.acceptShare(number, index, agreed), insurer)
        return number

    def at(self, time_s: int) -> None:
        """Until a block of that time."""
        self.node.set_next_timestamp(time_s)
        self.node.mine()

    def push(self, minutes: int, time_s: int) -> None:
        """The feed reports a delay at that time."""
        self.node.set_next_timestamp(time_s)
        self.send(self.feed.functions.push(minutes), DEPLOYER)

    def state(self, number: int) -> str:
        return str(STATES[self.contract.functions.state(number).call()])

    def balance(self, account: int | str) -> int:
        address = account if isinstance(account, str) else self.address(account)
        return int(self.usdc.functions.balanceOf(address).call())

    def events(self, name: str) -> list[dict[str, Any]]:
        """The arguments of every event of that name, oldest first."""
        found = self.contract.events[name]().get_logs(from_block=0)
        return [dict(event["args"]) for event in found]

    def transactions(self) -> int:
        """How many transactions the keeper's account has on the chain."""
        return int(self.node.rpc("eth_getTransactionCount", self.address(KEEPER), "latest"), 16)

    # The keeper, in three ways

    def round(self, *, on_event: Callable[[Event], None] = lambda _: None) -> Round:
        """One round with everything new, as after a restart."""
        rpc = Web3Rpc.connect(self.node.url, tries=2)
        reader = ParametricReader(Web3(HTTPProvider(self.node.url)), self.contract.address, first_block=0)
        blocks = SettledBlocks(rpc, first_block=0, settled="latest", progress=lambda *_: None)
        watch = ParametricWatch(blocks, reader, leaders=())
        with PolicySender.open(
            rpc,
            LocalSigner(self.node.account(KEEPER)),
            Policy.local(),
            reader=reader,
            deployment=ParametricDeployment(31337, self.contract.address.lower(), 0, None),
            journal_folder=self.folder / "journal",
            on_event=on_event,
        ) as sender:
            return ParametricKeeper(
                DueActions(watch, reader, margin_s=MARGIN_S, least=Usdc(0)), sender
            ).round()

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
        """`liqpass keeper parametric --keyfile … --once` in this process."""
        keyfile = str(self.folder / "keeper.json")
        return CliRunner(mix_stderr=False).invoke(
            main,
            ["keeper", "parametric", "--keyfile", keyfile, "--once", *options],
            env=self.environment(**changes),
            catch_exceptions=False,
        )

    @contextmanager
    def process(self) -> Iterator[subprocess.Popen[str]]:
        """The same as a process that goes on; it watches when this returns."""
        code = "from liqpass.entrypoints.cli import main; main()"
        keyfile = str(self.folder / "keeper.json")
        process = subprocess.Popen(
            [sys.executable, "-c", code, "keeper", "parametric", "--keyfile", keyfile, "--interval", "0.1"],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("keeping policies of 0x")
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()


def _deploy(node: Anvil, web3: Web3, deployer: str, name: str, *arguments: Any) -> str:
    artifact = built(name)
    factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    receipt = node.transact(factory.constructor(*arguments), deployer, gas=10_000_000)
    return web3.to_checksum_address(receipt["contractAddress"])

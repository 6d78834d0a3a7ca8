"""The stage of the demo: a private chain, the OKX simulator on its clock, a folder that goes with them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from click.testing import CliRunner
from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.clock import ChainClock
from liqpass.adapters.okx.simulator.server import SimulatorServer
from liqpass.adapters.okx.simulator.simulation import Simulation
from liqpass.domain.money import Usdc
from liqpass.entrypoints.cli import main as liqpass_cli
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.types import TxReceipt

from benchmarks.artifacts import built
from demo.interruption import EXIT_CODE, Interrupted
from demo.narrator import Narrator

REPOSITORY = Path(__file__).resolve().parents[1]
KEPT = REPOSITORY / "var" / "demo"
CONFIRMATIONS = 5
REORG_MARGIN_S = 10  # for which a keeper waits after a deadline
# 11:00 in Shanghai: the day's cut-off has passed, and what is approved now waits for tomorrow's batch.
OPENING_S = 1_769_050_800  # 2026-01-22 03:00:00 UTC

DEPLOYER, RULERS, GUARDIAN, APPROVER, PAYER, TREASURY = range(6)  # as in deployments/parameters/local.yaml
BUYERS = (6, 7, 8)
RELAYER = 9
_KEEPER_PASSPHRASE = "LIQPASS_KEEPER_PASSPHRASE"  # noqa: S105 - a variable's name


class DemoError(Exception):
    """Something was not as it should be."""


class Stage:
    """Everything that runs, and the two ways in: `ape run` and `liqpass`."""

    def __init__(self, narrator: Narrator, node: Anvil, simulator: SimulatorServer, folder: Path) -> None:
        self.narrator, self.node, self.simulator, self.folder = narrator, node, simulator, folder
        self.web3 = Web3(Web3.HTTPProvider(node.url))
        self.deployments = folder / "deployments"
        self.journals = folder / "journals"
        shutil.copytree(REPOSITORY / "deployments" / "parameters", self.deployments / "parameters")

    @classmethod
    @contextlib.contextmanager
    def open(cls, narrator: Narrator) -> Iterator[Self]:
        """Starts chain and simulator; stops them and removes the folder however the demo ends."""
        with (
            tempfile.TemporaryDirectory(prefix="liqpass-demo-") as name,
            Anvil(genesis_timestamp_s=OPENING_S, accounts=10) as node,
        ):
            web3 = Web3(Web3.HTTPProvider(node.url))
            clock = ChainClock(lambda: int(web3.eth.get_block("latest")["timestamp"]))
            with SimulatorServer(Simulation(clock)) as simulator:
                stage = cls(narrator, node, simulator, Path(name))
                with stage._environment():
                    yield stage

    def ape(self, *words: str, lines: int = 0, fails: bool = False) -> str:
        """`ape run …` as a signer types it. Raises DemoError when it does not end as expected."""
        # ape takes seconds to import, and only here is it needed.
        from ape._cli import cli as ape_cli  # noqa: PLC0415

        options = ["--network", self.network, "--deployments", str(self.deployments)]
        if words[0] == "deploy":  # every other command has it from LIQPASS_JOURNAL_FOLDER
            options += ["--journal", str(self.journals)]
        return self._run(ape_cli, ["ape", "run"], list(words), options, lines=lines, fails=fails)

    def liqpass(self, *words: str, lines: int = 0, fails: bool = False) -> str:
        """`liqpass …` as an operator types it. Raises DemoError when it does not end as expected."""
        return self._run(liqpass_cli, ["liqpass"], list(words), [], lines=lines, fails=fails)

    def liqpass_process(self, *words: str, lines: int = 0) -> None:
        """`liqpass …` in a process of its own: for what handles signals and logs by itself. Raises
        DemoError when it fails."""
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            [sys.executable, "-c", "from liqpass.entrypoints.cli import main; main()", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        shown = [word.replace(f"{self.folder}/", "") for word in words]
        output = done.stdout if done.returncode == 0 else done.stdout + done.stderr
        self._tell(["liqpass", *shown], output, done.returncode, lines=lines)

    def liqpass_json(self, *words: str) -> Any:
        return json.loads(self.liqpass(*words, "--json"))

    def contract(self, name: str) -> Contract:
        record = json.loads((self.deployments / "local.json").read_bytes())
        address = record["contracts"][name]["address"]
        return self.web3.eth.contract(self.web3.to_checksum_address(address), abi=abi_of(name))

    @property
    def network(self) -> str:
        """What ape calls this chain."""
        return f"ethereum:local:{self.node.url}"

    @property
    def usdc(self) -> Contract:
        return self.contract("MockUSDC")

    def address(self, account: int) -> str:
        return str(self.node.account(account).address)

    def balance(self, address: str) -> Usdc:
        return Usdc(self.usdc.functions.balanceOf(self.web3.to_checksum_address(address)).call())

    def mint(self, account: int, amount: Usdc) -> None:
        """USDC out of nothing: the deployer of the mock is its minter."""
        self.send(self.usdc.functions.mint(self.address(account), amount), DEPLOYER)

    def send(self, call: ContractFunction, account: int) -> None:
        """One transaction of a program that is not ours. Raises DemoError when it fails."""
        if self._transact(call, account)["status"] != 1:
            raise DemoError(f"{call.fn_name} by {self.address(account)} failed")

    def deploy(self, name: str, *arguments: object, account: int) -> str:
        """The address of a contract that is not in the deployment. Raises DemoError when it fails."""
        artifact = built(name)
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self._transact(factory.constructor(*arguments), account)
        address = receipt["contractAddress"]
        if receipt["status"] != 1 or address is None:
            raise DemoError(f"the deployment of {name} by {self.address(account)} failed")
        return str(address)

    def confirm(self) -> None:
        """As many blocks as make a payment count."""
        self.node.mine(CONFIRMATIONS)

    def pass_time(self, seconds: int) -> None:
        """Move the one clock that chain, service and exchange share."""
        self.node.increase_time(seconds)
        self.node.mine(1)

    def pass_time_until(self, time_s: int) -> None:
        self.pass_time(time_s - self.now_s)

    @property
    def now_s(self) -> int:
        """The latest block's time, in unix seconds."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def check(self, holds: bool, text: str) -> None:
        """Raises DemoError unless `holds`."""
        if not holds:
            raise DemoError(f"this does not hold: {text}")
        self.narrator.fact(text)

    def credentials(self, trader: str) -> Path:
        """The trader's read-only key as the file that `liqpass order bind` reads."""
        key = self.simulator.exchange.account(trader).keys["reader"].credentials
        path = self.folder / f"{trader}.json"
        path.touch(mode=0o600)
        path.write_text(
            json.dumps({"apiKey": key.api_key, "secret": key.secret, "passphrase": key.passphrase})
        )
        return path

    def keyfile(self, account: int) -> Path:
        """The account's encrypted keyfile, which LIQPASS_KEEPER_PASSPHRASE opens."""
        path = self.folder / f"account-{account}.json"
        path.touch(mode=0o600)
        # Few rounds: whoever reads this file knows the key anyway, and a real one takes seconds to open.
        encrypted = Account.encrypt(
            self.node.account(account).key, os.environ[_KEEPER_PASSPHRASE], kdf="pbkdf2", iterations=1_000
        )
        path.write_text(json.dumps(encrypted))
        return path

    def passphrase_file(self) -> Path:
        """The passphrase of the keyfiles, for a command that reads it from a file of mode 0600."""
        path = self.folder / "passphrase"
        path.touch(mode=0o600)
        path.write_text(os.environ[_KEEPER_PASSPHRASE])
        return path

    def _transact(self, call: ContractFunction | ContractConstructor, account: int) -> TxReceipt:
        sender = self.node.account(account)
        nonce = self.web3.eth.get_transaction_count(sender.address)
        transaction = call.build_transaction({"from": sender.address, "nonce": nonce})
        sent = self.web3.eth.send_raw_transaction(sender.sign_transaction(transaction).raw_transaction)  # type: ignore[arg-type]
        return self.web3.eth.wait_for_transaction_receipt(sent)

    def _run(
        self, cli: Any, program: list[str], words: list[str], options: list[str], *, lines: int, fails: bool
    ) -> str:
        result = CliRunner().invoke(cli, [*program[1:], *words, *options])
        if result.exit_code == EXIT_CODE:  # ape has a way of its own with signals while it is connected
            raise Interrupted
        shown = [word.replace(f"{self.folder}/", "") for word in words]
        output = result.output.replace(f"{self.folder}/", "")
        self._tell([*program, *shown], output, result.exit_code, lines=lines, fails=fails)
        return output

    def _tell(
        self, command: list[str], output: str, exit_code: int, *, lines: int, fails: bool = False
    ) -> None:
        self.narrator.command(command, output, lines=lines)
        if (exit_code != 0) is not fails:
            wanted = "fail" if fails else "succeed"
            raise DemoError(f"{' '.join(command)} ended with {exit_code} and had to {wanted}:\n{output}")

    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        """What an operator would export; taken back at the end. No other LIQPASS_ setting counts."""
        ours: Mapping[str, str] = {
            "LIQPASS_DATABASE_URL": f"sqlite:///{self.folder / 'liqpass.db'}",
            "LIQPASS_RPC_URL": self.node.url,
            "LIQPASS_CHAIN_ID": "31337",
            "LIQPASS_DEPLOYMENT": str(self.deployments / "local.json"),
            "LIQPASS_OKX_HOST": self.simulator.url,
            "LIQPASS_CLOCK": "chain",
            "LIQPASS_MASTER_KEY": secrets.token_hex(32),
            "LIQPASS_JOURNAL_FOLDER": str(self.journals),
            _KEEPER_PASSPHRASE: secrets.token_hex(32),
            "COLUMNS": "160",
        }
        before = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("LIQPASS_")]:
            del os.environ[name]
        os.environ.update(ours)
        sys.path.insert(0, str(REPOSITORY))
        try:
            yield
        finally:
            sys.path.remove(str(REPOSITORY))
            os.environ.clear()
            os.environ.update(before)

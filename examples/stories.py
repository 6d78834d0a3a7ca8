"""What each example shows: its programs as real processes on a private chain, and where the money went."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
from liqpass.adapters.chain.anvil import AnvilError
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.domain.identifiers import parse_bytes32
from liqpass.domain.money import Usdc, format_usdc, parse_usdc
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from rich.console import Console

from benchmarks.artifacts import ArtifactError
from demo.narrator import Narrator
from examples.local_chain import LocalChain, LocalChainError
from examples.processes import LIQPASS, ExampleError, Program, run

HERE = Path(__file__).resolve().parent
DEPLOYER, TREASURY, PROVIDER, CLIENT, SETTLER, KEEPER = 0, 5, 6, 7, 8, 9
BOND, MONEY = parse_usdc("1000.00"), parse_usdc("10.00")
PRICE, PENALTY = parse_usdc("0.10"), parse_usdc("0.002")
LOCK = Usdc(PRICE + PENALTY)
JOB_MINUTES, REORG_MARGIN_S = 30, 10  # what jobs.py says; what a keeper waits for after a deadline
_DELIVERY_S = 20
PYTHON_CLIENT = [sys.executable, str(HERE / "client.py")]
NODE_CLIENT = ["node", str(HERE / "client.mjs")]


@dataclass(frozen=True, slots=True)
class Money:
    """In base units: what client and provider hold, the provider's bond, and what of it is locked."""

    client: int
    provider: int
    bond: int
    locked: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A chain with a bonded provider, the facilitator that it names, and a client with money."""

    narrator: Narrator
    chain: LocalChain
    folder: Path
    secrets: dict[str, str]

    @classmethod
    @contextmanager
    def open(cls, narrator: Narrator) -> Iterator[Self]:
        """Everything is stopped, and the folder removed, however it ends."""
        narrator.chapter("A chain, a bond, a facilitator")
        narrator.say("starting anvil, deploying USDC and X402InsuranceV2, depositing the bond")
        with (
            tempfile.TemporaryDirectory(prefix="liqpass-example-") as name,
            LocalChain.open(deployer=DEPLOYER, treasury=TREASURY) as chain,
        ):
            names = ("settler", "provider", "keeper", "facilitator_key")
            setting = cls(narrator, chain, Path(name), {each: secrets.token_hex(32) for each in names})
            chain.bond(PROVIDER, BOND, SETTLER)
            chain.mint(CLIENT, MONEY)
            setting._write_files()
            narrator.say(
                f"anvil listens at {chain.node.url}. The provider {chain.address(PROVIDER)} has a bond of"
                f" {format_usdc(BOND)} USDC and names the settler {chain.address(SETTLER)}."
            )
            yield setting

    @contextmanager
    def facilitator(self) -> Iterator[str]:
        """Its URL, while it runs."""
        command = [*LIQPASS, "x402", "facilitator", "--port", "0"]
        command += ["--keyfile", "settler.json", "--providers", "providers.yaml"]
        told = {"LIQPASS_SETTLER_PASSPHRASE": self.secrets["settler"]}
        with self._program("facilitator", command, told) as program:
            yield program.wait_for(r"listening on (\S+)")

    @contextmanager
    def provider(self, script: str, facilitator: str) -> Iterator[tuple[Program, str]]:
        """An example's process and its URL, while it runs."""
        told = {
            "LIQPASS_FACILITATOR_URL": facilitator,
            "LIQPASS_FACILITATOR_KEY": self.secrets["facilitator_key"],
            "LIQPASS_PROVIDER_PASSPHRASE": self.secrets["provider"],
            "PORT": "0",
        }
        with self._program("provider", [sys.executable, str(HERE / script)], told) as program:
            yield program, program.wait_for(r"running on (\S+)")

    def pay(self, client: list[str], url: str) -> tuple[bytes, str]:
        """What a client's process was told: the commitment of its payment, and the answer."""
        key = f"0x{self.chain.node.account(CLIENT).key.hex()}"
        environment = self._environment({"CLIENT_KEY": key, "USDC": self.chain.usdc.address})
        *_, answer, receipt = run("client", [*client, url], environment, self.folder, self.narrator)
        policy = json.loads(receipt)["extensions"]["bond-insurance"]
        return parse_bytes32(policy["commitment"]), answer

    def keep(self) -> None:
        """One round of a keeper that claims for the clients of silent providers."""
        command = [*LIQPASS, "keeper", "x402", "--keyfile", "keeper.json", "--once"]
        environment = self._environment({"LIQPASS_KEEPER_PASSPHRASE": self.secrets["keeper"]})
        run("keeper", command, environment, self.folder, self.narrator)

    def money(self) -> Money:
        calls, provider = self.chain.insurance.functions, self.chain.address(PROVIDER)
        bond, locked = calls.getProviderStats(provider).call()[:2]
        held = self.chain.usdc.functions.balanceOf
        return Money(held(self.chain.address(CLIENT)).call(), held(provider).call(), bond, locked)

    def check(self, holds: bool, text: str) -> None:
        """Raises ExampleError unless `holds`."""
        if not holds:
            raise ExampleError(f"this does not hold: {text}")
        self.narrator.fact(text)

    def insured(self, commitment: bytes) -> InsuredPayment:
        """What the chain says of a payment. Raises ExampleError where it knows none."""
        reader = BondReader(self.chain.web3, self.chain.insurance.address, first_block=0)
        found = reader.payment(commitment, reader.head())
        if found is None:
            raise ExampleError(f"0x{commitment.hex()} is not insured")
        return found

    def check_status(self, commitment: bytes, status: PaymentStatus) -> None:
        """Raises ExampleError where the chain says another one."""
        found = self.insured(commitment).status
        self.check(found is status, f"0x{commitment.hex()[:8]}… is {status.name} on the chain")

    def _write_files(self) -> None:
        self.chain.write_record(self.folder / "local.json")
        for name, account in (("settler", SETTLER), ("provider", PROVIDER), ("keeper", KEEPER)):
            self.chain.write_keyfile(self.folder / f"{name}.json", account, self.secrets[name])
        digest = hashlib.sha256(self.secrets["facilitator_key"].encode()).hexdigest()
        served = {"provider": self.chain.address(PROVIDER), "key_sha256": digest}
        (self.folder / "providers.yaml").write_text(json.dumps({"providers": [served]}))

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        ours = {
            "LIQPASS_RPC_URL": self.chain.node.url,
            "LIQPASS_DEPLOYMENT": str(self.folder / "local.json"),
            "LIQPASS_JOURNAL_FOLDER": str(self.folder / "journal"),
            "PYTHONUNBUFFERED": "1",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
        return kept | ours | more

    @contextmanager
    def _program(self, name: str, command: list[str], told: dict[str, str]) -> Iterator[Program]:
        """A server; `told`: the secrets that it needs and no others."""
        environment = self._environment(told)
        with Program.start(name, command, environment, self.folder, self.narrator) as program:
            yield program


def served(setting: Setting, client: list[str]) -> None:
    """A call that is paid after the work: locked, and confirmed before the provider's process has ended."""
    with (
        setting.facilitator() as facilitator,
        setting.provider("provider.py", facilitator) as (program, url),
    ):
        setting.narrator.chapter("A paid call")
        before = setting.money()
        commitment, answer = setting.pay(client, f"{url}/work")
        setting.check(answer == '200 {"result":"42"}', "the stock client was served")
        paid = setting.money()
        setting.check(before.client - paid.client == PRICE, "it paid 0.10 USDC and nothing else, no gas")
        setting.check(paid.provider - before.provider == PRICE, "the provider has them")
        lock = setting.insured(commitment).lock  # its policy's: by now it may be confirmed
        setting.check(lock == LOCK, "0.102 USDC of its bond were locked for it")

        setting.narrator.chapter("SIGTERM to the provider: what was served is confirmed first")
        program.stop()
        setting.check_status(commitment, PaymentStatus.CONFIRMED)
        freed = Money(paid.client, paid.provider, BOND, 0)
        setting.check(setting.money() == freed, "all of the bond is free")


def promised(setting: Setting, client: list[str]) -> None:
    """Two jobs that are paid before the work: one is delivered and confirmed, one is not and claimed."""
    with (
        setting.facilitator() as facilitator,
        setting.provider("jobs.py", facilitator) as (program, url),
    ):
        setting.narrator.chapter("A job of a second, and one of an hour")
        before = setting.money()
        delivered, answer = setting.pay(client, f"{url}/job?seconds=1")
        setting.check(answer.startswith("202 "), "the first is paid, locked and promised")
        job = json.loads(answer.removeprefix("202 "))["job"]
        setting.check(job == delivered.hex(), "its name is the commitment of its payment")
        forgotten, answer = setting.pay(client, f"{url}/job?seconds=3600")
        setting.check(answer.startswith("202 "), "so is the second")
        locks = [setting.insured(commitment).lock for commitment in (delivered, forgotten)]
        setting.check(locks == [LOCK, LOCK], "0.102 USDC of the bond were locked for each")
        setting.check(_result(f"{url}/job/{job}") == "42", "the first is delivered")

        setting.narrator.chapter("SIGTERM to the provider, which has one job undone")
        program.stop()
        setting.check_status(delivered, PaymentStatus.CONFIRMED)
        setting.check_status(forgotten, PaymentStatus.OPEN)

    setting.narrator.chapter(f"{JOB_MINUTES} minutes later, a keeper that anybody may run")
    setting.chain.node.increase_time(JOB_MINUTES * 60 + REORG_MARGIN_S + 1)
    setting.chain.node.mine(1)
    setting.keep()
    setting.check_status(forgotten, PaymentStatus.CLAIMED)
    after = setting.money()
    setting.check(before.client - after.client == PRICE, "the client has paid for the one that it got")
    setting.check(
        after == Money(before.client - PRICE, before.provider + 2 * PRICE, BOND - LOCK, 0),
        "the provider was paid twice, and 0.102 USDC of its bond are gone",
    )


def _result(url: str) -> str:
    """Asked again and again, as its client would: the worker has it in a second."""
    end = time.monotonic() + _DELIVERY_S
    while time.monotonic() < end:
        answer = httpx.get(url)
        if answer.status_code == 200:
            return str(answer.json()["result"])
        time.sleep(0.1)
    raise ExampleError(f"{url} had no result in {_DELIVERY_S} s")


STORIES = {
    "provider": (served, PYTHON_CLIENT),
    "jobs": (promised, PYTHON_CLIENT),
    "node": (served, NODE_CLIENT),
}


def perform(name: str) -> int:
    """Tells one; the exit code."""
    narrator = Narrator(Console(width=None if sys.stdout.isatty() else 160, highlight=False))
    story, client = STORIES[name]
    try:
        with Setting.open(narrator) as setting:
            before = setting.money()
            story(setting, client)
            after = setting.money()
            rows = [
                (what, f"{format_usdc(Usdc(then))} → {format_usdc(Usdc(now))} USDC")
                for what, then, now in (
                    ("client", before.client, after.client),
                    ("provider", before.provider, after.provider),
                    ("its bond", before.bond, after.bond),
                )
            ]
    except (ExampleError, LocalChainError, AnvilError, ArtifactError) as error:
        narrator.failure(str(error))
        return 1
    narrator.summary(rows)
    return 0

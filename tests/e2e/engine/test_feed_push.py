"""`liqpass feed push` against a feed on a real node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil
from liqpass.entrypoints.cli import main
from web3 import Web3

from benchmarks.artifacts import built

PASSPHRASE = "canary-passphrase"
STATUS = {
    "schema": "liqpass.flight-status/1",
    "flight": "KE081",
    "airport": "ICN",
    "status": "departed",
}


class Desk:
    """A feed on the node, its owner's keyfile, and records of a flight, all by the chain's clock."""

    def __init__(self, node: Anvil, folder: Path) -> None:
        self.node, self.folder = node, folder
        self.web3 = Web3(Web3.HTTPProvider(node.url))
        self.owner, self.stranger = node.account(1), node.account(2)
        self.departure_s = 1_800_003_600  # 2027-01-15T09:00:00Z, 18:00 in Seoul
        self.node.set_next_timestamp(self.departure_s)
        artifact = built("MockFeed")
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        created = self.as_owner(factory.constructor(self.owner.address, self.description()))
        self.feed = self.web3.eth.contract(address=created["contractAddress"], abi=artifact.abi)
        for name, account in (("owner", self.owner), ("stranger", self.stranger)):
            keyfile = Account.encrypt(account.key, PASSPHRASE, kdf="pbkdf2", iterations=2)
            (folder / f"{name}.json").touch(mode=0o600)
            (folder / f"{name}.json").write_text(json.dumps(keyfile))
        self.passphrase_file = folder / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE + "\n")
        self.passphrase_file.chmod(0o600)

    def as_owner(self, call: Any) -> Any:
        """The receipt of the owner's transaction; the node may not have it at once."""
        sent = call.transact({"from": self.owner.address})
        return self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)

    @staticmethod
    def description(date: str = "2027-01-15") -> str:
        return f"KE081 {date} ICN departure delay, minutes"

    def minutes_pass(self, minutes: int) -> None:
        """The chain's clock stands `minutes` after the scheduled departure."""
        self.node.set_next_timestamp(self.departure_s + 60 * minutes)
        self.node.mine()

    def record(self, *, observed: str, **changes: str | None) -> Path:
        fields = {
            **STATUS,
            "date": "2027-01-15",
            "scheduledDeparture": "2027-01-15T18:00:00+09:00",
            "observedAt": observed,
            **changes,
        }
        path = self.folder / "record.json"
        path.write_text(json.dumps(fields))
        return path

    def push(self, record: Path, *arguments: str, signer: str = "owner") -> Result:
        signing = (
            "--keyfile",
            str(self.folder / f"{signer}.json"),
            "--passphrase-file",
            str(self.passphrase_file),
            "--journal",
            str(self.folder / "journal"),
        )
        command = ["feed", "push", str(record), "--feed", self.feed.address, *signing, *arguments]
        return CliRunner(mix_stderr=False).invoke(main, command)

    def latest(self) -> tuple[Any, ...]:
        return tuple(self.feed.functions.latestRoundData().call())


@pytest.fixture
def desk(node: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("LIQPASS_RPC_URL", node.url)
    monkeypatch.setenv("LIQPASS_CLOCK", "chain")
    return Desk(node, tmp_path)


LATE = {"observed": "2027-01-15T11:15:00Z", "actualDeparture": "2027-01-15T20:14:59+09:00"}


def test_push__departed_134_minutes_late__reports_130_once(desk: Desk) -> None:
    desk.minutes_pass(136)
    record = desk.record(**LATE)

    first = desk.push(record)
    again = desk.push(record)

    block = desk.web3.eth.get_block("latest")
    assert (first.exit_code, first.stderr) == (0, "")
    transaction = "0x" + block["transactions"][0].hex()
    told = f"{desk.description()}: 130 minutes\n{desk.feed.address} reports 130, transaction {transaction}\n"
    assert (first.stdout, again.stdout) == (told, told)
    assert desk.latest() == (1, 130, block["timestamp"], block["timestamp"], 1)


def test_push__same_reading_observed_anew__reported_again(desk: Desk) -> None:
    desk.minutes_pass(136)
    desk.push(desk.record(**LATE))
    desk.minutes_pass(145)

    result = desk.push(desk.record(**{**LATE, "observed": "2027-01-15T11:24:00Z"}))

    assert result.exit_code == 0
    assert desk.latest()[:2] == (2, 130)


def test_push__cancelled__reports_9990(desk: Desk) -> None:
    desk.minutes_pass(1)

    result = desk.push(desk.record(observed="2027-01-15T09:00:30Z", status="cancelled"))

    assert result.stdout.startswith(f"{desk.description()}: 9990 (cancelled)\n")
    assert desk.latest()[:2] == (1, 9990)


def test_push__dry_run__tells_and_sends_nothing(desk: Desk) -> None:
    desk.minutes_pass(136)
    before = desk.web3.eth.block_number

    result = desk.push(desk.record(**LATE), "--dry-run", signer="stranger")

    assert result.stdout == (
        f"{desk.description()}: 130 minutes\n"
        f"dry run: {desk.owner.address} would push 130 to {desk.feed.address}; nothing was sent\n"
    )
    assert (desk.web3.eth.block_number, desk.latest()) == (before, (0, 0, 0, 0, 0))
    assert not (desk.folder / "journal").exists()


def test_push__not_the_feeds_owner__refused_with_the_contracts_words(desk: Desk) -> None:
    desk.minutes_pass(136)

    result = desk.push(desk.record(**LATE), signer="stranger")

    stranger, owner = desk.stranger.address.lower(), desk.owner.address.lower()
    assert result.exit_code == 1
    assert f"would revert: NotOwner(caller {stranger}, owner {owner}); nothing was sent" in result.stderr
    assert desk.latest() == (0, 0, 0, 0, 0)


def test_push__feed_of_another_day__refused(desk: Desk) -> None:
    other = desk.description("2027-01-14")
    desk.as_owner(desk.feed.functions.setDescription(other))
    desk.minutes_pass(136)

    result = desk.push(desk.record(**LATE))

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {desk.feed.address} is {other!r}, the record is {desk.description()!r}\n"
    )
    assert desk.latest() == (0, 0, 0, 0, 0)


def test_push__feed_with_decimals__refused(desk: Desk) -> None:
    desk.as_owner(desk.feed.functions.setDecimals(8))
    desk.minutes_pass(136)

    result = desk.push(desk.record(**LATE))

    assert result.stderr == f"Error: {desk.feed.address} has 8 decimals, a feed of minutes has 0\n"


def test_push__older_than_what_is_reported__refused(desk: Desk) -> None:
    desk.minutes_pass(136)
    desk.push(desk.record(**LATE))
    before = desk.latest()

    result = desk.push(desk.record(observed="2027-01-15T11:08:00Z", status="scheduled"))

    assert result.exit_code == 1
    assert "reports 130 as of 2027-01-15T11:16:0" in result.stderr
    assert "after this record's 2027-01-15T11:08:00Z: ask the source again" in result.stderr
    assert desk.latest() == before


def test_push__no_contract_there__refused(desk: Desk) -> None:
    desk.minutes_pass(136)

    result = desk.push(desk.record(**LATE), "--feed", desk.stranger.address)

    assert (result.exit_code, f"no contract at {desk.stranger.address}" in result.stderr) == (1, True)


def test_push__another_passphrase__refused_without_quoting_it(desk: Desk) -> None:
    desk.minutes_pass(136)
    desk.passphrase_file.write_text("canary-of-another-keyfile")

    result = desk.push(desk.record(**LATE))

    assert result.exit_code == 1
    assert "owner.json: the passphrase is wrong" in result.stderr
    assert "canary" not in result.stdout + result.stderr


def test_push__passphrase_readable_by_others__refused(desk: Desk) -> None:
    desk.minutes_pass(136)
    desk.passphrase_file.chmod(0o644)

    result = desk.push(desk.record(**LATE))

    assert result.exit_code == 1
    assert "has mode 0644: others must not read it (chmod 600)" in result.stderr
    assert desk.latest() == (0, 0, 0, 0, 0)

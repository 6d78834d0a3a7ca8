"""`liqpass tx` over a journal made here."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.journal_file import journal_path
from liqpass.adapters.chain.policy import Fees
from liqpass.adapters.chain.rpc import ChainIdentity
from liqpass.entrypoints.cli.tx import tx

SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
IDENTITY = ChainIdentity(8453, "0xaa", lambda _: None)


def fill(folder: Path) -> None:
    path = journal_path(folder, 8453, SIGNER)
    with Journal.open(path, IDENTITY, SIGNER, now_ms=lambda: 1_800_000_000_000) as journal:
        intent = journal.plan("payout-execute:20261121:0", SIGNER, b"\x01", 5, "pay 3 of 3")
        attempt = journal.reserve(intent, 7, 21_000, Fees(200, 10))
        journal.signed(intent, attempt, b"raw", "0xbeef")


def test_list__one_intent__shows_state_and_key(tmp_path: Path) -> None:
    fill(tmp_path)
    answer = CliRunner().invoke(tx, ["--journals", str(tmp_path), "list"])
    assert answer.output == (
        f"chain 8453, signer {SIGNER}\n  2027-01-15 08:00:00Z  signed     payout-execute:20261121:0\n"
    )


def test_show__known_key__shows_attempts(tmp_path: Path) -> None:
    fill(tmp_path)
    answer = CliRunner().invoke(tx, ["--journals", str(tmp_path), "show", "payout-execute:20261121:0"])
    assert "pay 3 of 3" in answer.output
    assert "nonce 7, gas 21000, up to 200 wei per gas: signed 0xbeef" in answer.output


def test_show__unknown_key__fails(tmp_path: Path) -> None:
    fill(tmp_path)
    answer = CliRunner().invoke(tx, ["--journals", str(tmp_path), "show", "nothing"])
    assert answer.exit_code == 1
    assert "knows nothing" in answer.output


def test_resume_hints__signed_intent__says_run_again(tmp_path: Path) -> None:
    fill(tmp_path)
    answer = CliRunner().invoke(tx, ["--journals", str(tmp_path), "resume-hints"])
    assert "signed with nonce 7: run its command again" in answer.output


def test_resume_hints__no_journals__nothing_waits(tmp_path: Path) -> None:
    answer = CliRunner().invoke(tx, ["--journals", str(tmp_path), "resume-hints"])
    assert (answer.exit_code, answer.output) == (0, "nothing is waiting\n")


def test_list__file_is_no_journal__clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "1-x.sqlite3"
    broken.touch(mode=0o600)
    broken.write_text("no database, certainly not, but long enough to be looked at")
    answer = CliRunner().invoke(tx, ["--journals", str(tmp_path), "list"])
    assert answer.exit_code == 1
    assert "is not a journal" in answer.output

"""The journal's promises: one key one transaction, one in flight, one owner, one chain, a private file."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from liqpass.adapters.chain.errors import (
    IntentMismatchError,
    JournalBusyError,
    JournalError,
    JournalForeignError,
    JournalPermissionError,
)
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.journal_file import create_whole
from liqpass.adapters.chain.policy import Fees
from liqpass.adapters.chain.records import AttemptState, IntentState
from liqpass.adapters.chain.rpc import ChainIdentity, Receipt

SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
LIVE = ChainIdentity(8453, "0xaa", lambda _: None)
FEES = Fees(200, 10)


def open_at(folder: Path, identity: ChainIdentity = LIVE, signer: str = SIGNER) -> Journal:
    return Journal.open(folder / "j.sqlite3", identity, signer, now_ms=lambda: 0)


def receipt(tx_hash: str, number: int = 9, block_hash: str = "0xb9") -> Receipt:
    return Receipt(tx_hash, True, number, block_hash, 21_000, 100, None, ())


def test_plan__same_key_same_transaction__is_the_same_intent(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        assert journal.plan("a", SIGNER, b"x", 1, "") == journal.plan(
            "a", SIGNER, b"x", 1, "said differently"
        )


@pytest.mark.parametrize(("to", "data", "value"), [(None, b"x", 1), (SIGNER, b"y", 1), (SIGNER, b"x", 2)])
def test_plan__same_key_other_transaction__refused(
    tmp_path: Path, to: str | None, data: bytes, value: int
) -> None:
    with open_at(tmp_path) as journal:
        journal.plan("a", SIGNER, b"x", 1, "")
        with pytest.raises(IntentMismatchError, match=r"^a was used before for another transaction"):
            journal.plan("a", to, data, value, "")


def test_reserve__another_in_flight__refused(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        journal.reserve(journal.plan("a", None, b"", 0, ""), 4, 21_000, FEES)
        other = journal.plan("b", None, b"", 0, "")
        with pytest.raises(JournalError, match=r"another transaction of .* is in flight"):
            journal.reserve(other, 5, 21_000, FEES)
        with pytest.raises(JournalError, match=r"nonce 4 belongs to another"):
            journal.reserve(other, 4, 21_000, FEES)
        assert journal.attempts(other) == []


def test_unsigned__planned_only__frees_the_nonce(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        intent = journal.plan("a", None, b"", 0, "")
        journal.reserve(intent, 4, 21_000, FEES)

        journal.unsigned(intent)

        assert journal.attempts(intent) == []
        assert journal.in_flight() is None


def test_unsigned__planned_bump_beside_signed_bytes__keeps_the_nonce(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        intent = journal.plan("a", None, b"", 0, "")
        journal.signed(intent, journal.reserve(intent, 4, 21_000, FEES), b"raw", "0x01")
        journal.reserve(intent, 4, 21_000, Fees(300, 20))

        journal.unsigned(intent)

        assert [attempt.tx_hash for attempt in journal.live(intent)] == ["0x01"]
        assert journal.holds(intent, 4)


def test_ended__one_of_two_attempts__the_other_is_replaced_and_the_way_is_free(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        intent = journal.plan("a", None, b"", 0, "")
        journal.signed(intent, journal.reserve(intent, 4, 21_000, FEES), b"raw1", "0x01")
        journal.signed(intent, journal.reserve(intent, 4, 21_000, Fees(300, 20)), b"raw2", "0x02")

        journal.ended(intent, receipt("0x01"))

        assert [attempt.state for attempt in journal.attempts(intent)] == [
            AttemptState.FINAL,
            AttemptState.REPLACED,
        ]
        ended = journal.intent("a")
        assert ended is not None
        assert (ended.state, ended.tx_hash, ended.block_number) == (IntentState.FINAL, "0x01", 9)
        assert journal.in_flight() is None


def test_open__again__everything_is_there(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        intent = journal.plan("a", None, b"data", 3, "words")
        journal.signed(intent, journal.reserve(intent, 4, 21_000, FEES), b"raw", "0x01")
    with open_at(tmp_path) as journal:
        (attempt,) = journal.live(intent)
        assert (attempt.raw, attempt.nonce, attempt.fees) == (b"raw", 4, FEES)


def test_open__new__is_for_the_owner_only_and_synced(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        journal.plan("a", None, b"", 0, "")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert modes == dict.fromkeys(("j.sqlite3", "j.sqlite3-wal", "j.sqlite3-shm"), 0o600)
        assert journal._connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert journal._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_open__readable_by_others__refused(tmp_path: Path) -> None:
    open_at(tmp_path).close()
    (tmp_path / "j.sqlite3").chmod(0o644)
    with pytest.raises(JournalPermissionError, match=r"0644"):
        open_at(tmp_path)


def test_open__another_signer_or_chain__refused(tmp_path: Path) -> None:
    open_at(tmp_path).close()
    with pytest.raises(JournalForeignError, match=r"chain 8453"):
        open_at(tmp_path, signer="0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
    with pytest.raises(JournalForeignError, match=r"not of .* on chain 84532"):
        open_at(tmp_path, ChainIdentity(84532, "0xaa", lambda _: None))


def test_open__live_chain_with_another_genesis__refused(tmp_path: Path) -> None:
    open_at(tmp_path).close()
    with pytest.raises(JournalForeignError, match=r"another genesis"):
        open_at(tmp_path, ChainIdentity(8453, "0xbb", lambda _: None))


def test_open__local_chain_with_another_genesis__starts_an_empty_one(tmp_path: Path) -> None:
    with open_at(tmp_path, ChainIdentity(31337, "0xaa", lambda _: None)) as journal:
        journal.plan("a", None, b"", 0, "")
    with open_at(tmp_path, ChainIdentity(31337, "0xbb", lambda _: None)) as journal:
        assert journal.intents() == []
    with Journal.inspect(tmp_path / "j.sqlite3.dead-1") as dead:
        assert [intent.key for intent in dead.intents()] == ["a"]


@pytest.mark.parametrize(("now_there", "kept"), [("0xb9", 1), ("0xcc", 0), (None, 0)])
def test_open__local_chain_with_the_same_genesis__judged_by_the_first_final_block(
    tmp_path: Path, now_there: str | None, kept: int
) -> None:
    with open_at(tmp_path, ChainIdentity(31337, "0xaa", lambda _: None)) as journal:
        intent = journal.plan("a", None, b"", 0, "")
        journal.signed(intent, journal.reserve(intent, 4, 21_000, FEES), b"raw", "0x01")
        journal.ended(intent, receipt("0x01"))
    with open_at(tmp_path, ChainIdentity(31337, "0xaa", lambda _: now_there)) as journal:
        assert len(journal.intents()) == kept


def test_exclusive__held_by_another__refused_and_free_afterwards(tmp_path: Path) -> None:
    with open_at(tmp_path) as one, open_at(tmp_path) as other:
        with one.exclusive(), pytest.raises(JournalBusyError), other.exclusive():
            pass
        with other.exclusive():
            pass


def read_elsewhere(path: Path, keys: list[str]) -> list[bool]:
    """Which keys another process finds in a journal, as `liqpass tx` does."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(known, (path, keys))


def known(path: Path, keys: list[str]) -> list[bool]:
    with Journal.inspect(path) as journal:
        return [journal.intent(key) is not None for key in keys]


def test_open__twice_in_a_process_and_once_in_another__nothing_forgotten(tmp_path: Path) -> None:
    with open_at(tmp_path) as journal:
        journal.plan("a", None, b"", 0, "")
        with open_at(tmp_path) as second:
            assert second.intent("a") is not None
        assert read_elsewhere(journal.path, ["a"]) == [True]

        journal.plan("b", None, b"", 0, "")

        assert read_elsewhere(journal.path, ["a", "b"]) == [True, True]


def test_create_whole__another_process_is_faster__theirs_stays_and_no_half_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    seen = []

    def prepare(new: Path) -> None:
        seen.append((path.exists(), stat.S_IMODE(new.stat().st_mode)))
        new.write_text("ours")
        path.write_text("theirs")

    create_whole(path, prepare)
    create_whole(path, prepare)

    assert (seen, path.read_text(), [*tmp_path.iterdir()]) == ([(False, 0o600)], "theirs", [path])


@pytest.mark.parametrize("fault", [errno.EPERM, errno.EOPNOTSUPP])
def test_open__no_hard_links_there__says_where_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    """As on FAT, exFAT and some network volumes."""

    def refuse(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(JournalError) as caught, open_at(tmp_path):
        pass

    assert str(caught.value) == (
        f"{tmp_path / 'j.sqlite3'} cannot be created: {tmp_path} takes no hard link ({os.strerror(fault)}); "
        "choose a folder on a disk of this machine: FAT, exFAT and some network volumes have no hard links"
    )
    assert [*tmp_path.iterdir()] == []

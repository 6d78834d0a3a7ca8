"""Signers' journals seen from another process: what has no end, and nothing is written."""

from pathlib import Path

import pytest
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.journal_file import journal_path
from liqpass.adapters.chain.journal_folder import JournalFolder
from liqpass.adapters.chain.records import IntentState
from liqpass.adapters.chain.rpc import ChainIdentity
from liqpass.ports.oversight import JournalsError

SIGNER = "0x" + "a9" * 20
IDENTITY = ChainIdentity(31337, "0x" + "01" * 32, lambda _number: None)


def test_stuck__intents_of_every_state__those_without_an_end_for_so_long(tmp_path: Path) -> None:
    path = journal_path(tmp_path, 31337, SIGNER)
    now = [1_000]
    with Journal.open(path, IDENTITY, SIGNER, now_ms=lambda: now[0]) as journal:
        for key in ("old", "done"):
            journal.plan(key, to=SIGNER, data=b"", value=0, describe=key)
        done = journal.intent("done")
        assert done is not None
        journal.done_elsewhere(done, "found on chain")
        now[0] = 50_000
        journal.plan("fresh", to=SIGNER, data=b"", value=0, describe="fresh")
        before = path.read_bytes()

        (stuck,) = JournalFolder(tmp_path, now_ms=lambda: 60_000).stuck(for_ms=20_000)

        assert (stuck.key, stuck.signer, stuck.state, stuck.since_ms) == (
            "old",
            SIGNER,
            str(IntentState.PLANNED),
            1_000,
        )
        assert path.read_bytes() == before


def test_stuck__no_folder_or_an_empty_one__nothing_and_nothing_made(tmp_path: Path) -> None:
    assert JournalFolder(tmp_path / "none").stuck(for_ms=0) == []
    assert not (tmp_path / "none").exists()


def test_stuck__file_that_is_no_journal__error_without_the_path(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"not a database, but long enough to be read as one" * 20)

    with pytest.raises(JournalsError, match=r"x\.sqlite3") as error:
        JournalFolder(tmp_path).stuck(for_ms=0)

    assert str(tmp_path) not in str(error.value)

"""A copy of the book: sound, private, of one state, and never over another file."""

import threading
from pathlib import Path

import pytest
from liqpass.adapters.database.backup import BackupError, backup
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.store import SqlStore
from liqpass.domain.audit import verify_chain
from liqpass.records import Act


def test_backup__another_writes_all_the_time__sound_copy_of_one_state(
    sqlite_url: str, tmp_path: Path
) -> None:
    engine = open_engine(sqlite_url)
    store = SqlStore(engine)
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            with store.write() as unit:
                unit.controls.note("order/1", Act("rita", "NOTED", number, {}))
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(30)
    anchor = backup(sqlite_url, tmp_path / "copy.db")
    enough.set()
    writer.join(30)
    engine.dispose()

    copy = open_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    with SqlStore(copy).read() as unit:
        assert verify_chain(unit.audit.entries(), unit.audit.anchor()) is None
        assert unit.audit.anchor() == anchor
    copy.dispose()
    assert anchor.count >= 1


def test_backup__new_file__private_and_alone(sqlite_url: str, tmp_path: Path) -> None:
    backup(sqlite_url, tmp_path / "copy.db")

    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.glob("copy*")] == [
        ("copy.db", 0o600)
    ]


def test_backup__file_there__left_as_it_is(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")

    with pytest.raises(BackupError, match="overwrites nothing"):
        backup(sqlite_url, tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no such table"), (b"x" * 4096, "not a database"), (None, "no database file")],
)
def test_backup__no_book_there__refused_and_no_file_left(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "book.db").write_bytes(content)

    with pytest.raises(BackupError, match=message):
        backup(f"sqlite:///{tmp_path / 'book.db'}", tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()


def test_backup__postgresql__names_pg_dump(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="pg_dump"):
        backup("postgresql://db/book", tmp_path / "copy.db")

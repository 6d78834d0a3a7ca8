"""A private PostgreSQL server for a test run, and databases in it that cost a fiftieth of a second each.

It listens on a socket in its own folder, so two runs on one machine never meet. Nothing of it is kept: it
syncs nothing to disk and its folder goes with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from sqlalchemy.engine import make_url

_TEMPLATE = "migrated"
_READY = "database system is ready to accept connections"
_START_TIMEOUT_S = 30
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal this process gets when its parent dies
# A sort order other than bytes: what relies on the order of text shows here, not at an operator's.
_LOCALE = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "lc_messages": "C",
}


class PostgresMissingError(Exception):
    """There is no PostgreSQL server on this machine, or nobody who may run it."""


class PostgresStartError(Exception):
    """The server did not start; the message carries what it said."""


def find_binaries() -> Path:
    """The folder of `initdb` and `postgres`. Raises PostgresMissingError."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    folders = [path.parent for path in reversed(found)] + ([Path(on_path).parent] if on_path else [])
    for folder in folders:
        if (folder / "initdb").is_file():
            return folder
    raise PostgresMissingError("no PostgreSQL server is installed: tests on it need `postgres` and `initdb`")


def _user() -> pwd.struct_passwd:
    """Who runs the server: it refuses root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresMissingError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


class PostgresServer:
    """A context manager that runs one server; the thread that starts it must live as long as it is wanted."""

    def __init__(self, memory: Path | None = None) -> None:
        """`memory`: a folder in memory for its files; without it they are where temporary files are."""
        self._binaries = find_binaries()
        self._user = _user()
        # Not pytest's folder: that is closed to every user but ours.
        self.folder = Path(tempfile.mkdtemp(prefix="liqpass-postgres-", dir=memory))
        # Writing a copy to the log first saves time on a disk and costs time in memory.
        self._strategy = "wal_log" if memory is None else "file_copy"
        self._process: subprocess.Popen[str] | None = None
        self._administration: psycopg.Connection[Any] | None = None
        self._numbers = itertools.count(1)
        self._said: list[str] = []
        self._listening = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, database: str) -> str:
        """SQLAlchemy URL of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def said(self) -> str:
        """The server's log."""
        return "".join(self._said)

    def execute(self, sql: str) -> None:
        """Run one statement as the server's owner, outside any transaction."""
        if self._administration is None:  # kept: connecting takes as long as making a database
            self._administration = psycopg.connect(
                host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
            )
        self._administration.execute(sql.encode())

    def create_empty(self) -> str:
        """URL of a new database without tables."""
        return self._create("template0")

    def create_migrated(self) -> str:
        """URL of a new database at this package's schema."""
        return self._create(_TEMPLATE)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def stop(self) -> None:
        """End the server at once and remove its folder."""
        administration, self._administration = self._administration, None
        if administration is not None:
            administration.close()
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, template: str) -> str:
        name = f"t{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY {self._strategy}')
        return self.url(name)

    def _start(self) -> None:
        data = self.folder / "data"
        if os.geteuid() == 0:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        arguments = [f"--pgdata={data}", "--username=postgres", "--auth=trust", "--no-sync", *_LOCALE]
        made = subprocess.run(
            [self._binaries / "initdb", *arguments],
            **self._identity(),
            text=True,
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            raise PostgresStartError(f"initdb failed:\n{made.stderr}")
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", data, "-k", self.folder, *settings],
            **self._identity(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, safe beside threads
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        if not self._listening.wait(_START_TIMEOUT_S) or self._process.poll() is not None:
            raise PostgresStartError(f"the server did not start; it said:\n{self.said()}")
        self.execute(f'CREATE DATABASE "{_TEMPLATE}" TEMPLATE template0')
        engine = open_engine(self.url(_TEMPLATE))
        migrate.upgrade(engine)
        engine.dispose()  # a database that somebody is connected to is no template

    def _identity(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {"cwd": self.folder}
        return {
            "cwd": self.folder,
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
        }

    def _listen(self, process: subprocess.Popen[str]) -> None:
        # Reads to the end, because a full pipe would stop the server.
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._said.append(line)
                if _READY in line:
                    self._listening.set()
        self._listening.set()  # ended without listening: do not let _start() wait for its deadline


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)

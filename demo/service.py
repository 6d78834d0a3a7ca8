"""`liqpass serve` as a process of its own, beside the stage: what an operator's machine would run."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_PREFIX = "listening on "
_START_LIMIT_S = 60.0
_END_LIMIT_S = 30.0


class ServiceError(Exception):
    """The service did not start. The message carries what it said."""


class ServiceProcess:
    """A context manager: `url` is set once it listens, and stays the same when it is started again.

    It runs in a process group of its own, so that `kill` ends its workers too. `log`: the file that its
    standard error goes to.
    """

    def __init__(self, log: Path, environment: Mapping[str, str], *options: str) -> None:
        self.url = ""
        self.log = log
        self._environment = {**os.environ, **environment}
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens: on any port the first time, later on the same. Raises
        ServiceError."""
        port = str(urlsplit(self.url).port) if self.url else "0"
        command = [sys.executable, "-c", "from liqpass.entrypoints.cli import main; main()", "serve"]
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [*command, "--port", port, *self._options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._process = process
        said: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process, said), daemon=True).start()
        try:
            line = said.get(timeout=_START_LIMIT_S)
        except queue.Empty:
            line = ""
        if not line.startswith(_PREFIX):
            self.kill()
            raise ServiceError(f"liqpass serve did not start; it said:\n{self.log.read_text()[-4000:]}")
        self.url = line.removeprefix(_PREFIX).strip()

    def kill(self) -> None:
        """`kill -9` of the whole group: nothing of it can clean up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator does; does nothing when it is not running."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(process: subprocess.Popen[str], said: queue.SimpleQueue[str]) -> None:
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    with process.stdout:
        said.put(process.stdout.readline())
        for _ in process.stdout:  # to the end: a full pipe would stop the service
            pass

"""The programs of an example, each in a process of its own, with what they say."""

from __future__ import annotations

import contextlib
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from liqpass.adapters.chain.anvil import die_with_parent

from demo.narrator import Narrator

LIQPASS = [sys.executable, "-c", "from liqpass.entrypoints.cli import main; main()"]
_START_S, _END_S = 60, 60


class ExampleError(Exception):
    """Something was not as it should be."""


class Program:
    """A server that runs until it is stopped."""

    def __init__(self, name: str, process: subprocess.Popen[str], narrator: Narrator) -> None:
        self._name, self._process, self._narrator = name, process, narrator
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    @classmethod
    @contextmanager
    def start(
        cls, name: str, command: list[str], environment: Mapping[str, str], folder: Path, narrator: Narrator
    ) -> Iterator[Self]:
        """Runs in `folder`; stopped at the end, also where something has failed."""
        narrator.say(f"{name:>11} $ {_typed(command)}")
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: we stop them one after the other
            preexec_fn=die_with_parent,  # noqa: PLW1509 - as for anvil
        )
        program = cls(name, process, narrator)
        try:
            yield program
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                try:
                    process.wait(_END_S)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            program._reader.join()

    def wait_for(self, pattern: str) -> str:
        """The first group of the first line that fits. Raises ExampleError when none comes."""
        while True:
            try:
                line = self._lines.get(timeout=_START_S)
            except queue.Empty:
                line = None
            if line is None:
                raise ExampleError(f"{self._name} ended, or did not say {pattern}")
            found = re.search(pattern, line)
            if found is not None:
                return found[1]

    def stop(self) -> None:
        """SIGTERM, as systemd or Docker send it. Raises ExampleError unless it ends with 0."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            raise ExampleError(f"{self._name} did not end within {_END_S} s") from None
        self._reader.join()
        if code != 0:
            raise ExampleError(f"{self._name} ended with {code}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._narrator.say(f"{self._name:>11} │ {line.rstrip()}")
            self._lines.put(line)
        self._lines.put(None)


def run(
    name: str, command: list[str], environment: Mapping[str, str], folder: Path, narrator: Narrator
) -> list[str]:
    """The lines that a program says until its end. Raises ExampleError unless it ends with 0."""
    narrator.say(f"{name:>11} $ {_typed(command)}")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_END_S,
        )
    except FileNotFoundError:
        raise ExampleError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise ExampleError(f"{name} did not end within {_END_S} s") from None
    lines = done.stdout.splitlines()
    for line in lines:
        narrator.say(f"{name:>11} │ {line}")
    if done.returncode != 0:
        raise ExampleError(f"{name} ended with {done.returncode}")
    return lines


def _typed(command: list[str]) -> str:
    """As a user would type it, in the folder of the examples."""
    words = ["liqpass", *command[len(LIQPASS) :]] if command[: len(LIQPASS)] == LIQPASS else command
    return shlex.join(Path(word).name if word.startswith("/") else word for word in words)

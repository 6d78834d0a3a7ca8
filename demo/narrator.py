"""Tells the story on the terminal: chapters, commands with what they answered, facts that were checked."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table


class Narrator:
    """Prints; counts the facts that were checked; knows how long it has been telling."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_s = time.monotonic()
        self.checked = 0

    def chapter(self, title: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{title}", align="left", style="cyan")

    def say(self, text: str) -> None:
        self._console.print(escape(text))

    def command(self, words: Iterable[str], output: str, *, lines: int) -> None:
        """A command as a user would type it, and the last `lines` lines of its answer."""
        self._console.print(f"[bold green]$[/] [bold]{escape(shlex.join(words))}")
        answer = [line.rstrip() for line in output.splitlines() if line.strip()]
        if lines and len(answer) > lines:
            self._console.print("    [dim]…")
        for line in answer[len(answer) - min(lines, len(answer)) :]:
            self._console.print(f"    [dim]{escape(line)}", no_wrap=True, overflow="ellipsis", crop=True)

    def fact(self, text: str) -> None:
        """Something that was compared with what it had to be."""
        self.checked += 1
        self._console.print(f"  [green]✓[/] {escape(text)}")

    def summary(self, rows: Iterable[tuple[str, str]]) -> None:
        table = Table(box=SIMPLE, show_header=False, title="What happened")
        table.add_column()
        table.add_column(justify="right")
        for name, value in rows:
            table.add_row(name, value)
        self._console.print()
        self._console.print(table)
        self._console.print(
            f"{self.checked} facts checked in {time.monotonic() - self._started_s:.0f} s:"
            " everything is as it should be."
        )

    def failure(self, text: str) -> None:
        self._console.print(Panel(escape(text), title="not as it should be", border_style="red"))

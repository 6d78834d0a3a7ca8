"""Gauges and the chart of the overview: their geometry, as attributes of SVG that the templates write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqpass.overseeing import DayFigures, Overview

WARN_SHARE = 0.8
CHART_WIDTH = 480
CHART_HEIGHT = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 6, 12, 28


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much of a limit is used. `used` None: it cannot be read now. Amounts in base units."""

    label: str
    used: int | None
    limit: int
    meaning: str

    @property
    def share(self) -> float:
        """0 to 1, also where more than the limit is used."""
        return min(max((self.used or 0) / self.limit, 0.0), 1.0) if self.limit else 0.0

    @property
    def percent(self) -> int:
        """Rounded; above 100 where more than the limit is used."""
        return round((self.used or 0) * 100 / self.limit) if self.limit else 0

    @property
    def width(self) -> str:
        """Of the filled part, in a picture 100 wide."""
        return f"{self.share * 100:.1f}"

    @property
    def tone(self) -> str:
        """fill, warn or bad: the class of the filled part."""
        used = self.used or 0
        if used > self.limit:
            return "bad"
        return "warn" if used >= self.limit * WARN_SHARE else "fill"


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle, in the chart's units."""

    x: str
    y: str
    width: str
    height: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across with its number, or a day under the axis."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Two bars a day."""

    bars: tuple[Bar, ...]
    lines: tuple[Tick, ...]
    days: tuple[Tick, ...]
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT
    left: int = _LEFT
    floor: int = CHART_HEIGHT - _BOTTOM


def gauges_of(seen: Overview) -> list[Gauge]:
    """Wallet, cap and exposure."""
    book, rules = seen.book, seen.parameters
    return [
        Gauge("Hot wallet", seen.vault_balance, rules.hot_wallet_max, "of what the vault may hold"),
        Gauge("Today's cap", book.used_today, rules.daily_cap, "paid today or promised by open batches"),
        Gauge("Open exposure", book.open_exposure, rules.max_open_exposure, "may still fall due"),
    ]


def chart(days: Sequence[DayFigures]) -> Chart:
    """The picture of some days, oldest first."""
    top = _round_up(max((count for day in days for count in (day.claims, day.payouts)), default=0))
    room = CHART_HEIGHT - _TOP - _BOTTOM
    slot = (CHART_WIDTH - _LEFT - _RIGHT) / max(len(days), 1)
    floor = CHART_HEIGHT - _BOTTOM
    bars = []
    for place, day in enumerate(days):
        for side, (kind, count) in enumerate((("claims", day.claims), ("payouts", day.payouts))):
            height = room * count / top
            x = _LEFT + slot * place + slot * (0.12 + 0.38 * side)
            words = f"{day.day}: {count} {kind}"
            bars.append(Bar(_n(x), _n(floor - height), _n(slot * 0.36), _n(height), kind, words))
    steps = sorted({0, top // 2, top})
    lines = tuple(Tick(_n(floor - room * step / top), str(step)) for step in steps)
    every = max(1, -(-len(days) // 7))
    labels = tuple(
        Tick(_n(_LEFT + slot * (place + 0.5)), day.day[5:].replace("-", "/"))
        for place, day in enumerate(days)
        if (len(days) - 1 - place) % every == 0
    )
    return Chart(tuple(bars), lines, labels)


def _round_up(count: int) -> int:
    """The next even number that leaves the axis readable: 2, 4, 10, 20, 40, 100…"""
    size = 1
    while True:
        for step in (2, 4):
            if count <= step * size:
                return step * size
        size *= 10
        if count <= size:
            return size


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

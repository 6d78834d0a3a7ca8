"""Answers of a live account made fit to be kept with the tests: nobody in them can be told.

Ids become others of the same shape, the same one wherever it occurs and in the same order, so that rows
still link and pages still follow one another; times move by one offset. Field names, types, categories,
instruments, prices and amounts stay, because the rules are about them. A field that is not known to be
harmless is treated as an id.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from liqpass.adapters.okx.responses import RawResponse

_DAY_MS = 86_400_000
_LONGEST_SHIFT_MS = 1_000 * _DAY_MS
# What cannot stand in a record by chance, as a short trade number, a word or an amount can.
_TELLING = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{8,}|([0-9]{1,3}\.){3}[0-9]{1,3}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{2,}", re.ASCII)
_TIME_MS = re.compile(r"1[0-9]{12}", re.ASCII)
_TIMES = frozenset({"ts", "after", "before", "begin", "end"})  # and every name that ends in Time
_ACCOUNT = (
    "acctLv autoLoan ctIsoMode enableSpotBorrow greeksType level levelTmp liquidationGear mgnIsoMode opAuth "
    "perm posMode roleType spotOffsetType spotRoleType type"
)
_POSITIONS = (
    "adl availPos avgPx bePx ccy closeAvgPx closeTotalPos direction fee fundingFee idxPx imr instId instType "
    "interest last lever liqPenalty liqPx margin markPx mgnMode mgnRatio mmr nonSettleAvgPx notionalUsd "
    "openAvgPx openMaxPos optVal pnl pnlRatio pos posCcy posSide realizedPnl settledPnl triggerPx uly upl "
    "uplLastPx uplRatio uplRatioLastPx usdPx"
)
_ORDERS = (
    "accFillSz cancelSource category feeCcy fillPx fillSz ordType px rebate rebateCcy reduceOnly side state "
    "sz tdMode tgtCcy"
)
_HARMLESS = frozenset(" ".join((_ACCOUNT, _POSITIONS, _ORDERS, "code limit")).split())


class Anonymiser:
    """One set of pseudonyms and one offset in time. `rng` must be a `random.SystemRandom` but in tests."""

    def __init__(self, responses: Sequence[RawResponse], rng: random.Random) -> None:
        self._rng = rng
        self._shift_ms = rng.randrange(_DAY_MS, _LONGEST_SHIFT_MS)
        found = {text for raw in responses for text in _identifying(raw)}
        self._pseudonyms = {text: self._shaped(text) for text in sorted(found)}
        self._pseudonyms |= self._ordered(text for text in found if _NUMBER.fullmatch(text))

    @property
    def replaced(self) -> frozenset[str]:
        """Ids that must not be in what is written."""
        return frozenset(text for text in self._pseudonyms if _TELLING.fullmatch(text))

    def anonymous(self, raw: RawResponse) -> RawResponse:
        """The same answer about nobody; its body is JSON of the same shape, not the same bytes."""
        parts = urlsplit(raw.path)
        query = "&".join(f"{name}={self._of(name, value)}" for name, value in parse_qsl(parts.query))
        body = self._of("", json.loads(raw.body))
        return replace(
            raw,
            path=f"{parts.path}?{query}" if query else parts.path,
            requested_at_ms=raw.requested_at_ms - self._shift_ms,
            received_at_ms=raw.received_at_ms - self._shift_ms,
            body=json.dumps(body, separators=(",", ":")).encode(),
        )

    def _of(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._of(key, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._of(name, inner) for inner in value]
        if value in (None, "") or isinstance(value, bool):
            return value
        text = str(value)
        if _is_time(name, text):
            text = str(int(text) - self._shift_ms)
        elif name not in _HARMLESS:
            text = self._pseudonyms[text]
        return text if isinstance(value, str) else type(value)(text)  # a number is a finding: it stays one

    def _ordered(self, numbers: Iterator[str]) -> dict[str, str]:
        """Later ids stay the greater ones: OKX pages by them."""
        by_length: defaultdict[int, list[str]] = defaultdict(list)
        for text in numbers:
            by_length[len(text)].append(text)
        pairs: dict[str, str] = {}
        for length, known in by_length.items():
            drawn: set[int] = set()
            while len(drawn) < len(known):
                drawn.add(self._rng.randrange(10 ** (length - 1), 10**length))
            pairs |= dict(zip(sorted(known), map(str, sorted(drawn)), strict=True))
        return pairs

    def _shaped(self, text: str) -> str:
        """Letters for letters and digits for digits; one digit or none (`0`: no trade) tells nothing."""
        if len(text) == 1 and text.isdigit():
            return text
        return "".join(self._like(character) for character in text)

    def _like(self, character: str) -> str:
        for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
            if character in kind:
                return self._rng.choice(kind)
        return character if character.isascii() else "x"


def _identifying(raw: RawResponse) -> Iterator[str]:
    """Every text of an answer and its request that is neither a time nor harmless."""
    asked = parse_qsl(urlsplit(raw.path).query)
    for name, value in [*asked, *_scalars("", json.loads(raw.body))]:
        if value not in (None, "") and not isinstance(value, bool):
            text = str(value)
            if not _is_time(name, text) and name not in _HARMLESS:
                yield text


def _scalars(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _scalars(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(name, inner)
    else:
        yield name, value


def _is_time(name: str, text: str) -> bool:
    return (name in _TIMES or name.endswith("Time")) and _TIME_MS.fullmatch(text) is not None

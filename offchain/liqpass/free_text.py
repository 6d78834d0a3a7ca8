"""Text that people write and others read: reasons, resolutions, names. One rule for all of it."""

from __future__ import annotations

import unicodedata

from liqpass.domain.reasons import Reason
from liqpass.refusals import InvalidInputError

MAX_CHARACTERS = 2_000
# Control characters forge lines in logs and terminals, surrogates have no bytes, and the bidirectional ones
# show another text than the one that is stored.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def free_text(text: str, what: str, *, limit: int = MAX_CHARACTERS) -> str:
    """`text` without the space around it, possibly empty. Raises InvalidInputError, which names `what`."""
    stripped = text.strip()
    if len(stripped) > limit:
        raise InvalidInputError(f"{what} has {len(stripped)} characters, allowed are {limit}")
    if any(_is_refused(character) for character in stripped):
        raise InvalidInputError(f"{what} contains a control character: write it in one line")
    return stripped


def required_text(text: str, what: str, *reasons: Reason) -> str:
    """The same, not empty. Raises InvalidInputError; `reasons` are the codes where nothing is said."""
    stripped = free_text(text, what)
    if not stripped:
        raise InvalidInputError(f"{what} is missing", *reasons)
    return stripped


def _is_refused(character: str) -> bool:
    return character in _BIDIRECTIONAL or unicodedata.category(character) in _REFUSED_CATEGORIES

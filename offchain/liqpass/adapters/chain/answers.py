"""What nodes say to signed bytes. Each wording is a hint about what to do next, never a proof of anything."""

from __future__ import annotations

from enum import StrEnum


class Answer(StrEnum):
    """What a node made of signed bytes, as far as its wording tells."""

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already known"
    NONCE_USED = "nonce used"
    UNDERPRICED = "underpriced"
    INSUFFICIENT_FUNDS = "insufficient funds"
    REFUSED = "refused"
    NONE = "no answer"


# geth, op-geth, reth, erigon, nethermind, besu, anvil; all compared in lower case
_WORDINGS: tuple[tuple[str, Answer], ...] = (
    ("already known", Answer.ALREADY_KNOWN),
    ("alreadyknown", Answer.ALREADY_KNOWN),
    ("already imported", Answer.ALREADY_KNOWN),
    ("already in mempool", Answer.ALREADY_KNOWN),
    ("already exists", Answer.ALREADY_KNOWN),
    ("known transaction", Answer.ALREADY_KNOWN),
    ("nonce too low", Answer.NONCE_USED),
    ("nonce is too low", Answer.NONCE_USED),
    ("nonce_too_low", Answer.NONCE_USED),
    ("oldnonce", Answer.NONCE_USED),
    ("invalid nonce", Answer.NONCE_USED),
    ("nonce below", Answer.NONCE_USED),
    ("underpriced", Answer.UNDERPRICED),
    ("fee too low", Answer.UNDERPRICED),
    ("feetoolow", Answer.UNDERPRICED),
    ("gas price too low", Answer.UNDERPRICED),
    ("less than block base fee", Answer.UNDERPRICED),
    ("lower than the current base fee", Answer.UNDERPRICED),
    ("below the minimum", Answer.UNDERPRICED),
    ("insufficient funds", Answer.INSUFFICIENT_FUNDS),
    ("insufficientfunds", Answer.INSUFFICIENT_FUNDS),
    ("upfront cost exceeds", Answer.INSUFFICIENT_FUNDS),
)


def classify(message: str) -> Answer:
    """The meaning of a node's refusal; REFUSED when its wording is not known."""
    lowered = message.lower()
    for wording, answer in _WORDINGS:
        if wording in lowered:
            return answer
    return Answer.REFUSED

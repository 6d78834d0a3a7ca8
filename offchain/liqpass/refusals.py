"""Why a use case refuses: one tree for all of them; the web layer maps it to HTTP, the CLI to an exit code.

Beside these a use case may raise `machine.IllegalTransition` and `StaleStateError` (both: a conflict, nothing
has changed), `ports.ChainError` and `ports.OkxFetchError` (the outside world cannot be read now).
"""

from __future__ import annotations

from collections.abc import Sequence

from liqpass.domain.reasons import Reason


class UseCaseError(Exception):
    """Root. `reasons` are stable codes, possibly none; the message is for a user and holds no secret."""

    def __init__(self, message: str, *reasons: Reason) -> None:
        self.reasons: Sequence[Reason] = reasons
        codes = ", ".join(str(reason) for reason in reasons)
        super().__init__(f"{message} ({codes})" if codes else message)


class NotFoundError(UseCaseError):
    """There is no such order, claim or batch."""


class ConflictError(UseCaseError):
    """The state does not allow it; nothing has changed."""


class RefusedError(UseCaseError):
    """The input is well formed and the rules say no."""


class PausedError(UseCaseError):
    """An operator has stopped selling and batch building."""


class InvalidInputError(UseCaseError):
    """The input cannot be meant: empty reason, malformed address or hash."""

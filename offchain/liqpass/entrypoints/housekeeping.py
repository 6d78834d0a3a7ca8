"""What `liqpass serve` does between requests: read the chain, end what died, forget what is over.

Every step is safe to repeat and to race with another process that does the same: two services on one book may
both run it. No step asks OKX.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from liqpass.bootstrap import Application
from liqpass.domain.machine import IllegalTransition
from liqpass.ports import ChainError
from liqpass.records import StaleStateError
from liqpass.refusals import UseCaseError

log = logging.getLogger("liqpass.housekeeping")
_EXPECTED = (ChainError, IllegalTransition, StaleStateError, UseCaseError)


class Housekeeping:
    """Runs its steps every `every_s` seconds in a thread of its own, until it is stopped."""

    def __init__(self, application: Application, *, every_s: float) -> None:
        do = application.use_cases
        self._steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("sync", lambda: self._vanished(do.syncing.sync().vanished)),
            ("reconcile", lambda: self._alarms(do.reconciling.reconcile().alarms)),
            ("dead fetches", do.claiming.fail_dead_fetches),
            ("spent keys", do.keys.erase_spent),
            ("sessions", application.signing_in.purge),
            ("kept answers", lambda: application.idempotency.purge(application.clock.now_ms())),
        )
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._said: dict[str, str] = {}

    def start(self) -> None:
        """Begin; the first round comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that runs now."""
        self._stopping.set()
        self._thread.join(timeout=30)

    def once(self) -> None:
        """One round. A step that fails is logged, once for each new reason, and does not stop the others."""
        for name, step in self._steps:
            if self._stopping.is_set():
                return
            try:
                step()
                self._say(name, "")
            except _EXPECTED as error:
                self._say(name, str(error))
            except SQLAlchemyError as error:
                self._say(name, f"the database refused: {type(error).__name__}")
            except Exception as error:  # a fault of ours must not end what everybody else needs
                log.exception("%s: %s", name, type(error).__name__)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.once()
            self._stopping.wait(self._every_s)

    def _say(self, name: str, text: str) -> None:
        if self._said.get(name, "") == text:
            return
        self._said[name] = text
        if text:
            log.warning("%s: %s", name, text)
        else:
            log.warning("%s: works again", name)

    @staticmethod
    def _vanished(orders: tuple[str, ...]) -> None:
        if orders:
            log.error("payments vanished in a deep reorganisation: %s", ", ".join(orders))

    @staticmethod
    def _alarms(alarms: list[str]) -> None:
        for alarm in alarms:
            log.error("chain and book contradict each other: %s", alarm)

"""Payments whose settlement was asked for: who still waits for an answer, and which nobody heard of.

A payment that nobody waits for and nobody heard of may have been settled all the same: it is locked, and
nothing was handed over for it. It is closed before it is refunded, so that nothing is handed over afterwards.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import Enum, auto

from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState


class Heard(Enum):
    """How a request that asked for a settlement ended."""

    ANSWERED = auto()  # it says itself how it was served
    UNSENT = auto()  # the facilitator refused, with nothing sent
    NOTHING = auto()  # it may have been settled, or may be yet


@dataclass(eq=False, slots=True)
class Asking:
    """One request's wish to have one payment settled. `admitted`: it may be asked for, and served."""

    commitment: bytes
    admitted: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Unheard:
    """A payment of which nobody heard since a moment of the monotonic clock, in seconds."""

    delivery: Delivery
    since_s: float


class AskedPayments:
    """One provider's. For any thread; `end` waits for no disk, everything else does."""

    def __init__(self, deliveries: Deliveries) -> None:
        """What an earlier run asked for and did not hear of is in `unheard`."""
        self._deliveries = deliveries
        # Held while a payment is let in, closed or forgotten, so that each of these sees the other's end.
        self._deciding = threading.Lock()
        # Held for what is below, and never while the disk is waited for.
        self._memory = threading.Lock()
        self._waiting: dict[bytes, set[Asking]] = {}
        self._unheard: dict[bytes, float] = {each.commitment: time.monotonic() for each in self._open()}
        self._unsent: set[bytes] = set()
        self._closing: set[bytes] = set()

    def ask(self, asking: Asking, latest_s: int) -> bool:
        """Whether the payment may be settled, and served: on the disk when this returns.

        `latest_s`, unix seconds: after that it cannot be settled. False where it was answered or is closed.
        """
        commitment = asking.commitment
        with self._deciding:
            state = self._deliveries.enter_asked(Delivery(commitment, latest_s))
            with self._memory:
                if asking.ended:  # its request was called off while this waited
                    self._unsent.add(commitment)
                    return False
                if not state.is_open or commitment in self._closing:
                    return False
                asking.admitted = True
                self._waiting.setdefault(commitment, set()).add(asking)
                return True

    def end(self, asking: Asking, heard: Heard) -> None:
        """The request is over; each once."""
        commitment = asking.commitment
        with self._memory:
            asking.ended = True
            if not asking.admitted:
                return
            self._waiting[commitment].discard(asking)
            if not self._waiting[commitment]:
                del self._waiting[commitment]
            if heard is Heard.NOTHING:
                self._unheard.setdefault(commitment, time.monotonic())
            elif heard is Heard.UNSENT:
                self._unsent.add(commitment)

    def forget_unsent(self) -> None:
        """Whatever was refused each time with nothing sent needs no looking after."""
        with self._deciding:
            with self._memory:
                known = self._waiting.keys() | self._unheard.keys()
                found, self._unsent = self._unsent - known, set()
            if found:
                self._deliveries.forget(found)

    def unheard(self) -> list[Unheard]:
        """Payments of which nobody heard and that have no end, also where one that asked anew still waits."""
        with self._memory:
            known = dict(self._unheard)
        found = [Unheard(each, known[each.commitment]) for each in self._open() if each.commitment in known]
        ended = known.keys() - {each.delivery.commitment for each in found}
        with self._memory:
            for commitment in ended:
                self._drop(commitment)
        return found

    def close(self, delivery: Delivery, state: DeliveryState) -> bool:
        """Whether it is in that state now, and will not be served.

        While a request waits for it, it is not; but from now on no further one is let in.
        """
        with self._deciding:
            with self._memory:
                if delivery.commitment in self._waiting:
                    self._closing.add(delivery.commitment)
                    return False
            closed = self._deliveries.close(delivery, state)
            with self._memory:
                self._drop(delivery.commitment)
            return closed

    def forget(self, commitment: bytes) -> None:
        """It cannot be settled any more. Nothing while a request waits for it."""
        with self._deciding:
            with self._memory:
                if commitment in self._waiting:
                    return
            self._deliveries.forget([commitment])
            with self._memory:
                self._drop(commitment)

    def _drop(self, commitment: bytes) -> None:
        self._unheard.pop(commitment, None)
        self._closing.discard(commitment)

    def _open(self) -> list[Delivery]:
        states = [state for state in DeliveryState if state.is_open]
        return [delivery for state in states for delivery in self._deliveries.all_in(state)]

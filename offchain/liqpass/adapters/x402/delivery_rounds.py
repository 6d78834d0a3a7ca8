"""What a provider still has to say of its payments, said round by round until no reorganisation can unsay it.

What decides is the contract's state, never that something was sent. A payment whose lock is gone waits: its
facilitator brings the lock back, and then it is confirmed or refunded after all.
"""

from __future__ import annotations

import logging
import time

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.delivery_sender import DeliverySender
from liqpass.adapters.chain.errors import (
    GasTooHighError,
    SimulationRevertedError,
    TransactionRevertedError,
)
from liqpass.adapters.x402.asked_payments import AskedPayments, Unheard
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus

log = logging.getLogger("liqpass.x402")
_MOST = 100  # confirmations a transaction
# A transaction each: a client that makes the service fail at will must not hold up what others were served.
_REFUNDS = 8
# Past the deadline. A lock comes back only while the client's authorization is valid, which is minutes.
_VOID_AFTER_S = 3600
# Payments of which nobody heard that a round asks the node for, and how many a request.
_LOOKS, _LOOKS_A_REQUEST = 1000, 100
# Left until the deadline: one of which nobody heard is not waited for any more, but refunded.
_LEAST_LEFT_S = 60
_SAID = {DeliveryState.SERVED: DeliveryState.CONFIRMED, DeliveryState.FAILED: DeliveryState.REFUNDED}


class DeliveryRounds:
    """One provider's deliveries, for the thread of its sender.

    `grace_s`: how long a client may ask again for what its provider did not hear of, before it is refunded.
    """

    def __init__(
        self,
        reader: BondReader,
        deliveries: Deliveries,
        asked: AskedPayments,
        provider: str,
        *,
        grace_s: float,
    ) -> None:
        self._reader, self._deliveries, self._asked = reader, deliveries, asked
        self._provider, self._grace_s = provider, grace_s
        self._looked = 0

    def run(self, sender: DeliverySender, *, last: bool) -> bool:
        """One round; whether there is more to refund. `last`: nobody asks again.

        Raises ChainError of either tree: whatever fails now is on the disk for the next.
        """
        sender.finish_earlier()
        self._bring_back(sender)
        more = self._refund(sender)
        self._confirm(sender)
        self._end(sender)
        return self._look_for_unheard(last) or more

    def _bring_back(self, sender: DeliverySender) -> None:
        for key in sender.taken_back():
            log.warning("reorganised key=%s", key)
            for commitment in sender.commitments(key):
                for to_say, said in _SAID.items():
                    self._deliveries.move(commitment, said, to_say)
            try:
                sender.resume(key)
            except TransactionRevertedError as error:
                log.warning("void key=%s tx=%s reason=%s", key, error.tx_hash, error.reason)

    def _look_for_unheard(self, last: bool) -> bool:
        """What was settled, and its provider did not hear of, is to be refunded; whether there is any."""
        self._asked.forget_unsent()
        unheard, found = self._asked.unheard(), False
        if not unheard:
            return False
        now_s = self._reader.head().time_s
        # Anybody can have a facilitator that is away asked for anything: those that are left are the next.
        self._looked %= len(unheard)
        turn = (unheard[self._looked :] + unheard[: self._looked])[:_LOOKS]
        self._looked += len(turn)
        for start in range(0, len(turn), _LOOKS_A_REQUEST):
            some = turn[start : start + _LOOKS_A_REQUEST]
            policies = self._reader.policies([each.delivery.commitment for each in some], "latest")
            for each, policy in zip(some, policies, strict=True):
                found |= self._has_failed(each, policy, now_s, last)
        return found

    def _has_failed(self, unheard: Unheard, policy: InsuredPayment, now_s: int, last: bool) -> bool:
        commitment = policy.commitment
        if policy.status is PaymentStatus.NONE:
            if now_s > unheard.delivery.deadline_s + _VOID_AFTER_S:
                self._asked.forget(commitment)
            return False
        delivery = Delivery(commitment, policy.deadline_s)
        if policy.status.is_end or policy.provider != self._provider:
            self._asked.close(delivery, DeliveryState.DONE)
            return False
        waited = time.monotonic() - unheard.since_s >= self._grace_s
        in_haste = last or policy.deadline_s <= now_s + _LEAST_LEFT_S
        if not (waited or in_haste) or not self._asked.close(delivery, DeliveryState.FAILED):
            return False
        log.warning("settled and not heard of commitment=%s: it is refunded", format_bytes32(commitment))
        return True

    def _refund(self, sender: DeliverySender) -> bool:
        refunded = 0
        for commitment in self._open_in_time(DeliveryState.FAILED):
            if refunded == _REFUNDS:
                return True
            try:
                told = sender.refund(commitment)
            except (SimulationRevertedError, GasTooHighError, TransactionRevertedError) as error:
                # One that cannot be paid back must not keep the others from being confirmed.
                log.warning("not refunded commitment=%s reason=%s", format_bytes32(commitment), error)
                continue
            if commitment in told.ended:
                self._deliveries.move(commitment, DeliveryState.FAILED, DeliveryState.REFUNDED)
                log.info("refunded commitment=%s tx=%s", format_bytes32(commitment), told.transaction)
            refunded += 1
        return False

    def _confirm(self, sender: DeliverySender) -> None:
        waiting = self._open_in_time(DeliveryState.SERVED)
        for start in range(0, len(waiting), _MOST):
            told = sender.confirm(waiting[start : start + _MOST])
            for commitment in told.ended:
                self._deliveries.move(commitment, DeliveryState.SERVED, DeliveryState.CONFIRMED)
            log.info("confirmed count=%d tx=%s", len(told.ended), told.transaction)

    def _open_in_time(self, state: DeliveryState) -> list[bytes]:
        """Those in that state of which the chain has not heard, the earliest deadline first."""
        waiting = self._deliveries.all_in(state)
        if not waiting:
            return []
        now_s = self._reader.head().time_s
        found = []
        for delivery in waiting:
            commitment = delivery.commitment
            policy = self._reader.policy(commitment, "latest")
            if policy.status.is_end:
                self._deliveries.move(commitment, state, _SAID[state])
            elif policy.status is PaymentStatus.NONE:
                if now_s > delivery.deadline_s + _VOID_AFTER_S:
                    self._deliveries.move(commitment, state, DeliveryState.DONE)
                    log.error("never locked state=%s commitment=%s", state, format_bytes32(commitment))
            elif policy.deadline_s < now_s:
                self._deliveries.move(commitment, state, DeliveryState.DONE)
                log.error("too late state=%s commitment=%s", state, format_bytes32(commitment))
            else:
                found.append(commitment)
        return found

    def _end(self, sender: DeliverySender) -> None:
        """What a settled block shows is done; what was said and is open again is to be said again."""
        # What our own transactions say and a settled block cannot show yet is not worth asking for.
        shallow, settled = sender.shallow(), sender.settled_block()
        for to_say, said in _SAID.items():
            for delivery in self._deliveries.all_in(said):
                commitment = delivery.commitment
                if commitment in shallow or settled is None:
                    continue
                if self._reader.has_ended(commitment, settled.number):
                    self._deliveries.move(commitment, said, DeliveryState.DONE)
                elif not self._reader.has_ended(commitment, "latest"):
                    self._deliveries.move(commitment, said, to_say)

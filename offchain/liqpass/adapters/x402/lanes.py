"""Several settlers side by side: each has its journal, its lock, its engine and its thread.

A signer has one transaction in flight, so that one settler makes one settlement a confirmation time. A
payment goes to a lane that is free and whose settler the provider has named; one that some lane has signed
for goes to that lane and to no other, after a restart too.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Self, TypeVar

from liqpass.adapters.chain.errors import ChainError, JournalBusyError, TransactionRevertedError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.journal_file import journal_path, locked
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import chain_identity
from liqpass.adapters.chain.settlement_sender import SettlementSender
from liqpass.adapters.chain.signer import Signer
from liqpass.adapters.x402.lane_queue import LaneQueue, Waiting
from liqpass.adapters.x402.payment_checks import Site
from liqpass.adapters.x402.settler_journals import SettlerJournals

log = logging.getLogger("liqpass.x402")
_PAUSE_S = 2.0  # before an unfinished settlement that would not end is looked at again

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class ElsewhereError(Exception):
    """Nothing was signed here, and one of these `lanes` can go on with it."""

    def __init__(self, lanes: frozenset[str]) -> None:
        super().__init__(f"for {', '.join(sorted(lanes))}")
        self.lanes = lanes


class Lanes(Generic[Asked, Answer]):
    """The settlers and their queue. Made by `open`.

    `settle` runs in a lane's thread, with its sender and with the settler that has signed for the payment
    already. It calls `Waiting.begin` before anything is signed, and raises ElsewhereError where another lane
    has to do it.
    """

    def __init__(
        self,
        settlers: Sequence[str],
        queue: LaneQueue[Asked, Answer],
        journals: SettlerJournals,
        settle: Callable[[SettlementSender, Waiting[Asked, Answer], str | None], Answer],
        look_back_s: float,
    ) -> None:
        self._look_back_s = look_back_s
        self._settlers = frozenset(settlers)
        self._queue, self._journals, self._settle = queue, journals, settle

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        site: Site,
        signers: Sequence[Signer],
        policy: Policy,
        *,
        journal_folder: Path,
        on_event: OnEvent,
        look_back_s: float,
        queue: LaneQueue[Asked, Answer],
        settle: Callable[[SettlementSender, Waiting[Asked, Answer], str | None], Answer],
    ) -> Iterator[Self]:
        """With each settler's journal in that folder; at the end what has begun is finished first.

        What an earlier run signed a lane brings to its end before anything new. Raises JournalError
        (JournalBusyError: another facilitator runs with it), WrongChainError, RpcError.
        """
        settlers = [signer.address for signer in signers]
        genesis = chain_identity(site.rpc, site.insurance.chain_id).genesis_hash
        with contextlib.ExitStack() as stack:
            opened = []
            for signer in signers:
                sender = SettlementSender.open(
                    site.rpc,
                    signer,
                    policy,
                    reader=site.reader,
                    insurance=site.insurance,
                    journal_folder=journal_folder,
                    on_event=on_event,
                )
                opened.append(stack.enter_context(_in_its_thread(signer.address, sender)))
            journals = stack.enter_context(SettlerJournals.open(journal_folder, site.insurance, genesis))
            lanes = cls(settlers, queue, journals, settle, look_back_s)
            lanes._tell_left_behind(journal_folder, site.insurance.chain_id)
            ends = [thread.submit(lanes._go_on, sender) for thread, sender in opened]
            try:
                yield lanes
            finally:
                queue.close()
                for end in ends:
                    end.result()

    def holder(self, commitment: bytes) -> str | None:
        """The settler that has signed for this payment; None: nobody, or none of these. For any thread."""
        holder = self._journals.holder(commitment)
        return holder if holder in self._settlers else None

    def _tell_left_behind(self, folder: Path, chain_id: int) -> None:
        for settler, keys in self._journals.unfinished().items():
            if settler in self._settlers:
                continue
            path = journal_path(folder, chain_id, settler)
            try:
                with locked(path.with_suffix(".settler")):
                    log.error(
                        "unfinished settler=%s keys=%s: start with its keyfile too, nobody else can end them",
                        settler,
                        ",".join(keys),
                    )
            except JournalBusyError:
                continue  # another facilitator is at it

    # In a lane's thread

    def _go_on(self, sender: SettlementSender) -> None:
        look_s, pause_s = time.monotonic() + self._look_back_s, 0.0
        earlier: list[str] | None = None
        while not self._queue.closed:
            try:
                earlier = sender.unsettled() if earlier is None else earlier
                while earlier:
                    self._resume(sender, earlier.pop(0))
                if time.monotonic() >= look_s:
                    self._look_back(sender)
                    look_s = time.monotonic() + self._look_back_s
                pause_s = 0.0 if self._next(sender, pause_s, look_s - time.monotonic()) else _PAUSE_S
            except Exception:
                # A full disk, say: this lane tries again, and the others go on.
                log.exception("lane failed settler=%s", sender.settler)
                self._queue.pause(_PAUSE_S)

    def _next(self, sender: SettlementSender, pause_s: float, idle_s: float) -> bool:
        """One settlement, or what is in flight; whether it went well.

        `pause_s`: how long a settlement of its own is waited for before what is in flight; `idle_s`: how long
        any is, where nothing is in flight.
        """
        unfinished = sender.in_flight()
        # What is in flight may take long. Until it has its end this lane is not free, and others do the rest.
        waiting = self._queue.take(
            sender.settler,
            only_its_own=unfinished is not None,
            wait_s=idle_s if unfinished is None else pause_s,
        )
        if waiting is not None:
            self._answer(sender, waiting)
        elif unfinished is not None:
            return self._resume(sender, unfinished)
        return True

    def _look_back(self, sender: SettlementSender) -> None:
        """A settlement that was answered and is gone: the same bytes again, or it is void."""
        try:
            gone = sender.taken_back()
        except ChainError as error:
            log.warning("not looked back settler=%s reason=%s", sender.settler, error)
            return
        for key in gone:
            log.warning("reorganised key=%s settler=%s", key, sender.settler)
            self._resume(sender, key)

    def _answer(self, sender: SettlementSender, waiting: Waiting[Asked, Answer]) -> None:
        try:
            # Nobody signs for it between the look and the end: it is in one lane at a time.
            answer = self._settle(sender, waiting, self._journals.holder(waiting.commitment))
        except ElsewhereError as elsewhere:
            self._queue.hand_over(waiting, elsewhere.lanes)
            return
        except CancelledError:
            pass  # nobody waits for it, and nothing was begun
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            if waiting.answer.running() or waiting.answer.set_running_or_notify_cancel():
                waiting.answer.set_exception(error)
        else:
            if waiting.answer.running() or waiting.answer.set_running_or_notify_cancel():
                waiting.answer.set_result(answer)
        self._queue.end(waiting)

    def _resume(self, sender: SettlementSender, key: str) -> bool:
        """Whether it has its end."""
        log.info("resuming key=%s settler=%s", key, sender.settler)
        try:
            sender.resume(key)
        except TransactionRevertedError as error:
            log.error("void key=%s tx=%s reason=%s", error.key, error.tx_hash, error.reason)  # noqa: TRY400 - decoded
        except ChainError as error:
            log.warning("not resumed key=%s settler=%s reason=%s", key, sender.settler, error)
            return False
        return True


@contextlib.contextmanager
def _in_its_thread(
    settler: str, opening: contextlib.AbstractContextManager[SettlementSender]
) -> Iterator[tuple[ThreadPoolExecutor, SettlementSender]]:
    """A sender, opened and closed in a thread of its own: journal and engine belong to it."""
    with ThreadPoolExecutor(1, thread_name_prefix=f"x402-settle-{settler}") as thread:
        sender = thread.submit(opening.__enter__).result()
        try:
            yield thread, sender
        finally:
            thread.submit(opening.__exit__, None, None, None).result()

"""The transaction engine: one effect a key, however often and wherever the process dies.

`submit` is called again with the same key until it returns. What it finds in the journal decides what it
does:

- nothing signed: it asks `done`, simulates, takes a nonce, commits, signs, commits, sends;
- signed bytes: it looks for their receipt and sends the same bytes again;
- a confirmed end: it checks that the chain still holds it, and returns it.

A second nonce is used only when a settled block shows the first one used by another transaction, or by ours
that reverted, and `done` says that the effect has not happened. Bytes whose nonce is used can never run
again, so at most one set of bytes of a key can ever take effect.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eth_utils.address import to_checksum_address

from liqpass.adapters.chain.errors import (
    AnotherInFlightError,
    JournalBusyError,
    StillPendingError,
    TransactionRevertedError,
    WrongChainError,
)
from liqpass.adapters.chain.events import Event, EventKind, OnEvent
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.journal_file import journal_path, locked
from liqpass.adapters.chain.outbox import Outbox
from liqpass.adapters.chain.outcome import Outcome, Preview
from liqpass.adapters.chain.policy import Fees, Policy
from liqpass.adapters.chain.records import Intent, IntentState, NonceState
from liqpass.adapters.chain.reverts import RevertDecoder
from liqpass.adapters.chain.rpc import Block, Call, Receipt, Rpc, chain_identity
from liqpass.adapters.chain.settlement import (
    AlreadyDone,
    End,
    Predecessors,
    Settlement,
    ask_done,
    contract_address,
)
from liqpass.adapters.chain.signer import Signer
from liqpass.adapters.chain.simulation import Simulation


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The caller's terms of one `submit`."""

    key: str
    call: Call
    describe: str
    done: AlreadyDone | None


class Engine:
    """Sends transactions of one signer on one chain. Not for use by two threads."""

    def __init__(
        self,
        rpc: Rpc,
        journal: Journal,
        signer: Signer,
        policy: Policy,
        *,
        on_event: OnEvent = lambda _: None,
        decode_revert: RevertDecoder | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises WrongChainError when node, journal and signer do not belong together."""
        if chain_identity(rpc, journal.chain_id).genesis_hash != journal.genesis_hash:
            raise WrongChainError(f"{journal.path} belongs to another chain {journal.chain_id}")
        if signer.address != journal.signer:
            raise WrongChainError(f"{journal.path} belongs to {journal.signer}, not to {signer.address}")
        self._rpc, self._journal, self._policy = rpc, journal, policy
        self._on_event, self._clock, self._sleep = on_event, clock, sleep
        self._outbox = Outbox(rpc, journal, signer, policy, on_event)
        self._simulation = Simulation(self._outbox, decode_revert)
        self._settlement = Settlement(self._outbox, clock, sleep)

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        rpc: Rpc,
        signer: Signer,
        policy: Policy,
        *,
        chain_id: int,
        journal_folder: Path,
        role: str | None = None,
        on_event: OnEvent = lambda _: None,
        decode_revert: RevertDecoder | None = None,
    ) -> Iterator[Self]:
        """An engine with the signer's own journal in that folder, closed at the end.

        With a `role` it is that role's only process with this journal. Raises JournalError (JournalBusyError:
        another process has the role), WrongChainError, RpcError.
        """
        identity = chain_identity(rpc, chain_id)
        path = journal_path(journal_folder, chain_id, signer.address)
        with contextlib.ExitStack() as stack:
            journal = stack.enter_context(Journal.open(path, identity, signer.address))
            if role is not None:
                stack.enter_context(locked(path.with_suffix(f".{role}")))
            yield cls(rpc, journal, signer, policy, on_event=on_event, decode_revert=decode_revert)

    @property
    def journal(self) -> Journal:
        """What this signer has signed; to be read."""
        return self._journal

    def settled_block(self) -> Block | None:
        """The block below which nothing is reorganised any more (`Policy.settled`); None: the node has none.

        Raises RpcError.
        """
        return self._settlement.settled_block()

    def submit(
        self,
        key: str,
        to: str | None,
        data: bytes,
        *,
        value: int = 0,
        describe: str,
        done: AlreadyDone | None = None,
    ) -> Outcome:
        """Bring the effect about once and return when it is confirmed; call again with the same key to go on.

        `key` names the effect, for ever and for this signer; `to` None creates a contract; `value` in wei.
        `done(block)` says whether the chain shows the effect in that block. Without it a nonce that somebody
        else used ends in NonceLostError, because nothing then says whether to send again.

        Raises, with nothing sent: SimulationRevertedError, NoContractError, GasTooHighError, FeeTooHighError,
        InsufficientFundsError, SigningError, AnotherInFlightError, JournalError. Raises, resumable:
        StillPendingError, BroadcastRejectedError, InsufficientFundsError, NonceLostError, RpcError. Raises
        TransactionRevertedError after a confirmed revert; calling again then tries anew.
        """
        to = None if to is None else to_checksum_address(to)
        wanted = _Wanted(key, Call(self._journal.signer, to, data, value), describe, done)
        with self._locked():
            known = self._journal.known(key, to, data, value)
            if known is not None:
                self._journal.unsigned(known)  # planned when the process died: no signed bytes exist
            resumed = known is not None and bool(self._journal.live(known))
            # A revert of an earlier call is tried again; one within this call is reported.
            retry = known is not None and known.state == IntentState.FAILED
            if resumed:
                self._tell(EventKind.RESUMED, key, f"found in the journal: {known.state if known else ''}")
            while True:
                intent = self._journal.known(key, to, data, value)
                live = [] if intent is None else self._journal.live(intent)
                if intent is None or not live:
                    if self._begin(wanted):
                        continue
                    return Outcome(key, None, resumed)
                end = self._settlement.wait(intent, live, done)
                if isinstance(end, Receipt):
                    self._tell(EventKind.CONFIRMED, key, f"block {end.block_number}", end.tx_hash)
                    if self._ended(intent, end):
                        return Outcome(key, end, resumed)
                    if done is not None and ask_done(done, "latest"):
                        self._done_elsewhere(intent)
                        return Outcome(key, None, resumed)
                    if not retry:
                        why = self._simulation.why_reverted(wanted.call, end)
                        raise TransactionRevertedError(key, end.tx_hash, why)
                    if self._settlement.wait_until_settled(intent, end):
                        self._journal.lost(intent, live[-1].nonce)
                        retry = False
                elif end is End.DONE:
                    self._done_elsewhere(intent)
                    return Outcome(key, None, resumed)
                else:
                    self._tell(EventKind.NONCE_LOST, key, f"nonce {live[-1].nonce}: {end.value}")
                    self._journal.lost(intent, live[-1].nonce)

    def preview(
        self, key: str, to: str | None, data: bytes, *, value: int = 0, done: AlreadyDone | None = None
    ) -> Preview:
        """What `submit` would send now, simulated. Signs, sends, writes nothing; raises as `submit` would."""
        to = None if to is None else to_checksum_address(to)
        known = self._journal.known(key, to, data, value)
        already_done = done is not None and ask_done(done, "latest")
        sender = self._journal.signer
        nonce = self._rpc.nonce(sender, "latest")
        call = Call(sender, to, data, value)
        gas, fees = (0, Fees(0, 0)) if already_done else self._simulation.price(key, call)
        return Preview(
            key=key,
            chain_id=self._journal.chain_id,
            sender=sender,
            to=to,
            data=data,
            value=value,
            gas=gas,
            fees=fees,
            nonce=nonce,
            creates=contract_address(sender, nonce) if to is None else None,
            journal_state=None if known is None else known.state,
            already_done=already_done,
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        deadline = self._clock() + self._policy.lock_timeout_s
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(self._journal.exclusive())
                    break
                except JournalBusyError:
                    if self._clock() >= deadline:
                        raise
                    self._sleep(self._policy.poll_s)
            yield

    def _begin(self, wanted: _Wanted) -> bool:
        """Take a nonce and sign; False when the effect is there already."""
        if self._is_done_by_others(wanted):
            return False
        self._clear_way(wanted.key)
        nonce = self._next_nonce(wanted.key)
        if self._is_done_by_others(wanted):  # waiting for the nonce may have taken a while
            return False
        gas, fees = self._simulation.price(wanted.key, wanted.call)
        intent = self._plan(wanted)
        attempt = self._journal.reserve(intent, nonce, gas, fees)
        self._tell(
            EventKind.PLANNED, wanted.key, f"nonce {nonce}, gas {gas}, up to {fees.max_fee} wei per gas"
        )
        self._outbox.sign(intent, attempt)
        return True

    def _is_done_by_others(self, wanted: _Wanted) -> bool:
        if wanted.done is None or not ask_done(wanted.done, "latest"):
            return False
        self._done_elsewhere(self._plan(wanted))
        return True

    def _plan(self, wanted: _Wanted) -> Intent:
        call = wanted.call
        return self._journal.plan(wanted.key, call.to, call.data, call.value, wanted.describe)

    def _clear_way(self, key: str) -> None:
        """One in flight a signer: settle another intent's open nonce from what the chain shows, or refuse."""
        in_flight = self._journal.in_flight()
        if in_flight is None or in_flight[0].key == key:
            return
        other, nonce = in_flight
        self._journal.unsigned(other, IntentState.ABANDONED)
        live = self._journal.live(other)
        if not live:
            return
        head = self._rpc.block("latest")
        receipt = self._settlement.canonical_receipt(live)
        if receipt is not None and head is not None:
            if head.number - receipt.block_number + 1 >= self._policy.depth:
                self._ended(other, receipt)
                return
        elif (settled := self._settlement.settled_block()) is not None and (
            self._rpc.nonce(self._journal.signer, settled.number) > nonce
        ):
            # Ended, but how is for its own command to find out, which has its `done`.
            self._journal.nonce_is_foreign(nonce)
            return
        raise AnotherInFlightError(other.key, other.describe)

    def _next_nonce(self, key: str) -> int:
        """The account's next nonce, once nothing from before stands in its way."""
        deadline = self._clock() + self._policy.timeout_s
        signer = self._journal.signer
        before = Predecessors(self._outbox, self._clock)
        while True:
            nonce = self._rpc.nonce(signer, "latest")
            earlier = self._journal.attempts_at(nonce)
            if self._journal.nonce_state(nonce) == NonceState.USED:
                # Confirmed once and now gone: a reorganisation took it off the chain. Its own bytes go first.
                before.bring_back(key, nonce)
            elif earlier or self._rpc.nonce(signer, "pending") <= nonce:
                return nonce
            else:
                self._tell(EventKind.WAITING, key, f"another program's transaction waits with nonce {nonce}")
            if self._clock() >= deadline:
                raise StillPendingError(
                    f"{key}: nonce {nonce} of {signer} is taken by an unfinished transaction"
                )
            self._sleep(self._policy.poll_s)

    def _ended(self, intent: Intent, receipt: Receipt) -> bool:
        self._journal.ended(intent, receipt)
        kind = EventKind.FINAL if receipt.succeeded else EventKind.FAILED
        self._tell(kind, intent.key, f"block {receipt.block_number}", receipt.tx_hash)
        return receipt.succeeded

    def _done_elsewhere(self, intent: Intent) -> None:
        self._journal.done_elsewhere(intent, "the chain showed the effect without a receipt of ours")
        self._tell(EventKind.ALREADY_DONE, intent.key, "the chain shows the effect already")

    def _tell(self, kind: EventKind, key: str, text: str, tx_hash: str | None = None) -> None:
        self._on_event(Event(kind, key, text, tx_hash))

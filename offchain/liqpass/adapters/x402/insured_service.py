"""A provider's side of insured payments: what was served is confirmed, what failed is refunded, in its time.

One thread holds the key and the journal; requests only enter what happened.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from liqpass.adapters.chain.delivery_sender import DeliverySender
from liqpass.adapters.chain.errors import ChainError, WrongChainError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import Signer
from liqpass.adapters.x402.asked_payments import AskedPayments
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.deliveries_file import own_deliveries
from liqpass.adapters.x402.delivery_rounds import DeliveryRounds
from liqpass.adapters.x402.payment_checks import Site
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.bond import protection_cost
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import Authorization, InsuredProvider
from liqpass.ports import ChainError as ReadingError

log = logging.getLogger("liqpass.x402")


class NotAwaitedError(X402Error):
    """A delivery that nobody waits for: told before, or ended in another way."""


class InsuredService:
    """One provider's deliveries. Made by `open`, which runs its thread.

    `asked`: the payments whose settlement was asked for, until they are answered.
    """

    def __init__(self, site: Site, provider: InsuredProvider, deliveries: Deliveries) -> None:
        self.site, self.provider = site, provider
        self._deliveries, self.asked = deliveries, AskedPayments(deliveries)
        # Said in minutes always: a later change of the contract's default must not make a declaration untrue.
        self.timeout_minutes = provider.timeout_minutes or site.reader.default_timeout_minutes()
        self._bond = site.reader.bond(provider.provider)
        self._penalty_bps = site.reader.penalty_bps()
        self._strained = False
        self._wake, self._ending, self._working = threading.Event(), threading.Event(), threading.Event()

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        site: Site,
        provider: InsuredProvider,
        signer: Signer,
        policy: Policy,
        *,
        folder: Path,
        on_event: OnEvent = lambda _: None,
        every_s: float = 10.0,
        grace_s: float = 20.0,
    ) -> Iterator[Self]:
        """`signer`, which confirms and refunds: the provider, or its delivery key that is its settler too.

        One transaction every `every_s` seconds confirms what was served: a time-out is a minute or more.
        What was settled and not heard of is refunded after `grace_s` seconds, until which it may be asked
        for again.
        At the end what was served is confirmed first. Raises WrongChainError for another signer,
        JournalError (JournalBusyError: another process has this provider's deliveries), RpcError, ports'
        ChainError.
        """
        if not site.reader.may_deliver(provider.provider, signer.address):
            raise WrongChainError(
                f"{signer.address} is neither {provider.provider} nor its delivery key and settler at once"
            )
        with own_deliveries(folder, site.insurance, provider.provider) as deliveries:
            service = cls(site, provider, deliveries)
            failed: list[BaseException] = []
            opened = threading.Event()

            def work() -> None:
                try:
                    with DeliverySender.open(
                        site.rpc,
                        signer,
                        policy,
                        reader=site.reader,
                        insurance=site.insurance,
                        journal_folder=folder,
                        on_event=on_event,
                    ) as sender:
                        service._working.set()
                        opened.set()
                        service._go_on(sender, every_s, grace_s)
                except ChainError as error:
                    failed.append(error)
                finally:
                    service._working.clear()  # what nobody would confirm is not sold
                    opened.set()

            # A daemon for applications that never leave the `with`: the interpreter would wait for any other
            # thread before it calls `end`.
            thread = threading.Thread(target=work, name="x402-deliveries", daemon=True)

            def end() -> None:
                service._ending.set()
                service._wake.set()
                thread.join()

            thread.start()
            atexit.register(end)
            try:
                opened.wait()
                if failed:
                    raise failed[0]
                yield service
            finally:
                end()
                atexit.unregister(end)

    def commitment(self, signed: Authorization) -> bytes:
        """What a payment of this provider's is called."""
        return settlement_commitment(
            self.site.insurance, provider=self.provider.provider, client=signed.client, nonce=signed.nonce
        )

    # From requests

    def covers(self, amount: Usdc) -> bool:
        """Whether the bond, as last seen, covers `amount`, and somebody is there to confirm the service."""
        bond, lock = self._bond, protection_cost(amount, self._penalty_bps).total_lock
        return self._working.is_set() and bond.is_healthy and bond.available >= lock

    def served(self, delivery: Delivery) -> None:
        """The answer has left: it will be confirmed."""
        self._deliveries.enter(delivery, DeliveryState.SERVED)

    def awaited(self, delivery: Delivery) -> None:
        """Promised (202): `delivered` has to follow before the deadline, or the client is paid back."""
        self._deliveries.enter_awaited(delivery)

    def failed(self, delivery: Delivery) -> None:
        """Paid and not served: it is refunded at once."""
        self._deliveries.enter(delivery, DeliveryState.FAILED)
        self._wake.set()

    def delivered(self, commitment: bytes) -> None:
        """What was promised has been delivered: it will be confirmed. Raises NotAwaitedError."""
        if not self._deliveries.enter_delivered(commitment):
            raise NotAwaitedError(f"{format_bytes32(commitment)} is not awaited")

    # In its thread

    def _go_on(self, sender: DeliverySender, every_s: float, grace_s: float) -> None:
        rounds = DeliveryRounds(
            self.site.reader, self._deliveries, self.asked, self.provider.provider, grace_s=grace_s
        )
        while True:
            ending, more = self._ending.is_set(), False
            try:
                self.look()
                more = rounds.run(sender, last=ending)
            except (ChainError, ReadingError, sqlite3.Error) as error:
                # Whatever fails now may work in a moment, a full disk too; all of it is on the disk.
                log.warning("deliveries wait reason=%s", error)
            except Exception:
                # A node that answers with nothing, say: without this thread all that was served is claimed.
                log.exception("deliveries wait")
            if more:
                continue
            if ending:
                return
            self._wake.wait(every_s)
            self._wake.clear()

    def look(self) -> None:
        """Read the bond, and warn once each time that most of it is locked."""
        self._penalty_bps = self.site.reader.penalty_bps()
        self._bond = bond = self.site.reader.bond(self.provider.provider)
        if bond.is_strained and not self._strained:
            log.warning(
                "bond strained provider=%s locked=%s of=%s: top it up",
                checksum_address(self.provider.provider),
                format_usdc(bond.locked),
                format_usdc(bond.total),
            )
        self._strained = bond.is_strained

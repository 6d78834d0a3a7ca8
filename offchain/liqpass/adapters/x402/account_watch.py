"""Settlers' ether and providers' bonds, looked at by a thread of its own: no request waits for that."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from liqpass.adapters.chain.errors import ChainError
from liqpass.adapters.x402.payment_checks import Site
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.bond import Bond
from liqpass.domain.x402.insured_settlement import InsuredProvider
from liqpass.ports import ChainError as ReadingError

log = logging.getLogger("liqpass.x402")
_SETTLEMENT_GAS = 300_000
_FEW_SETTLEMENTS = 10


@dataclass(frozen=True, slots=True)
class Accounts:
    """As last seen: ether by settler, bonds by provider in lower case."""

    wei: dict[str, int]
    bonds: dict[str, Bond]


class AccountWatch:
    """Warns once each time that a settler's ether gets low or a provider names no settler. For one thread."""

    def __init__(
        self,
        site: Site,
        settlers: Sequence[str],
        providers: Sequence[InsuredProvider],
        *,
        max_fee_wei: int,
        on_look: Callable[[Accounts], None],
    ) -> None:
        """Low: less than ten settlements cost at `max_fee_wei`, the most that is offered per gas."""
        self._site, self._settlers, self._on_look = site, settlers, on_look
        self._providers = [each.provider for each in providers]
        self._low_wei = _FEW_SETTLEMENTS * _SETTLEMENT_GAS * max_fee_wei
        self._low: set[str] = set()
        self._unnamed: set[str] = set()

    def look(self) -> None:
        """Ask the node and tell; where it does not answer, what was told before goes on to stand."""
        try:
            wei = {settler: self._site.rpc.balance(settler) for settler in self._settlers}
            bonds = {provider: self._site.reader.bond(provider) for provider in self._providers}
            unnamed = {
                each for each in self._providers if not self._site.reader.names_one_of(each, self._settlers)
            }
        except (ChainError, ReadingError) as error:
            log.warning("accounts not seen reason=%s", error)
            return
        low = {settler for settler, held in wei.items() if held < self._low_wei}
        for settler in sorted(low - self._low):
            log.warning(
                "ether low settler=%s wei=%d below=%d: top it up",
                checksum_address(settler),
                wei[settler],
                self._low_wei,
            )
        for provider in sorted(unnamed - self._unnamed):
            log.warning(
                "no settler named provider=%s: its payments are refused until it runs "
                "`ape run bond set-settler %s`",
                checksum_address(provider),
                self._settlers[0],
            )
        self._low, self._unnamed = low, unnamed
        self._on_look(Accounts(wei, bonds))

    @contextlib.contextmanager
    def running(self, every_s: float) -> Iterator[None]:
        """Look at once, and again every so many seconds, in a thread."""
        ended = threading.Event()

        def run() -> None:
            while True:
                self.look()
                if ended.wait(every_s):
                    return

        thread = threading.Thread(target=run, name="x402-accounts")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

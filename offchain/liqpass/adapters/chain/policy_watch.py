"""Following the open x402 policies from the chain's events: settled blocks once, newer ones by each call."""

from __future__ import annotations

from collections.abc import Sequence

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.rpc import Block
from liqpass.adapters.chain.settled_blocks import SettledBlocks
from liqpass.domain.x402.claiming import OpenPolicy, Seen, still_open


class PolicyWatch:
    """The open policies of all `providers`, or of everybody where none is named. `blocks`: for it alone."""

    def __init__(self, blocks: SettledBlocks, reader: BondReader, *, providers: Sequence[str]) -> None:
        self._blocks, self._reader = blocks, reader
        self._providers: Sequence[str | None] = providers or [None]
        self._open: tuple[OpenPolicy, ...] = ()

    def open_policies(self) -> tuple[Block, tuple[OpenPolicy, ...]]:
        """The newest block, and what is open in it. Raises RpcError or ports.ChainError; call again."""
        walked = self._blocks.walk(self._keep, self._forget)
        return walked.head, still_open(self._open, self._seen(walked.unread, walked.head.number))

    def _keep(self, first: int, last: int) -> None:
        self._open = still_open(self._open, self._seen(first, last))

    def _forget(self) -> None:
        self._open = ()

    def _seen(self, first: int, last: int) -> Seen:
        locks = [
            lock
            for provider in self._providers
            for lock in self._reader.locks(first, last, provider=provider)
        ]
        # After the locks: an end that falls between the two readings is seen, not a lock without its end.
        ends = [self._reader.ends(first, last, provider=provider) for provider in self._providers]
        opened = tuple(
            OpenPolicy(lock.commitment, lock.provider, lock.client, lock.amount, lock.deadline_s)
            for lock in locks
        )
        return Seen(opened, frozenset().union(*ends))

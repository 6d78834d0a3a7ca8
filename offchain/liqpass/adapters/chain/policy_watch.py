"""Following the open x402 policies from the chain's events, safely across reorganisations.

Blocks that are settled, and some way below the head, are read once; what is newer is read again by each call,
so that a reorganisation of it is never seen. One that goes deeper changes the hash of the last block read for
good: then everything is read anew. Nothing is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.errors import RpcAnswerError
from liqpass.adapters.chain.rpc import Block, BlockId, Rpc
from liqpass.domain.x402.claiming import OpenPolicy, Seen, still_open

CHUNK = 10_000  # blocks read and remembered at a time
OVERLAP_BLOCKS = 64  # below the head read again: a node that lags answers "no logs" for blocks it lacks


class PolicyWatch:
    """The open policies of all `providers`, or of everybody where none is named.

    `settled`: which of the node's tags cannot be reorganised; "latest" on development chains.
    `progress(block, last)` after each chunk.
    """

    def __init__(
        self,
        rpc: Rpc,
        reader: BondReader,
        *,
        first_block: int,
        providers: Sequence[str],
        settled: BlockId,
        progress: Callable[[int, int], None],
    ) -> None:
        self._rpc, self._reader, self._settled, self._progress = rpc, reader, settled, progress
        self._first_block = first_block
        self._providers: Sequence[str | None] = providers or [None]
        self._read_to: Block | None = None
        self._open: tuple[OpenPolicy, ...] = ()

    def open_policies(self) -> tuple[Block, tuple[OpenPolicy, ...]]:
        """The newest block, and what is open in it. Raises RpcError or ports.ChainError; call again."""
        head = self._block("latest")
        if self._read_to is not None and self._block(self._read_to.number).hash != self._read_to.hash:
            self._read_to, self._open = None, ()
        start = self._first_block if self._read_to is None else self._read_to.number + 1
        deep = min(self._block(self._settled).number, head.number - OVERLAP_BLOCKS)
        while start <= deep:
            end = min(start + CHUNK - 1, deep)
            block = self._block(end)
            self._open = still_open(self._open, self._seen(start, end))
            self._read_to = block
            self._progress(end, deep)
            start = end + 1
        return head, still_open(self._open, self._seen(start, head.number))

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

    def _block(self, block: BlockId) -> Block:
        found = self._rpc.block(block)
        if found is None:
            raise RpcAnswerError("eth_getBlockByNumber", 0, f"the node has no block {block}")
        return found

"""Walking over the chain's blocks, safely across reorganisations: settled ones once, newer ones each time.

Blocks that are settled, and some way below the head, are read for good; what is newer is read again by each
walk, so that a reorganisation of it is never seen. One that goes deeper changes the hash of the last block
read for good, which is looked at before each piece: then everything is read anew. Nothing is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from liqpass.adapters.chain.errors import RpcAnswerError
from liqpass.adapters.chain.rpc import Block, BlockId

CHUNK = 10_000  # blocks read and remembered at a time
OVERLAP_BLOCKS = 64  # below the head read again: a node that lags answers "no logs" for blocks it lacks


class Blocks(Protocol):
    """The part of a node that a walk asks. Raises RpcError."""

    def block(self, block: BlockId) -> Block | None: ...


@dataclass(frozen=True, slots=True)
class Walked:
    """After a walk: all blocks below `unread` are read for good; `unread` to `head` are read each time.

    `deep`: the last block that may be read for good.
    """

    head: Block
    deep: int
    unread: int


class SettledBlocks:
    """From `first_block` on.

    `settled`: which of the node's tags cannot be reorganised; "latest" on development chains.
    `progress(block, last)` after each chunk.
    """

    def __init__(
        self, rpc: Blocks, *, first_block: int, settled: BlockId, progress: Callable[[int, int], None]
    ) -> None:
        self._rpc, self._settled, self._progress = rpc, settled, progress
        self._first_block = first_block
        self._read_to: Block | None = None

    def head(self) -> Block:
        """The newest block. Raises RpcError."""
        return block_of(self._rpc, "latest")

    def walk(self, keep: Callable[[int, int], None], forget: Callable[[], None]) -> Walked:
        """`keep(first, last)` for each piece of blocks that became settled, in order, and each once.

        `forget()` before that, where what was kept is of blocks that are gone. What `keep` raises ends the
        walk; the next one begins with the same piece. Raises RpcError; also where blocks that were read are
        gone before all others are read.
        """
        head = self.head()
        if self._is_gone():
            self._read_to = None
            forget()
        start = self._first_block if self._read_to is None else self._read_to.number + 1
        deep = min(self._block(self._settled).number, head.number - OVERLAP_BLOCKS)
        for first, last in pieces(start, deep):
            block = self._block(last)  # before its logs: a change between the two is seen by the next look
            if first != start and self._is_gone():
                raise RpcAnswerError("eth_getBlockByNumber", 0, f"the chain below block {first} has changed")
            keep(first, last)
            self._read_to = block
            self._progress(last, deep)
        return Walked(head, deep, max(start, deep + 1))

    def _is_gone(self) -> bool:
        """Whether the last block that was read for good is on the chain no more."""
        return self._read_to is not None and self._block(self._read_to.number).hash != self._read_to.hash

    def _block(self, block: BlockId) -> Block:
        return block_of(self._rpc, block)


def pieces(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The blocks first..last, CHUNK a time; nothing where `last` is before `first`."""
    for start in range(first, last + 1, CHUNK):
        yield start, min(start + CHUNK - 1, last)


def block_of(rpc: Blocks, block: BlockId) -> Block:
    """A block that must be there. Raises RpcError."""
    found = rpc.block(block)
    if found is None:
        raise RpcAnswerError("eth_getBlockByNumber", 0, f"the node has no block {block}")
    return found

"""Following the parametric policies that have not ended, safely across reorganisations.

Which policies there are is read from the logs: once of blocks that are settled, and some way below the head;
by each call of newer ones. A reorganisation that goes deeper changes the hash of the last block read for
good: then everything is read anew. How each policy stands is asked of the contract. Nothing is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liqpass.adapters.chain.errors import RpcAnswerError
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.rpc import Block, BlockId, Rpc
from liqpass.domain.parametric.keeping import KeptPolicy, has_ended

CHUNK = 10_000  # blocks read and remembered at a time
OVERLAP_BLOCKS = 64  # below the head read again: a node that lags answers "no logs" for blocks it lacks


class ParametricWatch:
    """The policies of all `leaders` that have not ended, or of everybody where none is named.

    `settled`: which of the node's tags cannot be reorganised; "latest" on development chains.
    `progress(block, last)` after each chunk.
    """

    def __init__(
        self,
        rpc: Rpc,
        reader: ParametricReader,
        *,
        leaders: Sequence[str],
        settled: BlockId,
        progress: Callable[[int, int], None],
    ) -> None:
        self._rpc, self._reader, self._settled, self._progress = rpc, reader, settled, progress
        self._leaders: Sequence[str | None] = leaders or [None]
        self._read_to: Block | None = None
        self._known: dict[int, None] = {}  # a set that keeps its order
        self._ended: dict[int, int] = {}  # the block in which each was first seen to have ended

    def live(self) -> tuple[Block, tuple[KeptPolicy, ...]]:
        """The newest block, and how the policies stand in it. Raises RpcError or ports.ChainError."""
        head = self._block("latest")
        if self._read_to is not None and self._block(self._read_to.number).hash != self._read_to.hash:
            self._read_to, self._known, self._ended = None, {}, {}
        start = self._reader.first_block if self._read_to is None else self._read_to.number + 1
        deep = min(self._block(self._settled).number, head.number - OVERLAP_BLOCKS)
        while start <= deep:
            end = min(start + CHUNK - 1, deep)
            block = self._block(end)
            self._known.update(dict.fromkeys(self._created(start, end)))
            self._read_to = block
            self._progress(end, deep)
            start = end + 1
        numbers = dict.fromkeys([*self._known, *self._created(start, head.number)])
        found = (self._reader.kept(number, head.number) for number in numbers)
        live = tuple(
            each for each in found if each is not None and not has_ended(each.life, head.timestamp_s)
        )
        self._forget(head, deep, live)
        return head, live

    def again(self, number: int) -> tuple[Block, KeptPolicy | None]:
        """The newest block, and how one policy stands in it. Raises as `live`."""
        head = self._block("latest")
        return head, self._reader.kept(number, head.number)

    def _forget(self, head: Block, deep: int, live: Sequence[KeptPolicy]) -> None:
        """No longer ask for what had ended in a block that is read for good."""
        for policy in live:
            self._ended.pop(policy.number, None)
        alive = {policy.number for policy in live}
        for number in [*self._known]:
            if number not in alive and self._ended.setdefault(number, head.number) <= deep:
                del self._known[number], self._ended[number]

    def _created(self, first: int, last: int) -> list[int]:
        return [
            log.number for leader in self._leaders for log in self._reader.created(first, last, leader=leader)
        ]

    def _block(self, block: BlockId) -> Block:
        found = self._rpc.block(block)
        if found is None:
            raise RpcAnswerError("eth_getBlockByNumber", 0, f"the node has no block {block}")
        return found

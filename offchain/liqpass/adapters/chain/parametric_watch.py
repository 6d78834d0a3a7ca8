"""Following the parametric policies that have not ended, safely across reorganisations.

Which policies there are is read from the logs: of settled blocks once, of newer ones by each call. How each
policy stands is asked of the contract.
"""

from __future__ import annotations

from collections.abc import Sequence

from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.rpc import Block
from liqpass.adapters.chain.settled_blocks import SettledBlocks
from liqpass.domain.parametric.keeping import KeptPolicy, has_ended


class ParametricWatch:
    """The policies of all `leaders` that have not ended, or of everybody where none is named.

    `blocks`: for it alone.
    """

    def __init__(self, blocks: SettledBlocks, reader: ParametricReader, *, leaders: Sequence[str]) -> None:
        self._blocks, self._reader = blocks, reader
        self._leaders: Sequence[str | None] = leaders or [None]
        self._known: dict[int, None] = {}  # a set that keeps its order
        self._ended: dict[int, int] = {}  # the block in which each was first seen to have ended

    def live(self) -> tuple[Block, tuple[KeptPolicy, ...]]:
        """The newest block, and how the policies stand in it. Raises RpcError or ports.ChainError."""
        walked = self._blocks.walk(self._keep, self._forget)
        head = walked.head
        numbers = dict.fromkeys([*self._known, *self._created(walked.unread, head.number)])
        found = (self._reader.kept(number, head.number) for number in numbers)
        live = tuple(
            each for each in found if each is not None and not has_ended(each.life, head.timestamp_s)
        )
        self._leave_ended(head, walked.deep, live)
        return head, live

    def again(self, number: int) -> tuple[Block, KeptPolicy | None]:
        """The newest block, and how one policy stands in it. Raises as `live`."""
        head = self._blocks.head()
        return head, self._reader.kept(number, head.number)

    def _keep(self, first: int, last: int) -> None:
        self._known.update(dict.fromkeys(self._created(first, last)))

    def _forget(self) -> None:
        self._known, self._ended = {}, {}

    def _leave_ended(self, head: Block, deep: int, live: Sequence[KeptPolicy]) -> None:
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

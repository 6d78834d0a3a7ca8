"""Confirmed transactions until they are settled: a reorganisation may take them away again until then.

The engine brings such a transaction back before it takes the next nonce. A signer that has nothing more to
send would never notice; whoever answers for what was confirmed looks here, and submits its key again.
"""

from __future__ import annotations

from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.records import Intent, IntentState
from liqpass.adapters.chain.rpc import Rpc

_Block = tuple[int, str]  # number and hash


class ReorgWatch:
    """One journal's confirmed transactions whose keys begin with `prefixes`; after a restart the same ones.

    For the engine's thread.
    """

    def __init__(self, rpc: Rpc, engine: Engine, prefixes: tuple[str, ...]) -> None:
        """Raises RpcError."""
        self._rpc, self._engine = rpc, engine
        self._blocks: dict[str, _Block] = {}
        # Blocks that stood when the newest of them did: while that one stands, so do all.
        self._sure: set[_Block] = set()
        settled = engine.settled_block()
        for intent in engine.journal.intents():
            block = _block_of(intent)
            if block and intent.key.startswith(prefixes) and (settled is None or block[0] > settled.number):
                self._blocks[intent.key] = block

    def add(self, key: str) -> None:
        """Watch a transaction where the journal has it now; not at all where it has no success of ours."""
        intent = self._engine.journal.intent(key)
        block = None if intent is None else _block_of(intent)
        if block is None:
            self._blocks.pop(key, None)
        else:
            self._blocks[key] = block

    def watched(self) -> list[str]:
        """Keys of what is not settled yet, as of the last look."""
        return list(self._blocks)

    def taken_back(self) -> list[str]:
        """Keys whose block the chain holds no more, the earliest first; what is settled is forgotten.

        Raises RpcError.
        """
        newest = max(self._sure, default=None)
        gone: set[_Block] = set()
        for block in {*self._blocks.values()} - self._sure:
            self._look(block, gone)
        # Asked last: what it vouches for was looked at before.
        if newest is not None and self._hash(newest[0]) != newest[1]:
            self._sure.clear()
            for block in {*self._blocks.values()}:
                self._look(block, gone)
        settled = self._engine.settled_block()
        self._blocks = {
            key: block
            for key, block in self._blocks.items()
            if block not in self._sure or settled is None or block[0] > settled.number
        }
        self._sure &= {*self._blocks.values()}
        return [key for key, block in self._blocks.items() if block in gone]

    def _look(self, block: _Block, gone: set[_Block]) -> None:
        found = self._hash(block[0])
        if found == block[1]:
            self._sure.add(block)
        elif found is not None:  # None: a node that lags behind, which says nothing
            gone.add(block)

    def _hash(self, number: int) -> str | None:
        found = self._rpc.block(number)
        return None if found is None else found.hash


def _block_of(intent: Intent) -> _Block | None:
    """Where its success is; None where it has none, or none of ours."""
    if intent.state is not IntentState.FINAL or intent.block_number is None or intent.block_hash is None:
        return None
    return intent.block_number, intent.block_hash

"""One payment through the engine, here or in a child process that is killed at a chosen step."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.events import Event
from liqpass.adapters.chain.outcome import Outcome
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import BlockId, Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner

TEN = 10


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingRpc(Web3Rpc):
    """Kills its process before or after the n-th call to the node."""

    dies_at: int | None = None
    dies_after_answer = False
    calls = 0

    def _ask(self, method: str, *parameters: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls == self.dies_at and not self.dies_after_answer:
            die()
        answer = super()._ask(method, *parameters, **options)
        if self.calls == self.dies_at:
            die()
        return answer


class Payer:
    """Pays TEN wei to one recipient under one key."""

    def __init__(self, node: Anvil, folder: Path) -> None:
        self.node = node
        self.folder = folder
        self.recipient = to_checksum_address(os.urandom(20))  # nobody paid it before, on a shared node either
        self.policy = Policy.local()
        self.events: list[Event] = []
        self.has_done = True

    def rpc(self) -> DyingRpc:
        rpc: DyingRpc = DyingRpc.connect(self.node.url, tries=2)  # type: ignore[assignment]
        return rpc

    def received(self, block: BlockId) -> bool:
        tag = hex(block) if isinstance(block, int) else block
        return int(self.node.rpc("eth_getBalance", self.recipient, tag), 16) >= TEN

    def pay(
        self,
        *,
        key: str = "pay",
        rpc: DyingRpc | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Outcome:
        rpc = rpc or self.rpc()
        rpc.calls = 0
        signer = LocalSigner(self.node.account(1))
        with Engine.open(
            rpc,
            signer,
            self.policy,
            chain_id=31337,
            journal_folder=self.folder,
            on_event=on_event or self.events.append,
        ) as engine:
            done = self.received if self.has_done else None
            return engine.submit(key, self.recipient, b"", value=TEN, describe="ten wei", done=done)

    def settle_in(self) -> None:
        """A first payment deep in the chain: a local chain that lost its first one counts as new."""
        recipient, self.recipient = self.recipient, "0x000000000000000000000000000000000000dEaD"
        self.pay(key="long ago")
        self.recipient = recipient
        self.node.mine(5)

    def with_policy(self, **changes: Any) -> None:
        self.policy = replace(self.policy, **changes)


def in_child(run: Callable[[], object]) -> int:
    """Run in a forked process; its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        try:
            run()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the forked child must never return into pytest
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

"""What of a client's receipts is due. Each is asked of the contract: no log is read, so none is missed."""

from __future__ import annotations

from dataclasses import replace

from liqpass.adapters.chain.errors import RpcAnswerError
from liqpass.adapters.chain.rpc import Block, BlockId
from liqpass.adapters.chain.stray_reader import StrayReader
from liqpass.adapters.x402.receipts import Receipts
from liqpass.adapters.x402.trusted_contract import TrustedContract
from liqpass.domain.money import Usdc
from liqpass.domain.x402.claiming import OpenPolicy, due_policies
from liqpass.domain.x402.receipts import Receipt, ReceiptState, Standing, receipt_state
from liqpass.ports import BlockRef


class DueReceipts:
    """As a keeper reads it. `settled`: the node's tag of blocks that cannot be reorganised."""

    def __init__(self, store: Receipts, trusted: TrustedContract, *, margin_s: int, settled: BlockId) -> None:
        self._store, self._trusted, self._margin_s, self._settled = store, trusted, margin_s, settled
        self._ended: set[bytes] = set()  # in a block that stays: not asked for again

    def read(self) -> tuple[Block, int, tuple[OpenPolicy, ...]]:
        """Raises ChainError of either tree, JournalError."""
        head, settled = self._block("latest"), self._block(self._settled)
        watched, opened = 0, []
        for receipt in self._store.of(self._trusted.insurance):
            if receipt.commitment in self._ended:
                continue
            standing = self._standing(receipt, head)
            if receipt_state(receipt, standing).is_final and self._has_ended(receipt, settled):
                self._ended.add(receipt.commitment)
                continue
            watched += 1
            policy = standing.policy
            if policy is not None and policy.is_open:
                opened.append(
                    OpenPolicy(
                        policy.commitment, policy.provider, policy.client, policy.amount, policy.deadline_s
                    )
                )
        due = due_policies(opened, now_s=head.timestamp_s, margin_s=self._margin_s, least=Usdc(0))
        return head, watched, due

    def _has_ended(self, receipt: Receipt, settled: Block) -> bool:
        return receipt_state(receipt, self._standing(receipt, settled)).is_final

    def _standing(self, receipt: Receipt, block: Block) -> Standing:
        return self._trusted.standing(receipt, BlockRef(block.number, block.hash, block.timestamp_s))

    def _block(self, block: BlockId) -> Block:
        found = self._trusted.rpc.block(block)
        if found is None:
            raise RpcAnswerError("eth_getBlockByNumber", 0, f"the node has no block {block}")
        return found


def states(
    store: Receipts, trusted: TrustedContract, strays: StrayReader, at: BlockRef
) -> list[tuple[Receipt, Standing, ReceiptState]]:
    """Every receipt with what has become of it as of a block. Raises as `DueReceipts.read`."""
    found = []
    for receipt in store.of(trusted.insurance):
        standing = trusted.standing(receipt, at)
        if receipt_state(receipt, standing) is ReceiptState.STRAY:
            cancelled = strays.cancelled(receipt.client, receipt.nonce, receipt.signed_at_s, at)
            standing = replace(standing, cancelled=cancelled)
        found.append((receipt, standing, receipt_state(receipt, standing)))
    return found

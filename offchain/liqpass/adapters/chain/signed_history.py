"""What this signer has approved or paid before: orders and liquidations, beside its journal.

The vault remembers policy numbers only. A service that lies could give one order, or one liquidation,
a second policy number; the signer's own memory is what notices.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liqpass.adapters.chain.errors import ChainError
from liqpass.domain.batch_file import BatchFile, BatchItem
from liqpass.domain.chain_facts import liquidation_id


class SignedHistoryError(ChainError):
    """The file of remembered batches cannot be read; signing without it would be signing blind."""


@dataclass(frozen=True, slots=True)
class SignedBefore:
    """Orders and liquidations of a batch that this signer knows under another policy number."""

    orders: frozenset[str]
    liquidations: frozenset[str]


@dataclass(frozen=True, slots=True)
class SignedHistory:
    """One JSON object a line: chain (genesis hash), vault, policyNo, orderId, liquidation."""

    path: Path
    genesis_hash: str

    @classmethod
    def of(cls, folder: Path, chain_id: int, signer: str, genesis_hash: str) -> SignedHistory:
        """The history of a signer on a chain: `<folder>/<chainId>-<signer>.signed.jsonl`."""
        return cls(folder / f"{chain_id}-{signer}.signed.jsonl", genesis_hash)

    def before(self, batch: BatchFile) -> SignedBefore:
        """What the batch would sign again. The same policy number is the paid bit's affair.

        Raises SignedHistoryError.
        """
        rows = self._rows()
        known = {(row["orderId"], row["policyNo"]) for row in rows}
        liquidations = {(row["liquidation"], row["policyNo"]) for row in rows}
        orders_again, liquidations_again = set(), set()
        for item in batch.items:
            policy = str(item.policy_no)
            order, liquidation = item.quote.order_id, _liquidation(item)
            if any(seen == order and number != policy for seen, number in known):
                orders_again.add(order)
            if any(seen == liquidation and number != policy for seen, number in liquidations):
                liquidations_again.add(liquidation)
        return SignedBefore(frozenset(orders_again), frozenset(liquidations_again))

    def remember(self, batch: BatchFile) -> None:
        """Write down what is about to be signed, before it is. Raises SignedHistoryError."""
        known = {_key(row) for row in self._rows()}
        rows = [
            {
                "chain": self.genesis_hash,
                "vault": batch.vault,
                "policyNo": str(item.policy_no),
                "orderId": item.quote.order_id,
                "liquidation": _liquidation(item),
            }
            for item in batch.items
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows if _key(row) not in known)
        if not lines:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            # A line cut short by a power failure belongs to a batch that was never signed.
            os.ftruncate(file, len(self._whole_lines()))
            os.write(file, lines.encode())
            os.fsync(file)
        finally:
            os.close(file)

    def _rows(self) -> list[Mapping[str, str]]:
        """What was signed on this chain, for whichever vault: a successor must not pay again."""
        rows: list[Mapping[str, str]] = []
        for number, line in enumerate(self._whole_lines().splitlines(), 1):
            try:
                row = json.loads(line)
                if row["chain"] == self.genesis_hash:
                    rows.append({name: str(row[name]) for name in ("policyNo", "orderId", "liquidation")})
            except (ValueError, KeyError, TypeError):
                raise SignedHistoryError(f"{self.path} line {number} is damaged: restore the file") from None
        return rows

    def _whole_lines(self) -> bytes:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise SignedHistoryError(f"{self.path} cannot be read: {error.strerror}") from None
        return data[: data.rfind(b"\n") + 1]


def _liquidation(item: BatchItem) -> str:
    return liquidation_id(item.binding.key, item.bundle.event)


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["policyNo"], row["orderId"], row["liquidation"]

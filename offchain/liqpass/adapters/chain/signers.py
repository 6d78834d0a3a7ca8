"""The signers' own reading of the chain, on the service's machine: what they would refuse is not built."""

from __future__ import annotations

from liqpass.adapters.chain.facts import read_chain_facts
from liqpass.adapters.chain.reader import Web3ChainReader
from liqpass.domain.batch_file import BatchFile
from liqpass.domain.chain_facts import ChainFacts
from liqpass.ports import SignatureCheck


class Web3Signers:
    """Reads as `ape run payout approve` does, only the memory of earlier batches is the book's."""

    def __init__(self, reader: Web3ChainReader, signatures: SignatureCheck) -> None:
        self._reader = reader
        self._signatures = signatures

    def facts(self, batch: BatchFile, *, liquidations_paid_before: frozenset[str]) -> ChainFacts:
        """What `batch_check.check` needs. Raises ChainError."""
        return read_chain_facts(
            self._reader,
            self._signatures,
            batch,
            liquidations_paid_before=liquidations_paid_before,
        )

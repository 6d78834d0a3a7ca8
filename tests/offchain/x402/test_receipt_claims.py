"""Which of a client's receipts a round claims, while blocks may still be reorganised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from liqpass.adapters.chain.errors import RpcAnswerError
from liqpass.adapters.chain.rpc import Block
from liqpass.adapters.x402.receipts import Receipts
from liqpass.domain.money import Usdc
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from liqpass.domain.x402.insured_settlement import Authorization
from liqpass.domain.x402.receipts import Receipt, Standing, new_receipt
from liqpass.entrypoints.receipt_claims import DueReceipts
from liqpass.ports import BlockRef
from x402_terms import CLIENT, LOCAL, NONCE, PROVIDER

DEADLINE, MARGIN = 2_000, 10
RECEIPT = new_receipt(
    LOCAL, PROVIDER, Authorization(CLIENT, CLIENT, Usdc(100_000), 0, 1_000, NONCE), url="", signed_at_s=700
)


class PaperChain:
    """A `TrustedContract`: the receipt's status at the head and in the last block that stays."""

    insurance = LOCAL

    def __init__(self) -> None:
        self.rpc: Any = self
        self.head: PaymentStatus | None = PaymentStatus.OPEN
        self.settled: PaymentStatus | None = PaymentStatus.OPEN
        self.head_time_s = DEADLINE + MARGIN + 1
        self.asked = 0

    def block(self, block: str) -> Block | None:
        if block == "finalized":
            return None
        number = 100 if block == "latest" else 90
        return Block(number, "0x" + "00" * 32, 0, self.head_time_s - (100 - number))

    def standing(self, receipt: Receipt, at: BlockRef) -> Standing:
        self.asked += 1
        status = self.head if at.number == 100 else self.settled
        if status is None:
            return Standing(at.time_s, None, False)
        policy = InsuredPayment(
            receipt.commitment, PROVIDER, CLIENT, Usdc(100_000), Usdc(102_000), DEADLINE, status
        )
        return Standing(at.time_s, policy, True)


@pytest.fixture
def chain() -> PaperChain:
    return PaperChain()


@pytest.fixture
def due(chain: PaperChain, tmp_path: Path) -> Iterator[DueReceipts]:
    with Receipts.open(tmp_path / "receipts.db") as store:
        store.enter(RECEIPT)
        trusted: Any = chain
        yield DueReceipts(store, trusted, margin_s=MARGIN, settled="safe")


def read(due: DueReceipts) -> tuple[int, list[bytes]]:
    """How many are watched, and what is due."""
    _, watched, policies = due.read()
    return watched, [policy.commitment for policy in policies]


def test_read__overdue_by_more_than_the_margin__due(chain: PaperChain, due: DueReceipts) -> None:
    after = read(due)
    chain.head_time_s -= 1
    within = read(due)

    assert (after, within) == ((1, [RECEIPT.commitment]), (1, []))


def test_read__ended_in_a_block_that_may_go__watched_and_not_due(chain: PaperChain, due: DueReceipts) -> None:
    chain.head = PaymentStatus.CLAIMED
    ended = read(due)
    chain.head = PaymentStatus.OPEN  # reorganised

    assert (ended, read(due)) == ((1, []), (1, [RECEIPT.commitment]))


def test_read__ended_in_a_block_that_stays__not_asked_for_again(chain: PaperChain, due: DueReceipts) -> None:
    chain.head = chain.settled = PaymentStatus.CONFIRMED
    ended, asked = read(due), chain.asked

    assert (ended, read(due), asked, chain.asked) == ((0, []), (0, []), 2, 2)


def test_read__never_settled_and_expired__not_asked_for_again(chain: PaperChain, due: DueReceipts) -> None:
    chain.head = chain.settled = None

    assert read(due) == (0, [])


def test_read__settled_after_the_head_was_read__still_watched(chain: PaperChain, due: DueReceipts) -> None:
    chain.head_time_s, chain.head, chain.settled = 900, None, None
    unsettled = read(due)
    chain.head_time_s, chain.head = DEADLINE + MARGIN + 1, PaymentStatus.OPEN

    assert (unsettled, read(due)) == ((1, []), (1, [RECEIPT.commitment]))


def test_read__node_without_the_block__told(chain: PaperChain, tmp_path: Path) -> None:
    with Receipts.open(tmp_path / "receipts.db") as store, pytest.raises(RpcAnswerError, match="no block"):
        trusted: Any = chain
        DueReceipts(store, trusted, margin_s=MARGIN, settled="finalized").read()

"""What a signer remembers of earlier batches, beside its journal."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest
from batch_builder import build, item
from batch_stories import CHECKOUT, VAULT
from liqpass.adapters.chain.signed_history import SignedBefore, SignedHistory, SignedHistoryError
from liqpass.domain.batch_file import BatchFile

SIGNER, BUYER, GENESIS = "0x" + "51" * 20, "0x" + "b1" * 20, "0x" + "9e" * 32
NOTHING = SignedBefore(frozenset(), frozenset())


def batch(policy_no: int = 1) -> BatchFile:
    """Order and liquidation of policy 1, under any policy number."""
    first = item(1, BUYER, CHECKOUT, "0x" + "11" * 32)
    numbered = dataclasses.replace(first, policy_no=policy_no)
    return build([numbered], vault=VAULT, checkout=CHECKOUT, batch_id=20260922)


@pytest.fixture
def history(tmp_path: Path) -> SignedHistory:
    return SignedHistory.of(tmp_path / "journal", 31337, SIGNER, GENESIS)


def test_before__nothing_signed__is_empty(history: SignedHistory) -> None:
    assert history.before(batch()) == NOTHING


def test_before__same_policy_again__is_the_paid_bits_affair(history: SignedHistory) -> None:
    history.remember(batch())
    history.remember(batch())

    assert history.before(batch()) == NOTHING
    assert len(history.path.read_text().splitlines()) == 1
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_before__another_policy_number__names_order_and_liquidation(history: SignedHistory) -> None:
    history.remember(batch())
    again = batch(9)

    found = history.before(again)

    assert found.orders == {again.items[0].quote.order_id}
    assert len(found.liquidations) == 1


def test_before__another_chain__does_not_count(history: SignedHistory) -> None:
    history.remember(batch())
    other_chain = dataclasses.replace(history, genesis_hash="0x" + "00" * 32)

    assert other_chain.before(batch(9)) == NOTHING


def test_before__another_vault_of_the_chain__counts(history: SignedHistory) -> None:
    history.remember(batch())
    successor = dataclasses.replace(batch(9), vault="0x" + "f2" * 20)

    assert history.before(successor).orders != frozenset()


def test_remember__last_line_cut_short__is_replaced(history: SignedHistory) -> None:
    history.remember(batch())
    with history.path.open("a") as file:
        file.write('{"chain": "0x9e')

    history.remember(batch(2))

    assert len(history.path.read_text().splitlines()) == 2
    assert history.before(batch(9)).orders != frozenset()


@pytest.mark.parametrize("line", ["nonsense", "[]"])
def test_before__damaged_line__is_refused(history: SignedHistory, line: str) -> None:
    history.remember(batch())
    history.path.write_text(line + "\n" + history.path.read_text())

    with pytest.raises(SignedHistoryError, match="line 1 is damaged"):
        history.before(batch())

"""What is said of a provider's transactions; their sending is tested on a node, in tests/e2e/x402."""

from __future__ import annotations

import pytest
from liqpass.adapters.chain.delivery_sender import Told


@pytest.mark.parametrize(("tx_hash", "words"), [("0xab", "0xab"), (None, "another's")])
def test_told__by_us_or_by_others__said(tx_hash: str | None, words: str) -> None:
    assert Told(frozenset(), tx_hash).transaction == words

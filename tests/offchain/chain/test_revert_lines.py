"""A reason that a stranger's contract has written: one line of a log, and not a long one."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from liqpass.adapters.chain.reverts import revert_reason


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("not enough", "not enough"),
        ("too little: 余额不足", "too little: 余额不足"),
        ("x\nERROR liqpass.x402 forged\x1b[2J\u2028", "x\\nERROR liqpass.x402 forged\\x1b[2J\\u2028"),
        ("a" * 501, "a" * 500 + "…"),
    ],
)
def test_revert_reason__written_by_a_stranger__one_line(written: str, shown: str) -> None:
    data = bytes.fromhex("08c379a0") + encode(["string"], [written])

    assert revert_reason(data, "execution reverted", None) == shown


def test_revert_reason__no_words__data_or_message_in_one_line() -> None:
    assert revert_reason(b"\x12\x34\x56\x78", "reverted", None) == "0x12345678"
    assert revert_reason(b"\xff" * 1000, "reverted", None) == "0x" + "f" * 498 + "…"
    assert revert_reason(b"", "reverted\nbecause", None) == "reverted\\nbecause"

"""A token that calls back, in USDC's place. Circle's does not, but USDC is upgradeable."""

from typing import Any


def calling_back(target: Any, data: bytes) -> bytes:
    """Code that answers every call by calling `target` with `data`: bubbles its revert, else returns true."""
    size = len(data).to_bytes(2, "big").hex()
    head = (
        f"61{size}61003a5f39"  # codecopy(0, tail, size)
        f"5f5f61{size}5f5f73{target.address[2:]}5af1"  # call(gas, target, 0, 0, size, 0, 0)
        "61003157"  # succeeded? go on at 0x31
        "3d5f5f3e3d5ffd"  # else revert with what came back
        "5b60015f5260205ff3"  # return 1
    )
    assert len(head) // 2 == 0x3A
    return bytes.fromhex(head) + bytes(data)

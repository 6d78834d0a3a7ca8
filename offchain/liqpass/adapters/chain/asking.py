"""Asking a node: faults without its address, logs in pieces that it accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import requests
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3Exception
from web3.types import LogReceipt

from liqpass.ports import ChainError

LOG_RANGE = 2_000  # blocks an eth_getLogs; public nodes refuse more

Answer = TypeVar("Answer")


def reading_web3(url: str, *, timeout_s: float) -> Web3:
    """A node to read contracts from, over HTTP; nothing is asked of it yet."""
    web3 = Web3(HTTPProvider(url, request_kwargs={"timeout": timeout_s}))
    # It asks for the chain's id before each eth_call, to compare it with a field that no call of ours has.
    web3.middleware_onion.remove("validation")
    return web3


def ask(question: Callable[[], Answer]) -> Answer:
    """An answer of the node, asked for or decoded.

    "Not found" passes through; all else becomes a ChainError without the URL.
    """
    try:
        return question()
    except (BlockNotFound, TransactionNotFound):
        raise
    except (Web3Exception, DecodingError, ValueError, OverflowError) as error:
        raise ChainError(f"the node's answer cannot be used: {type(error).__name__}") from None
    except (requests.RequestException, OSError) as error:
        # The URL may carry the provider's key, and the error quotes the URL.
        raise ChainError(f"the node does not answer: {type(error).__name__}") from None


def first_block_at(time_s: int, head: int, time_of: Callable[[int], int | None]) -> int:
    """Number of the first block whose time is at or after `time_s`; one above the head if none is.

    `time_of`: unix seconds of a block, None where the node does not have it (yet).
    """
    low, high = 0, head + 1
    while low < high:
        middle = (low + high) // 2
        found_s = time_of(middle)
        if found_s is None or found_s >= time_s:
            high = middle
        else:
            low = middle + 1
    return low


def logs_of(
    web3: Web3, address: str, topics: list[Any], first: int, last: int, *, log_range: int
) -> list[LogReceipt]:
    """A contract's logs of these topics in the blocks first..last, oldest first, `log_range` blocks a time.

    Raises ChainError.
    """
    logs: list[LogReceipt] = []
    start, width = first, log_range
    while start <= last:
        end = min(start + width - 1, last)
        query: Any = {
            "address": to_checksum_address(address),
            "topics": topics,
            "fromBlock": start,
            "toBlock": end,
        }
        try:
            logs.extend(ask(lambda query=query: web3.eth.get_logs(query)))  # type: ignore[misc]
        except ChainError:
            # Nodes limit the number of logs too, each in its own words: ask for less.
            if width == 1:
                raise
            width = max(width // 2, 1)
            continue
        start = end + 1
    return logs

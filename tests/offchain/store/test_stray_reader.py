"""The strays' reader against a node in memory: what it asks, and a chain that changes meanwhile."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from liqpass.adapters.chain.settled_blocks import CHUNK
from liqpass.adapters.chain.stray_reader import StrayReader
from liqpass.domain.money import Usdc
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.domain.x402.strays import Arrival, Holding, Place, Stray
from liqpass.ports import BlockRef, ChainError
from web3 import Web3
from web3.providers.base import BaseProvider

INSURANCE = Insurance(31337, "0x" + "c" * 40)
USDC, CLIENT = "0x" + "d" * 40, "0x" + "a" * 40
PROVIDERS = [f"0x{number:040x}" for number in range(1, 252)]
TRANSFER = Web3.to_hex(Web3.keccak(text="Transfer(address,address,uint256)"))
DEPOSITED = Web3.to_hex(Web3.keccak(text="BondDeposited(address,uint96,uint96)"))
AUTHORIZATION_USED = Web3.to_hex(Web3.keccak(text="AuthorizationUsed(address,bytes32)"))
CANCELED = Web3.to_hex(Web3.keccak(text="AuthorizationCanceled(address,bytes32)"))
TX = "0x" + "3" * 64
NONCE = "0x" + "0e" * 32
FIRST = 100
HEAD = BlockRef(FIRST + CHUNK + 5, "0x" + "0" * 62 + "ff", 1_000)


def _word(account: str) -> str:
    return "0x" + account[2:].rjust(64, "0")


def _log(
    topics: list[str], data: int, index: int, *, address: str = USDC, block: int = 200
) -> dict[str, Any]:
    return {
        "address": address,
        "topics": topics,
        "data": f"0x{data:064x}",
        "blockNumber": hex(block),
        "blockHash": "0x" + f"{block:064x}",
        "transactionHash": TX,
        "transactionIndex": "0x0",
        "logIndex": hex(index),
        "removed": False,
    }


class Node(BaseProvider):
    """`logs` are answered by their first topic; `receipt` has its own."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.receipt: list[dict[str, Any]] | None = []
        self.hash = HEAD.hash

    def make_request(self, method: Any, params: Any) -> Any:
        return {"jsonrpc": "2.0", "id": 1, "result": self._answer(method, params)}

    def _answer(self, method: str, params: Any) -> Any:
        if method == "eth_getLogs":
            (query,) = params
            self.queries.append(query)
            first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
            return [
                log
                for log in self.logs
                if first <= int(log["blockNumber"], 16) <= last
                and all(
                    wanted is None or topic in wanted
                    for wanted, topic in zip(query["topics"], log["topics"], strict=False)
                )
            ]
        if method == "eth_getTransactionReceipt":
            return None if self.receipt is None else {"logs": self.receipt}
        assert method == "eth_getBlockByNumber"
        return {"number": hex(HEAD.number), "hash": self.hash, "timestamp": hex(HEAD.time_s)}

    def arrive(self, number: int, *, block: int = 200, amount: int = 5) -> None:
        """A transfer of the client's to the payment address of that provider."""
        target = payment_address(INSURANCE, PROVIDERS[number])
        self.logs.append(_log([TRANSFER, _word(CLIENT), _word(target)], amount, number, block=block))


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def told() -> list[tuple[int, int]]:
    return []


@pytest.fixture
def reader(node: Node, told: list[tuple[int, int]]) -> StrayReader:
    return StrayReader(
        Web3(node),
        INSURANCE,
        USDC,
        first_block=FIRST,
        progress=lambda block, last: told.append((block, last)),
    )


def stray(number: int, *, block: int = 200, amount: int = 5) -> Stray:
    place = Place(block, number, TX)
    return Stray(Arrival(PROVIDERS[number], CLIENT, Usdc(amount), place), Usdc(amount))


def test_holdings__many_providers_and_blocks__each_asked_for_once_in_pieces(
    node: Node, reader: StrayReader, told: list[tuple[int, int]]
) -> None:
    node.arrive(0)
    node.arrive(250, block=HEAD.number)

    found = reader.holdings(PROVIDERS, 0, HEAD)

    assert {each.provider: each for each in found if each.strays} == {
        PROVIDERS[0]: Holding(PROVIDERS[0], (stray(0),), 0),
        PROVIDERS[250]: Holding(PROVIDERS[250], (stray(250, block=HEAD.number),), 0),
    }
    assert [each.provider for each in found] == PROVIDERS
    assert told == [(FIRST + CHUNK - 1, HEAD.number), (HEAD.number, HEAD.number)]
    transfers = [query for query in node.queries if query["topics"][0] == TRANSFER]
    ranges = sorted({(int(query["fromBlock"], 16), int(query["toBlock"], 16)) for query in transfers})
    assert (ranges[0][0], ranges[-1][1]) == (FIRST, HEAD.number)
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))
    assert all(last - first < 2_000 for first, last in ranges)
    assert {len(query["topics"][2]) for query in transfers} == {100, 51}
    assert len(transfers) == 3 * len(ranges)


def test_bonded__several_deposits__each_provider_once_in_order(
    node: Node, reader: StrayReader, told: list[tuple[int, int]]
) -> None:
    for provider, block in ((PROVIDERS[3], 200), (PROVIDERS[1], 300), (PROVIDERS[3], HEAD.number)):
        node.logs.append(_log([DEPOSITED, _word(provider)], 1, 0, address=INSURANCE.contract, block=block))

    assert reader.bonded(HEAD) == (PROVIDERS[3], PROVIDERS[1])
    assert told == [(FIRST + CHUNK - 1, HEAD.number), (HEAD.number, HEAD.number)]


def test_holdings__block_is_another_afterwards__refused(node: Node, reader: StrayReader) -> None:
    node.hash = "0x" + "0" * 62 + "ee"

    with pytest.raises(ChainError, match=f"block {HEAD.number} was reorganised while it was read: run again"):
        reader.holdings(PROVIDERS[:1], 0, HEAD)


USED = [AUTHORIZATION_USED, _word(CLIENT), NONCE]
MOVED = [TRANSFER, _word(CLIENT), _word(payment_address(INSURANCE, PROVIDERS[0]))]


@pytest.mark.parametrize(
    ("logs", "nonce"),
    [
        ([_log(USED, 0, 0), _log(MOVED, 5, 1)], None),  # of another log than the stray's
        ([_log(USED, 0, 6), _log(MOVED, 5, 7)], NONCE),
        ([_log(USED, 0, 5), _log(MOVED, 5, 7)], None),  # something else lies between the two
        ([_log([AUTHORIZATION_USED, _word(USDC), NONCE], 0, 6), _log(MOVED, 5, 7)], None),
        ([_log(USED, 0, 6, address=CLIENT), _log(MOVED, 5, 7)], None),  # a contract that imitates USDC
        ([_log(MOVED, 5, 7)], None),
    ],
)
def test_with_nonces__logs_of_its_transaction__the_authorization_that_moved_it(
    node: Node, reader: StrayReader, logs: list[dict[str, Any]], nonce: str | None
) -> None:
    node.receipt = logs

    (found,) = reader.with_nonces([stray(7)])

    assert found.arrival.nonce == (None if nonce is None else bytes.fromhex(nonce[2:]))


@pytest.mark.parametrize(
    ("topics", "cancelled"),
    [
        ([CANCELED, _word(CLIENT), NONCE], True),
        ([AUTHORIZATION_USED, _word(CLIENT), NONCE], False),
        ([CANCELED, _word(USDC), NONCE], False),  # another's
        ([CANCELED, _word(CLIENT), "0x" + "0f" * 32], False),
        ([TRANSFER, _word(CLIENT), NONCE], False),
    ],
)
def test_cancelled__logs_of_an_authorization__only_what_usdc_says(
    node: Node, reader: StrayReader, topics: list[str], cancelled: bool
) -> None:
    node.logs.append(_log(topics, 0, 0))

    assert reader.cancelled(CLIENT, bytes.fromhex(NONCE[2:]), HEAD.time_s, HEAD) is cancelled


def test_cancelled__far_from_its_signature__looked_for_in_two_days_only(
    node: Node, reader: StrayReader
) -> None:
    """A stranger's receipts may be of any time: each costs so many questions and no more."""
    at = BlockRef(FIRST + 1_000_000, HEAD.hash, HEAD.time_s)
    last = FIRST + 100_000 - 1
    nonce = bytes.fromhex(NONCE[2:])
    node.logs.append(_log([CANCELED, _word(CLIENT), NONCE], 0, 0, block=last + 1))

    beyond = reader.cancelled(CLIENT, nonce, 0, at)
    asked = [(int(query["fromBlock"], 16), int(query["toBlock"], 16)) for query in node.queries]
    node.logs.append(_log([CANCELED, _word(CLIENT), NONCE], 0, 0, block=last))
    within = reader.cancelled(CLIENT, nonce, 0, at)

    assert (beyond, within) == (False, True)
    assert asked == [(start, start + 1_999) for start in range(FIRST, last, 2_000)]


def test_cancelled__signed_after_the_newest_block__asks_for_no_log(node: Node, reader: StrayReader) -> None:
    late_s = HEAD.time_s + 3_601

    assert not reader.cancelled(CLIENT, bytes.fromhex(NONCE[2:]), late_s, HEAD)
    assert node.queries == []


def test_with_nonces__transaction_gone__refused(node: Node, reader: StrayReader) -> None:
    node.receipt = None

    with pytest.raises(ChainError, match=f"transaction {TX} is gone: the chain changed; run again"):
        reader.with_nonces([stray(7)])

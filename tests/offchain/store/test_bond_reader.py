"""The bond's reader against a node in memory: filters and ranges of logs, states as of one block."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from liqpass.adapters.chain.bond_reader import BondReader, LockLog
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from liqpass.ports import BlockRef, ChainError
from web3 import Web3
from web3.providers.base import BaseProvider

INSURANCE, PROVIDER, CLIENT, OTHER = ("0x" + digit * 40 for digit in "cfab")
PURCHASED = "0x" + keccak(b"InsurancePurchased(bytes32,address,address,uint96,uint96,uint40)").hex()
TX = "0x" + "3" * 64
FIRST, SECOND, UNKNOWN = (bytes([number]) * 32 for number in (1, 2, 9))
HEAD = BlockRef(10_000, "0x" + "0" * 62 + "ff", 1_000)


class Node(BaseProvider):
    """Ten thousand blocks; `policies` answers for each commitment, `asked` is what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.policies: dict[bytes, tuple[Any, ...]] = {}
        self.refuse: Callable[[Any], bool] = lambda _query: False

    def make_request(self, method: Any, params: Any) -> Any:
        self.asked.append((method, params))
        if method == "eth_getLogs":
            if self.refuse(params[0]):
                return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "too many"}}
            return {"jsonrpc": "2.0", "id": 1, "result": self._matching(params[0])}
        if method == "eth_chainId":
            return {"jsonrpc": "2.0", "id": 1, "result": hex(31337)}
        if method == "eth_getBlockByNumber":
            block = {"number": hex(HEAD.number), "hash": HEAD.hash, "timestamp": hex(HEAD.time_s)}
            return {"jsonrpc": "2.0", "id": 1, "result": block}
        assert method == "eth_call"
        policy = self.policies.get(
            bytes.fromhex(params[0]["data"][10:]), ("0x" + "0" * 40, 0, 0, 0, "0x" + "0" * 40, 0)
        )
        answer = encode(["address", "uint48", "uint40", "uint8", "address", "uint96"], policy)
        return {"jsonrpc": "2.0", "id": 1, "result": "0x" + answer.hex()}

    def lock(self, number: int, commitment: bytes, provider: str = PROVIDER, client: str = CLIENT) -> None:
        """A lock of 0.10 USDC in that block, due at 1,300, still open."""
        self.logs.append(
            {
                "address": INSURANCE,
                "topics": [PURCHASED, "0x" + commitment.hex(), _word(provider), _word(client)],
                "data": "0x" + encode(["uint96", "uint96", "uint40"], [100_000, 2_000, 1_300]).hex(),
                "blockNumber": hex(number),
                "blockHash": "0x" + f"{number:064x}",
                "transactionHash": TX,
                "transactionIndex": "0x0",
                "logIndex": "0x3",
                "removed": False,
            }
        )
        self.policies[commitment] = (provider, 102_000, 1_300, 1, client, 100_000)

    def _matching(self, query: Any) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        return [
            log
            for log in self.logs
            if first <= int(log["blockNumber"], 16) <= last
            and all(
                wanted in (None, topic) for wanted, topic in zip(query["topics"], log["topics"], strict=False)
            )
        ]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def reader(node: Node) -> BondReader:
    return BondReader(Web3(node), INSURANCE, first_block=100, log_range=5_000)


def _word(account: str) -> str:
    return "0x" + account[2:].rjust(64, "0")


def test_head__node__the_newest_block(reader: BondReader) -> None:
    assert reader.head() == HEAD


def test_locks__one_log__every_field(node: Node, reader: BondReader) -> None:
    node.lock(4_321, FIRST)

    found = reader.locks(0, 10_000)

    assert found == [LockLog(FIRST, PROVIDER, CLIENT, 100_000, 2_000, 1_300, 4_321, TX)]


@pytest.mark.parametrize(
    ("parties", "found"),
    [
        ({}, [FIRST, SECOND]),
        ({"provider": PROVIDER.upper().replace("X", "x")}, [FIRST]),
        ({"provider": OTHER}, [SECOND]),
        ({"client": CLIENT}, [FIRST, SECOND]),
        ({"provider": OTHER, "client": OTHER}, []),
    ],
)
def test_locks__of_a_party__only_its_own(
    node: Node, reader: BondReader, parties: dict[str, str], found: list[bytes]
) -> None:
    node.lock(200, FIRST)
    node.lock(300, SECOND, provider=OTHER)

    assert [lock.commitment for lock in reader.locks(0, 10_000, **parties)] == found


def test_locks__long_range__asked_in_pieces_from_the_first_block(node: Node, reader: BondReader) -> None:
    reader.locks(0, 10_000)

    asked = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    assert [(int(each["fromBlock"], 16), int(each["toBlock"], 16)) for each in asked] == [
        (100, 5_099),
        (5_100, 10_000),
    ]


def test_locks__node_refuses_everything__is_a_fault(node: Node, reader: BondReader) -> None:
    node.refuse = lambda _query: True

    with pytest.raises(ChainError, match="the node's answer cannot be used"):
        reader.locks(0, 10_000)


def test_payment__open__as_of_the_block(node: Node, reader: BondReader) -> None:
    node.lock(200, FIRST)

    payment = reader.payment(FIRST, HEAD)

    assert payment == InsuredPayment(FIRST, PROVIDER, CLIENT, 100_000, 102_000, 1_300, PaymentStatus.OPEN)
    assert [params[1] for method, params in node.asked if method == "eth_call"] == [hex(HEAD.number)]


def test_payment__never_locked__is_none(reader: BondReader) -> None:
    assert reader.payment(UNKNOWN, HEAD) is None


def test_payments_of__one_ended__states_in_the_order_of_the_locks(node: Node, reader: BondReader) -> None:
    node.lock(200, FIRST)
    node.lock(300, SECOND)
    node.policies[FIRST] = (PROVIDER, 102_000, 1_300, 2, CLIENT, 100_000)

    found = reader.payments_of(HEAD, client=CLIENT)

    assert [(each.commitment, each.status) for each in found] == [
        (FIRST, PaymentStatus.CONFIRMED),
        (SECOND, PaymentStatus.OPEN),
    ]


@pytest.mark.parametrize(
    ("status", "now_s", "overdue"),
    [
        (PaymentStatus.OPEN, 1_300, False),
        (PaymentStatus.OPEN, 1_301, True),
        (PaymentStatus.CONFIRMED, 1_301, False),
        (PaymentStatus.CLAIMED, 1_301, False),
        (PaymentStatus.REFUNDED, 1_301, False),
    ],
)
def test_is_overdue__deadline__belongs_to_the_provider(
    status: PaymentStatus, now_s: int, overdue: bool
) -> None:
    payment = InsuredPayment(FIRST, PROVIDER, CLIENT, 100_000, 200, 1_300, status)

    assert payment.is_overdue(now_s) is overdue

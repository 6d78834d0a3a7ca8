"""The chain reader against a node in memory: ranges, reorganisations, empty answers."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from liqpass.adapters.chain.contracts import Contracts, abi_of
from liqpass.adapters.chain.reader import Web3ChainReader
from liqpass.ports import ChainError
from web3 import Web3
from web3.providers.base import BaseProvider

CHECKOUT, VAULT, PAYER = ("0x" + digit * 40 for digit in "cfa")
PREMIUM_PAID = "0x" + keccak(b"PremiumPaid(bytes32,address,uint96,bytes32,address)").hex()
ORDER, QUOTE, TX = ("0x" + digit * 64 for digit in "123")
HASH = bytes.fromhex("e5" * 32)


def block_hash(number: int, fork: int = 0) -> str:
    return f"0x{fork:032x}{number:032x}"


class Node(BaseProvider):
    """Ten thousand blocks, two seconds apart; `handlers` replace answers of methods."""

    def __init__(self) -> None:
        super().__init__()
        self.head = 10_000
        self.asked: list[tuple[str, Any]] = []
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self.logs: list[dict[str, Any]] = []

    def make_request(self, method: Any, params: Any) -> Any:
        self.asked.append((method, params))
        handler = self.handlers.get(method) or getattr(self, f"_{method}")
        result = handler(params)
        return (
            result
            if isinstance(result, dict) and "error" in result
            else {"jsonrpc": "2.0", "id": 1, "result": result}
        )

    def _eth_chainId(self, _params: Any) -> str:  # noqa: N802
        return hex(31337)

    def _eth_getBlockByNumber(self, params: Any) -> Any:  # noqa: N802
        number = self.head if params[0] == "latest" else int(params[0], 16)
        if number > self.head:
            return None
        return {"number": hex(number), "hash": block_hash(number), "timestamp": hex(1_000 + 2 * number)}

    def _eth_getLogs(self, params: Any) -> Any:  # noqa: N802
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        return [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last]

    def pay(self, number: int, *, fork: int = 0, contract: str = CHECKOUT) -> None:
        self.logs.append(
            {
                "address": contract,
                "topics": [PREMIUM_PAID, ORDER, "0x" + PAYER[2:].rjust(64, "0")],
                "data": "0x"
                + encode(["uint96", "bytes32", "address"], [7, bytes.fromhex(QUOTE[2:]), VAULT]).hex(),
                "blockNumber": hex(number),
                "blockHash": block_hash(number, fork),
                "transactionHash": TX,
                "transactionIndex": "0x0",
                "logIndex": "0x3",
                "removed": False,
            }
        )


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def reader(node: Node) -> Web3ChainReader:
    contracts = Contracts(31337, CHECKOUT, VAULT, first_block=100)
    return Web3ChainReader(Web3(node), contracts, local_final_depth=5, log_range=2_000)


def ranges(node: Node) -> list[tuple[int, int]]:
    return [
        (int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16))
        for method, params in node.asked
        if method == "eth_getLogs"
    ]


def test_chain_id__genesis_of_the_record__asked_for_once(node: Node) -> None:
    contracts = Contracts(31337, CHECKOUT, VAULT, first_block=100, genesis_hash=block_hash(0))
    reader = Web3ChainReader(Web3(node), contracts, local_final_depth=5)

    assert (reader.chain_id(), reader.chain_id()) == (31337, 31337)
    assert [method for method, _ in node.asked].count("eth_getBlockByNumber") == 1


def test_chain_id__another_chain_of_the_same_id__refused(node: Node) -> None:
    contracts = Contracts(31337, CHECKOUT, VAULT, first_block=100, genesis_hash=block_hash(0, fork=1))
    reader = Web3ChainReader(Web3(node), contracts, local_final_depth=5)

    with pytest.raises(ChainError, match="another chain 31337 than the deployment record"):
        reader.chain_id()


def test_premium_logs__one_log__every_field(node: Node, reader: Web3ChainReader) -> None:
    node.pay(4_321)

    (log,) = reader.premium_logs(0, 10_000)

    assert (log.contract, log.tx_hash, log.log_index, log.payer) == (CHECKOUT, TX, 3, PAYER)
    assert (log.order_hash, log.quote_hash, log.amount) == (ORDER, QUOTE, 7)
    assert (log.block.number, log.block.hash, log.block.time_s) == (4_321, block_hash(4_321), 9_642)


def test_premium_logs__long_range__asked_in_pieces_without_gap(node: Node, reader: Web3ChainReader) -> None:
    reader.premium_logs(0, 5_000)

    assert ranges(node) == [(100, 2_099), (2_100, 4_099), (4_100, 5_000)]


def test_premium_logs__node_refuses_the_range__halved_until_it_fits(
    node: Node, reader: Web3ChainReader
) -> None:
    def at_most_600(params: Any) -> Any:
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first >= 600:
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "too many"}}
        return []

    node.handlers["eth_getLogs"] = at_most_600

    reader.premium_logs(100, 2_099)

    assert ranges(node)[:3] == [(100, 2_099), (100, 1_099), (100, 599)]
    assert ranges(node)[-1][1] == 2_099


def test_premium_logs__block_replaced_meanwhile__error(node: Node, reader: Web3ChainReader) -> None:
    node.pay(4_321, fork=1)

    with pytest.raises(ChainError, match="reorganised"):
        reader.premium_logs(0, 10_000)


def test_transaction__receipt_of_a_block_that_is_gone__not_mined(node: Node, reader: Web3ChainReader) -> None:
    node.pay(50, fork=1)
    node.handlers["eth_getTransactionReceipt"] = lambda _params: {
        "transactionHash": TX,
        "blockNumber": hex(50),
        "blockHash": block_hash(50, 1),
        "status": "0x1",
        "logs": node.logs,
    }

    assert reader.transaction(TX) is None


def mined(node: Node, number: int = 50) -> None:
    """The node's logs are those of one transaction in that block."""
    node.handlers["eth_getTransactionReceipt"] = lambda _params: {
        "transactionHash": TX,
        "blockNumber": hex(number),
        "blockHash": block_hash(number),
        "status": "0x1",
        "logs": node.logs,
    }


@pytest.mark.parametrize("damage", [{}, {"data": "0x"}, {"topics": [PREMIUM_PAID, "0x", "0x12"]}])
def test_transaction__look_alike_log_of_another_contract__passed_over(
    node: Node, reader: Web3ChainReader, damage: dict[str, Any]
) -> None:
    node.pay(50, contract=VAULT)
    node.logs[0].update(damage)
    node.pay(50)
    mined(node)

    seen = reader.transaction(TX)

    assert seen is not None
    assert [(log.contract, log.amount) for log in seen.premiums] == [(CHECKOUT, 7)]


def test_transaction__log_of_our_checkout_unreadable__chain_error(
    node: Node, reader: Web3ChainReader
) -> None:
    node.pay(50)
    node.logs[0]["data"] = "0x"
    mined(node)

    with pytest.raises(ChainError, match="cannot be used"):
        reader.transaction(TX)


def test_premium_logs__unreadable__chain_error(node: Node, reader: Web3ChainReader) -> None:
    node.pay(50)
    node.logs[0]["data"] = "0x" + "00" * 40
    node.logs[0]["blockNumber"], node.logs[0]["blockHash"] = hex(150), block_hash(150)

    with pytest.raises(ChainError, match="cannot be used"):
        reader.premium_logs(100, 200)


def test_usdc__asked__the_tokens_address_in_lower_case(node: Node, reader: Web3ChainReader) -> None:
    node.handlers["eth_call"] = lambda _params: "0x" + "00" * 12 + "C2" * 20

    assert reader.usdc() == "0x" + "c2" * 20


def test_transaction__unknown__none(node: Node, reader: Web3ChainReader) -> None:
    node.handlers["eth_getTransactionReceipt"] = lambda _params: None

    assert reader.transaction(TX) is None


def test_paid_policies__no_contract_there__error_instead_of_unpaid(
    node: Node, reader: Web3ChainReader
) -> None:
    node.handlers |= {"eth_call": lambda _params: "0x", "eth_getCode": lambda _params: "0x"}

    with pytest.raises(ChainError):
        reader.paid_policies([1], reader.head())


def test_paid_policies__asked_at_a_block__only_set_bits(node: Node, reader: Web3ChainReader) -> None:
    node.handlers["eth_call"] = lambda params: (
        "0x" + (int(params[0]["data"], 16) % 2).to_bytes(32, "big").hex()
    )

    assert reader.paid_policies([1, 2, 3], reader.final_block()) == {1, 3}
    assert {params[1] for method, params in node.asked if method == "eth_call"} == {hex(9_995)}


def test_final_block__development_chain__so_deep_below_the_head(reader: Web3ChainReader) -> None:
    assert reader.final_block().number == 9_995


def test_final_block__other_chain__the_nodes_finalized_block(node: Node) -> None:
    node.handlers["eth_getBlockByNumber"] = lambda params: {
        "number": hex(7) if params[0] == "finalized" else hex(9),
        "hash": block_hash(7),
        "timestamp": hex(1),
    }
    contracts = Contracts(8453, CHECKOUT, VAULT, first_block=0)

    assert Web3ChainReader(Web3(node), contracts, local_final_depth=5).final_block().number == 7


def test_payout_logs__batch_of_a_date__read_from_that_day_on(node: Node, reader: Web3ChainReader) -> None:
    midnight_s = 1_790_035_200  # 2026-09-22
    node.handlers["eth_getBlockByNumber"] = lambda params: {
        "number": params[0] if params[0] != "latest" else hex(10_000),
        "hash": block_hash(1),
        "timestamp": hex(
            midnight_s + 2 * ((10_000 if params[0] == "latest" else int(params[0], 16)) - 9_000)
        ),
    }

    reader.payout_logs(20260922, 9_990)

    assert ranges(node) == [(9_000, 9_990)]


@pytest.mark.parametrize(("time_s", "number"), [(0, 0), (1_000, 0), (1_001, 1), (1_002, 1), (99_999, 10_001)])
def test_first_block_at__time__first_block_not_before_it(
    reader: Web3ChainReader, time_s: int, number: int
) -> None:
    assert reader.first_block_at(time_s) == number


def payout_log(contract: str, event: str = "PayoutExecuted", policy_no: int = 7) -> dict[str, Any]:
    """A log of the vault's event as the ABI says it, in block 50."""
    entry = next(each for each in abi_of("PayoutVault") if each.get("name") == event)
    types = [each["type"] for each in entry["inputs"]]
    values = {
        "batchId": 20260922,
        "policyNo": policy_no,
        "recipient": PAYER,
        "amount": 5,
        "evidenceHash": HASH,
    }
    topics, data = [], []
    for each in entry["inputs"]:
        value = values.get(each["name"], b"")
        if each["indexed"]:
            topics.append("0x" + encode([each["type"]], [value]).hex())
        else:
            data.append((each["type"], value))
    return {
        "address": contract,
        "topics": ["0x" + keccak(f"{event}({','.join(types)})".encode()).hex(), *topics],
        "data": "0x" + encode([kind for kind, _ in data], [value for _, value in data]).hex(),
        "blockNumber": hex(50),
        "blockHash": block_hash(50),
        "transactionHash": TX,
        "transactionIndex": "0x0",
        "logIndex": "0x1",
        "removed": False,
    }


def test_payout_transaction__logs_of_our_vault_and_of_others__ours_with_every_field(
    node: Node, reader: Web3ChainReader
) -> None:
    node.logs = [payout_log(CHECKOUT, policy_no=8), payout_log(VAULT), payout_log(VAULT, "PayoutFailed", 9)]
    node.pay(50)
    mined(node)

    seen = reader.payout_transaction(TX)

    assert seen is not None
    assert (seen.tx_hash, seen.succeeded, seen.block.number) == (TX, True, 50)
    assert [(log.policy_no, log.failed) for log in seen.payouts] == [(7, False), (9, True)]
    paid = seen.payouts[0]
    assert (paid.batch_id, paid.recipient, paid.amount, paid.block_number) == (20260922, PAYER, 5, 50)
    assert paid.evidence_hash == "0x" + HASH.hex()


def test_payout_transaction__unknown_or_of_a_block_that_is_gone__none(
    node: Node, reader: Web3ChainReader
) -> None:
    node.handlers["eth_getTransactionReceipt"] = lambda _params: None
    assert reader.payout_transaction(TX) is None

    mined(node)
    receipt = node.handlers["eth_getTransactionReceipt"](None)
    node.handlers["eth_getTransactionReceipt"] = lambda _params: {**receipt, "blockHash": block_hash(50, 1)}
    assert reader.payout_transaction(TX) is None


def test_vault_balance__asked__the_tokens_answer_for_the_vault(node: Node, reader: Web3ChainReader) -> None:
    token = "0x" + "00" * 12 + "c2" * 20
    asked: list[dict[str, Any]] = []

    def call(params: Any) -> str:
        asked.append(params[0])
        return token if len(asked) == 1 else "0x" + (123).to_bytes(32, "big").hex()

    node.handlers["eth_call"] = call

    assert reader.vault_balance() == 123
    assert asked[1]["to"].lower() == "0x" + "c2" * 20
    assert asked[1]["data"].endswith(VAULT[2:])


def test_vault_balance__no_contract_there__chain_error(node: Node, reader: Web3ChainReader) -> None:
    node.handlers |= {"eth_call": lambda _params: "0x", "eth_getCode": lambda _params: "0x"}

    with pytest.raises(ChainError):
        reader.vault_balance()

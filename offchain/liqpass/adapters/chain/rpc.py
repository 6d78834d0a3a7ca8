"""What the engine asks of a node, and the implementation over any web3.py provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from eth_utils.address import to_checksum_address
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint

from liqpass.adapters.chain.errors import (
    CallRevertedError,
    NoContractError,
    RpcAnswerError,
    RpcUnavailableError,
    WrongChainError,
)

BlockId = int | Literal["latest", "safe", "finalized", "pending", "earliest"]

_REVERTED = 3  # geth's code for an execution that reverted, with the revert data beside it
_RATE_LIMITED = (429, -32005, -32016)  # EIP-1474's "limit exceeded" and what Base's public node says


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header; `base_fee_wei` per gas, `timestamp_s` in unix seconds."""

    number: int
    hash: str
    base_fee_wei: int
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction, succeeded or reverted; `gas_price_wei` as paid per gas."""

    tx_hash: str
    succeeded: bool
    block_number: int
    block_hash: str
    gas_used: int
    gas_price_wei: int
    contract_address: str | None
    logs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A message to simulate; `to` None creates a contract, `gas` None is as much as the node allows."""

    sender: str
    to: str | None
    data: bytes
    value: int
    gas: int | None = None

    def as_json(self) -> dict[str, str]:
        """The parameters of `eth_call` and `eth_estimateGas`."""
        fields = {"from": self.sender, "data": "0x" + self.data.hex(), "value": hex(self.value)}
        if self.gas is not None:
            fields["gas"] = hex(self.gas)
        return fields if self.to is None else {**fields, "to": self.to}


class Rpc(Protocol):
    """A node. Every method raises RpcUnavailableError without an answer, RpcAnswerError on a refusal."""

    def chain_id(self) -> int: ...
    def block(self, block: BlockId) -> Block | None: ...
    def nonce(self, address: str, block: BlockId) -> int: ...
    def balance(self, address: str) -> int: ...
    def code(self, address: str, block: BlockId) -> bytes: ...
    def call(self, call: Call, block: BlockId) -> bytes: ...
    def estimate_gas(self, call: Call) -> int: ...
    def priority_fee(self) -> int: ...
    def send_raw(self, raw: bytes) -> None: ...
    def receipt(self, tx_hash: str) -> Receipt | None: ...
    def knows(self, tx_hash: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """What tells one chain from another; `block_hash` answers None for a height that the chain has not."""

    chain_id: int
    genesis_hash: str
    block_hash: Callable[[int], str | None]


def chain_identity(rpc: Rpc, expected_chain_id: int) -> ChainIdentity:
    """Who the node says it is. Raises WrongChainError when that is not the chain that was asked for."""
    chain_id = rpc.chain_id()
    if chain_id != expected_chain_id:
        raise WrongChainError(f"the node serves chain {chain_id}, not {expected_chain_id}")
    genesis = rpc.block(0)
    if genesis is None:
        raise WrongChainError(f"the node of chain {chain_id} does not show its genesis block")

    def block_hash(number: int) -> str | None:
        block = rpc.block(number)
        return None if block is None else block.hash

    return ChainIdentity(chain_id, genesis.hash, block_hash)


def check_site(rpc: Rpc, chain_id: int, genesis_hash: str | None, contract: str, name: str) -> None:
    """Raises WrongChainError unless the node is of the record's chain and has the contract of that name."""
    identity = chain_identity(rpc, chain_id)
    if genesis_hash is not None and identity.genesis_hash != genesis_hash:
        raise WrongChainError(f"the node is of another chain {identity.chain_id} than the deployment record")
    if not rpc.code(contract, "latest"):
        raise WrongChainError(f"no contract at {contract}, where the record has {name}")


def view(rpc: Rpc, sender: str, to: str, data: bytes, block: BlockId) -> bytes:
    """eth_call of a view that returns something.

    Raises NoContractError on an empty answer: that is "no contract there", never "zero" or "unpaid".
    """
    answer = rpc.call(Call(sender, to, data, 0), block)
    if not answer:
        raise NoContractError(f"no contract at {to} in block {block}")
    return answer


class Web3Rpc:
    """Rpc over a web3.py provider; transport faults and rate limits are tried again, `tries` times in all.

    Signed transactions go to `sends` where there is one: a node that shows them to nobody before a block.
    """

    def __init__(
        self,
        provider: JSONBaseProvider,
        *,
        sends: JSONBaseProvider | None = None,
        tries: int = 5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._provider = provider
        self._sends = sends or provider
        self._tries = tries
        self._sleep = sleep

    @classmethod
    def connect(
        cls, url: str, *, send_url: str | None = None, timeout_s: float = 20, tries: int = 5
    ) -> Web3Rpc:
        """To HTTP endpoints. web3.py's own retries are off, so that there is one bound and not two."""

        def http(endpoint: str) -> HTTPProvider:
            return HTTPProvider(
                endpoint, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None
            )

        return cls(http(url), sends=None if send_url is None else http(send_url), tries=tries)

    def chain_id(self) -> int:
        return int(self._ask("eth_chainId"), 16)

    def block(self, block: BlockId) -> Block | None:
        found = self._ask("eth_getBlockByNumber", _block(block), False)
        if found is None or found.get("hash") is None:
            return None
        return Block(
            number=int(found["number"], 16),
            hash=found["hash"],
            base_fee_wei=int(found.get("baseFeePerGas", "0x0"), 16),
            timestamp_s=int(found["timestamp"], 16),
        )

    def nonce(self, address: str, block: BlockId) -> int:
        return int(self._ask("eth_getTransactionCount", address, _block(block)), 16)

    def balance(self, address: str) -> int:
        return int(self._ask("eth_getBalance", address, "latest"), 16)

    def code(self, address: str, block: BlockId) -> bytes:
        return bytes.fromhex(self._ask("eth_getCode", address, _block(block))[2:])

    def call(self, call: Call, block: BlockId) -> bytes:
        return bytes.fromhex(self._ask("eth_call", call.as_json(), _block(block))[2:])

    def estimate_gas(self, call: Call) -> int:
        return int(self._ask("eth_estimateGas", call.as_json()), 16)

    def priority_fee(self) -> int:
        return int(self._ask("eth_maxPriorityFeePerGas"), 16)

    def send_raw(self, raw: bytes) -> None:
        self._ask("eth_sendRawTransaction", "0x" + raw.hex(), node=self._sends)

    def receipt(self, tx_hash: str) -> Receipt | None:
        found = self._ask("eth_getTransactionReceipt", tx_hash)
        if found is None or found.get("blockHash") is None:
            return None
        created = found.get("contractAddress")
        return Receipt(
            tx_hash=found["transactionHash"],
            succeeded=int(found["status"], 16) == 1,
            block_number=int(found["blockNumber"], 16),
            block_hash=found["blockHash"],
            gas_used=int(found["gasUsed"], 16),
            gas_price_wei=int(found.get("effectiveGasPrice", "0x0"), 16),
            contract_address=created and to_checksum_address(created),
            logs=tuple(found["logs"]),
        )

    def knows(self, tx_hash: str) -> bool:
        return self._ask("eth_getTransactionByHash", tx_hash) is not None

    def _ask(self, method: str, *parameters: Any, node: JSONBaseProvider | None = None) -> Any:
        for attempt in range(self._tries):
            if attempt:
                self._sleep(0.1 * 2**attempt)
            try:
                answer = (node or self._provider).make_request(RPCEndpoint(method), list(parameters))
            except (OSError, ValueError, Web3Exception) as fault:  # requests' errors are OSErrors
                failure = f"{type(fault).__name__}"
                continue
            error = answer.get("error")
            if error is None and "result" in answer:
                return answer["result"]
            code, message, data = _error_fields(error)
            if code in _RATE_LIMITED:
                failure = message
                continue
            if code == _REVERTED or "revert" in message.lower():
                raise CallRevertedError(data, message)
            raise RpcAnswerError(method, code, message)
        # The transport's own words may hold the endpoint with its key in it, so only its kind is told.
        raise RpcUnavailableError(f"{method}: no answer after {self._tries} tries ({failure})")


def _block(block: BlockId) -> str:
    return hex(block) if isinstance(block, int) else block


def _error_fields(error: Any) -> tuple[int, str, bytes]:
    if not isinstance(error, dict):
        return 0, str(error), b""
    data = error.get("data")
    if isinstance(data, dict):  # some nodes nest it
        data = data.get("data")
    # Parity's family writes "Reverted 0x…"
    text = data.removeprefix("Reverted ") if isinstance(data, str) else ""
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    return int(error.get("code", 0)), str(error.get("message", "")), raw

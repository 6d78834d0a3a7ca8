"""Contract wallets: what they may cost the server that asks them."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from eth_utils import function_signature_to_4byte_selector, keccak
from liqpass.adapters.chain.signatures import Web3SignatureCheck
from web3 import Web3
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

WALLET = "0x" + "5a" * 20
LOOKUP = "OffchainLookup(address,string[],bytes,bytes4,bytes)"


class OffchainWallet(BaseProvider):
    """A node on which every address is a contract that answers: ask these servers first (EIP-3668)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict[str, Any]] = []

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_getCode":
            return {"jsonrpc": "2.0", "id": 1, "result": "0x60"}
        if method == "eth_chainId":
            return {"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}
        assert method == "eth_call"
        self.calls.append(params[0])
        terms = (
            Web3.to_checksum_address(WALLET),
            ["https://attacker.invalid/{data}"],
            b"x",
            b"\x00" * 4,
            b"",
        )
        data = function_signature_to_4byte_selector(LOOKUP) + encode(
            ["address", "string[]", "bytes", "bytes4", "bytes"], terms
        )
        error = {"code": 3, "message": "execution reverted", "data": "0x" + data.hex()}
        return {"jsonrpc": "2.0", "id": 1, "error": error}  # type: ignore[typeddict-item]


def test_signed_by__wallet_that_wants_us_to_fetch_its_addresses__asked_once_and_not_believed() -> None:
    node = OffchainWallet()

    signed = Web3SignatureCheck(Web3(node)).signed_by(WALLET, "text", "0x" + keccak(b"").hex())

    assert not signed
    (call,) = node.calls
    assert int(call["gas"], 16) == 500_000

"""Many views in one request: ape takes longer for a single one than the node for all of them."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak

View = tuple[Any, str, str]
"""A contract, the name of its view, and the one argument: an id or an address."""


def read(views: Sequence[View]) -> list[Any]:
    """What each view answers as of the newest block: a struct as a dict, addresses in lower case."""
    provider = views[0][0].provider
    calls = [
        {"to": contract.address, "data": "0x" + _call_data(getattr(contract, name).abis[0], argument).hex()}
        for contract, name, argument in views
    ]
    block = provider.make_request("eth_simulateV1", [{"blockStateCalls": [{"calls": calls}]}, "latest"])[0]
    return [
        _answer(getattr(contract, name).abis[0].outputs[0], result)
        for (contract, name, _), result in zip(views, block["calls"], strict=True)
    ]


def _call_data(abi: Any, argument: Any) -> bytes:
    types = [item.canonical_type for item in abi.inputs]
    return keccak(abi.selector.encode())[:4] + encode(types, [argument])


def _answer(output: Any, result: dict[str, Any]) -> Any:
    assert result["status"] == "0x1", result
    value = decode([output.canonical_type], bytes.fromhex(result["returnData"][2:]))[0]
    if output.components is None:
        return value
    return dict(zip([item.name for item in output.components], value, strict=True))

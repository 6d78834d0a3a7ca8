"""Strict revert checks.

`ape.reverts(vault.SomeError)` passes on other errors and wrong arguments. These compare the selector and
every input, on the bytes that the node returned, whether or not ape knew how to decode them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ape.exceptions import ContractLogicError
from ape_foundry.provider import FoundryProvider
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak

ERROR_STRING = keccak(b"Error(string)")[:4]
PANIC = keccak(b"Panic(uint256)")[:4]


@contextmanager
def reverts_with(error: Any, **inputs: Any) -> Iterator[None]:
    """The body must revert with the custom `error` (`contract.SomeError`) and exactly these inputs.

    Raises `AssertionError` for anything else, also when an input of the error is not named here.
    """
    abi = error.abi
    names = [item.name for item in abi.inputs]
    assert sorted(names) == sorted(inputs), f"{abi.selector}: inputs are {names}, given {sorted(inputs)}"
    types = [item.canonical_type for item in abi.inputs]
    expected = keccak(abi.selector.encode())[:4] + encode(types, [_plain(inputs[name]) for name in names])

    with _reverting() as data:
        yield
    actual = data[0]
    assert actual == expected, f"expected {abi.name}({inputs}), reverted with " + _describe(
        abi, names, types, actual
    )


@contextmanager
def reverts_with_string(message: str) -> Iterator[None]:
    """The body must revert with `require(false, message)`, as Circle's USDC does."""
    expected = ERROR_STRING + encode(["string"], [message])
    with _reverting() as data:
        yield
    assert data[0] == expected, f"expected {message!r}, reverted with {_text(data[0])}"


@contextmanager
def reverts_with_panic(code: int) -> Iterator[None]:
    """The body must revert with Solidity's `Panic(code)`: 0x11 is arithmetic overflow."""
    expected = PANIC + encode(["uint256"], [code])
    with _reverting() as data:
        yield
    assert data[0] == expected, f"expected panic {code:#x}, reverted with {_text(data[0])}"


@contextmanager
def reverts_without_reason() -> Iterator[None]:
    """The body must revert with no data: a check that the compiler put in, or a call to no contract."""
    with _reverting() as data:
        yield
    assert data[0] == b"", f"expected no data, reverted with {_text(data[0])}"


def _unadorned(_: FoundryProvider, exception: Exception, *__: Any, **___: Any) -> ContractLogicError:
    return ContractLogicError(base_err=exception)


@contextmanager
def _reverting() -> Iterator[list[bytes]]:
    data: list[bytes] = []
    try:
        # ape traces and prints every revert, which takes longer than all else here together.
        with patch.object(FoundryProvider, "_handle_execution_reverted", _unadorned):
            yield data
    except AssertionError:
        raise
    except Exception as error:
        found = _revert_data(error)
        if found is None:
            raise
        data.append(found)
    else:
        raise AssertionError("did not revert")


def _revert_data(error: BaseException) -> bytes | None:
    """The returned bytes, from whichever exception down the chain still carries them."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        data = getattr(current, "data", None)
        if isinstance(data, str) and data.startswith("0x"):
            return bytes.fromhex(data[2:])
        queue += [getattr(current, "base_err", None), current.__cause__, current.__context__]
    return None


def _plain(value: Any) -> Any:
    """Accounts and contracts stand for their addresses."""
    return getattr(value, "address", value)


def _describe(abi: Any, names: list[str], types: list[str], data: bytes) -> str:
    if data[:4] != keccak(abi.selector.encode())[:4]:
        return _text(data)
    return f"{abi.name}({dict(zip(names, decode(types, data[4:]), strict=True))})"


def _text(data: bytes) -> str:
    if data[:4] == ERROR_STRING:
        return repr(decode(["string"], data[4:])[0])
    return data.hex() or "no data"

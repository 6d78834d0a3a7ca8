"""What must hold before anything is sent: USDC is USDC, Safes are contracts, the predecessor is a vault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eth_abi.abi import encode
from liqpass.adapters.chain.contracts import abi_of
from web3 import Web3
from web3.exceptions import Web3Exception

from scripts._connection import Connection
from scripts._parameters import Parameters
from scripts._roles import Role

_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def chain_refusals(connection: Connection, parameters: Parameters) -> list[str]:
    """Each reason not to deploy on this chain, in words; empty when there is none."""
    return [
        *usdc_faults(connection, parameters, parameters.usdc.address),
        *_safes(connection, parameters),
        *_predecessor(connection, parameters),
    ]


def usdc_faults(connection: Connection, parameters: Parameters, address: str | None) -> Iterator[str]:
    """In what the token at `address` is not the USDC of the parameters; nothing when there is none yet."""
    if address is None:
        return
    if connection.code_hash(address) is None:
        yield f"there is no contract at the USDC address {address}"
        return
    terms = parameters.usdc
    token = connection.contract(address, abi_of("MockUSDC")).functions
    wanted: list[tuple[str, Callable[[], Any], Any]] = [
        ("name", token.name, terms.name),
        ("version", token.version, terms.version),
        ("decimals", token.decimals, terms.decimals),
        (
            "DOMAIN_SEPARATOR",
            token.DOMAIN_SEPARATOR,
            domain_separator(connection.chain_id, parameters, address),
        ),
    ]
    for name, function, expected in wanted:
        try:
            found = function().call()
        except (Web3Exception, ValueError) as error:
            yield f"{address} is no USDC: {name}() fails ({type(error).__name__})"
            continue
        if found != expected:
            yield f"{name}() of USDC {address} is {_text(found)}, not {_text(expected)}"


def domain_separator(chain_id: int, parameters: Parameters, address: str) -> bytes:
    """EIP-712 domain that buyers sign under: a token with another one would refuse their signatures."""
    hashes = [Web3.keccak(text=text) for text in (_DOMAIN, parameters.usdc.name, parameters.usdc.version)]
    fields = [*map(bytes, hashes), chain_id, address]
    return bytes(Web3.keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], fields)))


def _safes(connection: Connection, parameters: Parameters) -> Iterator[str]:
    if connection.chain != "base":  # on a test network a single key may stand in for a Safe
        return
    for role in (Role.ADMIN, Role.CONFIG, Role.UNPAUSER):
        for account in parameters.roles[role].accounts:
            if connection.code_hash(account) is None:
                yield f"{role.name}'s holder {account} has no code: it must be a Safe"
    if connection.code_hash(parameters.treasury) is None:
        yield f"the treasury {parameters.treasury} has no code: it must be a Safe"


def _predecessor(connection: Connection, parameters: Parameters) -> Iterator[str]:
    address = parameters.predecessor
    if address is None:
        return
    if connection.code_hash(address) is None:
        yield f"there is no contract at the predecessor's address {address}"
        return
    vault = connection.contract(address, abi_of("PayoutVault")).functions
    try:
        vault.isPaid(1).call()
        usdc = vault.usdc().call()
    except (Web3Exception, ValueError) as error:
        yield f"the predecessor {address} is no payout vault ({type(error).__name__})"
        return
    if parameters.usdc.address is not None and usdc != parameters.usdc.address:
        yield f"the predecessor {address} pays in {usdc}, not in USDC {parameters.usdc.address}"


def _text(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else repr(value)

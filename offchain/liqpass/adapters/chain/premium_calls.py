"""A premium's calls and what a buyer signs under it (EIP-3009 by EIP-712): one for service and scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import Web3Exception

from liqpass.adapters.chain.contracts import Contracts, abi_of
from liqpass.ports import ChainError, PremiumCall, PreparedPremium
from liqpass.records import Order, RecordError

VALID_AFTER_S = 0
RECEIVE_WITH_AUTHORIZATION = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}
_DOMAIN = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class TokenDomain:
    """USDC's EIP-712 domain; its name differs between chains ("USD Coin" on Base, "USDC" on Base Sepolia)."""

    name: str
    version: str
    chain_id: int
    token: str

    def separator(self) -> bytes:
        """What the token must answer as DOMAIN_SEPARATOR: with another it would refuse every signature."""
        fields = [
            keccak(_DOMAIN_TYPE),
            keccak(text=self.name),
            keccak(text=self.version),
            self.chain_id,
            self.token,
        ]
        return keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], fields))

    def as_json(self) -> dict[str, Any]:
        """The `domain` of typed data."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": to_checksum_address(self.token),
        }


def read_domain(usdc: Contract, chain_id: int) -> TokenDomain:
    """The token's own name and version, checked against its DOMAIN_SEPARATOR. Raises ChainError."""
    domain = TokenDomain(
        str(_ask(lambda: usdc.functions.name().call())),
        str(_ask(lambda: usdc.functions.version().call())),
        chain_id,
        usdc.address,
    )
    if bytes(_ask(lambda: usdc.functions.DOMAIN_SEPARATOR().call())) != domain.separator():
        raise ChainError(
            f"USDC {usdc.address} signs under another domain than {domain.name} version {domain.version} "
            f"on chain {chain_id}"
        )
    return domain


def typed_data(
    domain: TokenDomain, kind: str, fields: Mapping[str, str], message: Mapping[str, Any]
) -> dict[str, Any]:
    """JSON for `eth_signTypedData_v4`: wallets take integers of any size only as decimal strings."""
    return {
        "types": {
            "EIP712Domain": _typed(_DOMAIN),
            kind: _typed(fields),
        },
        "primaryType": kind,
        "domain": domain.as_json(),
        "message": {name: _written(message[name]) for name in fields},
    }


def digest_of(data: Mapping[str, Any]) -> bytes:
    """The 32 bytes that a signature under typed data is over."""
    signable = encode_typed_data(full_message=dict(data))
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def authorization_nonce(
    *, chain_id: int, checkout: str, order_hash: str, amount: int, quote_hash: str
) -> bytes:
    """Checkout's `authorizationNonce`: it ties an EIP-3009 signature to chain, contract and all terms."""
    terms = [chain_id, checkout, _bytes32(order_hash), amount, _bytes32(quote_hash)]
    return keccak(encode(["uint256", "address", "bytes32", "uint96", "bytes32"], terms))


def authorization_data(
    domain: TokenDomain,
    *,
    checkout: str,
    payer: str,
    order_hash: str,
    amount: int,
    quote_hash: str,
    valid_before_s: int,
) -> dict[str, Any]:
    """What the payer signs for `payWithAuthorization`; blocks before `valid_before_s` may carry it."""
    nonce = authorization_nonce(
        chain_id=domain.chain_id,
        checkout=checkout,
        order_hash=order_hash,
        amount=amount,
        quote_hash=quote_hash,
    )
    message = {
        "from": to_checksum_address(payer),
        "to": to_checksum_address(checkout),
        "value": amount,
        "validAfter": VALID_AFTER_S,
        "validBefore": valid_before_s,
        "nonce": nonce,
    }
    return typed_data(domain, "ReceiveWithAuthorization", RECEIVE_WITH_AUTHORIZATION, message)


def valid_before_s(valid_until_s: int) -> int:
    """EIP-3009's bound is strict: a block at the quote's last second still pays, one after it must not."""
    return valid_until_s + 1


def prepare_premium(order: Order, domain: TokenDomain) -> PreparedPremium:
    """Both ways to pay a bound order with this token. Raises RecordError for one that is not bound."""
    if order.quote_hash is None:
        raise RecordError(f"order {order.id} has no frozen quote")
    terms = [_bytes32(order.order_hash), order.premium, _bytes32(order.quote_hash)]
    checkout = to_checksum_address(order.checkout)
    before_s = valid_before_s(order.valid_until_s)
    data = authorization_data(
        domain,
        checkout=checkout,
        payer=order.buyer,
        order_hash=order.order_hash,
        amount=order.premium,
        quote_hash=order.quote_hash,
        valid_before_s=before_s,
    )
    return PreparedPremium(
        approve=PremiumCall(
            to_checksum_address(domain.token),
            _ABIS["IUSDC"].encode_abi("approve", args=[checkout, order.premium]),
            order.chain_id,
        ),
        pay=PremiumCall(checkout, _ABIS["Checkout"].encode_abi("pay", args=terms), order.chain_id),
        typed_data=data,
        digest=digest_of(data),
        valid_after_s=VALID_AFTER_S,
        valid_before_s=before_s,
    )


class Web3Premiums:
    """Premiums for the Checkout of the deployment record, in the token that it takes."""

    def __init__(self, web3: Web3, contracts: Contracts) -> None:
        self._web3 = web3
        self._contracts = contracts
        self._checkout = web3.eth.contract(
            address=to_checksum_address(contracts.checkout), abi=abi_of("Checkout")
        )

    def prepare(self, order: Order) -> PreparedPremium:
        """Both ways to pay a bound order. Raises RecordError for one that is not bound, ChainError.

        The domain is read anew each time: Circle may upgrade the token under the same address.
        """
        token = str(_ask(lambda: self._checkout.functions.usdc().call()))
        recorded = self._contracts.usdc
        if recorded is not None and token.lower() != recorded:
            raise ChainError(f"Checkout takes {token}, the deployment record says {recorded}")
        usdc = self._web3.eth.contract(address=to_checksum_address(token), abi=abi_of("MockUSDC"))
        return prepare_premium(order, read_domain(usdc, self._contracts.chain_id))


_ABIS = {
    name: Web3().eth.contract(abi=abi_of(name, function))
    for name, function in (("Checkout", "pay"), ("IUSDC", "approve"))
}


def _typed(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in fields.items()]


def _written(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _bytes32(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _ask(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except (Web3Exception, DecodingError) as error:
        raise ChainError(f"the token's answer cannot be used: {type(error).__name__}") from None
    except (OSError, ValueError) as error:
        raise ChainError(f"the node does not answer: {type(error).__name__}") from None

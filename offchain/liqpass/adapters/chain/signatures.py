"""Verifying a signed text: ECDSA first (EIP-191), then the wallet contract itself (EIP-1271)."""

from __future__ import annotations

from eth_account import Account
from eth_account.messages import SignableMessage, defunct_hash_message, encode_defunct
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.exceptions import Web3Exception

from liqpass.ports import ChainError

MAGIC = bytes.fromhex("1626ba7e")  # isValidSignature(bytes32,bytes), EIP-1271
_ABI = [
    {
        "type": "function",
        "name": "isValidSignature",
        "stateMutability": "view",
        "inputs": [{"name": "hash", "type": "bytes32"}, {"name": "signature", "type": "bytes"}],
        "outputs": [{"name": "", "type": "bytes4"}],
    }
]


class Web3SignatureCheck:
    """A SignatureCheck that asks the chain where the address is a contract."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3

    def signed_by(self, address: str, message: str, signature: str) -> bool:
        """Whether `address` signed `message`; malformed signatures are simply false."""
        try:
            raw = bytes.fromhex(signature.removeprefix("0x"))
        except ValueError:
            return False
        return _recovers(encode_defunct(text=message), raw, address) or self._contract_says_so(
            address, message, raw
        )

    def _contract_says_so(self, address: str, message: str, raw: bytes) -> bool:
        account = to_checksum_address(address)
        try:
            if not self._web3.eth.get_code(account):
                return False
            wallet = self._web3.eth.contract(address=account, abi=_ABI)
            answer = wallet.functions.isValidSignature(defunct_hash_message(text=message), raw).call()
        except Web3Exception:
            return False  # a wallet that reverts did not sign
        except (OSError, ValueError) as error:
            raise ChainError(f"the node does not answer: {type(error).__name__}") from None
        return bytes(answer) == MAGIC


def _recovers(message: SignableMessage, raw: bytes, address: str) -> bool:
    try:
        return bool(Account.recover_message(message, signature=raw).lower() == address)
    except Exception:  # noqa: BLE001  # eth_keys raises many kinds for malformed input; none is a signature
        return False

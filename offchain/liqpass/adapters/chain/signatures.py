"""Verifying signatures: of a text, ECDSA (EIP-191) before EIP-1271; of a payment, as USDC itself does it."""

from __future__ import annotations

from eth_account import Account
from eth_account.messages import SignableMessage, defunct_hash_message, encode_defunct
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError
from web3 import Web3
from web3.exceptions import Web3Exception

from liqpass.ports import ChainError

MAGIC = bytes.fromhex("1626ba7e")  # isValidSignature(bytes32,bytes), EIP-1271
# Above half of the curve's order the same signature has a second form: USDC refuses it (EIP-2).
_HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_WALLET_GAS = 500_000  # what a wallet may spend on an answer
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
        return _recovers(encode_defunct(text=message), raw, address) or (
            self._has_code(address)
            and self._contract_says_so(address, bytes(defunct_hash_message(text=message)), raw)
        )

    def authorized_by(self, address: str, digest: bytes, signature: str) -> bool:
        """Whether USDC takes it: an account with code answers for itself, any other must have signed.

        An account that gave itself code (EIP-7702) is asked like a wallet: FiatToken v2.2 does the same.
        """
        try:
            raw = bytes.fromhex(signature.removeprefix("0x"))
        except ValueError:
            return False
        if self._has_code(address):
            return self._contract_says_so(address, digest, raw)
        return recovers_strictly(digest, raw, address)

    def _has_code(self, address: str) -> bool:
        try:
            return bool(self._web3.eth.get_code(to_checksum_address(address)))
        except (Web3Exception, OSError, ValueError) as error:
            raise ChainError(f"the node does not answer: {type(error).__name__}") from None

    def _contract_says_so(self, address: str, digest: bytes, raw: bytes) -> bool:
        try:
            wallet = self._web3.eth.contract(address=to_checksum_address(address), abi=_ABI)
            # Without CCIP-read (EIP-3668): a contract must not make this server fetch what it likes.
            answer = wallet.functions.isValidSignature(digest, raw).call(
                {"gas": _WALLET_GAS}, ccip_read_enabled=False
            )
        except Web3Exception:
            return False  # a wallet that reverts did not sign
        except (OSError, ValueError) as error:
            raise ChainError(f"the node does not answer: {type(error).__name__}") from None
        return bytes(answer) == MAGIC


def recovers_strictly(digest: bytes, raw: bytes, address: str) -> bool:
    """Whether the key of `address` (lower case) made these 65 bytes r, s, v, in the one form USDC takes."""
    if len(raw) != 65 or raw[64] not in (27, 28) or int.from_bytes(raw[32:64], "big") > _HIGHEST_S:
        return False
    try:
        signature = Signature(raw[:64] + bytes([raw[64] - 27]))
        return bool(signature.recover_public_key_from_msg_hash(digest).to_address() == address)
    except (BadSignature, ValidationError):
        return False


def _recovers(message: SignableMessage, raw: bytes, address: str) -> bool:
    try:
        return bool(Account.recover_message(message, signature=raw).lower() == address)
    except Exception:  # noqa: BLE001  # eth_keys raises many kinds for malformed input; none is a signature
        return False

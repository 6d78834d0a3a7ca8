"""Who signs: a Protocol, a plain key for tests and the demo, and any account of ape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from liqpass.adapters.chain.errors import SigningError

# chainId, nonce, value, gas, maxFeePerGas, maxPriorityFeePerGas: int; data: 0x-hex; to: address, absent in a
# creation
Transaction = Mapping[str, Any]


class Signer(Protocol):
    """Signs EIP-1559 transactions; it never sends them."""

    @property
    def address(self) -> str: ...

    def sign(self, tx: Transaction) -> bytes:
        """The raw signed bytes of exactly this transaction. Raises SigningError when the signer refuses."""
        ...


class LocalSigner:
    """A key in memory: for tests, the demo, and the feeds that we run on test networks."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        return str(self._account.address)

    def sign(self, tx: Transaction) -> bytes:
        return bytes(self._account.sign_transaction(dict(tx)).raw_transaction)


class ApeAccount(Protocol):
    """The part of ape's AccountAPI that is used. ape itself is imported only by its scripts."""

    @property
    def address(self) -> Any: ...

    @property
    def network_manager(self) -> Any: ...

    def sign_transaction(self, txn: Any, **signer_options: Any) -> Any: ...


class ApeSigner:
    """Any account of ape: keyfile, hardware wallet, test account.

    ape only signs here. Its own sending would fill in nonce and fees itself and keep no journal.
    """

    def __init__(self, account: ApeAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        return str(self._account.address)

    def sign(self, tx: Transaction) -> bytes:
        fields = {**tx, "type": 2, "from": self.address, "data": HexBytes(tx["data"])}
        unsigned = self._account.network_manager.ethereum.create_transaction(**fields)
        signed = self._account.sign_transaction(unsigned)
        if signed is None:
            raise SigningError(f"{self.address} did not sign")
        return bytes(signed.serialize_transaction())


def check_signed(raw: bytes, tx: Transaction, address: str) -> str:
    """The hash of the signed bytes, after checking that they are `tx`, all of it, signed by `address`.

    A wallet that changes nonce or fees would break the journal's promise. Raises SigningError.
    """
    try:
        signer = Account.recover_transaction(raw)
        signed = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    except Exception as error:  # eth_account raises whatever its RLP and key libraries raise
        raise SigningError(f"the signer returned bytes that are no signed transaction: {error}") from error
    if signer != to_checksum_address(address):
        raise SigningError(f"signed by {signer} instead of {address}")
    wanted = {**tx, "to": bytes.fromhex(tx.get("to", "0x")[2:]), "data": bytes.fromhex(tx["data"][2:])}
    for name, value in wanted.items():
        found = signed.get(name)
        if (bytes(HexBytes(found)) if isinstance(value, bytes) and found is not None else found) != value:
            raise SigningError(f"the signer changed {name} to {found!r}")
    return "0x" + keccak(raw).hex()

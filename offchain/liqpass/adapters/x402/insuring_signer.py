"""What the SDK's facilitator signs with: it settles one payment, by `settleAndInsure` and in no other way.

The SDK calls USDC's `transferWithAuthorization`, to simulate and to settle, and afterwards looks for a
Transfer log from client to `payTo` in the receipt. X402InsuranceV2 makes the same transfer and locks the bond
in the same transaction, so that stock clients and stock servers are insured as they are.
"""

from __future__ import annotations

import logging
from typing import Any

from eth_utils.address import to_checksum_address
from web3 import Web3
from x402.mechanisms.evm.constants import FUNCTION_TRANSFER_WITH_AUTHORIZATION
from x402.mechanisms.evm.types import TransactionReceipt

from liqpass.adapters.chain.errors import ChainError, SimulationRevertedError, TransactionRevertedError
from liqpass.adapters.chain.rpc import Receipt, Rpc
from liqpass.adapters.chain.settlement_sender import SettlementSender, simulate_settlement
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import InsuredSettlement

log = logging.getLogger("liqpass.x402")


class NotInsuredError(ChainError):
    """The SDK wants something of the signer that would not lock a bond, or that verifying may not do."""


class InsuringSigner:
    """The SDK's `FacilitatorEvmSigner` for one payment. Without `sender` it can only look.

    `reason`: the decoded reason of the last thing that failed; the SDK hands on only a code. `unsent`: why
    nothing was signed.
    """

    def __init__(
        self,
        *,
        rpc: Rpc,
        web3: Web3,
        insurance: Insurance,
        usdc: str,
        settler: str,
        settlement: InsuredSettlement,
        sender: SettlementSender | None = None,
    ) -> None:
        self._rpc, self._web3, self._insurance, self._usdc = rpc, web3, insurance, usdc
        self._settler, self._settlement, self._sender = settler, settlement, sender
        self._receipts: dict[str, Receipt] = {}
        self._pending: ChainError | None = None
        self.reason: str | None = None
        self.unsent: ChainError | None = None

    def get_addresses(self) -> list[str]:
        """The settler, which providers name with `setSettler`."""
        return [self._settler]

    def get_chain_id(self) -> int:
        """The insurance's."""
        return self._insurance.chain_id

    def get_code(self, address: str) -> bytes:
        """Code at `address` now."""
        return self._rpc.code(to_checksum_address(address), "latest")

    def get_balance(self, address: str, token_address: str) -> int:
        """Balance of a token, in its base units."""
        raise NotInsuredError(f"balances of {token_address} decide nothing: the simulation does ({address})")

    def verify_typed_data(  # noqa: PLR0917 - the SDK's
        self, address: str, domain: Any, types: Any, primary_type: str, message: Any, signature: bytes
    ) -> bool:
        """False: only permit2 payments are verified in this way."""
        del address, domain, types, primary_type, message, signature
        return False

    def read_contract(self, address: str, abi: list[dict[str, Any]], function_name: str, *args: Any) -> Any:
        """A view; a simulated `transferWithAuthorization` is run as `settleAndInsure`.

        Raises SimulationRevertedError with the decoded reason, or what web3.py raises.
        """
        if function_name == FUNCTION_TRANSFER_WITH_AUTHORIZATION:
            self._check_is_ours(address, args)
            try:
                return simulate_settlement(self._rpc, self._insurance, self._settler, self._settlement)
            except SimulationRevertedError as error:
                self.reason = error.reason
                raise
        contract = self._web3.eth.contract(to_checksum_address(address), abi=abi)
        return contract.functions[function_name](*args).call({"from": to_checksum_address(self._settler)})

    def write_contract(
        self,
        address: str,
        abi: list[dict[str, Any]],
        function_name: str,
        *args: Any,
        data_suffix: str | None = None,
    ) -> str:
        """Settle and lock; the hash of the transaction, confirmed or still on its way.

        Raises ChainError with nothing sent.
        """
        del abi
        if function_name != FUNCTION_TRANSFER_WITH_AUTHORIZATION or data_suffix is not None:
            raise NotInsuredError(f"{function_name} would not lock a bond")
        self._check_is_ours(address, args)
        return self._settle()

    def send_transaction(self, to: str, data: bytes) -> str:
        """Have the factory `to` create the payer's wallet: the SDK asks for nothing else by this."""
        client = to_checksum_address(self._settlement.authorization.client)
        try:
            receipt = self._sending().deploy(to, data, client)
        except ChainError as error:
            self.unsent = error
            raise
        if receipt is None:
            raise NotInsuredError(f"another transaction created the wallet {client}: settle again")
        self._receipts[receipt.tx_hash] = receipt
        return receipt.tx_hash

    def wait_for_transaction_receipt(self, tx_hash: str) -> TransactionReceipt:
        """Of a transaction that `write_contract` told, in this run or an earlier one. Raises ChainError."""
        if self._pending is not None:
            raise self._pending
        if tx_hash not in self._receipts:
            tx_hash = self._settle()
            if self._pending is not None:
                raise self._pending
        receipt = self._receipts[tx_hash]
        return TransactionReceipt(
            status=int(receipt.succeeded),
            block_number=receipt.block_number,
            tx_hash=receipt.tx_hash,
            logs=[dict(entry) for entry in receipt.logs],
        )

    def _settle(self) -> str:
        sender = self._sending()
        try:
            receipt = sender.settle(self._settlement)
        except TransactionRevertedError as error:
            self.reason = error.reason
            found = sender.reverted(error)
            if found is None:
                raise
            receipt = found
        except ChainError as error:
            self.reason = error.reason if isinstance(error, SimulationRevertedError) else str(error)
            signed = sender.transaction(self._settlement)
            if signed is None:
                self.unsent = error
                raise
            # Signed, and perhaps sent: the SDK is to tell its hash and that it is pending.
            self._pending = error
            return signed
        self._receipts[receipt.tx_hash] = receipt
        return receipt.tx_hash

    def _sending(self) -> SettlementSender:
        if self._sender is None:
            raise NotInsuredError("verifying sends nothing")
        return self._sender

    def _check_is_ours(self, address: str, args: tuple[Any, ...]) -> None:
        """The SDK reads the payload by itself: what it understood must be what is settled."""
        signed = self._settlement.authorization
        client, pay_to, amount, valid_after_s, valid_before_s, nonce, *signature = args
        if len(signature) == 3:
            v, r, s = signature
            signature = [r + s + bytes([v])]
        understood = (
            address.lower(),
            client.lower(),
            pay_to.lower(),
            amount,
            valid_after_s,
            valid_before_s,
            nonce,
            signature,
        )
        ours = (
            self._usdc,
            signed.client,
            signed.pay_to,
            signed.amount,
            signed.valid_after_s,
            signed.valid_before_s,
            signed.nonce,
            [self._settlement.signature],
        )
        if understood != ours:
            commitment = format_bytes32(self._settlement.commitment)
            raise NotInsuredError(f"the SDK reads another payment than {commitment}")


class SignedSettlements:
    """The SDK's `PendingSettlementStore`, answered by the journal: it outlives the process, and adds nothing.

    With a hash the SDK waits for that transaction instead of verifying and sending.
    """

    def __init__(self, tx_hash: str | None) -> None:
        self._tx_hash = tx_hash

    def get(self, key: str) -> str | None:
        """The transaction in which the payment is on its way or settled."""
        del key
        return self._tx_hash

    def set(self, key: str, tx_hash: str) -> None:
        """The journal knows it already."""

    def delete(self, key: str) -> None:
        """The journal forgets nothing."""

"""The X402InsuranceV2 that a client trusts: by its own record and node, never by a 402's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.contracts import InsuranceDeployment
from liqpass.adapters.chain.rpc import Rpc, check_site, view
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.guarding import InsurableOffer
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import PaymentRefusedError, RefusalCode
from liqpass.domain.x402.receipts import Receipt, Standing
from liqpass.ports import BlockRef

_AUTHORIZATION_STATE = keccak(text="authorizationState(address,bytes32)")[:4]
_BALANCE = keccak(text="balanceOf(address)")[:4]
_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class TrustedContract:
    """Every method may raise ChainError of either tree. `usdc` in lower case. Made by `open`."""

    rpc: Rpc
    reader: BondReader
    deployed: InsuranceDeployment
    usdc: str

    @classmethod
    def open(cls, rpc: Rpc, reader: BondReader, deployed: InsuranceDeployment) -> Self:
        """Raises WrongChainError where the node is not of the record's chain, or has no contract there."""
        _check_node(rpc, deployed)
        return cls(rpc, reader, deployed, reader.usdc())

    @property
    def insurance(self) -> Insurance:
        """Which contract on which chain."""
        return self.deployed.insurance

    def check_bond(self, offer: InsurableOffer) -> None:
        """Whether the bond covers it now, by a node that is checked each time. Raises PaymentRefusedError."""
        _check_node(self.rpc, self.deployed)
        provider = offer.provider
        if not self.reader.can_insure(provider, offer.amount):
            named = checksum_address(provider)
            if self.reader.is_leaving(provider):
                raise PaymentRefusedError(
                    RefusalCode.LEAVING, f"the provider {named} exits, or is or will be liquidated"
                )
            bond = self.reader.bond(provider)
            raise PaymentRefusedError(
                RefusalCode.BOND,
                f"the bond of {named} cannot cover {format_usdc(offer.amount)} USDC now: "
                f"{format_usdc(bond.available)} of {format_usdc(bond.total)} are free, "
                f"the minimum is {format_usdc(bond.minimum)}",
            )
        if self.reader.is_paused():
            raise PaymentRefusedError(RefusalCode.PAUSED, "the insurance is paused: nothing new is locked")

    def check_balance(self, payer: str, amount: Usdc) -> None:
        """Whether `payer`, in lower case, holds so much USDC now. Raises PaymentRefusedError."""
        data = _BALANCE + encode(["address"], [payer])
        held = Usdc(int.from_bytes(view(self.rpc, _NOBODY, to_checksum_address(self.usdc), data, "latest")))
        if held < amount:
            raise PaymentRefusedError(
                RefusalCode.BALANCE,
                f"{checksum_address(payer)} holds {format_usdc(held)} USDC and needs {format_usdc(amount)}",
            )

    def standing(self, receipt: Receipt, at: BlockRef) -> Standing:
        """What the chain says of a receipt as of a block."""
        policy = self.reader.payment(receipt.commitment, at)
        used = policy is not None or self._authorization_used(receipt, at)
        return Standing(at.time_s, policy, used)

    def _authorization_used(self, receipt: Receipt, at: BlockRef) -> bool:
        data = _AUTHORIZATION_STATE + encode(["address", "bytes32"], [receipt.client, receipt.nonce])
        return any(view(self.rpc, _NOBODY, to_checksum_address(self.usdc), data, at.number))


def _check_node(rpc: Rpc, deployed: InsuranceDeployment) -> None:
    insurance = deployed.insurance
    check_site(rpc, insurance.chain_id, deployed.genesis_hash, insurance.contract, "X402InsuranceV2")

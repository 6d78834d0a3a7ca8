"""The SDK's facilitator around our signer: it reads and checks payments, the signer settles and locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from x402 import x402FacilitatorSync
from x402.mechanisms.evm.exact import ExactEvmFacilitatorScheme
from x402.mechanisms.evm.exact.facilitator import ExactEvmSchemeConfig

from liqpass.adapters.chain.settlement_sender import SettlementSender
from liqpass.adapters.x402.insuring_signer import InsuringSigner, SignedSettlements
from liqpass.adapters.x402.payment_checks import Site
from liqpass.domain.x402.insured_settlement import InsuredSettlement


@dataclass(frozen=True, slots=True)
class StockFacilitator:
    """`factories`: the contracts that may create a payer's wallet (ERC-6492). For any thread."""

    site: Site
    factories: Sequence[str]

    def signer(
        self, settler: str, settlement: InsuredSettlement, sender: SettlementSender | None = None
    ) -> InsuringSigner:
        """For one payment; without `sender` it only looks."""
        return InsuringSigner(
            rpc=self.site.rpc,
            web3=self.site.web3,
            insurance=self.site.insurance,
            usdc=self.site.usdc,
            settler=settler,
            settlement=settlement,
            sender=sender,
        )

    def around(self, signer: InsuringSigner, known: str | None = None) -> x402FacilitatorSync:
        """`known`: the transaction in which the payment is on its way or settled already."""
        # A payload could name any contract to create the wallet. The engine simulates what it sends, but with
        # a wallet to be created that would be too late.
        config = ExactEvmSchemeConfig(
            eip6492_allowed_factories=list(self.factories), simulate_in_settle=bool(self.factories)
        )
        # Version 1 is not registered, and permit2 is refused before: what is left is EIP-3009.
        stock = x402FacilitatorSync()
        stock.register(
            [f"eip155:{self.site.insurance.chain_id}"],
            ExactEvmFacilitatorScheme(signer, config, SignedSettlements(known)),
        )
        return stock

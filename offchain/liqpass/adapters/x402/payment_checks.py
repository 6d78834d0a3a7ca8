"""What an x402 payment has to pass before the SDK sees it, from its bytes and from the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web3 import Web3
from x402.mechanisms.evm.erc6492 import parse_erc6492_signature
from x402.schemas import PaymentPayload, PaymentRequirements

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.rpc import Rpc
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_payment import InsuredPayment
from liqpass.domain.x402.insured_settlement import (
    InsuredProvider,
    InsuredSettlement,
    PaymentRefusedError,
    RefusalCode,
    Terms,
    check_terms,
    check_version,
    insured_settlement,
    read_authorization,
    read_timeout,
)

EXTENSION = "bond-insurance"


@dataclass(frozen=True, slots=True)
class Site:
    """One X402InsuranceV2 and what is needed to look at it. `usdc` in lower case."""

    rpc: Rpc
    web3: Web3
    reader: BondReader
    insurance: Insurance
    usdc: str


@dataclass(frozen=True, slots=True)
class PaymentChecks:
    """For payments that one of `settlers` would settle. For any thread."""

    site: Site
    settlers: tuple[str, ...]

    def read(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> InsuredSettlement:
        """What would be settled, from bytes alone. Raises PaymentRefusedError."""
        check_version(payload.x402_version)
        for asked in (payload.accepted, requirements):
            terms = Terms(asked.scheme, str(asked.network), asked.asset, asked.pay_to)
            check_terms(self.site.insurance, self.site.usdc, provider, terms)
        timeout_minutes = read_timeout(provider, requirements.extra or {})
        authorization = read_authorization(payload.payload)
        # The SDK compares these too, but not for a payment that is on its way already.
        if requirements.amount != str(authorization.amount):
            raise PaymentRefusedError(
                RefusalCode.VALUE, f"{authorization.amount} is signed, and {requirements.amount} asked"
            )
        signature = _signature(payload.payload.get("signature"))
        return insured_settlement(
            self.site.insurance, provider, authorization, signature, timeout_minutes=timeout_minutes
        )

    def check_open(self, settlement: InsuredSettlement) -> frozenset[str]:
        """What the chain says before any work: the settlers that the provider has named, one at least.

        Raises PaymentRefusedError, ports' ChainError.
        """
        provider, amount = settlement.provider.provider, settlement.authorization.amount
        found = self.site.reader.openness(provider, self.settlers, settlement.commitment, amount)
        if not found.unused:
            raise PaymentRefusedError(RefusalCode.USED, "the authorization was settled before")
        if not found.named:
            raise PaymentRefusedError(
                RefusalCode.SETTLER, f"the provider has not named {' or '.join(self.settlers)} its settler"
            )
        if not found.insurable:
            raise PaymentRefusedError(RefusalCode.BOND, "the provider's bond cannot cover this payment now")
        return found.named

    def policy(self, payment: InsuredPayment, tx_hash: str) -> dict[str, Any]:
        """What client and provider are told of it; `deadline` in unix seconds."""
        return {
            "contract": checksum_address(self.site.insurance.contract),
            "provider": checksum_address(payment.provider),
            "commitment": format_bytes32(payment.commitment),
            "deadline": payment.deadline_s,
            "transaction": tx_hash,
        }


def _signature(text: object) -> bytes:
    """The client's signature as USDC takes it: out of its ERC-6492 envelope, v 27 or 28 where it is ECDSA."""
    try:
        raw = bytes.fromhex(text.removeprefix("0x")) if isinstance(text, str) else b""
        inner = bytes(parse_erc6492_signature(raw).inner_signature)
    except ValueError:
        inner = b""
    if not inner:
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "the signature is missing or not hexadecimal")
    if len(inner) == 65 and inner[64] in (0, 1):
        return inner[:64] + bytes([inner[64] + 27])
    return inner

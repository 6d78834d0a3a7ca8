"""X402 Insurance off chain: what a provider and its clients compute and sign as X402InsuranceV2 does."""

from liqpass.x402.bond import Bond, BondError, ProtectionCost, deadline_s, penalty, protection_cost
from liqpass.x402.commitments import (
    CommitmentError,
    calculate_commitment,
    is_settlement,
    request_commitment,
    settlement_commitment,
)
from liqpass.x402.confirmations import confirmation_data, confirmation_digest, sign_service_confirmation
from liqpass.x402.insurance import Insurance, X402Error
from liqpass.x402.payment_addresses import payment_address

__all__ = [
    "Bond",
    "BondError",
    "CommitmentError",
    "Insurance",
    "ProtectionCost",
    "X402Error",
    "calculate_commitment",
    "confirmation_data",
    "confirmation_digest",
    "deadline_s",
    "is_settlement",
    "payment_address",
    "penalty",
    "protection_cost",
    "request_commitment",
    "settlement_commitment",
    "sign_service_confirmation",
]

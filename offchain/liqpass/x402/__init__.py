"""X402 Insurance for those who build on it: here what one computes and signs as X402InsuranceV2 does.

`liqpass.x402.provider` insures a FastAPI application, `liqpass.x402.client` guards a payer,
`liqpass.x402.facilitator` settles.
"""

from liqpass.domain.x402.bond import Bond, BondError, ProtectionCost, deadline_s, penalty, protection_cost
from liqpass.domain.x402.commitments import (
    CommitmentError,
    calculate_commitment,
    is_settlement,
    request_commitment,
    settlement_commitment,
)
from liqpass.domain.x402.confirmations import (
    confirmation_data,
    confirmation_digest,
    sign_service_confirmation,
)
from liqpass.domain.x402.insurance import Insurance, X402Error
from liqpass.domain.x402.payment_addresses import payment_address

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

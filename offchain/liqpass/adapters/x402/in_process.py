"""The facilitator beside the resource server, in one process: no key, no HTTP."""

from __future__ import annotations

from x402.schemas import (
    PaymentPayload,
    PaymentRequirements,
    SettleResponse,
    SupportedResponse,
    VerifyResponse,
)

from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.domain.x402.insured_settlement import InsuredProvider


class InProcessFacilitator:
    """The SDK's `FacilitatorClient` for the resource servers of one provider."""

    def __init__(self, facilitator: InsuredFacilitator, provider: InsuredProvider) -> None:
        self._facilitator, self._provider = facilitator, provider

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> VerifyResponse:
        """As `InsuredFacilitator.verify`."""
        return await self._facilitator.verify(self._provider, payload, requirements)

    async def settle(self, payload: PaymentPayload, requirements: PaymentRequirements) -> SettleResponse:
        """As `InsuredFacilitator.settle`."""
        return await self._facilitator.settle(self._provider, payload, requirements)

    def get_supported(self) -> SupportedResponse:
        """As `InsuredFacilitator.supported`."""
        return self._facilitator.supported()

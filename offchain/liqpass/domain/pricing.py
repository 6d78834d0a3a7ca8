"""What a cover costs and pays at most."""

from dataclasses import dataclass

from liqpass.domain.money import Usdc
from liqpass.domain.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Price:
    """`premium` to pay now; `payout_up_to` is a ceiling: never more than the realised loss is paid."""

    premium: Usdc
    payout_up_to: Usdc
    cover_s: int
    params_version: str


def price(parameters: Parameters) -> Price:
    """One price for everybody: the premium is fixed, underwriting refuses what it does not carry."""
    return Price(parameters.premium, parameters.payout_cap, parameters.cover_s, parameters.params_version)


def payout(realised_loss: Usdc, payout_cap: Usdc) -> Usdc:
    """min(cap of the quote, realised loss). The loss comes already rounded down, against the claimant."""
    return min(payout_cap, realised_loss)

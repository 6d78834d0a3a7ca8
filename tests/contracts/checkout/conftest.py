"""An order's terms, and a buyer with USDC."""

from dataclasses import dataclass
from typing import Any

import pytest
from signing import sign_authorization

BUYER_FUNDS = 10_000_000


@dataclass(frozen=True)
class Terms:
    """What a buyer pays for."""

    order_id: bytes = b"\x0a" * 32
    amount: int = 1_000_000
    quote_hash: bytes = b"\x0b" * 32

    def __iter__(self):
        """In the contract's order."""
        return iter((self.order_id, self.amount, self.quote_hash))


@pytest.fixture
def terms() -> Terms:
    return Terms()


@pytest.fixture
def rich_buyer(buyer, mint):
    mint(buyer, BUYER_FUNDS)
    return buyer


@pytest.fixture
def balances(usdc, checkout):
    """balances(account, …): USDC of each, and of Checkout, which must never hold any."""

    def of(*accounts: Any) -> tuple[int, ...]:
        return (*(usdc.balanceOf(account) for account in accounts), usdc.balanceOf(checkout))

    return of


@pytest.fixture
def authorize(usdc, checkout, clock):
    """authorize(terms, payer, …): arguments of `payWithAuthorization`, signed by the payer."""

    def build(terms, payer, *, valid_after=0, valid_before=None, key_of=None, to=None, nonce=None):
        before = clock.now + 3600 if valid_before is None else valid_before
        signature = sign_authorization(
            usdc,
            "ReceiveWithAuthorization",
            payer,
            to or checkout,
            terms.amount,
            valid_after,
            before,
            checkout.authorizationNonce(*terms) if nonce is None else nonce,
            key_of=key_of,
        )
        return (*terms, payer, valid_after, before, signature)

    return build

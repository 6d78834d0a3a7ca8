"""The approver's and the payer's check: an exported batch against the chain, without the service."""

from collections.abc import Mapping
from dataclasses import dataclass

from liqpass.domain.batch_file import BatchFile
from liqpass.domain.money import Usdc
from liqpass.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class PremiumPayment:
    """One `PremiumPaid` event. Hex values `0x` + 64 digits, addresses lower-case, `amount` base units."""

    order_id: str
    transaction: str
    checkout: str
    payer: str
    amount: Usdc
    quote_hash: str
    block_time_s: int
    confirmations: int


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the signer's own machine read from the chain, never from the service.

    `batch_id` is today's UTC date; `payments` by order id (all `PremiumPaid` events of that order);
    `paid_policies` the policy numbers of the file whose paid bit is set, here or in a predecessor;
    `redirects` the policies whose `redirect` signature was verified (ECDSA or EIP-1271) over
    `redirect_message`; `orders_paid_before` and `liquidations_paid_before` what the signer's journal
    remembers of earlier batches (order ids, and `liquidation_id`s): the chain knows policy numbers only.
    """

    chain_id: int
    vault: str
    checkout: str
    batch_id: int
    payments: Mapping[str, tuple[PremiumPayment, ...]]
    paid_policies: frozenset[int]
    redirects: frozenset[int] = frozenset()
    orders_paid_before: frozenset[str] = frozenset()
    liquidations_paid_before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a batch must not be signed; `policy_no` None concerns the whole file."""

    policy_no: int | None
    reason: Reason
    message: str


def manual_policies(batch: BatchFile) -> tuple[int, ...]:
    """Policy numbers of orders that were marked paid by hand: shown apart, allowed only by number."""
    raise NotImplementedError(batch)


def check(batch: BatchFile, facts: ChainFacts, *, allow_manual: int = 0) -> list[Refusal]:
    """Every reason not to sign; empty: sign. `allow_manual`: exactly so many orders marked by hand."""
    raise NotImplementedError((batch, facts, allow_manual))

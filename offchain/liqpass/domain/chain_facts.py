"""What a signer's own machine reads from the chain and remembers, and what it answers to a batch."""

from collections.abc import Mapping
from dataclasses import dataclass

from liqpass.domain.evidence import Event
from liqpass.domain.money import Usdc
from liqpass.domain.position import PositionKey
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

    `usdc` is the token that the vault pays; `batch_id` is today's UTC date; `payments` by order id (all
    `PremiumPaid` events of that order); `paid_policies` the policy numbers of the file whose paid bit is set,
    here or in a predecessor; `redirects` the policies whose `redirect` signature was verified (ECDSA or
    EIP-1271) over `redirect_message`; `orders_paid_before` and `liquidations_paid_before` what the signer's
    journal remembers of earlier batches (order ids, and `liquidation_id`s): the chain knows policy numbers
    only.
    """

    chain_id: int
    vault: str
    checkout: str
    usdc: str
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


def liquidation_id(key: PositionKey, event: Event | None) -> str:
    """One liquidation of one position, by OKX's own words: the uidHmac is the service's to make up.

    A full liquidation ends the position, so there is one, whichever record dates it; a partial one goes by
    its time, so that what happens to the rest of the position later is another.
    """
    what = "none" if event is None else event.kind
    if event is not None and event.kind != "full_liquidation":
        what += f":{event.time_ms}"
    return f"{key.inst_id}:{key.pos_id}:{key.c_time_ms}:{what}"


def redirect_message(*, chain_id: int, vault: str, policy_no: int, recipient: str) -> str:
    """The text that a buyer signs (EIP-191) to be paid at another address."""
    return (
        f"LiqPass: pay policy {policy_no} of vault {vault} on chain {chain_id} to {recipient} "
        "instead of the address that paid the premium."
    )

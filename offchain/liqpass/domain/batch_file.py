"""The exported `batch-YYYYMMDD.json`: all that the approver and the payer need beside the chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liqpass.domain.decision import Decision
from liqpass.domain.evidence import Bundle
from liqpass.domain.identifiers import (
    parse_address,
)
from liqpass.domain.merkle import MerkleError, Payout, PayoutTree
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.position import BoundPosition
from liqpass.domain.quote import QuoteTerms


class BatchFileError(ValueError):
    """A file that is not a batch: malformed, or a part of it not what its schema says."""


@dataclass(frozen=True, slots=True)
class Review:
    """Who approved the claim. NEEDS_REVIEW demands `reason` and a `second_reviewer` who is another person."""

    reviewer: str
    second_reviewer: str | None
    reason: str | None
    approved_at_ms: int


@dataclass(frozen=True, slots=True)
class ChainPayment:
    """The premium's transaction (`0x` + 64 hex), one that emitted `PremiumPaid`."""

    transaction: str


@dataclass(frozen=True, slots=True)
class ManualPayment:
    """An order marked paid by hand: no chain vouches for it. `paid_at_ms` is when it was marked."""

    paid_at_ms: int
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another address that the buyer chose by signature, because USDC refuses the first one."""

    recipient: str
    signature: str


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One payout with everything that justifies it. Addresses lower-case, `amount` base units."""

    policy_no: int
    order_uuid: str
    claim_id: str
    recipient: str
    amount: Usdc
    evidence_hash: bytes
    quote: QuoteTerms
    binding: BoundPosition
    bundle: Bundle
    decision: Decision
    review: Review
    payment: ChainPayment | ManualPayment
    redirect: Redirect | None

    def payout(self, batch_id: int) -> Payout:
        """The leaf's five fields."""
        return Payout(batch_id, self.policy_no, self.recipient, self.amount, self.evidence_hash)


@dataclass(frozen=True, slots=True)
class BatchFile:
    """`parameters` holds every set that a quote of the batch names, by version."""

    batch_id: int
    chain_id: int
    vault: str
    checkout: str
    payout_root: bytes
    total: Usdc
    created_at_ms: int
    parameters: Mapping[str, Parameters]
    items: tuple[BatchItem, ...]

    @classmethod
    def build(
        cls,
        *,
        batch_id: int,
        chain_id: int,
        vault: str,
        checkout: str,
        created_at_ms: int,
        parameters: Sequence[Parameters],
        items: Sequence[BatchItem],
    ) -> "BatchFile":
        """A file with root and total computed from `items`. Raises `BatchFileError` without items."""
        try:
            root = PayoutTree.of([item.payout(batch_id) for item in items]).root
        except MerkleError as error:
            raise BatchFileError(str(error)) from error
        return cls(
            batch_id=batch_id,
            chain_id=chain_id,
            vault=parse_address(vault),
            checkout=parse_address(checkout),
            payout_root=root,
            total=Usdc(sum(item.amount for item in items)),
            created_at_ms=created_at_ms,
            parameters={each.params_version: each for each in parameters},
            items=tuple(items),
        )

    def tree(self) -> PayoutTree:
        """The payout tree rebuilt from the items; its root is not taken from the file."""
        return PayoutTree.of([item.payout(self.batch_id) for item in self.items])

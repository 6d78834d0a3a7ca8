"""The chain's word on an exported batch, read on the signer's own machine: no database, no service."""

from __future__ import annotations

from collections.abc import Mapping

from liqpass.adapters.chain.reader import Web3ChainReader
from liqpass.domain.batch_check import manual_policies
from liqpass.domain.batch_file import BatchFile, ChainPayment
from liqpass.domain.batching import batch_id
from liqpass.domain.chain_facts import ChainFacts, PremiumPayment, redirect_message
from liqpass.domain.money import Usdc
from liqpass.ports import BlockRef, PremiumLog, SignatureCheck

SLACK_S = 120  # around the span in which the batch's orders could be paid: block times are not exact


def read_chain_facts(
    reader: Web3ChainReader,
    signatures: SignatureCheck,
    batch: BatchFile,
    *,
    orders_paid_before: frozenset[str] = frozenset(),
    liquidations_paid_before: frozenset[str] = frozenset(),
) -> ChainFacts:
    """What `batch_check.check` needs. The two sets come from the signer's journal. Raises ChainError.

    Paid bits are read at the newest block: a policy paid a moment ago must stop the signer too.
    """
    head = reader.head()
    return ChainFacts(
        chain_id=reader.chain_id(),
        vault=reader.contracts.vault,
        checkout=reader.contracts.checkout,
        usdc=reader.usdc(),
        batch_id=batch_id(head.time_s * 1000),
        payments=_payments(reader, batch, head),
        paid_policies=reader.paid_policies([item.policy_no for item in batch.items], head),
        redirects=_verified_redirects(signatures, batch),
        orders_paid_before=orders_paid_before,
        liquidations_paid_before=liquidations_paid_before,
    )


def _payments(
    reader: Web3ChainReader, batch: BatchFile, head: BlockRef
) -> Mapping[str, tuple[PremiumPayment, ...]]:
    """Every PremiumPaid of the batch's orders in the time in which they could be paid, and those it names."""
    if not batch.items:
        return {}
    order_hashes = sorted({item.quote.order_id for item in batch.items})
    first = reader.first_block_at(min(item.binding.bound_at_ms // 1000 for item in batch.items) - SLACK_S)
    last = head.number
    if not manual_policies(batch):  # a late payment is a usual reason to mark by hand: it will be shown
        latest_s = max(item.quote.valid_until_s for item in batch.items) + SLACK_S
        last = min(reader.first_block_at(latest_s), last)
    found = {
        (log.tx_hash, log.log_index): log
        for log in reader.premium_logs(first, last, order_hashes=order_hashes)
    }
    for item in batch.items:
        if isinstance(item.payment, ChainPayment):
            seen = reader.transaction(item.payment.transaction)
            for log in seen.premiums if seen is not None and seen.succeeded else ():
                found[log.tx_hash, log.log_index] = log
    by_order: dict[str, list[PremiumPayment]] = {}
    for log in sorted(found.values(), key=lambda log: (log.block.number, log.log_index)):
        by_order.setdefault(log.order_hash, []).append(_payment(log, head))
    return {order: tuple(payments) for order, payments in by_order.items()}


def _payment(log: PremiumLog, head: BlockRef) -> PremiumPayment:
    return PremiumPayment(
        order_id=log.order_hash,
        transaction=log.tx_hash,
        checkout=log.contract,
        payer=log.payer,
        amount=Usdc(log.amount),
        quote_hash=log.quote_hash,
        block_time_s=log.block.time_s,
        confirmations=head.number - log.block.number,
    )


def _verified_redirects(signatures: SignatureCheck, batch: BatchFile) -> frozenset[int]:
    verified = set()
    for item in batch.items:
        if item.redirect is None:
            continue
        message = redirect_message(
            chain_id=batch.chain_id,
            vault=batch.vault,
            policy_no=item.policy_no,
            recipient=item.redirect.recipient,
        )
        if signatures.signed_by(item.quote.buyer, message, item.redirect.signature):
            verified.add(item.policy_no)
    return frozenset(verified)

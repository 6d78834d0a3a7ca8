"""Which `PremiumPaid` event paid for an item of a batch, and what is wrong with it.

Anybody may emit events of anybody's order: Checkout takes any amount for any order, and one transaction can
hold many events. So the event that fits all terms counts, wherever others stand beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from liqpass.domain.batch_file import BatchItem, ManualPayment
from liqpass.domain.chain_facts import ChainFacts, PremiumPayment, Refusal
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.quote import order_id, quote_hash
from liqpass.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class PaymentFinding:
    """When the premium was paid (unix seconds, None if unknown), by whom, and what is wrong with it.

    `event` is None for an order marked by hand and for a payment that was not found.
    """

    paid_at_s: int | None
    payer: str
    event: PremiumPayment | None
    refusals: tuple[Refusal, ...]


def find_payment(item: BatchItem, facts: ChainFacts) -> PaymentFinding:
    """The item's payment as the chain has it; for an order marked by hand, as the file says."""
    policy, buyer = item.policy_no, item.quote.buyer
    events = _events_of_order(item, facts)
    if isinstance(item.payment, ManualPayment):
        paid = [event for event in events if not _differences(item, event, facts)]
        if not paid:
            return PaymentFinding(item.payment.paid_at_ms // 1000, buyer, None, ())
        message = f"marked paid by hand, yet the chain has its payment {paid[0].transaction}"
        refusal = Refusal(policy, Reason.MANUAL_BUT_PAID_ON_CHAIN, message)
        return PaymentFinding(None, buyer, None, (refusal,))
    named = [event for event in events if event.transaction == item.payment.transaction]
    if not named:
        message = f"no PremiumPaid of order {item.order_uuid} in transaction {item.payment.transaction}"
        return PaymentFinding(None, buyer, None, (Refusal(policy, Reason.PAYMENT_NOT_FOUND, message),))
    event = min(named, key=lambda each: len(_differences(item, each, facts)))
    return PaymentFinding(event.block_time_s, event.payer, event, _differences(item, event, facts))


def stray_payments(item: BatchItem, facts: ChainFacts) -> tuple[PremiumPayment, ...]:
    """Events of the item's order that do not fit its terms: to be shown beside it, not to be refused."""
    return tuple(event for event in _events_of_order(item, facts) if _differences(item, event, facts))


def _events_of_order(item: BatchItem, facts: ChainFacts) -> tuple[PremiumPayment, ...]:
    return facts.payments.get(format_bytes32(order_id(item.order_uuid)), ())


def _differences(item: BatchItem, event: PremiumPayment, facts: ChainFacts) -> tuple[Refusal, ...]:
    return tuple(Refusal(item.policy_no, reason, message) for reason, message in _faults(item, event, facts))


def _faults(item: BatchItem, event: PremiumPayment, facts: ChainFacts) -> Iterator[tuple[Reason, str]]:
    quote = item.quote
    hashed = format_bytes32(quote_hash(quote))
    for reason, what, stated, actual in (
        (Reason.PAYMENT_WRONG_ORDER, "order paid for", event.order_id, quote.order_id),
        (Reason.PAYMENT_WRONG_CONTRACT, "contract paid", event.checkout, facts.checkout),
        (Reason.PAYMENT_WRONG_QUOTE, "quote hash paid for", event.quote_hash, hashed),
        (Reason.PAYMENT_WRONG_PAYER, "payer of the premium", event.payer, quote.buyer),
        (Reason.PAYMENT_WRONG_AMOUNT, "premium paid", event.amount, quote.premium),
    ):
        if stated != actual:
            yield reason, f"{what} is {stated}, expected {actual}"
    if event.block_time_s > quote.valid_until_s:
        yield (
            Reason.PAYMENT_TOO_LATE,
            f"paid at {event.block_time_s}, the quote was valid until {quote.valid_until_s}",
        )

"""The approver's and the payer's check: an exported batch against the chain, without the service.

Nothing in the file is believed because it is there. The chain vouches for the quote hash, the payer and the
time of the premium; the quote hash for price, buyer, parameters and position; the position hash for the
response stored at binding; the rules, run again here, for the verdict and the amount; the signer's own list
for the parameters of those rules; the evidence hash and the payout root for the bytes. What no one vouches
for (orders marked by hand) is refused unless announced.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from liqpass.domain import chains
from liqpass.domain.batch_file import BatchFile, BatchItem, ManualPayment
from liqpass.domain.chain_facts import ChainFacts, Refusal, liquidation_id
from liqpass.domain.decision import Decision, Verdict
from liqpass.domain.eligibility import EvidenceIncompleteError, decide
from liqpass.domain.evidence import Env
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.merkle import MerkleError
from liqpass.domain.money import format_usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.payment_check import PaymentFinding, find_payment
from liqpass.domain.position import position_hash
from liqpass.domain.quote import order_id
from liqpass.domain.reasons import Reason
from liqpass.domain.recipient import refused_recipient
from liqpass.domain.underwriting import underwrite_position
from liqpass.domain.window import Window, cover_window

BINDING_TIME_MS = 300_000
"""How long before the binding its positions response may have come: OKX may be asked more than once."""


def manual_policies(batch: BatchFile) -> tuple[int, ...]:
    """Policy numbers of orders that were marked paid by hand: shown apart, allowed only by number."""
    return tuple(item.policy_no for item in batch.items if isinstance(item.payment, ManualPayment))


def check(
    batch: BatchFile, facts: ChainFacts, *, params_versions: Collection[str], allow_manual: int = 0
) -> list[Refusal]:
    """Every reason not to sign; empty: sign.

    `params_versions`: the versions of parameters that this signer allows, from his own machine: those in the
    file are the service's word. `allow_manual`: exactly so many orders marked by hand.
    """
    refusals = [*_check_file(batch, facts, allow_manual), *_check_duplicates(batch)]
    for item in batch.items:
        refusals.extend(_check_item(batch, item, facts))
        refusals.extend(_check_rules(item, params_versions))
    return refusals


def _check_file(batch: BatchFile, facts: ChainFacts, allow_manual: int) -> Iterator[Refusal]:
    if not batch.items:
        yield Refusal(None, Reason.BATCH_EMPTY, "the batch pays nobody")
    yield from _differs(None, Reason.BATCH_WRONG_CHAIN, "chain id", batch.chain_id, facts.chain_id)
    yield from _differs(None, Reason.BATCH_WRONG_VAULT, "vault", batch.vault, facts.vault)
    yield from _differs(None, Reason.BATCH_WRONG_CHECKOUT, "checkout", batch.checkout, facts.checkout)
    yield from _differs(None, Reason.BATCH_WRONG_DATE, "batch id", batch.batch_id, facts.batch_id)
    total = sum(item.amount for item in batch.items)
    yield from _differs(None, Reason.BATCH_WRONG_TOTAL, "total", batch.total, total)
    if batch.items:
        yield from _check_root(batch)
    for version, parameters in batch.parameters.items():
        actual = parameters.params_version
        yield from _differs(None, Reason.WRONG_PARAMETERS, "version of parameters", version, actual)
    manual = manual_policies(batch)
    if len(manual) != allow_manual:
        numbers = ", ".join(map(str, manual)) or "none"
        message = (
            f"{len(manual)} orders were marked paid by hand (policies: {numbers}), {allow_manual} allowed"
        )
        yield Refusal(None, Reason.MANUAL_NOT_ALLOWED, message)


def _check_root(batch: BatchFile) -> Iterator[Refusal]:
    try:
        root = batch.tree().root
    except MerkleError as error:
        yield Refusal(None, Reason.BATCH_WRONG_ROOT, f"no tree can be built: {error}")
        return
    stated, actual = format_bytes32(batch.payout_root), format_bytes32(root)
    yield from _differs(None, Reason.BATCH_WRONG_ROOT, "payout root", stated, actual)


def _check_duplicates(batch: BatchFile) -> Iterator[Refusal]:
    items = batch.items
    yield from _twice(Reason.DUPLICATE_POLICY, "policy", ((i.policy_no, i.policy_no) for i in items))
    yield from _twice(Reason.DUPLICATE_ORDER, "order", ((i.policy_no, i.order_uuid) for i in items))
    yield from _twice(Reason.DUPLICATE_CLAIM, "claim", ((i.policy_no, i.claim_id) for i in items))
    hashes = ((i.policy_no, i.bundle.evidence_hash.hex()) for i in items)
    yield from _twice(Reason.DUPLICATE_EVIDENCE, "evidence bundle", hashes)
    events = ((i.policy_no, liquidation_id(i.binding.key, i.bundle.event)) for i in items)
    yield from _twice(Reason.DUPLICATE_LIQUIDATION, "liquidation", events)


def _check_item(batch: BatchFile, item: BatchItem, facts: ChainFacts) -> Iterator[Refusal]:
    yield from _check_once(item, facts)
    yield from _check_terms(batch, item)
    yield from _check_evidence(batch, item)
    payment = find_payment(item, facts)
    yield from payment.refusals
    yield from _check_recipient(item, payment.payer, facts)
    parameters = batch.parameters.get(item.quote.params_version)
    if parameters is None:
        version = item.quote.params_version
        message = f"the file lacks the parameters {version} that the quote names"
        yield Refusal(item.policy_no, Reason.WRONG_PARAMETERS, message)
        return
    yield from _check_price(item, parameters)
    if payment.paid_at_s is not None:
        yield from _check_window(item, cover_window(payment.paid_at_s, parameters))
    yield from _check_payment_depth(item, payment, parameters)
    yield from _check_decision(item, parameters)


def _check_once(item: BatchItem, facts: ChainFacts) -> Iterator[Refusal]:
    policy = item.policy_no
    if policy in facts.paid_policies:
        yield Refusal(policy, Reason.POLICY_ALREADY_PAID, "the vault has paid this policy already")
    if item.quote.order_id in facts.orders_paid_before:
        message = f"order {item.order_uuid} was paid before, under another policy number"
        yield Refusal(policy, Reason.ORDER_PAID_BEFORE, message)
    if liquidation_id(item.binding.key, item.bundle.event) in facts.liquidations_paid_before:
        yield Refusal(policy, Reason.LIQUIDATION_PAID_BEFORE, "this liquidation was paid for before")


def _check_terms(batch: BatchFile, item: BatchItem) -> Iterator[Refusal]:
    policy, quote = item.policy_no, item.quote
    actual = format_bytes32(order_id(item.order_uuid))
    yield from _differs(policy, Reason.WRONG_ORDER_ID, "order id of the quote", quote.order_id, actual)
    yield from _differs(policy, Reason.WRONG_QUOTE, "chain of the quote", quote.chain_id, batch.chain_id)
    yield from _differs(policy, Reason.WRONG_QUOTE, "checkout of the quote", quote.checkout, batch.checkout)
    bound = position_hash(item.binding)
    yield from _differs(policy, Reason.WRONG_POSITION, "position of the quote", quote.position_hash, bound)


def _check_evidence(batch: BatchFile, item: BatchItem) -> Iterator[Refusal]:
    policy, bundle = item.policy_no, item.bundle
    stated, actual = item.evidence_hash.hex(), bundle.evidence_hash.hex()
    yield from _differs(policy, Reason.WRONG_EVIDENCE_HASH, "evidence hash", stated, actual)
    yield from _differs(policy, Reason.WRONG_CLAIM, "claim of the bundle", bundle.claim_id, item.claim_id)
    number = bundle.policy_no
    yield from _differs(policy, Reason.WRONG_POLICY_NUMBER, "policy of the bundle", number, policy)
    if bundle.subject != item.binding.subject:
        message = "the evidence is about another position or account than the one that was bound"
        yield Refusal(policy, Reason.WRONG_POSITION, message)
    bound, first = item.binding.body_sha256, bundle.requests[0].body_sha256
    yield from _differs(policy, Reason.WRONG_POSITION, "response stored at binding", first, bound)
    # The rules take what happened after this answer for done after binding, and only the binding's own time
    # is committed on chain: a later date would hide what the trader raised meanwhile.
    received_ms, bound_ms = bundle.requests[0].received_at_ms, item.binding.bound_at_ms
    if not bound_ms - BINDING_TIME_MS <= received_ms <= bound_ms:
        message = f"the response stored at binding came at {received_ms}, bound was at {bound_ms}"
        yield Refusal(policy, Reason.WRONG_POSITION, message)
    if batch.chain_id in chains.PRODUCTION and bundle.env is not Env.PRODUCTION:
        message = f"evidence of OKX's {bundle.env} environment counts for nothing on chain {batch.chain_id}"
        yield Refusal(policy, Reason.WRONG_ENVIRONMENT, message)


def _check_payment_depth(
    item: BatchItem, payment: PaymentFinding, parameters: Parameters
) -> Iterator[Refusal]:
    event = payment.event
    if event is not None and event.confirmations < parameters.confirmations:
        message = f"{event.confirmations} confirmations, needed are {parameters.confirmations}"
        yield Refusal(item.policy_no, Reason.PAYMENT_TOO_SHALLOW, message)


def _check_recipient(item: BatchItem, payer: str, facts: ChainFacts) -> Iterator[Refusal]:
    refused = refused_recipient(item.recipient, vault=facts.vault, checkout=facts.checkout, usdc=facts.usdc)
    if refused is not None:
        message = f"{item.recipient} is no buyer: it is the system's own address or nobody's"
        yield Refusal(item.policy_no, refused, message)
    if item.redirect is None:
        yield from _differs(item.policy_no, Reason.WRONG_RECIPIENT, "recipient", item.recipient, payer)
        return
    chosen = item.redirect.recipient
    yield from _differs(item.policy_no, Reason.WRONG_RECIPIENT, "recipient", item.recipient, chosen)
    if item.policy_no not in facts.redirects:
        message = f"no valid signature of {payer} sends this payout to {chosen}"
        yield Refusal(item.policy_no, Reason.WRONG_RECIPIENT, message)


def _check_price(item: BatchItem, parameters: Parameters) -> Iterator[Refusal]:
    policy, quote = item.policy_no, item.quote
    for name, quoted, set_by in (
        ("premium", quote.premium, parameters.premium),
        ("payout", quote.payout, parameters.payout_cap),
    ):
        yield from _differs(policy, Reason.WRONG_PARAMETERS, f"{name} of the quote", quoted, set_by)
    reasons = underwrite_position(
        item.bundle.requests[0], item.binding.key, item.binding.bound_at_ms, parameters
    )
    if reasons:
        message = "the position should not have been insured: " + ", ".join(reasons)
        yield Refusal(policy, Reason.UNDERWRITING_BREACHED, message)


def _check_rules(item: BatchItem, allowed: Collection[str]) -> Iterator[Refusal]:
    version = item.quote.params_version
    if version not in allowed:
        listed = ", ".join(sorted(allowed)) or "none"
        message = f"sold under the parameters {version}, this signer allows {listed}"
        yield Refusal(item.policy_no, Reason.PARAMETERS_NOT_ALLOWED, message)


def _check_window(item: BatchItem, window: Window) -> Iterator[Refusal]:
    stated = f"{item.bundle.window.start_ms}..{item.bundle.window.end_ms}"
    actual = f"{window.start_ms}..{window.end_ms}"
    yield from _differs(item.policy_no, Reason.WRONG_WINDOW, "window of the cover", stated, actual)


def _check_decision(item: BatchItem, parameters: Parameters) -> Iterator[Refusal]:
    policy = item.policy_no
    try:
        # the window was compared with the premium's block time before
        decision = decide(item.bundle, item.bundle.window, item.binding.subject, parameters)
    except EvidenceIncompleteError as error:
        yield Refusal(policy, error.reason, f"the evidence allows no verdict: {error}")
        return
    stated, actual = _decision_text(item.decision), _decision_text(decision)
    yield from _differs(policy, Reason.WRONG_DECISION, "decision", stated, actual)
    if item.bundle.event != decision.event:
        yield Refusal(policy, Reason.WRONG_DECISION, "the bundle's event is not the one that the rules find")
    if decision.verdict is Verdict.NOT_ELIGIBLE:
        message = "not eligible: " + ", ".join(decision.reasons)
        yield Refusal(policy, Reason.NOT_ELIGIBLE, message)
    yield from _check_review(item, decision)
    amount, due = format_usdc(item.amount), format_usdc(decision.payout)
    yield from _differs(policy, Reason.WRONG_AMOUNT, "amount", amount, due)
    if item.amount == 0:
        yield Refusal(policy, Reason.WRONG_AMOUNT, "nothing to pay")


def _check_review(item: BatchItem, decision: Decision) -> Iterator[Refusal]:
    policy, review = item.policy_no, item.review
    if not review.reviewer.strip():
        yield Refusal(policy, Reason.REVIEWER_MISSING, "nobody approved this claim")
    if decision.verdict is not Verdict.NEEDS_REVIEW:
        return
    if not (review.reason or "").strip():
        yield Refusal(policy, Reason.REVIEW_REASON_MISSING, "NEEDS_REVIEW was approved without a reason")
    second = (review.second_reviewer or "").strip()
    if not second or second.casefold() == review.reviewer.strip().casefold():
        message = "NEEDS_REVIEW was approved without a second, different reviewer"
        yield Refusal(policy, Reason.SECOND_REVIEWER_MISSING, message)


def _decision_text(decision: Decision) -> str:
    event = decision.event
    when = f"{event.kind} at {event.time_ms} with penalty {event.liq_penalty or '-'}" if event else "no event"
    return (
        f"{decision.verdict} ({', '.join(decision.reasons)}), {when}, loss "
        f"{format_usdc(decision.realised_loss)}, payout {format_usdc(decision.payout)} by "
        f"{decision.rules_version}"
    )


def _differs(
    policy_no: int | None, reason: Reason, what: str, stated: object, actual: object
) -> Iterator[Refusal]:
    if stated != actual:
        yield Refusal(policy_no, reason, f"{what} is {stated}, expected {actual}")


def _twice(reason: Reason, what: str, marks: Iterable[tuple[int, object]]) -> Iterator[Refusal]:
    listed = list(marks)
    counts = Counter(mark for _, mark in listed)
    for policy_no, mark in listed:
        if counts[mark] > 1:
            yield Refusal(policy_no, reason, f"{what} {mark} serves {counts[mark]} payouts")

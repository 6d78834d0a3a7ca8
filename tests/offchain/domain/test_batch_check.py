"""The signer's check: a sound batch passes, every tampering is refused for its own reason."""

import dataclasses

import pytest
from batch_stories import (
    BATCH_ID,
    CHECKOUT,
    MALLORY,
    REVIEWED_TWICE,
    USDC,
    VAULT,
    batch,
    buyer,
    facts,
    item,
    manual_item,
    order_uuid,
    payment,
    unsound_requests,
)
from domain_stories import BOUND_MS, EVENT_MS, PAID_S, WINDOW, closed_row, order_row, position_row, requests
from liqpass.domain import batch_check
from liqpass.domain.batch_check import manual_policies
from liqpass.domain.batch_file import ChainPayment, Redirect
from liqpass.domain.chain_facts import liquidation_id, redirect_message
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import Env, Event
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.payment_check import stray_payments
from liqpass.domain.position import position_hash
from liqpass.domain.quote import quote_hash
from liqpass.domain.reasons import Reason
from liqpass.domain.window import Window, cover_window

SOUND = facts(payment(1), payment(2))
OURS = frozenset({CONSERVATIVE.params_version})


def check(file, known, *, params_versions=OURS, allow_manual=0):
    """The check of a signer who allows the conservative parameters."""
    return batch_check.check(file, known, params_versions=params_versions, allow_manual=allow_manual)


def _reasons(file, known=SOUND, **options):
    return {(refusal.policy_no, refusal.reason) for refusal in check(file, known, **options)}


def _swap(original, **changes):
    """`original` with `changes`, everything derived from it left as it was."""
    return dataclasses.replace(original, **changes)


def _rebundle(original, **changes):
    """A changed bundle, its evidence hash recomputed as an attacker would."""
    changed = dataclasses.replace(original.bundle, **changes)
    return dataclasses.replace(original, bundle=changed, evidence_hash=changed.evidence_hash)


def test_check__sound_batch__nothing_refused():
    assert check(batch(item(1), item(2)), SOUND) == []


def test_check__changed_recipient__refused():
    file = batch(item(1, recipient=MALLORY), item(2))

    (refusal,) = check(file, SOUND)
    assert (refusal.policy_no, refusal.reason) == (1, Reason.WRONG_RECIPIENT)
    assert refusal.message == f"recipient is {MALLORY}, expected {buyer(1)}"


@pytest.mark.parametrize(("amount", "text"), [(50_000_001, "50.000001"), (49_999_999, "49.999999")])
def test_check__changed_amount__refused(amount, text):
    (refusal,) = check(batch(item(1, amount=amount)), SOUND)

    assert (refusal.policy_no, refusal.reason) == (1, Reason.WRONG_AMOUNT)
    assert refusal.message == f"amount is {text}, expected 50.00"


def test_check__changed_amount_and_decision__refused():
    forged = dataclasses.replace(item(1).decision, payout=60_000_000)

    found = _reasons(batch(item(1, amount=60_000_000, decision=forged)))
    assert found == {(1, Reason.WRONG_AMOUNT), (1, Reason.WRONG_DECISION)}


def test_check__one_byte_of_a_body_changed__refused():
    original = item(1)
    first, history, *rest = original.bundle.requests
    changed = dataclasses.replace(history, body=history.body.replace("-103.21", "-103.22"))
    bundle = dataclasses.replace(original.bundle, requests=(first, changed, *rest))

    found = _reasons(batch(_swap(original, bundle=bundle)))
    assert (1, Reason.WRONG_EVIDENCE_HASH) in found


@pytest.mark.parametrize("position", range(0, 64, 7))
def test_check__evidence_hash_changed__refused(position):
    original = item(1)
    digits = original.evidence_hash.hex()
    other = "0" if digits[position] != "0" else "1"
    changed = bytes.fromhex(digits[:position] + other + digits[position + 1 :])

    assert _reasons(batch(_swap(original, evidence_hash=changed))) == {(1, Reason.WRONG_EVIDENCE_HASH)}


def test_check__salt_changed_and_rehashed_with_stale_root__refused():
    honest = batch(item(1))
    forged = _rebundle(item(1), salt="00" * 32)

    found = _reasons(dataclasses.replace(honest, items=(forged,)))
    assert found == {(None, Reason.BATCH_WRONG_ROOT)}


def test_check__verdict_raised_by_hand__refused():
    stored = requests(closed=[], orders=[])
    sound = item(1).decision

    found = _reasons(batch(item(1, stored, decision=sound, amount=sound.payout)))
    assert found >= {(1, Reason.NOT_ELIGIBLE), (1, Reason.WRONG_DECISION), (1, Reason.WRONG_AMOUNT)}


def test_check__not_eligible__refused_even_if_all_agree():
    stored = requests(
        closed=[closed_row(uTime=str(WINDOW.end_ms))], orders=[order_row(fillTime=str(WINDOW.end_ms))]
    )

    found = _reasons(batch(item(1, stored, review=REVIEWED_TWICE)))
    assert (1, Reason.NOT_ELIGIBLE) in found


def test_check__needs_review_with_reason_and_two_reviewers__accepted():
    assert check(batch(item(1, unsound_requests(), review=REVIEWED_TWICE)), SOUND) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reason": None}, Reason.REVIEW_REASON_MISSING),
        ({"reason": "  "}, Reason.REVIEW_REASON_MISSING),
        ({"second_reviewer": None}, Reason.SECOND_REVIEWER_MISSING),
        ({"second_reviewer": " "}, Reason.SECOND_REVIEWER_MISSING),
        ({"second_reviewer": "reviewer-1"}, Reason.SECOND_REVIEWER_MISSING),
        ({"second_reviewer": " Reviewer-1 "}, Reason.SECOND_REVIEWER_MISSING),
    ],
)
def test_check__needs_review_half_reviewed__refused(changes, reason):
    review = dataclasses.replace(REVIEWED_TWICE, **changes)

    assert _reasons(batch(item(1, unsound_requests(), review=review))) == {(1, reason)}


def test_check__no_reviewer__refused():
    review = dataclasses.replace(item(1).review, reviewer=" ")

    assert _reasons(batch(item(1, review=review))) == {(1, Reason.REVIEWER_MISSING)}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        (
            {"premium": 900_000},
            {Reason.PAYMENT_WRONG_QUOTE, Reason.PAYMENT_WRONG_AMOUNT, Reason.WRONG_PARAMETERS},
        ),
        ({"payout": 60_000_000}, {Reason.PAYMENT_WRONG_QUOTE, Reason.WRONG_PARAMETERS}),
        ({"buyer": MALLORY}, {Reason.PAYMENT_WRONG_QUOTE, Reason.PAYMENT_WRONG_PAYER}),
        ({"chain_id": 8453}, {Reason.PAYMENT_WRONG_QUOTE, Reason.WRONG_QUOTE}),
        ({"checkout": MALLORY}, {Reason.PAYMENT_WRONG_QUOTE, Reason.WRONG_QUOTE}),
        ({"position_hash": "0" * 64}, {Reason.PAYMENT_WRONG_QUOTE, Reason.WRONG_POSITION}),
        ({"valid_until_s": PAID_S + 1}, {Reason.PAYMENT_WRONG_QUOTE}),
        (
            {"params_version": "0" * 16},
            {Reason.PAYMENT_WRONG_QUOTE, Reason.WRONG_PARAMETERS, Reason.PARAMETERS_NOT_ALLOWED},
        ),
        (
            {"order_id": "0x" + "0" * 64},
            {Reason.PAYMENT_WRONG_QUOTE, Reason.WRONG_ORDER_ID, Reason.PAYMENT_WRONG_ORDER},
        ),
    ],
)
def test_check__changed_quote_term__refused(changes, reasons):
    quote = dataclasses.replace(item(1).quote, **changes)

    assert _reasons(batch(item(1, quote=quote))) == {(1, reason) for reason in reasons}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"checkout": MALLORY}, Reason.PAYMENT_WRONG_CONTRACT),
        ({"order_id": "0x" + "0" * 64}, Reason.PAYMENT_WRONG_ORDER),
        ({"amount": 999_999}, Reason.PAYMENT_WRONG_AMOUNT),
        ({"amount": 1_000_001}, Reason.PAYMENT_WRONG_AMOUNT),
        ({"quote_hash": "0x" + "0" * 64}, Reason.PAYMENT_WRONG_QUOTE),
        ({"confirmations": 4}, Reason.PAYMENT_TOO_SHALLOW),
        ({"transaction": "0x" + "9" * 64}, Reason.PAYMENT_NOT_FOUND),
    ],
)
def test_check__payment_on_chain_differs__refused(changes, reason):
    known = facts(payment(2), payments={payment(1).order_id: (payment(1, **changes),)})

    assert _reasons(batch(item(1)), known) == {(1, reason)}


def test_check__paid_by_another__payer_and_recipient_refused():
    found = _reasons(batch(item(1)), facts(payment(1, payer=MALLORY)))

    assert found == {(1, Reason.PAYMENT_WRONG_PAYER), (1, Reason.WRONG_RECIPIENT)}


def test_check__paid_a_second_after_validity__refused():
    found = _reasons(batch(item(1)), facts(payment(1, block_time_s=PAID_S + 1)))

    assert found == {(1, Reason.PAYMENT_TOO_LATE), (1, Reason.WRONG_WINDOW)}


def test_check__no_payment_on_chain__refused():
    assert _reasons(batch(item(1)), facts()) == {(1, Reason.PAYMENT_NOT_FOUND)}


def test_check__paid_twice_on_chain__the_named_transaction_counts():
    known = facts(payment(1, transaction="0x" + "9" * 64, block_time_s=PAID_S - 900), payment(1))

    assert check(batch(item(1)), known) == []


@pytest.mark.parametrize(
    "poison",
    [
        {"payer": MALLORY, "amount": 1, "quote_hash": "0x" + "0" * 64},
        {"checkout": MALLORY},
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_check__another_event_of_the_order_in_the_transaction__the_one_that_fits_counts(poison, first):
    events = [payment(1, **poison), payment(1)]

    assert check(batch(item(1)), facts(*(events if first else events[::-1]))) == []


def test_check__no_event_of_the_transaction_fits__refused_by_the_closest():
    junk = payment(1, payer=MALLORY, amount=1, quote_hash="0x" + "0" * 64)

    found = _reasons(batch(item(1)), facts(junk, payment(1, amount=1)))
    assert found == {(1, Reason.PAYMENT_WRONG_AMOUNT)}


def test_check__another_position__refused():
    binding = dataclasses.replace(item(1).binding, uid_hmac="0" * 64)

    found = _reasons(batch(item(1, binding=binding)))
    assert (1, Reason.WRONG_POSITION) in found


@pytest.mark.parametrize(("early_ms", "sound"), [(0, True), (300_000, True), (300_001, False), (-1, False)])
def test_check__response_of_binding_received_after_or_long_before_it__refused(early_ms, sound):
    first, *rest = requests()
    received_ms = BOUND_MS - early_ms
    dated = dataclasses.replace(first, requested_at_ms=received_ms - 80, received_at_ms=received_ms)

    found = _reasons(batch(item(1, (dated, *rest))))
    assert found == (set() if sound else {(1, Reason.WRONG_POSITION)})


def test_check__binding_dated_after_the_raise__cannot_hide_it():
    added = order_row(side="buy", category="normal", ordId="1", fillTime=str(WINDOW.start_ms + 5), pnl="0")
    first, *rest = requests(orders=[order_row(), added])
    dated = dataclasses.replace(first, received_at_ms=EVENT_MS + 1)

    assert (1, Reason.WRONG_POSITION) in _reasons(batch(item(1, (dated, *rest))))


def test_check__response_of_binding_swapped__refused():
    stored = requests(bound=[position_row(liqPx="131")])
    forged = item(1, stored, binding=item(1).binding, quote=item(1).quote)

    assert _reasons(batch(forged)) == {(1, Reason.WRONG_POSITION)}


def test_check__window_shifted__refused():
    moved = Window(WINDOW.start_ms - 1, WINDOW.end_ms - 1)

    assert _reasons(batch(_rebundle(item(1), window=moved))) == {(1, Reason.WRONG_WINDOW)}


def test_check__event_rewritten__refused():
    event = dataclasses.replace(item(1).bundle.event, liq_penalty="-31")

    assert _reasons(batch(_rebundle(item(1), event=event))) == {(1, Reason.WRONG_DECISION)}


def test_check__position_that_underwriting_refuses__refused():
    stored = requests(
        bound=[position_row(lever="100", liqPx="149")], closed=[closed_row(lever="100", triggerPx="149")]
    )
    forged = item(1, stored)
    known = facts(payment(1, quote_hash=_hash_of(forged)))

    (refusal,) = check(batch(forged), known)
    assert (refusal.policy_no, refusal.reason) == (1, Reason.UNDERWRITING_BREACHED)
    assert refusal.message == (
        "the position should not have been insured: LEVERAGE_TOO_HIGH, LIQUIDATION_TOO_CLOSE"
    )


def _hash_of(each):
    return format_bytes32(quote_hash(each.quote))


def test_check__pages_missing__refused():
    honest = item(1)
    forged = _rebundle(honest, requests=honest.bundle.requests[:2])

    assert _reasons(batch(forged)) == {(1, Reason.EVIDENCE_INCOMPLETE)}


def test_check__fetch_failed__refused():
    honest = item(1)
    first, *rest = honest.bundle.requests
    failed = [dataclasses.replace(request, http_status=503) for request in rest]

    assert _reasons(batch(_rebundle(honest, requests=(first, *failed)))) == {(1, Reason.FETCH_FAILED)}


def test_check__claim_of_another__refused():
    assert _reasons(batch(item(1, claim_id=order_uuid(5)))) == {(1, Reason.WRONG_CLAIM)}


def test_check__policy_number_changed__refused():
    assert _reasons(batch(item(1, policy_no=9))) == {(9, Reason.WRONG_POLICY_NUMBER)}


def test_check__order_changed__refused():
    found = _reasons(batch(item(1, order_uuid=order_uuid(5))))

    assert found == {(1, Reason.WRONG_ORDER_ID), (1, Reason.PAYMENT_NOT_FOUND)}


def test_check__payment_of_another_order__refused():
    found = _reasons(batch(item(1, payment=ChainPayment(payment(2).transaction))))

    assert found == {(1, Reason.PAYMENT_NOT_FOUND)}


def test_check__already_paid__refused():
    known = facts(payment(1), paid_policies=frozenset({1}))

    assert _reasons(batch(item(1)), known) == {(1, Reason.POLICY_ALREADY_PAID)}


def test_check__order_paid_before_under_another_number__refused():
    known = facts(payment(1), orders_paid_before=frozenset({payment(1).order_id}))

    assert _reasons(batch(item(1)), known) == {(1, Reason.ORDER_PAID_BEFORE)}


def test_check__liquidation_paid_before__refused():
    liquidation = liquidation_id(item(1).binding.key, item(1).bundle.event)
    known = facts(payment(1), liquidations_paid_before=frozenset({liquidation}))

    assert _reasons(batch(item(1)), known) == {(1, Reason.LIQUIDATION_PAID_BEFORE)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain_id": 8453}, Reason.BATCH_WRONG_CHAIN),
        ({"vault": MALLORY}, Reason.BATCH_WRONG_VAULT),
        ({"checkout": MALLORY}, Reason.BATCH_WRONG_CHECKOUT),
        ({"batch_id": BATCH_ID + 1}, Reason.BATCH_WRONG_DATE),
    ],
)
def test_check__file_for_another_place_or_day__refused(changes, reason):
    known = dataclasses.replace(SOUND, **changes)

    assert (None, reason) in _reasons(batch(item(1)), known)


def test_check__root_or_total_changed__refused():
    assert _reasons(batch(item(1), payout_root=bytes(32))) == {(None, Reason.BATCH_WRONG_ROOT)}
    assert _reasons(batch(item(1), total=50_000_001)) == {(None, Reason.BATCH_WRONG_TOTAL)}


def test_check__policy_number_beyond_uint256__no_tree():
    file = batch(item(1))
    huge = _swap(item(1), policy_no=2**256)

    found = _reasons(dataclasses.replace(file, items=(huge,)))
    assert found == {(None, Reason.BATCH_WRONG_ROOT), (2**256, Reason.WRONG_POLICY_NUMBER)}


def test_check__item_dropped_or_added__root_and_total_refused():
    both, one = batch(item(1), item(2)), batch(item(1))
    broken = {(None, Reason.BATCH_WRONG_ROOT), (None, Reason.BATCH_WRONG_TOTAL)}

    assert _reasons(dataclasses.replace(both, items=one.items)) == broken
    assert _reasons(dataclasses.replace(one, items=both.items)) == broken


def test_check__items_reordered__same_root_and_accepted():
    file = batch(item(1), item(2))

    assert check(dataclasses.replace(file, items=file.items[::-1]), SOUND) == []


def test_check__empty_batch__refused():
    assert _reasons(batch(item(1), items=(), total=0)) == {(None, Reason.BATCH_EMPTY)}


def test_check__one_item_twice__each_duplicate_named():
    found = _reasons(batch(item(1), item(1)))

    assert found == {
        (1, reason)
        for reason in (
            Reason.DUPLICATE_POLICY,
            Reason.DUPLICATE_ORDER,
            Reason.DUPLICATE_CLAIM,
            Reason.DUPLICATE_EVIDENCE,
            Reason.DUPLICATE_LIQUIDATION,
        )
    }


def test_check__one_order_under_two_policy_numbers__refused():
    found = _reasons(batch(item(1), item(2, order_uuid=order_uuid(1))))

    assert {(1, Reason.DUPLICATE_ORDER), (2, Reason.DUPLICATE_ORDER)} <= found


def test_check__one_bundle_serves_two_payouts__refused():
    first = item(1)
    found = _reasons(batch(first, item(2, bundle=first.bundle, evidence_hash=first.evidence_hash)))

    assert {(1, Reason.DUPLICATE_EVIDENCE), (2, Reason.DUPLICATE_EVIDENCE)} <= found
    assert {(2, Reason.WRONG_CLAIM), (2, Reason.WRONG_POLICY_NUMBER), (2, Reason.WRONG_POSITION)} <= found


def test_check__one_liquidation_under_two_made_up_accounts__refused():
    first = item(1)
    second = _of_another_account(first, number=2)
    known = facts(payment(1), payment(2, quote_hash=_hash_of(second)))

    found = _reasons(batch(first, second), known)
    assert found == {(1, Reason.DUPLICATE_LIQUIDATION), (2, Reason.DUPLICATE_LIQUIDATION)}


def _of_another_account(original, number):
    """The same position and answers as policy `number`, whose account has another uid hash."""
    other = item(number)
    subject = dataclasses.replace(original.binding.subject, uid_hmac="ee" * 32)
    proof = dataclasses.replace(
        other.bundle,
        subject=subject,
        requests=original.bundle.requests,
        event=original.bundle.event,
    )
    bound = dataclasses.replace(original.binding, uid_hmac=subject.uid_hmac)
    return dataclasses.replace(
        other,
        bundle=proof,
        binding=bound,
        quote=dataclasses.replace(other.quote, position_hash=position_hash(bound)),
        evidence_hash=proof.evidence_hash,
    )


LATER = EVENT_MS + 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Event("full_liquidation", EVENT_MS, "-30"), Event("full_liquidation", LATER, ""), True),
        (Event("partial_liquidation", EVENT_MS, "-30"), Event("full_liquidation", LATER, "-30"), False),
        (Event("partial_liquidation", EVENT_MS, "-30"), Event("partial_liquidation", LATER, "-30"), False),
        (Event("partial_liquidation", EVENT_MS, "-30"), Event("partial_liquidation", EVENT_MS, ""), True),
        (None, None, True),
    ],
)
def test_liquidation_id__two_events_of_a_position__full_ones_are_one_partial_ones_by_time(one, other, same):
    key = item(1).binding.key

    assert (liquidation_id(key, one) == liquidation_id(key, other)) is same


@pytest.mark.parametrize("changes", [{"inst_id": "SOL-USDC-SWAP"}, {"pos_id": "8"}, {"c_time_ms": 8}])
def test_liquidation_id__another_position__another_liquidation(changes):
    event = item(1).bundle.event
    other = dataclasses.replace(item(1).binding.key, **changes)

    assert liquidation_id(item(1).binding.key, event) != liquidation_id(other, event)


def test_check__one_liquidation_paid_twice__refused():
    found = _reasons(batch(item(1), item(2, binding=item(1).binding)))

    assert {(1, Reason.DUPLICATE_LIQUIDATION), (2, Reason.DUPLICATE_LIQUIDATION)} <= found


def test_check__parameters_embedded_under_a_false_version__refused():
    loose = dataclasses.replace(CONSERVATIVE, max_leverage=100)
    file = batch(item(1), parameters={CONSERVATIVE.params_version: loose})

    assert _reasons(file) == {(None, Reason.WRONG_PARAMETERS)}


def test_check__generous_rules_made_up_by_the_service__refused_unless_the_signer_lists_them():
    generous = dataclasses.replace(
        CONSERVATIVE, payout_cap=500_000_000, max_leverage=125, min_liquidation_distance_bps=1, waiting_s=0
    )
    window = cover_window(PAID_S, generous)
    honest = item(1)
    raw = dataclasses.replace(honest.bundle, window=window)
    decision = decide(raw, window, honest.binding.subject, generous)
    proof = dataclasses.replace(raw, event=decision.event)
    quote = dataclasses.replace(
        honest.quote, payout=generous.payout_cap, params_version=generous.params_version
    )
    forged = item(
        1,
        quote=quote,
        bundle=proof,
        decision=decision,
        amount=decision.payout,
        evidence_hash=proof.evidence_hash,
    )
    file = batch(forged, parameters={generous.params_version: generous})
    known = facts(payment(1, quote_hash=_hash_of(forged)))

    (refusal,) = check(file, known)
    assert (refusal.policy_no, refusal.reason) == (1, Reason.PARAMETERS_NOT_ALLOWED)
    (ours,), theirs = OURS, generous.params_version
    assert refusal.message == f"sold under the parameters {theirs}, this signer allows {ours}"
    assert check(file, known, params_versions=OURS | {generous.params_version}) == []
    assert check(file, known, params_versions=frozenset())[0].message.endswith("allows none")


def test_check__demo_evidence_on_base__refused():
    quote = dataclasses.replace(item(1).quote, chain_id=8453)
    demo = _rebundle(item(1, quote=quote), env=Env.DEMO)
    known = facts(payment(1, quote_hash=_hash_of(demo)), chain_id=8453)

    assert _reasons(batch(demo, chain_id=8453), known) == {(1, Reason.WRONG_ENVIRONMENT)}
    live = _rebundle(demo, env=Env.PRODUCTION)
    assert _reasons(batch(live, chain_id=8453), known) == set()


def test_check__marked_by_hand__refused_unless_exactly_so_many_are_allowed():
    file = batch(manual_item(1), item(2))
    refused = {(None, Reason.MANUAL_NOT_ALLOWED)}

    assert manual_policies(file) == (1,)
    assert _reasons(file, facts(payment(2))) == refused
    assert _reasons(file, facts(payment(2)), allow_manual=1) == set()
    assert _reasons(file, facts(payment(2)), allow_manual=2) == refused
    assert _reasons(batch(item(2)), facts(payment(2)), allow_manual=1) == refused


def test_check__marked_by_hand__refusal_names_the_policies():
    (refusal,) = check(batch(manual_item(1)), facts())
    assert refusal.message == "1 orders were marked paid by hand (policies: 1), 0 allowed"

    (refusal,) = check(batch(item(1)), SOUND, allow_manual=1)
    assert refusal.message == "0 orders were marked paid by hand (policies: none), 1 allowed"


def test_check__marked_by_hand__everything_else_is_checked():
    honest = manual_item(1)
    forged = _swap(
        _rebundle(honest, window=Window(WINDOW.start_ms - 1, WINDOW.end_ms - 1)), recipient=MALLORY
    )

    found = _reasons(batch(forged), facts(), allow_manual=1)
    assert found == {(1, Reason.WRONG_RECIPIENT), (1, Reason.WRONG_WINDOW)}


def test_check__marked_by_hand_yet_paid_on_chain__refused():
    found = _reasons(batch(manual_item(1)), SOUND, allow_manual=1)

    assert found == {(1, Reason.MANUAL_BUT_PAID_ON_CHAIN)}


@pytest.mark.parametrize(
    "changes",
    [
        {"payer": MALLORY},
        {"amount": 1},
        {"quote_hash": "0x" + "0" * 64},
        {"checkout": MALLORY},
        {"block_time_s": PAID_S + 1},
    ],
)
def test_check__marked_by_hand_and_an_event_that_does_not_fit__shown_not_refused(changes):
    stray = payment(1, **changes)
    known = facts(stray)

    assert check(batch(manual_item(1)), known, allow_manual=1) == []
    assert stray_payments(manual_item(1), known) == (stray,)
    assert stray_payments(manual_item(1), facts(payment(1))) == ()


def test_check__redirect__only_with_a_verified_signature():
    elsewhere = "0x" + "ee" * 20
    file = batch(item(1, recipient=elsewhere, redirect=Redirect(elsewhere, "0x00")))

    assert _reasons(file) == {(1, Reason.WRONG_RECIPIENT)}
    signed = dataclasses.replace(SOUND, redirects=frozenset({1}))
    assert _reasons(file, signed) == set()
    diverted = batch(item(1, recipient=MALLORY, redirect=Redirect(elsewhere, "0x00")))
    assert _reasons(diverted, signed) == {(1, Reason.WRONG_RECIPIENT)}


@pytest.mark.parametrize("recipient", [VAULT, CHECKOUT, USDC])
def test_check__redirect_to_our_own_contract__refused(recipient):
    redirected = item(1, recipient=recipient, redirect=Redirect(recipient, "0x00"))
    (refusal,) = check(batch(redirected), dataclasses.replace(SOUND, redirects=frozenset({1})))
    assert (refusal.policy_no, refusal.reason) == (1, Reason.RECIPIENT_REFUSED)
    assert refusal.message == f"{recipient} is no buyer: it is the system's own address or nobody's"


@pytest.mark.parametrize("recipient", [VAULT, CHECKOUT, USDC])
def test_check__premium_paid_by_our_own_contract__refused(recipient):
    quote = dataclasses.replace(item(1).quote, buyer=recipient)
    bought = item(1, quote=quote, recipient=recipient)
    known = facts(payment(1, payer=recipient, quote_hash=_hash_of(bought)))

    assert _reasons(batch(bought), known) == {(1, Reason.RECIPIENT_REFUSED)}


def test_redirect_message__all_terms__in_the_text():
    text = redirect_message(chain_id=8453, vault="0xaa", policy_no=7, recipient="0xbb")

    assert text == (
        "LiqPass: pay policy 7 of vault 0xaa on chain 8453 to 0xbb "
        "instead of the address that paid the premium."
    )

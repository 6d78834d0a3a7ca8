"""`executeBatch`: what is paid, what stops it, and what is left unpaid."""

import pytest
from amounts import DAILY_CAP, HOT_WALLET_MAX, USDC
from batches import hostile_leaf, node
from logs import event, events_of
from reverts import reverts_with, reverts_with_panic

VALIDITY_S = 48 * 3600
NOBODY = "0x" + "00" * 20
UINT96_MAX = 2**96 - 1


def executed(vault, batch, item, name="PayoutExecuted"):
    """The event of one payout."""
    _, policy_no, recipient, amount, evidence = item
    return event(
        vault,
        name,
        batchId=batch.batch_id,
        policyNo=policy_no,
        recipient=recipient,
        amount=amount,
        evidenceHash=evidence,
    )


def transfer(vault, usdc, item):
    return event(usdc, "Transfer", **{"from": vault, "to": item[2], "value": item[3]})


def test_execute__whole_batch__pays_everybody(vault, usdc, payer, recipients, approved_batch):
    batch_id, items, proof, flags = approved_batch.execution()

    tx = vault.executeBatch(batch_id, items, proof, flags, sender=payer)

    assert events_of(tx) == [
        log for item in items for log in (transfer(vault, usdc, item), executed(vault, approved_batch, item))
    ]
    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 20 * USDC, 30 * USDC]
    assert usdc.balanceOf(vault) == HOT_WALLET_MAX - 60 * USDC
    assert vault.batches(batch_id).paid == 60 * USDC
    assert vault.remainingToday() == DAILY_CAP - 60 * USDC
    assert [vault.isPaid(number) for number in range(5)] == [False, True, True, True, False]


def test_execute__in_two_parts__pays_each_once(vault, usdc, payer, recipients, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)
    assert vault.batches(approved_batch.batch_id).paid == 20 * USDC

    vault.executeBatch(*approved_batch.execution([0, 2]), sender=payer)

    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 20 * USDC, 30 * USDC]
    assert vault.batches(approved_batch.batch_id).paid == 60 * USDC


def test_execute__one_payout_batch__needs_no_proof(filled_vault, usdc, approver, payer, recipients, today_batch):
    batch = today_batch((7, recipients[0], 5))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert batch.execution()[2:] == ([], [])
    assert usdc.balanceOf(recipients[0]) == 5


@pytest.mark.parametrize("number", [0, 255, 256, 2**256 - 1])
def test_execute__policy_number_at_a_words_edge__sets_its_bit_only(
    number, filled_vault, approver, payer, recipients, today_batch
):
    batch = today_batch((number, recipients[0], 5))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert filled_vault.isPaid(number)
    assert not filled_vault.isPaid((number + 1) % 2**256)
    assert not filled_vault.isPaid((number - 1) % 2**256)
    assert not filled_vault.isPaid((number + 256) % 2**256)


def test_execute__never_approved__reverts(filled_vault, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], 5))

    with reverts_with(filled_vault.NotApproved, batchId=batch.batch_id):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


def test_execute__revoked__reverts(vault, approver, payer, approved_batch):
    vault.revokeBatch(approved_batch.batch_id, sender=approver)

    with reverts_with(vault.NotApproved, batchId=approved_batch.batch_id):
        vault.executeBatch(*approved_batch.execution(), sender=payer)


@pytest.mark.parametrize(("offset", "pays"), [(-1, True), (0, False), (1, False)])
def test_execute__around_the_approvals_expiry__pays_only_before(
    offset, pays, vault, usdc, payer, recipients, clock, approved_batch
):
    expiry = vault.batches(approved_batch.batch_id).approvedAt + VALIDITY_S
    clock.next_block_at(expiry + offset)

    if pays:
        vault.executeBatch(*approved_batch.execution(), sender=payer)
        assert usdc.balanceOf(recipients[0]) == 10 * USDC
    else:
        with reverts_with(vault.ApprovalExpired, batchId=approved_batch.batch_id, expiresAt=expiry):
            vault.executeBatch(*approved_batch.execution(), sender=payer)
        assert usdc.balanceOf(recipients[0]) == 0


def test_execute__no_payouts__reverts(vault, payer, approved_batch):
    with reverts_with(vault.EmptyBatch, batchId=approved_batch.batch_id):
        vault.executeBatch(approved_batch.batch_id, [], [], [], sender=payer)


def test_execute__payout_of_another_batch__reverts(vault, payer, approved_batch):
    batch_id, items, proof, flags = approved_batch.execution([0])
    items[0] = (batch_id + 1, *items[0][1:])

    with reverts_with(vault.WrongBatch, policyNo=1, batchId=batch_id + 1, expectedBatchId=batch_id):
        vault.executeBatch(batch_id, items, proof, flags, sender=payer)


@pytest.mark.parametrize("which", ["zero", "vault", "usdc"])
def test_execute__recipient_that_cannot_be_paid__reverts(
    which, filled_vault, usdc, approver, payer, clock
):
    where = {"zero": NOBODY, "vault": filled_vault.address, "usdc": usdc.address}[which]
    item = (clock.today, 1, where, 5, b"\x01" * 32)
    filled_vault.approveBatch(clock.today, hostile_leaf(item), 5, sender=approver)

    with reverts_with(filled_vault.InvalidRecipient, policyNo=1, recipient=where):
        filled_vault.executeBatch(clock.today, [item], [], [], sender=payer)

    assert not filled_vault.isPaid(1)


def test_execute__payout_of_nothing__reverts(filled_vault, approver, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], 5), (2, recipients[1], 0))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.ZeroAmount, policyNo=2):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


@pytest.mark.parametrize(
    ("field", "value"),
    [(1, 99), (2, "0x" + "99" * 20), (3, 10 * USDC + 1), (4, b"\x99" * 32)],
    ids=["policy", "recipient", "amount", "evidence"],
)
def test_execute__payout_other_than_approved__reverts(field, value, vault, payer, approved_batch):
    batch_id, items, proof, flags = approved_batch.execution([0])
    changed = list(items[0])
    changed[field] = value

    with reverts_with(vault.WrongProof, batchId=batch_id, payoutRoot=approved_batch.root):
        vault.executeBatch(batch_id, [tuple(changed)], proof, flags, sender=payer)


def test_execute__more_than_the_approved_total__reverts(
    filled_vault, approver, payer, recipients, today_batch
):
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(batch.batch_id, batch.root, 69, sender=approver)

    with reverts_with(filled_vault.AboveTotal, batchId=batch.batch_id, amount=70, remaining=69):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


def test_execute__second_part_above_what_is_left_of_the_total__reverts(
    filled_vault, usdc, approver, payer, recipients, today_batch
):
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(batch.batch_id, batch.root, 69, sender=approver)
    filled_vault.executeBatch(*batch.execution([0]), sender=payer)

    with reverts_with(filled_vault.AboveTotal, batchId=batch.batch_id, amount=40, remaining=39):
        filled_vault.executeBatch(*batch.execution([1]), sender=payer)

    assert usdc.balanceOf(recipients[1]) == 0


@pytest.mark.parametrize("amount", [2**96, 2**96 + 1, 2**256 - 1])
def test_execute__amount_beyond_96_bits__reverts(amount, filled_vault, approver, payer, recipients, clock):
    item = (clock.today, 1, recipients[0], amount, b"\x01" * 32)
    filled_vault.approveBatch(clock.today, hostile_leaf(item), UINT96_MAX, sender=approver)

    with reverts_with(filled_vault.AboveTotal, batchId=clock.today, amount=amount, remaining=UINT96_MAX):
        filled_vault.executeBatch(clock.today, [item], [], [], sender=payer)


def test_execute__amounts_that_overflow__reverts(filled_vault, approver, payer, recipients, clock):
    items = [
        (clock.today, 1, recipients[0], 2**256 - 1, b"\x01" * 32),
        (clock.today, 2, recipients[1], 2, b"\x01" * 32),
    ]
    root = node(*(hostile_leaf(item) for item in items))
    filled_vault.approveBatch(clock.today, root, 1, sender=approver)

    with reverts_with_panic(0x11):
        filled_vault.executeBatch(clock.today, items, [], [True], sender=payer)


def test_execute__exactly_the_daily_cap__pays(filled_vault, usdc, approver, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], DAILY_CAP))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == DAILY_CAP
    assert filled_vault.remainingToday() == 0


def test_execute__one_above_the_daily_cap__reverts(filled_vault, usdc, approver, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], DAILY_CAP + 1))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.AboveDailyCap, amount=DAILY_CAP + 1, remaining=DAILY_CAP):
        filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == 0


@pytest.mark.parametrize(("offset", "pays"), [(-1, False), (0, True), (1, True)])
def test_execute__cap_used_up__pays_the_rest_from_midnight_on(
    offset, pays, filled_vault, usdc, approver, payer, recipients, today_batch, clock
):
    batch = today_batch((1, recipients[0], DAILY_CAP), (2, recipients[1], 7))
    filled_vault.approveBatch(*batch.terms, sender=approver)
    filled_vault.executeBatch(*batch.execution([0]), sender=payer)
    clock.next_block_at(clock.next_midnight + offset)

    if pays:
        filled_vault.executeBatch(*batch.execution([1]), sender=payer)
        assert usdc.balanceOf(recipients[1]) == 7
        assert filled_vault.remainingToday() == DAILY_CAP - 7
    else:
        with reverts_with(filled_vault.AboveDailyCap, amount=7, remaining=0):
            filled_vault.executeBatch(*batch.execution([1]), sender=payer)


def test_execute__balance_one_short__reverts_whole(filled_vault, usdc, circle, approver, payer, recipients, today_batch):
    filled_vault.sweep(sender=payer)
    usdc.mint(filled_vault, 69, sender=circle)
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.ShortBalance, amount=70, balance=69):
        filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == usdc.balanceOf(recipients[1]) == 0
    assert not filled_vault.isPaid(1)


def test_execute__exactly_the_balance__pays(filled_vault, usdc, circle, approver, payer, recipients, today_batch):
    filled_vault.sweep(sender=payer)
    usdc.mint(filled_vault, 70, sender=circle)
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(filled_vault) == 0


def test_execute__usdc_paused__reverts_whole(vault, usdc, circle, payer, approved_batch):
    usdc.pause(sender=circle)

    with reverts_with(vault.UsdcPaused):
        vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert not vault.isPaid(1)
    assert vault.batches(approved_batch.batch_id).paid == 0


def test_execute__paid_before__reverts_whole(vault, usdc, payer, recipients, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)
    raised = approved_batch.execution([0, 1])

    with reverts_with(vault.AboveTotal, batchId=approved_batch.batch_id, amount=60 * USDC, remaining=40 * USDC):
        vault.executeBatch(*approved_batch.execution(), sender=payer)
    with reverts_with(vault.AlreadyPaid, policyNo=2):
        vault.executeBatch(*raised, sender=payer)

    assert usdc.balanceOf(recipients[0]) == 0
    assert usdc.balanceOf(recipients[1]) == 20 * USDC


def test_execute__same_policy_in_a_later_batch__reverts(
    vault, approver, payer, recipients, clock, today_batch, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    clock.travel_to(clock.next_midnight)
    later = today_batch((1, recipients[0], 10 * USDC))
    vault.approveBatch(*later.terms, sender=approver)

    with reverts_with(vault.AlreadyPaid, policyNo=1):
        vault.executeBatch(*later.execution(), sender=payer)


def test_execute__denylisted_recipient__skipped_and_free_of_cap_and_total(
    vault, usdc, circle, payer, recipients, approved_batch
):
    usdc.blacklist(recipients[1], sender=circle)
    batch_id, items, proof, flags = approved_batch.execution()

    tx = vault.executeBatch(batch_id, items, proof, flags, sender=payer)

    expected = []
    for item in items:
        if item[1] == 2:
            expected.append(executed(vault, approved_batch, item, "PayoutFailed"))
        else:
            expected += [transfer(vault, usdc, item), executed(vault, approved_batch, item)]
    assert events_of(tx) == expected
    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 0, 30 * USDC]
    assert [vault.isPaid(number) for number in (1, 2, 3)] == [True, False, True]
    assert vault.batches(batch_id).paid == 40 * USDC
    assert vault.remainingToday() == DAILY_CAP - 40 * USDC


def test_execute__denylisting_lifted__pays_later(vault, usdc, circle, payer, recipients, approved_batch):
    usdc.blacklist(recipients[1], sender=circle)
    vault.executeBatch(*approved_batch.execution(), sender=payer)
    usdc.unBlacklist(recipients[1], sender=circle)

    vault.executeBatch(*approved_batch.execution([1]), sender=payer)

    assert usdc.balanceOf(recipients[1]) == 20 * USDC
    assert vault.batches(approved_batch.batch_id).paid == 60 * USDC
    assert vault.remainingToday() == DAILY_CAP - 60 * USDC


def test_execute__all_recipients_denylisted__pays_nobody_and_uses_nothing(
    vault, usdc, circle, payer, recipients, approved_batch
):
    for recipient in recipients[:3]:
        usdc.blacklist(recipient, sender=circle)

    tx = vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert [name for _, name, _ in events_of(tx)] == ["PayoutFailed"] * 3
    assert vault.batches(approved_batch.batch_id).paid == 0
    assert vault.remainingToday() == DAILY_CAP
    assert usdc.balanceOf(vault) == HOT_WALLET_MAX


def test_execute__failed_payout_after_an_earlier_part__gives_back_only_its_own(
    vault, usdc, circle, payer, recipients, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    usdc.blacklist(recipients[1], sender=circle)

    vault.executeBatch(*approved_batch.execution([1, 2]), sender=payer)

    assert vault.batches(approved_batch.batch_id).paid == 40 * USDC
    assert vault.remainingToday() == DAILY_CAP - 40 * USDC


def test_execute__failed_payout_on_a_new_day__counts_from_zero(
    vault, usdc, circle, payer, recipients, clock, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    usdc.blacklist(recipients[1], sender=circle)
    clock.travel_to(clock.next_midnight)

    vault.executeBatch(*approved_batch.execution([1, 2]), sender=payer)

    assert vault.remainingToday() == DAILY_CAP - 30 * USDC


def test_execute__vault_denylisted__every_payout_fails_and_stays_unpaid(vault, usdc, circle, payer, approved_batch):
    usdc.blacklist(vault, sender=circle)

    tx = vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert [name for _, name, _ in events_of(tx)] == ["PayoutFailed"] * 3
    assert vault.batches(approved_batch.batch_id).paid == 0


def test_execute__paused__reverts(vault, guardian, payer, approved_batch):
    vault.pause(sender=guardian)

    with reverts_with(vault.EnforcedPause):
        vault.executeBatch(*approved_batch.execution(), sender=payer)


def test_execute__fifty_payouts__pays_everybody(filled_vault, usdc, approver, payer, today_batch):
    people = [f"0x{0xCAFE0000 + index:040x}" for index in range(50)]
    batch = today_batch(*((index, person, 1000 + index) for index, person in enumerate(people)))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert [usdc.balanceOf(person) for person in people] == [1000 + index for index in range(50)]
    assert filled_vault.batches(batch.batch_id).paid == batch.total

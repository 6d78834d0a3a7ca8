"""Proofs that are empty, repeated, reordered, bent, or of something that is no leaf."""

import pytest
from batches import LEAF_TYPES, hostile_leaf, node, struct
from eth_abi.abi import encode
from eth_hash.auto import keccak
from reverts import reverts_with


@pytest.fixture
def five(filled_vault, approver, today_batch, recipients):
    batch = today_batch(*((number, recipients[number], 10 + number) for number in range(5)))
    filled_vault.approveBatch(*batch.terms, sender=approver)
    return batch


def expect_wrong_proof(vault, batch, payer, items, proof, flags):
    with reverts_with(vault.WrongProof, batchId=batch.batch_id, payoutRoot=batch.root):
        vault.executeBatch(batch.batch_id, items, proof, flags, sender=payer)


def test_proof__nothing_proven_by_the_root_itself__reverts(filled_vault, payer, five):
    with reverts_with(filled_vault.EmptyBatch, batchId=five.batch_id):
        filled_vault.executeBatch(five.batch_id, [], [five.root], [], sender=payer)


def test_proof__same_payout_twice__reverts(filled_vault, payer, five):
    batch_id, items, proof, flags = five.execution([0])

    with reverts_with(filled_vault.AlreadyPaid, policyNo=0):
        filled_vault.executeBatch(batch_id, items * 2, proof, [*flags, True], sender=payer)


def test_proof__same_payout_twice_in_place_of_its_sibling__reverts(filled_vault, payer, five):
    batch_id, items, proof, flags = five.execution()

    with reverts_with(filled_vault.AlreadyPaid, policyNo=items[0][1]):
        filled_vault.executeBatch(batch_id, [items[0], items[0], *items[2:]], proof, flags, sender=payer)


def test_proof__reordered_payouts__reverts(filled_vault, payer, five):
    _, items, proof, flags = five.execution()

    expect_wrong_proof(filled_vault, five, payer, items[::-1], proof, flags)


def test_proof__reordered_siblings__reverts(filled_vault, payer, five):
    _, items, proof, flags = five.execution([0])
    assert len(proof) > 1

    expect_wrong_proof(filled_vault, five, payer, items, proof[::-1], flags)


def test_proof__of_another_payout__reverts(filled_vault, payer, five):
    _, items, *_ = five.execution([0])
    _, _, proof, flags = five.execution([1])

    with reverts_with(filled_vault.WrongProof, batchId=five.batch_id, payoutRoot=five.root):
        filled_vault.executeBatch(five.batch_id, items, proof, flags, sender=payer)


def test_proof__of_a_payout_that_is_in_no_tree__reverts(filled_vault, payer, five, stranger):
    batch_id, _, proof, flags = five.execution([0])
    mine = (batch_id, 77, stranger.address, 10, b"\x01" * 32)

    expect_wrong_proof(filled_vault, five, payer, [mine], proof, flags)


@pytest.mark.parametrize("change", ["sibling left out", "sibling too many", "flag too many", "flag left out"])
def test_proof__of_a_wrong_length__reverts(change, filled_vault, payer, five):
    _, items, proof, flags = five.execution([0])
    bent = {
        "sibling left out": (proof[:-1], flags),
        "sibling too many": ([*proof, b"\x01" * 32], flags),
        "flag too many": (proof, [*flags, True]),
        "flag left out": (proof, flags[:-1]),
    }[change]

    expect_wrong_proof(filled_vault, five, payer, items, *bent)


def test_proof__flag_pointing_at_a_node_not_yet_made__reverts(
    filled_vault, payer, today_batch, approver, recipients
):
    batch = today_batch((8, recipients[0], 1), (9, recipients[1], 2))
    filled_vault.approveBatch(*batch.terms, sender=approver)
    _, items, proof, _ = batch.execution([0])

    expect_wrong_proof(filled_vault, batch, payer, items, proof, [True])


@pytest.mark.parametrize("flag", [0, 1])
def test_proof__flag_turned__reverts(flag, filled_vault, payer, five):
    _, items, proof, flags = five.execution([0, 1])
    turned = list(flags)
    place = turned.index(bool(flag))
    turned[place] = not turned[place]

    expect_wrong_proof(filled_vault, five, payer, items, proof, turned)


def test_leaf__hashed_once__is_no_leaf(filled_vault, approver, payer, clock, recipients):
    item = (clock.today, 1, recipients[0], 5, b"\x01" * 32)
    hashed_once = keccak(encode(LEAF_TYPES, item))
    filled_vault.approveBatch(clock.today, hashed_once, 5, sender=approver)

    with reverts_with(filled_vault.WrongProof, batchId=clock.today, payoutRoot=hashed_once):
        filled_vault.executeBatch(clock.today, [item], [], [], sender=payer)


def test_leaf__double_hash_is_what_the_service_builds(five):
    item = five.tree.payouts[0]

    assert hostile_leaf(struct(item)) in five.tree.nodes


def test_inner_node__in_place_of_a_payout__reverts(filled_vault, payer, five):
    """The sibling that stands for two payouts cannot be paid: no payout hashes to it."""
    batch_id, _, proof, flags = five.execution([0])
    inner = next(
        entry for entry in proof if entry not in {hostile_leaf(struct(i)) for i in five.tree.payouts}
    )
    left = int.from_bytes(inner[:20], "big")
    posing = (batch_id, left, "0x" + inner[:20].hex(), 10, inner)

    expect_wrong_proof(filled_vault, five, payer, [posing], proof, flags)


def test_same_policy_twice_under_one_root__second_reverts(
    filled_vault, usdc, approver, payer, clock, recipients
):
    items = [
        (clock.today, 1, recipients[0], 5, b"\x01" * 32),
        (clock.today, 1, recipients[1], 5, b"\x01" * 32),
    ]
    root = node(*(hostile_leaf(item) for item in items))
    filled_vault.approveBatch(clock.today, root, 10, sender=approver)

    with reverts_with(filled_vault.AlreadyPaid, policyNo=1):
        filled_vault.executeBatch(clock.today, items, [], [True], sender=payer)

    assert usdc.balanceOf(recipients[0]) == 0


def test_same_policy_twice__first_recipient_denylisted__second_is_paid_once(
    filled_vault, usdc, circle, approver, payer, clock, recipients
):
    items = [
        (clock.today, 1, recipients[0], 5, b"\x01" * 32),
        (clock.today, 1, recipients[1], 5, b"\x01" * 32),
    ]
    leaves = [hostile_leaf(item) for item in items]
    filled_vault.approveBatch(clock.today, node(*leaves), 10, sender=approver)
    usdc.blacklist(recipients[0], sender=circle)
    filled_vault.executeBatch(clock.today, items[:1], leaves[1:], [False], sender=payer)
    usdc.unBlacklist(recipients[0], sender=circle)

    filled_vault.executeBatch(clock.today, items[1:], leaves[:1], [False], sender=payer)

    assert (usdc.balanceOf(recipients[0]), usdc.balanceOf(recipients[1])) == (0, 5)
    with reverts_with(filled_vault.AlreadyPaid, policyNo=1):
        filled_vault.executeBatch(clock.today, items[:1], leaves[1:], [False], sender=payer)

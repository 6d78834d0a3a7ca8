"""What `ape run payout approve` and `execute` refuse: every reason printed, nothing sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from batch_builder import batch_id_at, by_hand, item, small_loss
from batch_stories import MALLORY
from click.testing import Result
from domain_stories import requests
from liqpass.domain.batch_file import BatchFile, Review
from liqpass.domain.money import Usdc
from operator_world import APPROVER, BUYER, DEPLOYER, GUARDIAN, PAYER, RULERS, STRANGER, World, transaction_in

Tampering = Callable[[World], BatchFile]
TWO_DAYS_S = 48 * 3600


def _another_bundle(world: World) -> BatchFile:
    good = world.item(1)
    answers = list(good.bundle.requests)
    answers[1] = dataclasses.replace(answers[1], body=answers[1].body.replace("-10", "-90"))
    bundle = dataclasses.replace(good.bundle, requests=tuple(answers))
    return world.batch(dataclasses.replace(good, bundle=bundle))


def _another_decision(world: World) -> BatchFile:
    good = world.item(1)
    return world.batch(
        dataclasses.replace(good, decision=dataclasses.replace(good.decision, realised_loss=Usdc(50_000_000)))
    )


def _another_quote(world: World) -> BatchFile:
    good = world.item(1)
    quote = dataclasses.replace(good.quote, buyer=MALLORY)
    return world.batch(dataclasses.replace(good, quote=quote, recipient=MALLORY))


def _bundle_and_its_hash(world: World) -> BatchFile:
    """Consistent in itself, hash and root included: only the premium that was paid binds the evidence."""
    good = world.item(1)
    stored = (requests(bound=[])[0], *small_loss(1)[1:])
    bundle = dataclasses.replace(good.bundle, requests=stored)
    return world.batch(dataclasses.replace(good, bundle=bundle, evidence_hash=bundle.evidence_hash))


TAMPERINGS: dict[str, tuple[Tampering, str]] = {
    "recipient": (
        lambda world: world.batch(world.item(1, recipient=MALLORY)),
        f"policy 1: WRONG_RECIPIENT: recipient is {MALLORY}",
    ),
    "amount": (
        lambda world: world.batch(world.item(1, amount=Usdc(50_000_000))),
        "policy 1: WRONG_AMOUNT: amount is 50.00, expected 10.00",
    ),
    "byte of a bundle": (_another_bundle, "policy 1: WRONG_EVIDENCE_HASH"),
    "bundle and its hash": (_bundle_and_its_hash, "policy 1: WRONG_POSITION: response stored at binding"),
    "decision": (_another_decision, "policy 1: WRONG_DECISION"),
    "quote": (_another_quote, "policy 1: PAYMENT_WRONG_QUOTE"),
    "root": (lambda world: world.batch(world.item(1), payout_root=b"\1" * 32), "batch: BATCH_WRONG_ROOT"),
    "total": (lambda world: world.batch(world.item(1), total=Usdc(1)), "batch: BATCH_WRONG_TOTAL"),
    "payment": (
        lambda world: world.batch(dataclasses.replace(world.item(1), payment=world.item(2).payment)),
        "policy 1: PAYMENT_NOT_FOUND",
    ),
    "review": (
        lambda world: world.batch(world.item(1, review=Review(" ", None, None, 1))),
        "policy 1: REVIEWER_MISSING",
    ),
    "vault": (lambda world: world.batch(world.item(1), vault=MALLORY), "batch: BATCH_WRONG_VAULT"),
    "chain": (lambda world: world.batch(world.item(1), chain_id=8453), "batch: BATCH_WRONG_CHAIN"),
}


def refused(result: Result, words: str) -> bool:
    """Exit code 1, the reason, and that nothing was sent."""
    assert result.exit_code == 1, result.output
    assert "nothing was sent" in result.output
    assert words in result.output
    return True


@pytest.mark.parametrize("part", TAMPERINGS)
def test_payout__file_changed__is_refused_by_approver_and_payer(world: World, part: str) -> None:
    tamper, words = TAMPERINGS[part]
    good, bad = world.write(world.batch(world.item(1))), world.write(tamper(world), "bad.json")
    before = world.nonces()

    approval = world.approve(bad)
    after_approval = world.nonces()
    transaction_in(world.approve(good))
    approved = world.nonces()
    payment = world.execute(bad)

    assert refused(approval, words)
    assert after_approval == before
    assert refused(payment, words)
    assert world.nonces() == approved
    assert world.paid([1]) == []


def test_payout__several_differences__all_are_named(world: World) -> None:
    file = world.write(
        world.batch(world.item(1, recipient=MALLORY), world.item(2, amount=Usdc(1)), total=Usdc(7))
    )

    result = world.approve(file)

    for words in ("policy 1: WRONG_RECIPIENT", "policy 2: WRONG_AMOUNT", "batch: BATCH_WRONG_TOTAL"):
        assert refused(result, words)
    assert "refused for 3 reasons" in result.output


def test_payout__order_marked_by_hand__needs_the_flag_in_both_scripts(world: World) -> None:
    unpaid = item(41, world.address(BUYER), world.checkout.address, "0x" + "41" * 32)
    file = world.write(world.batch(by_hand(unpaid), world.item(2)))

    refused_approval = world.approve(file)
    too_many = world.approve(file, "--allow-manual", "2")
    approved = world.approve(file, "--allow-manual", "1")
    refused_payment = world.execute(file)
    paid = world.execute(file, "--allow-manual", "1")

    words = "batch: MANUAL_NOT_ALLOWED: 1 orders were marked paid by hand (policies: 41), 0 allowed"
    assert refused(refused_approval, words)
    assert refused(too_many, "2 allowed")
    transaction_in(approved)
    assert "1 orders were MARKED PAID BY HAND" in approved.output
    assert "policy 41: by 'operator-1', reason 'bank transfer'" in approved.output
    assert refused(refused_payment, words)
    assert paid.exit_code == 0, paid.output
    assert world.paid([2, 41]) == [2, 41]


def test_payout__marked_by_hand_though_paid_on_chain__is_refused(world: World) -> None:
    file = world.write(world.batch(by_hand(world.item(1)), world.item(2)))

    result = world.approve(file, "--allow-manual", "1")

    assert refused(result, "policy 1: MANUAL_BUT_PAID_ON_CHAIN")


def test_payout__liquidation_signed_before_under_another_policy__is_refused(world: World) -> None:
    transaction_in(world.approve(world.write(world.batch(world.item(1)))))
    before = world.nonces()
    again = world.item(2, position=1)

    result = world.approve(world.write(world.batch(again), "again.json"))

    assert refused(result, "policy 2: LIQUIDATION_PAID_BEFORE")
    assert world.nonces() == before


@pytest.mark.parametrize("account", [PAYER, STRANGER])
def test_approve__without_the_role__is_refused(world: World, account: int) -> None:
    before = world.nonces()

    result = world.approve(world.write(world.batch(world.item(1))), account=account)

    assert refused(result, "may not approve: it does not hold APPROVER")
    assert world.nonces() == before


def test_approve__yesterdays_batch__is_refused(world: World) -> None:
    file = world.write(world.batch(world.item(1), batch_id=world.batch_id - 1))

    assert refused(world.approve(file), "batch: BATCH_WRONG_DATE")


def test_approve__another_root_partly_paid__is_refused(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    world.execute(file)

    result = world.approve(world.write(world.batch(world.item(2)), "other.json"))

    assert refused(result, f"another root of batch {world.batch_id} is partly paid (10.00 USDC)")


def test_approve__vault_paused__is_refused(world: World) -> None:
    world.send(world.vault.functions.pause(), GUARDIAN)

    assert refused(world.approve(world.write(world.batch(world.item(1)))), "the vault is paused")


def test_execute__not_approved__is_refused(world: World) -> None:
    result = world.execute(world.write(world.batch(world.item(1))))

    assert refused(result, f"batch {world.batch_id} is not approved")


def test_execute__another_batch_approved__is_refused(world: World) -> None:
    world.approve(world.write(world.batch(world.item(1))))

    result = world.execute(world.write(world.batch(world.item(1), world.item(2)), "other.json"))

    assert refused(result, "the approved payout root is 0x")
    assert refused(result, "the approved total is 10.00 USDC, the file's is 20.00")


def test_execute__by_the_approver__is_refused(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)

    result = world.execute(file, account=APPROVER)

    assert refused(result, "may not pay: it does not hold PAYER")
    assert refused(result, "approved this batch: another person must pay it")


def test_execute__revoked__is_refused(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    revoked = world.ape("payout", "revoke", "--batch", str(world.batch_id), "--account", f"TEST::{GUARDIAN}")

    result = world.execute(file)

    transaction_in(revoked)
    assert refused(result, f"the approval of batch {world.batch_id} is revoked")


def test_execute__approval_expired__is_refused_until_approved_again(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    world.node.increase_time(TWO_DAYS_S)

    expired = world.execute(file)
    transaction_in(world.approve(file))
    executed = world.execute(file)

    assert refused(expired, "the approval expired at 2026-09-2")
    assert executed.exit_code == 0, executed.output
    assert world.paid([1]) == [1]


def test_execute__approver_dismissed__is_refused(world: World) -> None:
    manager = world.contracts["AccessManager"]
    dismissal = manager.functions.revokeRole(4, world.address(APPROVER))
    data = dismissal._encode_transaction_data()
    world.send(manager.functions.schedule(manager.address, data, 0), RULERS)
    world.node.increase_time(TWO_DAYS_S)
    today = batch_id_at(world.web3.eth.get_block("latest")["timestamp"])
    file = world.write(world.batch(world.item(1), batch_id=today))
    transaction_in(world.approve(file))
    world.send(manager.functions.execute(manager.address, data), RULERS)

    result = world.execute(file)

    assert refused(result, f"its approver {world.address(APPROVER)} holds APPROVER no longer")


def test_execute__short_balance__is_refused(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    world.send(world.vault.functions.sweep(), PAYER)
    before = world.nonces()

    result = world.execute(file)

    assert refused(result, "10.00 USDC are due, the vault holds 0.00")
    assert world.nonces() == before


def test_execute__cap_exceeded_and_paused__both_are_named(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    world.send(world.vault.functions.lowerDailyCap(9_999_999), GUARDIAN)
    world.send(world.vault.functions.pause(), GUARDIAN)
    world.send(world.usdc.functions.pause(), DEPLOYER)

    result = world.execute(file)

    assert refused(result, "10.00 USDC are due, today's cap leaves 9.999999")
    assert refused(result, "the vault is paused")
    assert refused(result, "USDC is paused by its issuer")


def test_payout__file_that_is_none__is_refused(world: World) -> None:
    path = world.folder / "bad.json"
    path.write_text('{"schema": "liqpass.batch/1", "schema": 1}')

    results = [world.approve(str(path)), world.execute(str(path))]

    assert [result.exit_code for result in results] == [1, 1]
    assert all("Error: " in result.output for result in results)

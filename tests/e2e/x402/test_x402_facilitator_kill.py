"""kill -9 at each step of a settlement, then the same payment again: settled and locked exactly once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import httpx
import pytest
from insured_world import CLIENT, LOCK, PRICE, PROVIDER, InsuredWorld, body, comes
from liqpass.adapters.chain.events import EventKind

STEPS = [
    EventKind.PLANNED,
    EventKind.SIGNED,  # signed bytes on the disk, nothing sent
    EventKind.SENDING,
    EventKind.ANSWERED,  # the node has them
    EventKind.SEEN,
    EventKind.CONFIRMED,
    EventKind.FINAL,
]


@pytest.mark.parametrize("step", STEPS)
def test_settle__killed_and_asked_again__settled_and_locked_once(
    world: InsuredWorld, step: EventKind
) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    before = (world.balance(CLIENT), world.balance(PROVIDER), world.bond_of(PROVIDER)[1], world.sent())
    with world.facilitator(f"asked-{step}", dies_at=step) as dying, pytest.raises(httpx.TransportError):
        dying.post("/settle", body(payload, requirements))

    with world.facilitator(f"asked-{step}") as restarted:
        answer = restarted.client().settle(payload, requirements)
        again = restarted.client().settle(payload, requirements)

    client, provider, locked, sent = before
    ((_, transaction),) = world.locks(world.commitment(payload))
    assert (answer.success, answer.transaction) == (True, transaction)
    assert (again.success, again.error_reason) == (False, "invalid_exact_evm_nonce_already_used")
    assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client - PRICE, provider + PRICE)
    assert (world.bond_of(PROVIDER)[1], world.sent()) == (locked + LOCK, sent + 1)


@pytest.mark.parametrize("step", [EventKind.SIGNED, EventKind.ANSWERED])
def test_settle__killed_after_signing_and_never_asked_again__brought_to_its_end(
    world: InsuredWorld, step: EventKind
) -> None:
    requirements = world.requirements()
    payload, next_payload = world.payment(requirements), world.payment(requirements)
    sent = world.sent()
    with world.facilitator(f"left-{step}", dies_at=step) as dying, pytest.raises(httpx.TransportError):
        dying.post("/settle", body(payload, requirements))

    with world.facilitator(f"left-{step}") as restarted:
        answer = restarted.client().settle(next_payload, requirements)

    assert answer.success
    assert len(world.locks(world.commitment(payload))) == 1
    assert len(world.locks(world.commitment(next_payload))) == 1
    assert world.sent() == sent + 2


def test_settle__killed_before_sending__sent_by_the_next_run_unasked(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload, sent = world.payment(requirements), world.sent()
    with (
        world.facilitator("unasked", dies_at=EventKind.SIGNED) as dying,
        pytest.raises(httpx.TransportError),
    ):
        dying.post("/settle", body(payload, requirements))
    before = world.locks(world.commitment(payload))

    with world.facilitator("unasked"):
        assert comes(lambda: len(world.locks(world.commitment(payload))) == 1)

    assert (before, world.sent()) == ([], sent + 1)


def test_settle__killed_before_signing_and_never_asked_again__nothing_sent(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload, sent = world.payment(requirements), world.sent()
    with (
        world.facilitator("never", dies_at=EventKind.PLANNED) as dying,
        pytest.raises(httpx.TransportError),
    ):
        dying.post("/settle", body(payload, requirements))

    with world.facilitator("never") as restarted:
        answer = restarted.client().settle(world.payment(requirements), requirements)

    assert (answer.success, world.sent()) == (True, sent + 1)
    assert world.locks(world.commitment(payload)) == []


def test_settle__refunded_while_the_facilitator_was_down__not_answered_as_paid(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    with (
        world.facilitator("refunded", dies_at=EventKind.FINAL) as dying,
        pytest.raises(httpx.TransportError),
    ):
        dying.post("/settle", body(payload, requirements))
    world.send(world.insurance.functions.refundService(world.commitment(payload)), PROVIDER)

    with world.facilitator("refunded") as restarted:
        answer = restarted.client().settle(payload, requirements)

    assert (answer.success, answer.error_reason) == (False, "insurance_ended")


def test_settle__killed_and_asked_again_with_another_amount__not_answered_as_paid(
    world: InsuredWorld,
) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    dearer = world.requirements(amount=str(2 * PRICE))
    signed = payload.payload["authorization"] | {"value": str(2 * PRICE)}
    forged = payload.model_copy(
        update={"payload": payload.payload | {"authorization": signed}, "accepted": dearer}
    )
    with (
        world.facilitator("dearer", dies_at=EventKind.FINAL) as dying,
        pytest.raises(httpx.TransportError),
    ):
        dying.post("/settle", body(payload, requirements))

    with world.facilitator("dearer") as restarted:
        refused = restarted.client().settle(forged, dearer)
        answer = restarted.client().settle(payload, requirements)

    assert (refused.success, refused.error_reason) == (False, "invalid_exact_evm_nonce_already_used")
    assert answer.success
    assert len(world.locks(world.commitment(payload))) == 1


def test_settle__answered_and_killed__not_answered_again(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    with world.facilitator("answered") as first:
        assert first.client().settle(payload, requirements).success

    with world.facilitator("answered") as restarted:
        answer = restarted.client().settle(payload, requirements)

    assert (answer.success, answer.error_reason) == (False, "invalid_exact_evm_nonce_already_used")


def test_settle__signed_bytes_held_back__pending_and_then_found(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    sent = world.sent()
    with world.facilitator("pending", timeout_s=1.0) as running:
        world.node.set_automine(on=False)
        try:
            pending = running.client().settle(payload, requirements)
        finally:
            world.node.set_automine(on=True)
            world.node.mine()
        settled = running.client().settle(payload, requirements)

    assert (pending.success, pending.error_reason) == (False, "settlement_pending")
    ((_, transaction),) = world.locks(world.commitment(payload))
    assert (settled.success, settled.transaction, pending.transaction) == (True, transaction, transaction)
    assert world.sent() == sent + 1


def test_journal__of_the_settler__only_its_owner_may_read_it(world: InsuredWorld) -> None:
    with world.facilitator("modes"):
        files: list[Path] = sorted((world.folder / "modes").iterdir())

    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    (answered,) = [path for path in files if path.suffix == ".answered"]
    with sqlite3.connect(answered) as connection:
        assert connection.execute("SELECT count(*) FROM answered").fetchone() == (0,)

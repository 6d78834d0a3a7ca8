"""A payment that was settled and not answered, shown again: for a dearer or longer route, or very late."""

from __future__ import annotations

import pytest
from insured_world import PRICE, InsuredWorld
from liqpass.domain.x402.insured_settlement import TIMEOUT_FIELD
from x402.http import HTTPFacilitatorClientSync


@pytest.mark.parametrize("killed", [False, True])
def test_settle__pending_payment_shown_for_a_dearer_route__refused(
    world: InsuredWorld, *, killed: bool
) -> None:
    cheap, dear = world.requirements(), world.requirements(amount=str(10 * PRICE))
    payment = world.payment(cheap)
    # What it was accepted for is not signed.
    shown = payment.model_copy(update={"accepted": dear})
    journal = f"less-{killed}"

    def ask(client: HTTPFacilitatorClientSync) -> tuple[bool, str | None, bool]:
        dearer, itself = client.settle(shown, dear), client.settle(payment, cheap)
        return dearer.success, dearer.error_reason, itself.success

    world.node.set_automine(on=False)
    try:
        with world.facilitator(journal, timeout_s=0.5) as running:
            pending = running.client().settle(payment, cheap)
            world.node.set_automine(on=True)
            world.node.mine()
            if not killed:
                found = ask(running.client())
        if killed:
            with world.facilitator(journal) as running:
                found = ask(running.client())
    finally:
        world.node.set_automine(on=True)

    assert pending.error_reason == "settlement_pending"
    assert found == (False, "invalid_exact_evm_payload_authorization_value_mismatch", True)


@pytest.mark.parametrize(
    ("minutes", "passed_s", "refused"),
    [(7, 0, False), (7, 55, False), (7, 65, True), (8, 55, True), (60, 0, True)],
)
def test_settle__pending_payment_shown_late_or_for_longer__refused(
    world: InsuredWorld, minutes: int, passed_s: int, *, refused: bool
) -> None:
    requirements = world.requirements()
    payment = world.payment(requirements)
    longer = world.requirements(extra=requirements.extra | {TIMEOUT_FIELD: minutes})
    shown = payment.model_copy(update={"accepted": longer})
    snapshot = world.node.snapshot()
    world.node.set_automine(on=False)
    try:
        with world.facilitator(f"late-{minutes}-{passed_s}", timeout_s=0.5) as running:
            pending = running.client().settle(payment, requirements)
            world.node.set_automine(on=True)
            world.node.mine()
            world.node.increase_time(passed_s)
            answer = running.client().settle(shown, longer)
    finally:
        world.node.set_automine(on=True)
        world.node.revert(snapshot)

    assert pending.error_reason == "settlement_pending"
    assert (answer.success, answer.error_reason) == (
        (False, "insurance_running_out") if refused else (True, None)
    )

"""A provider's disk that takes nothing for a while: what was paid has its right end once it does again."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from insured_world import PRICE, InsuredWorld, Running, comes
from liqpass.adapters.chain.delivery_sender import DeliverySender
from liqpass.adapters.x402.deliveries import Deliveries
from lossy import Lossy, money, served, signed

CONFIRMED, REFUNDED = 2, 4


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process grows any more, not even from nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("step", [Deliveries.close, DeliverySender.refund, Deliveries.move])
def test_service__disk_is_full_for_a_while__goes_on_refunding_and_confirming(
    world: InsuredWorld,
    facilitator: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    step: Callable[..., Any],
) -> None:
    """`step`: of a refund, from which on the disk is full."""
    client, provider, locked = money(world)
    disk = ExitStack()

    def fill(*arguments: Any) -> Any:
        monkeypatch.undo()
        disk.enter_context(full_disk())
        return step(*arguments)

    owner = Deliveries if step.__qualname__.startswith("Deliveries") else DeliverySender
    monkeypatch.setattr(owner, step.__name__, fill)
    lossy = Lossy(facilitator.url, 1)
    with disk, served(world, lossy, f"full-{step.__name__}") as api, caplog.at_level(logging.WARNING):
        lost = signed(world, f"{api.url}/upfront")
        answer = lost.send(f"{api.url}/upfront")
        told = comes(lambda: "deliveries wait" in caplog.text)
        disk.close()
        refunded = comes(lambda: world.status(lost.commitment) == REFUNDED)
        bought = signed(world, f"{api.url}/upfront")
        second = bought.send(f"{api.url}/upfront")
        confirmed = comes(lambda: world.status(bought.commitment) == CONFIRMED)

    assert (answer.status_code, told, refunded) == (402, True, True)
    assert (second.status_code, confirmed) == (200, True)
    assert money(world) == (client - PRICE, provider + PRICE, locked)

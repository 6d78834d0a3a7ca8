"""A facilitator that settles and locks, and says something else of it: what was served is not given back."""

from __future__ import annotations

from typing import Any

import pytest
from insured_world import PRICE, InsuredWorld, Running, comes
from lossy import Lossy, money, served, signed
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse

CONFIRMED = 2


class Odd(Lossy):
    """Changes what it says of the lock; None: says nothing of it."""

    def __init__(self, url: str, changes: dict[str, Any] | None) -> None:
        super().__init__(url)
        self._changes = changes

    async def settle(self, payload: PaymentPayload, requirements: PaymentRequirements) -> SettleResponse:
        told = await super().settle(payload, requirements)
        if self._changes is None:
            return told.model_copy(update={"extensions": None})
        extension = told.extensions["bond-insurance"] | self._changes
        return told.model_copy(update={"extensions": {"bond-insurance": extension}})


@pytest.mark.parametrize("flow", ["work", "upfront"])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("silent", None),
        ("another", {"commitment": "0x" + "22" * 32}),
        ("late", {"deadline": 2**70}),
        ("endless", {"deadline": float("inf")}),
        ("negative", {"deadline": -1}),
    ],
)
def test_settlement__said_to_be_another__confirmed_where_it_was_served(
    world: InsuredWorld,
    facilitator: Running,
    flow: str,
    name: str,
    changes: dict[str, Any] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client, provider, locked = money(world)

    with served(world, Odd(facilitator.url, changes), f"odd-{name}-{flow}") as api:
        paid = signed(world, f"{api.url}/{flow}")
        answer = paid.send(f"{api.url}/{flow}")
        ended = comes(lambda: world.status(paid.commitment) != 1)

    assert (answer.status_code, ended, world.status(paid.commitment)) == (200, True, CONFIRMED)
    assert money(world) == (client - PRICE, provider + PRICE, locked)
    assert any(line.startswith("settled without insurance tx=0x") for line in caplog.messages)

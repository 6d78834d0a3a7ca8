"""Payments signed for longer than asked: they could be settled when nobody knows of them any more."""

from __future__ import annotations

import pytest
from insured_world import HTTP, PRICE, InsuredWorld, Running, comes
from liqpass.adapters.chain.events import EventKind
from liqpass.adapters.x402.deliveries import DeliveryState
from lossy import Paid, money, rows, served
from offering import undone
from shop import over_http
from x402 import x402ClientSync
from x402.http import decode_payment_required_header, encode_payment_signature_header

NONE, CONFIRMED, REFUNDED = 0, 2, 4


def signed_for(world: InsuredWorld, url: str, valid_s: int) -> Paid:
    """By the stock client, which says that it took the offer as it was."""
    offer = decode_payment_required_header(HTTP.get(url).headers["payment-required"])
    longer = offer.model_copy(deep=True)
    longer.accepts[0].max_timeout_seconds = valid_s
    payload = world.allowed(x402ClientSync()).create_payment_payload(longer)
    payload.accepted = offer.accepts[0]
    return Paid(encode_payment_signature_header(payload), world.commitment(payload))


@pytest.mark.parametrize("flow", ["work", "upfront"])
@pytest.mark.parametrize(
    ("valid_s", "status"), [(300 + 500, 200), (300 + 700, 402), (10**9, 402), (10**30, 402)]
)
def test_attack__signed_for_longer_than_asked__refused_before_work_and_settlement(
    world: InsuredWorld, facilitator: Running, flow: str, valid_s: int, status: int
) -> None:
    """As much more as clocks may differ is taken."""
    client, provider, locked = money(world)
    spent = PRICE if status == 200 else 0

    with served(world, over_http(facilitator.url), f"long-{flow}-{valid_s}") as api:
        paid = signed_for(world, f"{api.url}/{flow}", valid_s)
        answer = paid.send(f"{api.url}/{flow}")
        ended = world.status(paid.commitment) == NONE or comes(
            lambda: world.status(paid.commitment) == CONFIRMED
        )

    assert (answer.status_code, api.served, ended) == (status, int(status == 200), True)
    assert money(world) == (client - spent, provider + spent, locked)
    assert rows(world, f"long-{flow}-{valid_s}", DeliveryState.ASKED) == []


@pytest.mark.parametrize("until_s", [300, 800])
def test_facilitator__settles_as_late_as_it_can__refunded(world: InsuredWorld, until_s: int) -> None:
    """It died with signed bytes, and starts again just before the signature expires."""
    name = f"late-{until_s}"
    with undone(world):
        before = money(world)
        with (
            world.facilitator(name, dies_at=EventKind.SIGNED) as dying,
            served(world, over_http(dying.url), f"{name}-service") as api,
        ):
            paid = signed_for(world, f"{api.url}/upfront", until_s)
            answer = paid.send(f"{api.url}/upfront")
            world.node.increase_time(until_s - 30)
            world.node.mine()
            with world.facilitator(name):
                refunded = comes(lambda: world.status(paid.commitment) == REFUNDED)
        after = money(world)

    assert (answer.status_code, refunded, after) == (402, True, before)

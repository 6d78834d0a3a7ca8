"""Payments that nobody heard of, among many that nobody will settle, and of a server that several share."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from insured_world import PROVIDER, InsuredWorld, Running, comes
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.adapters.x402.insured_api import insure
from lossy import Lossy, money, rows, served, signed

REFUNDED = 4


def test_unheard__more_than_a_round_looks_for__each_in_its_turn(
    world: InsuredWorld, facilitator: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liqpass.adapters.x402.delivery_rounds._LOOKS", 2)
    before, folder = money(world), "turns"
    time_s = world.web3.eth.get_block("latest")["timestamp"]
    never = [bytes([number]) * 32 for number in range(1, 8)]
    with Deliveries.open(
        deliveries_path(world.folder / folder, world.terms, world.address(PROVIDER).lower())
    ) as left:
        for commitment in never:
            left.enter_asked(Delivery(commitment, time_s))

    with served(world, Lossy(facilitator.url, 1), folder) as api:
        paid = signed(world, f"{api.url}/upfront")
        paid.send(f"{api.url}/upfront")
        refunded = comes(lambda: world.status(paid.commitment) == REFUNDED)

    assert (refunded, rows(world, folder, DeliveryState.ASKED)) == (True, never)
    assert money(world) == before


def test_unheard__server_of_two_applications__asked_for_once_and_refunded(
    world: InsuredWorld,
    facilitator: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = money(world)

    def twice(app: FastAPI, *others: Any) -> None:
        insure(FastAPI(), *others)
        insure(app, *others)

    monkeypatch.setattr("lossy.insure", twice)
    with served(world, Lossy(facilitator.url, 1), "shared") as api, caplog.at_level("WARNING"):
        paid = signed(world, f"{api.url}/upfront")
        answer = paid.send(f"{api.url}/upfront")
        refunded = comes(lambda: world.status(paid.commitment) == REFUNDED)

    assert (answer.status_code, refunded, money(world)) == (402, True, before)
    name = "commitment=0x" + paid.commitment.hex()
    assert [line for line in caplog.messages if "not heard of" in line] == [
        f"not heard of {name}: it is refunded if it was settled",
        f"settled and not heard of {name}: it is refunded",
    ]

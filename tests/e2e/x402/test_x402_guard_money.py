"""What a guarded client's money decides: whether there is enough of it, and how long it may stand locked."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from insured_world import CLIENT, PRICE, STRANGER, InsuredWorld, Running
from liqpass.domain.x402.insured_settlement import TIMEOUT_FIELD
from liqpass.x402.client import guarded
from offering import (
    CountingSigner,
    Offering,
    declared,
    option,
    packed,
    receipts_file,
    refused,
    required,
    settings,
    settles,
    sync_client,
    undone,
)
from web3 import Web3
from x402 import x402Client, x402ClientSync
from x402.http.clients import x402_requests, x402HttpxClient
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.exact.client import ExactEvmScheme

USDC_NAMED = {"name": "USDC", "version": "2"}


def test_guard__payer_has_too_little__says_what_is_there(world: InsuredWorld, tmp_path: Path) -> None:
    with undone(world):
        rest = world.balance(CLIENT) - PRICE + 1
        world.send(world.usdc.functions.transfer(world.address(STRANGER), rest), CLIENT)

        reason = refused(world, tmp_path, required(world))

    assert reason == (
        f"invalid_exact_evm_insufficient_balance: {world.address(CLIENT)} holds 0.099999 USDC and needs 0.10"
    )


def test_guard__async_client_has_too_little__nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    signer = CountingSigner(world.node.account(STRANGER))
    client = x402Client()
    register_exact_evm_client(client, signer)
    client.set_spend_controls(False)
    offering = Offering(required(world))

    async def run(url: str) -> None:
        async with x402HttpxClient(client, timeout=20) as http:
            await http.get(url)

    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        with pytest.raises(Exception, match=f"{world.address(STRANGER)} holds 0.00 USDC and needs 0.10"):
            asyncio.run(run(url))
        assert (signer.signed, payments.receipts(), offering.paid) == (0, [], [])


def test_guard__scheme_that_names_no_payer__too_little_is_seen_before_it_leaves(
    world: InsuredWorld, tmp_path: Path
) -> None:
    signer = CountingSigner(world.node.account(STRANGER))
    sdks = ExactEvmScheme(signer)

    class OwnScheme:
        scheme = "exact"
        find_default_asset = staticmethod(ExactEvmScheme.find_default_asset)
        create_payment_payload = staticmethod(sdks.create_payment_payload)

    client = x402ClientSync()
    client.register("eip155:*", OwnScheme())
    client.set_spend_controls(False)
    offering = Offering(required(world))
    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        with pytest.raises(Exception, match=f"{world.address(STRANGER)} holds 0.00 USDC and needs 0.10"):
            x402_requests(client).get(url, timeout=20)
        assert (signer.signed, payments.receipts(), offering.paid) == (1, [], [])


def test_guard__time_out_allowed_by_its_owner__paid(world: InsuredWorld, tmp_path: Path) -> None:
    client, _ = sync_client(world)
    offering = Offering(required(world, option(world, extra=USDC_NAMED | {TIMEOUT_FIELD: 61})))
    with (
        offering.serving() as url,
        guarded(
            client,
            most="0.10",
            max_timeout_minutes=61,
            settings=settings(world),
            receipts=receipts_file(tmp_path),
        ),
    ):
        assert x402_requests(client).get(url, timeout=20).status_code == 200
    assert len(offering.paid) == 1


def test_guard__settled_for_longer_than_was_allowed__told(
    world: InsuredWorld, facilitator: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A 402 of 6 minutes, and a facilitator that locks for the 7 of its file."""
    client, _ = sync_client(world)
    settle = settles(facilitator)
    offering = Offering(required(world, extensions=declared(world, timeoutMinutes=6)))

    def serve(request: Any, payment: dict[str, Any]) -> None:
        settle(payment)
        told = {"success": True, "transaction": world.locks()[-1][1], "network": "eip155:31337", "payer": ""}
        request.reply(200, {"PAYMENT-RESPONSE": packed(told)})

    offering.reply = serve
    with (
        offering.serving() as url,
        guarded(
            client,
            most="0.10",
            max_timeout_minutes=6,
            settings=settings(world),
            receipts=receipts_file(tmp_path),
        ),
    ):
        x402_requests(client).get(url, timeout=20)

    commitment = world.locks()[-1][0]
    deadline_s = world.insurance.functions.policies(commitment).call()[2]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    longer = f"locked until {deadline_s}, longer than the 6 minutes allowed"
    assert told == [f"the chain counts for {Web3.to_hex(commitment)}: {longer}"]

"""Payers whose smart wallet does not exist yet (ERC-6492): created by an allowed factory, then insured."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from insured_world import PRICE, PROVIDER, USDC, InsuredWorld, Running, UnbornWalletSigner, body
from liqpass.adapters.chain.events import EventKind
from x402 import x402ClientSync
from x402.schemas import PaymentPayload, PaymentRequired, PaymentRequirements

OWNERS = iter((7, 8, 9))


@pytest.fixture
def signer(world: InsuredWorld) -> UnbornWalletSigner:
    return world.unborn_wallet(next(OWNERS))


@pytest.fixture
def requirements(world: InsuredWorld) -> PaymentRequirements:
    return world.requirements()


@pytest.fixture
def payload(
    world: InsuredWorld, signer: UnbornWalletSigner, requirements: PaymentRequirements
) -> PaymentPayload:
    client = world.allowed(x402ClientSync(), signer)
    return client.create_payment_payload(PaymentRequired(accepts=[requirements]))


@pytest.fixture
def facilitator_of_factory(world: InsuredWorld, signer: UnbornWalletSigner) -> Iterator[Running]:
    with world.facilitator(f"unborn-{signer.address}", factories=[signer.factory]) as running:
        yield running


def test_settle__factory_allowed__wallet_created_and_payment_insured(
    world: InsuredWorld,
    facilitator_of_factory: Running,
    signer: UnbornWalletSigner,
    payload: PaymentPayload,
    requirements: PaymentRequirements,
) -> None:
    provider, sent = world.balance(PROVIDER), world.sent()
    client = facilitator_of_factory.client()

    verified, settled = client.verify(payload, requirements), client.settle(payload, requirements)

    assert (verified.is_valid, settled.success, world.sent()) == (True, True, sent + 2)
    assert world.web3.eth.get_code(signer.address)
    assert (world.balance(signer.address), world.balance(PROVIDER)) == (10 * USDC - PRICE, provider + PRICE)
    commitment = world.commitment(payload)
    assert world.insurance.functions.policies(commitment).call()[4] == signer.address


def test_settle__factory_not_allowed__refused_and_nothing_sent(
    world: InsuredWorld,
    facilitator: Running,
    payload: PaymentPayload,
    requirements: PaymentRequirements,
) -> None:
    sent = world.sent()
    client = facilitator.client()

    verified, settled = client.verify(payload, requirements), client.settle(payload, requirements)

    assert (verified.invalid_reason, settled.error_reason) == ("eip6492_factory_not_allowed",) * 2
    assert world.sent() == sent


def test_settle__killed_after_the_wallet_was_created__settled_once(
    world: InsuredWorld,
    signer: UnbornWalletSigner,
    payload: PaymentPayload,
    requirements: PaymentRequirements,
) -> None:
    sent, journal = world.sent(), f"unborn-{signer.address}"
    with (
        world.facilitator(journal, factories=[signer.factory], dies_at=EventKind.FINAL) as dying,
        pytest.raises(httpx.TransportError),
    ):
        dying.post("/settle", body(payload, requirements))
    created = world.sent() - sent

    with world.facilitator(journal, factories=[signer.factory]) as restarted:
        settled = restarted.client().settle(payload, requirements)

    assert (created, settled.success, world.sent() - sent) == (1, True, 2)
    assert len(world.locks(world.commitment(payload))) == 1

"""kill -9 of the provider between settlement and answer, then a restart: refunded in time, at no penalty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from insured_world import CLIENT, HTTP, PRICE, PROVIDER, InsuredWorld, comes
from mortal import (
    AFTER_ANSWER,
    BEFORE_ANSWER,
    SECOND_SETTLER,
    WORKING,
    Mortal,
    mortal_facilitator,
    mortal_provider,
)
from x402 import x402ClientSync
from x402.http import decode_payment_required_header, encode_payment_signature_header

OPEN, REFUNDED = 1, 4
STATUS, DEADLINE = 3, 2  # of a policy


@dataclass
class Paid:
    """A client's payment, sent again and again to one route of a provider that dies."""

    world: InsuredWorld
    provider: Mortal
    path: str
    header: str
    commitment: bytes

    def send(self) -> httpx.Response:
        return HTTP.get(f"{self.provider.url}/{self.path}", headers={"PAYMENT-SIGNATURE": self.header})

    def policy(self, field: int) -> int:
        return int(self.world.insurance.functions.policies(self.commitment).call()[field])

    def worked(self) -> int:
        """How often the provider did the work."""
        return (self.world.folder / "worked").read_text().split().count(self.commitment.hex())


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path_factory.mktemp("mortal")) as opened:
        opened.send(opened.insurance.functions.setSettler(opened.address(SECOND_SETTLER), True), PROVIDER)
        yield opened


@pytest.fixture(scope="module")
def provider(own_world: InsuredWorld) -> Iterator[Mortal]:
    facilitator = mortal_facilitator(own_world)
    started = mortal_provider(own_world, facilitator, grace_s=0.0)
    facilitator.start()
    try:
        started.start()
        yield started
    finally:
        started.kill()
        facilitator.kill()


def signed(world: InsuredWorld, provider: Mortal, path: str) -> Paid:
    """By the stock client."""
    offer = decode_payment_required_header(HTTP.get(f"{provider.url}/{path}").headers["payment-required"])
    payload = world.allowed(x402ClientSync()).create_payment_payload(offer)
    return Paid(world, provider, path, encode_payment_signature_header(payload), world.commitment(payload))


def held(world: InsuredWorld) -> tuple[int, int, tuple[int, int]]:
    """USDC of client and provider; (bond, locked)."""
    return world.balance(CLIENT), world.balance(PROVIDER), world.bond_of(PROVIDER)


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("work", BEFORE_ANSWER),
        ("broken", BEFORE_ANSWER),
        ("job", WORKING),
        ("job", BEFORE_ANSWER),
        ("prompt", WORKING),
        ("prompt", BEFORE_ANSWER),  # told as delivered, and its 202 has not left
    ],
)
def test_provider__killed_between_settlement_and_answer__refunded_in_time_and_never_served(
    own_world: InsuredWorld, provider: Mortal, path: str, step: str
) -> None:
    client, provider_has, (bond, locked) = held(own_world)
    paid = signed(own_world, provider, path)
    provider.doom.at(step, 1)
    with pytest.raises(httpx.TransportError):
        paid.send()
    assert provider.dies_within(20)
    provider.kill()
    left, worked = paid.policy(STATUS), paid.worked()

    provider.start()

    assert comes(lambda: paid.policy(STATUS) == REFUNDED)
    again = paid.send()
    assert (left, worked, again.status_code, paid.policy(STATUS)) == (OPEN, 1, 402, REFUNDED)
    assert paid.commitment.hex() not in again.text
    assert paid.worked() == 1
    assert held(own_world) == (client, provider_has + PRICE, (bond - PRICE, locked))
    assert own_world.web3.eth.get_block("latest")["timestamp"] < paid.policy(DEADLINE)


@pytest.mark.parametrize("path", ["work", "job", "prompt"])
def test_provider__killed_as_its_answer_has_left__costs_it_the_payment_and_no_penalty(
    own_world: InsuredWorld, provider: Mortal, path: str
) -> None:
    client, provider_has, (bond, locked) = held(own_world)
    paid = signed(own_world, provider, path)
    provider.doom.at(AFTER_ANSWER, 1)
    answer = paid.send()
    assert provider.dies_within(20)
    provider.kill()

    provider.start()

    assert (answer.status_code, comes(lambda: paid.policy(STATUS) == REFUNDED)) == (
        200 if path == "work" else 202,
        True,
    )
    assert (paid.send().status_code, paid.worked()) == (402, 1)
    assert held(own_world) == (client, provider_has + PRICE, (bond - PRICE, locked))

"""Fifty payments at once by the stock httpx client over HTTP: each is settled and locked once, or refused."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from insured_world import CLIENT, HTTP, KEYS, LOCK, OTHER_PROVIDER, PRICE, PROVIDER, InsuredWorld, body, comes
from shop import Shop, over_http
from x402 import x402Client
from x402.http.clients import x402HttpxClient

LANES = (9, 10, 11, 12)
FIFTY = 50


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path_factory.mktemp("fifty"), accounts=13) as world:
        for settler in LANES:
            world.send(world.insurance.functions.setSettler(world.address(settler), True), PROVIDER)
        yield world


class Tally:
    """What moved since it was made."""

    def __init__(self, world: InsuredWorld) -> None:
        self._world, self._before = world, self._now(world)

    @staticmethod
    def _now(world: InsuredWorld) -> tuple[int, ...]:
        sent = sum(world.sent(settler) for settler in LANES)
        bond, locked = world.bond_of(PROVIDER)
        return world.balance(CLIENT), world.balance(PROVIDER), bond, locked, len(world.locks()), sent

    def moved(self) -> tuple[int, ...]:
        """Client's USDC, provider's USDC, bond, locked bond, locks, settlers' transactions."""
        now = self._now(self._world)
        return tuple(after - before for after, before in zip(now, self._before, strict=True))


def of(count: int) -> tuple[int, ...]:
    """What so many payments move."""
    return (-count * PRICE, count * PRICE, 0, count * LOCK, count, count)


def paid(world: InsuredWorld, address: str, times: int) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        async with x402HttpxClient(world.allowed(x402Client()), timeout=60) as client:
            return list(await asyncio.gather(*(client.get(address) for _ in range(times))))

    return asyncio.run(run())


def commitments(answers: list[httpx.Response]) -> set[str]:
    told = [json.loads(base64.b64decode(answer.headers["payment-response"])) for answer in answers]
    return {each["extensions"]["bond-insurance"]["commitment"] for each in told}


def mined_whenever(world: InsuredWorld, count: int) -> None:
    """Two blocks, the depth that counts, whenever so many transactions wait."""
    assert comes(lambda: world.waiting() >= count)
    assert world.waiting() == count
    world.node.mine(2)


def test_fifty_at_once__each_transaction_mined_at_once__all_served_and_locked(chain: InsuredWorld) -> None:
    tally = Tally(chain)
    with chain.facilitator("mined", settlers=LANES) as running:
        shop = Shop(chain, over_http(running.url))
        with shop.serving() as url:
            answers = paid(chain, f"{url}/work", FIFTY)

    assert Counter(answer.status_code for answer in answers) == {200: FIFTY}
    assert (len(commitments(answers)), shop.served, tally.moved()) == (FIFTY, FIFTY, of(FIFTY))


def test_fifty_at_once__blocks_two_deep_and_paid_upfront__four_in_each_block(held: InsuredWorld) -> None:
    tally = Tally(held)
    with held.facilitator("deep", settlers=LANES, confirmations=2) as running:
        shop = Shop(held, over_http(running.url))
        with shop.serving() as url, ThreadPoolExecutor(1) as callers:
            calls = callers.submit(paid, held, f"{url}/upfront", FIFTY)
            for _ in range(FIFTY // len(LANES)):
                mined_whenever(held, len(LANES))
            mined_whenever(held, FIFTY % len(LANES))
            answers = calls.result(30)

    assert Counter(answer.status_code for answer in answers) == {200: FIFTY}
    assert (len(commitments(answers)), shop.served, tally.moved()) == (FIFTY, FIFTY, of(FIFTY))


def test_sixty_at_once__one_lane_that_waits__refused_beyond_capacity_and_none_paid_unprotected(
    held: InsuredWorld,
) -> None:
    tally = Tally(held)
    with held.facilitator("sixty", settlers=LANES[:1]) as running:
        shop = Shop(held, over_http(running.url))
        with shop.serving() as url, ThreadPoolExecutor(2) as callers:
            calls = callers.submit(paid, held, f"{url}/upfront", 60)
            # One provider gets four fifths of the 64 places: eight are refused while all the others wait.
            assert comes(lambda: running.log.read_text().count("code=busy") == 8)
            assert comes(lambda: held.waiting() == 1)
            other = held.requirements(OTHER_PROVIDER)
            callers.submit(running.post, "/settle", body(held.payment(other), other), KEYS[OTHER_PROVIDER])
            # Another provider finds a place, beside the 52.
            assert comes(lambda: "settlements_waiting 53.0" in HTTP.get(f"{running.url}/metrics").text)
            moved = tally.moved()
            running.end()
            answers = calls.result(30)
        held.node.mine()

    refused = [answer for answer in answers if answer.status_code == 402]
    assert (moved, shop.served, 200 in {answer.status_code for answer in answers}) == (of(0), 0, False)
    assert (len(answers), len(refused) >= 8, tally.moved()) == (60, True, of(1))

"""Settlements, confirmations and refunds that are reorganised away: they come back, or are void."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from insured_world import (
    CLIENT,
    LOCK,
    PRICE,
    PROVIDER,
    SETTLER,
    STRANGER,
    InsuredWorld,
    comes,
)
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.domain.x402.insured_settlement import InsuredProvider
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse

NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)
NEVER_S, SOON_S = 3600.0, 0.05
# A receipt counts in its block, and is settled two blocks below the head (`slots_in_an_epoch`).
POLICY = replace(Policy.local(), settled="safe")


class Chain:
    """A world of its own for each test: a reorganisation takes everybody's transactions."""

    def __init__(self, world: InsuredWorld) -> None:
        self.world = world
        self.before = (world.balance(CLIENT), world.balance(PROVIDER), world.bond_of(PROVIDER))

    @contextmanager
    def facilitator(
        self,
        *,
        look_back_s: float = NEVER_S,
        policy: Policy = POLICY,
        on_event: Callable[[Event], None] = lambda _: None,
        settlers: Sequence[int] = (SETTLER,),
    ) -> Iterator[InsuredFacilitator]:
        with InsuredFacilitator.open(
            self.world.site(),
            [LocalSigner(self.world.node.account(settler)) for settler in settlers],
            policy,
            journal_folder=self.world.folder / "settler",
            on_event=on_event,
            look_back_s=look_back_s,
        ) as opened:
            yield opened

    @contextmanager
    def service(self, *, every_s: float = SOON_S, signer: int = PROVIDER) -> Iterator[InsuredService]:
        with InsuredService.open(
            self.world.site(),
            self.provider,
            LocalSigner(self.world.node.account(signer)),
            POLICY,
            folder=self.world.folder / "service",
            every_s=every_s,
        ) as opened:
            yield opened

    @property
    def provider(self) -> InsuredProvider:
        return InsuredProvider(self.world.address(PROVIDER).lower(), 7)

    def settle(
        self, facilitator: InsuredFacilitator, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> SettleResponse:
        return asyncio.run(facilitator.settle(self.provider, payload, requirements))

    def paid(self, facilitator: InsuredFacilitator) -> tuple[Delivery, str]:
        """A payment that was answered as settled: what the provider enters, and its transaction."""
        requirements = self.world.requirements()
        answer = self.settle(facilitator, self.world.payment(requirements), requirements)
        assert answer.success
        policy = answer.extensions["bond-insurance"]
        return Delivery(bytes.fromhex(policy["commitment"][2:]), policy["deadline"]), answer.transaction

    def long_ago(self) -> None:
        """A first transaction of each signer, deep: a local chain that lost its first one counts as new."""
        with self.facilitator() as facilitator, self.service() as service:
            delivery, _ = self.paid(facilitator)
            service.served(delivery)
            assert comes(lambda: self.status(delivery) == CONFIRMED)
        self.world.node.mine(5)
        self.before = (
            self.world.balance(CLIENT),
            self.world.balance(PROVIDER),
            self.world.bond_of(PROVIDER),
        )

    def status(self, delivery: Delivery) -> int:
        return self.world.status(delivery.commitment)

    def moved(self) -> tuple[int, int, int, int]:
        """What client, provider, bond and its lock have gained since then."""
        world, (client, provider, (bond, locked)) = self.world, self.before
        bond_now, locked_now = world.bond_of(PROVIDER)
        return (
            world.balance(CLIENT) - client,
            world.balance(PROVIDER) - provider,
            bond_now - bond,
            locked_now - locked,
        )

    def transactions(self, delivery: Delivery) -> list[str]:
        return [transaction for _, transaction in self.world.locks(delivery.commitment)]

    def entered(self, state: DeliveryState) -> list[Delivery]:
        with Deliveries.open(
            deliveries_path(self.world.folder / "service", self.world.terms, self.provider.provider)
        ) as it:
            return it.all_in(state)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with InsuredWorld.open(tmp_path, slots_in_an_epoch=2) as world:
        yield Chain(world)


def test_settle__reorganised_away_before_it_is_answered__answered_when_it_is_back(chain: Chain) -> None:
    kinds: list[EventKind] = []

    def reorg_once(event: Event) -> None:
        kinds.append(event.kind)
        if event.kind is EventKind.SEEN and EventKind.REORGED not in kinds:
            chain.world.node.reorg(1)
        elif event.kind is EventKind.SEEN:
            chain.world.node.mine(2)

    with chain.facilitator(policy=replace(POLICY, confirmations=2), on_event=reorg_once) as facilitator:
        delivery, transaction = chain.paid(facilitator)

    assert EventKind.REORGED in kinds
    assert (chain.transactions(delivery), chain.status(delivery)) == ([transaction], OPEN)
    assert (chain.moved(), chain.world.sent()) == ((-PRICE, PRICE, 0, LOCK), 1)


def test_facilitator__answered_settlement_is_reorganised_away__brings_the_same_bytes_back(
    chain: Chain,
) -> None:
    with chain.facilitator(look_back_s=SOON_S) as facilitator:
        delivery, transaction = chain.paid(facilitator)

        chain.world.node.reorg(1)

        assert comes(lambda: chain.status(delivery) == OPEN)
    assert chain.transactions(delivery) == [transaction]
    assert (chain.moved(), chain.world.sent()) == ((-PRICE, PRICE, 0, LOCK), 1)


def test_facilitator__two_answered_settlements_are_reorganised_away__both_come_back(chain: Chain) -> None:
    with chain.facilitator(look_back_s=SOON_S) as facilitator:
        paid = [chain.paid(facilitator) for _ in range(2)]

        chain.world.node.reorg(2)

        assert comes(lambda: [chain.status(delivery) for delivery, _ in paid] == [OPEN, OPEN])
    assert [chain.transactions(delivery) for delivery, _ in paid] == [
        [transaction] for _, transaction in paid
    ]
    assert (chain.moved(), chain.world.sent()) == ((-2 * PRICE, 2 * PRICE, 0, 2 * LOCK), 2)


def test_facilitator__settlements_of_two_lanes_are_reorganised_away__each_lane_brings_its_own_back(
    chain: Chain,
) -> None:
    world = chain.world
    world.send(world.insurance.functions.setSettler(world.address(STRANGER), True), PROVIDER)
    with chain.facilitator(look_back_s=SOON_S, settlers=(SETTLER, STRANGER)) as facilitator:
        requirements = [world.requirements() for _ in range(2)]
        payloads = [world.payment(each) for each in requirements]

        async def both() -> list[SettleResponse]:
            asked = zip(payloads, requirements, strict=True)
            return list(await asyncio.gather(*(facilitator.settle(chain.provider, *each) for each in asked)))

        answers = asyncio.run(both())
        senders = {world.web3.eth.get_transaction(answer.transaction)["from"] for answer in answers}  # type: ignore[arg-type]
        world.node.reorg(2)

        assert comes(lambda: len(world.locks()) == 2)
    assert senders == {world.address(SETTLER), world.address(STRANGER)}
    for payload, answer in zip(payloads, answers, strict=True):
        assert world.locks(world.commitment(payload)) == [(world.commitment(payload), answer.transaction)]
    assert chain.moved() == (-2 * PRICE, 2 * PRICE, 0, 2 * LOCK)


def test_facilitator__started_after_the_reorganisation__brings_the_same_bytes_back(chain: Chain) -> None:
    chain.long_ago()
    with chain.facilitator() as facilitator:
        delivery, transaction = chain.paid(facilitator)
    chain.world.node.reorg(1)
    gone = chain.status(delivery)

    with chain.facilitator(look_back_s=SOON_S):
        assert comes(lambda: chain.status(delivery) == OPEN)

    assert (gone, chain.transactions(delivery)) == (NONE, [transaction])
    assert (chain.moved(), chain.world.sent()) == ((-PRICE, PRICE, 0, LOCK), 2)


def test_facilitator__gone_settlement_comes_back_too_late__void_and_the_client_keeps_its_money(
    chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    chain.long_ago()
    with chain.facilitator() as facilitator:
        void, transaction = chain.paid(facilitator)
    chain.world.node.reorg(1)
    chain.world.node.increase_time(301)  # the client's authorization was valid for 300
    longer = chain.world.requirements(max_timeout_seconds=3600)

    with caplog.at_level(logging.ERROR, "liqpass.x402"), chain.facilitator(look_back_s=SOON_S) as facilitator:
        assert comes(lambda: f"/{void.commitment.hex()} tx={transaction} reason=" in caplog.text)
        after = chain.moved()
        answer = chain.settle(facilitator, chain.world.payment(longer), longer)

    assert (chain.status(void), after, answer.success) == (NONE, (0, 0, 0, 0), True)
    assert chain.moved() == (-PRICE, PRICE, 0, LOCK)


def test_service__confirmation_is_reorganised_away__the_same_bytes_again_and_done_when_it_is_deep(
    chain: Chain,
) -> None:
    with chain.facilitator() as facilitator, chain.service() as service:
        delivery, _ = chain.paid(facilitator)
        chain.world.node.mine(3)
        service.served(delivery)
        assert comes(lambda: chain.entered(DeliveryState.CONFIRMED) == [delivery])
        chain.world.node.reorg(1)
        gone = chain.status(delivery)

        assert comes(lambda: chain.status(delivery) == CONFIRMED)
        assert comes(lambda: chain.entered(DeliveryState.CONFIRMED) == [delivery])
        chain.world.node.mine(3)
        assert comes(lambda: chain.entered(DeliveryState.DONE) == [delivery])
    assert (gone, chain.moved()) == (OPEN, (-PRICE, PRICE, 0, 0))
    assert chain.world.web3.eth.get_transaction_count(chain.world.address(PROVIDER)) == 4  # three of `bond`


def test_service__started_after_a_confirmation_was_reorganised_away__confirms_again(chain: Chain) -> None:
    chain.long_ago()
    with chain.facilitator() as facilitator:
        delivery, _ = chain.paid(facilitator)
    chain.world.node.mine(3)
    with chain.service(every_s=NEVER_S) as service:
        service.served(delivery)  # confirmed at the end
    chain.world.node.reorg(1)
    gone = chain.status(delivery)

    with chain.service():
        assert comes(lambda: chain.status(delivery) == CONFIRMED)

    assert (gone, chain.moved()) == (OPEN, (-PRICE, PRICE, 0, 0))


def test_both__lock_and_confirmation_are_reorganised_away__both_come_back(chain: Chain) -> None:
    with chain.facilitator(look_back_s=SOON_S) as facilitator, chain.service() as service:
        delivery, transaction = chain.paid(facilitator)
        service.served(delivery)
        assert comes(lambda: chain.status(delivery) == CONFIRMED)

        chain.world.node.reorg(2)

        assert comes(lambda: chain.status(delivery) == CONFIRMED)
        assert comes(lambda: chain.entered(DeliveryState.CONFIRMED) == [delivery])
    assert (chain.transactions(delivery), chain.moved()) == ([transaction], (-PRICE, PRICE, 0, 0))


def test_service__lock_is_gone_when_it_would_confirm__waits_until_it_is_back(chain: Chain) -> None:
    chain.long_ago()
    with chain.facilitator() as facilitator:
        delivery, _ = chain.paid(facilitator)
    chain.world.node.reorg(1)
    with chain.service() as service:
        service.served(delivery)
        rounds = chain.world.web3.eth.get_transaction_count(chain.world.address(PROVIDER))
    waiting = chain.entered(DeliveryState.SERVED)

    with chain.facilitator(look_back_s=SOON_S), chain.service():
        assert comes(lambda: chain.status(delivery) == CONFIRMED)

    assert waiting == [delivery]
    assert chain.world.web3.eth.get_transaction_count(chain.world.address(PROVIDER)) == rounds + 1
    assert chain.moved() == (-PRICE, PRICE, 0, 0)


def test_service__lock_never_comes_back__given_up_long_after_the_deadline(
    chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    with chain.facilitator() as facilitator:
        delivery, _ = chain.paid(facilitator)
    chain.world.node.reorg(1)
    with chain.service() as service, caplog.at_level(logging.ERROR, "liqpass.x402"):
        service.served(delivery)
        chain.world.node.increase_time(7 * 60 + 3601)

        assert comes(lambda: chain.entered(DeliveryState.DONE) == [delivery])

    assert f"never locked state=served commitment=0x{delivery.commitment.hex()}" in caplog.text
    assert chain.moved() == (0, 0, 0, 0)


def test_service__refund_is_reorganised_away__the_client_is_refunded_once(chain: Chain) -> None:
    with chain.facilitator() as facilitator, chain.service() as service:
        delivery, _ = chain.paid(facilitator)
        chain.world.node.mine(3)
        service.failed(delivery)
        assert comes(lambda: chain.entered(DeliveryState.REFUNDED) == [delivery])
        chain.world.node.reorg(1)
        gone = chain.status(delivery)

        assert comes(lambda: chain.status(delivery) == REFUNDED)
        assert comes(lambda: chain.entered(DeliveryState.REFUNDED) == [delivery])
        chain.world.node.mine(3)
        assert comes(lambda: chain.entered(DeliveryState.DONE) == [delivery])
    assert (gone, chain.moved()) == (OPEN, (0, PRICE, -PRICE, 0))


def test_service__refund_that_cannot_be_sent__the_others_are_confirmed(
    chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    world = chain.world
    world.send(world.insurance.functions.setDeliveryKey(world.address(STRANGER)), PROVIDER)
    world.send(world.insurance.functions.setSettler(world.address(STRANGER), True), PROVIDER)
    with (
        caplog.at_level(logging.WARNING, "liqpass.x402"),
        chain.facilitator() as facilitator,
        chain.service(signer=STRANGER) as service,
    ):
        broken, _ = chain.paid(facilitator)
        served, _ = chain.paid(facilitator)
        # Its delivery key may confirm still, but refunds only as a settler.
        world.send(world.insurance.functions.setSettler(world.address(STRANGER), False), PROVIDER)

        service.failed(broken)
        service.served(served)

        assert comes(lambda: chain.status(served) == CONFIRMED)
    assert chain.status(broken) == OPEN
    assert f"not refunded commitment=0x{broken.commitment.hex()}" in caplog.text
    assert chain.moved() == (-2 * PRICE, 2 * PRICE, 0, LOCK)

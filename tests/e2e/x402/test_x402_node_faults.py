"""A node that is slow, broken, forgetful or dear: each payment settled and locked once, or not at all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from faulty_node import Fault, FaultyNode
from insured_world import CLIENT, LOCK, PRICE, PROVIDER, SETTLER, InsuredWorld, comes
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.deliveries import Delivery
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.adapters.x402.payment_checks import Site
from liqpass.domain.x402.insured_settlement import InsuredProvider
from liqpass.ports import ChainError
from web3 import HTTPProvider, Web3
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse

NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)
PATIENCE_S = 0.5  # with the node: longer than anvil takes, short enough to wait for
POLICY = replace(Policy.local(), timeout_s=10.0, rebroadcast_after_s=0.1)
HASTY = replace(POLICY, timeout_s=0.1)
GWEI = 10**9


@dataclass
class Shop:
    """Facilitator and provider behind the same bad line."""

    world: InsuredWorld
    node: FaultyNode
    folder: Path

    def site(self, tries: int, patience_s: float = PATIENCE_S) -> Site:
        provider = HTTPProvider(
            self.node.url, request_kwargs={"timeout": patience_s}, exception_retry_configuration=None
        )
        web3 = Web3(provider)
        web3.middleware_onion.remove("validation")  # as `reading_web3` does
        reader = BondReader(web3, self.world.insurance.address, first_block=0)
        rpc = Web3Rpc.connect(self.node.url, timeout_s=patience_s, tries=tries)
        return Site(rpc, web3, reader, self.world.terms, self.world.usdc.address.lower())

    @contextmanager
    def facilitator(
        self,
        policy: Policy,
        *,
        tries: int = 2,
        patience_s: float = PATIENCE_S,
        on_event: Callable[[Event], None] = lambda _: None,
    ) -> Iterator[InsuredFacilitator]:
        with InsuredFacilitator.open(
            self.site(tries, patience_s),
            [LocalSigner(self.world.node.account(SETTLER))],
            policy,
            journal_folder=self.folder / "settler",
            on_event=on_event,
        ) as opened:
            yield opened

    @contextmanager
    def service(self, policy: Policy = POLICY) -> Iterator[InsuredService]:
        with InsuredService.open(
            self.site(2),
            self.provider,
            LocalSigner(self.world.node.account(PROVIDER)),
            policy,
            folder=self.folder / "service",
            every_s=0.05,
        ) as opened:
            yield opened

    @property
    def provider(self) -> InsuredProvider:
        return InsuredProvider(self.world.address(PROVIDER).lower(), 7)

    def settle(
        self, facilitator: InsuredFacilitator, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> SettleResponse | None:
        """None where the node's faults came through: over HTTP that is a 503."""
        try:
            return asyncio.run(facilitator.settle(self.provider, payload, requirements))
        except ChainError:
            return None

    def settle_again(self, facilitator: InsuredFacilitator, payment: Any) -> SettleResponse | None:
        """Asked until it is no longer pending."""
        while True:
            answer = self.settle(facilitator, *payment)
            if answer is None or answer.error_reason != "settlement_pending":
                return answer

    def state(self) -> tuple[int, int, int, int]:
        """Of client, provider, its locks, and the settler's transactions."""
        world = self.world
        return world.balance(CLIENT), world.balance(PROVIDER), world.bond_of(PROVIDER)[1], world.sent()

    def settled_since(self, before: tuple[int, int, int, int], count: int) -> bool:
        client, provider, locked, sent = before
        now = (client - count * PRICE, provider + count * PRICE, locked + count * LOCK, sent + count)
        return self.state() == now

    def locked(self) -> Delivery:
        """A payment that was settled in good weather."""
        with self.facilitator(POLICY) as facilitator:
            requirements = self.world.requirements()
            answer = self.settle(facilitator, self.world.payment(requirements), requirements)
            assert answer is not None
            policy = answer.extensions["bond-insurance"]
        return Delivery(bytes.fromhex(policy["commitment"][2:]), policy["deadline"])

    def status(self, delivery: Delivery) -> int:
        return int(self.world.insurance.functions.policies(delivery.commitment).call()[3])


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path_factory.mktemp("faults")) as opened:
        yield opened


@pytest.fixture
def shop(own_world: InsuredWorld, tmp_path: Path) -> Iterator[Shop]:
    with FaultyNode.before(own_world.node.url) as node:
        yield Shop(own_world, node, tmp_path)


def paid(shop: Shop) -> tuple[PaymentPayload, PaymentRequirements]:
    requirements = shop.world.requirements()
    return shop.world.payment(requirements), requirements


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_estimateGas"])
@pytest.mark.parametrize(
    "fault", [each for each in Fault if each not in (Fault.FORGET, Fault.HIDE, Fault.LAST)]
)
def test_settle__one_request_fails__settled_once_all_the_same(shop: Shop, fault: Fault, method: str) -> None:
    payment, before = paid(shop), shop.state()
    with shop.facilitator(POLICY) as facilitator:
        shop.node.fails(fault, method)

        answer = shop.settle(facilitator, *payment)

    assert (answer is not None and answer.success, shop.node.is_well) == (True, True)
    assert shop.settled_since(before, 1)


def test_settle__node_goes_away_at_each_call__asked_again_settled_once(shop: Shop) -> None:
    """In turn the node does not do what it is asked first, or does it and only its answer is lost."""
    refused = 0
    with shop.facilitator(HASTY, tries=1) as facilitator:
        for call, fault in zip(itertools.count(), itertools.cycle([Fault.RESET, Fault.RESET_AFTER])):
            payment, before = paid(shop), shop.state()
            shop.node.fails(fault, times=1000, after=call)
            first = shop.settle(facilitator, *payment)
            shop.node.heals()

            again = shop.settle_again(facilitator, payment)

            assert shop.settled_since(before, 1)
            if first is not None and first.success:
                assert (again and again.error_reason) == "invalid_exact_evm_nonce_already_used"
                break
            assert again is not None and again.success
            refused += 1
    assert refused > 15  # it asks the node some 20 times


def test_settle__accepted_and_never_mined__broadcast_again_the_same_bytes(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    sent: list[str | None] = []

    def watch(event: Event) -> None:
        if event.kind is EventKind.SENDING:
            sent.append(event.tx_hash)

    with shop.facilitator(POLICY, on_event=watch) as facilitator:
        shop.node.fails(Fault.FORGET, "eth_sendRawTransaction", times=3)

        answer = shop.settle(facilitator, *payment)

    assert (answer is not None and answer.success, len(shop.node.forgotten)) == (True, 3)
    assert set(sent) == {answer.transaction}
    assert shop.settled_since(before, 1)


def test_settle__receipts_lag_behind__waits_for_them(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    with shop.facilitator(POLICY) as facilitator:
        shop.node.fails(Fault.HIDE, "eth_getTransactionReceipt", times=5)

        answer = shop.settle(facilitator, *payment)

    assert (answer is not None and answer.success, shop.node.is_well) == (True, True)
    assert shop.settled_since(before, 1)


def test_settle__receipts_lag_longer_than_it_waits__pending_and_then_found(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    with shop.facilitator(HASTY) as facilitator:
        shop.node.fails(Fault.HIDE, "eth_getTransactionReceipt", times=1000)
        pending = shop.settle(facilitator, *payment)
        shop.node.heals()

        answer = shop.settle_again(facilitator, payment)

    assert pending is not None and answer is not None
    assert (pending.success, pending.error_reason) == (False, "settlement_pending")
    assert (answer.success, answer.transaction) == (True, pending.transaction)
    assert shop.settled_since(before, 1)


def test_settle__base_fee_rises__same_nonce_for_a_higher_fee_within_the_cap(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    world, signed = shop.world, list[str]()

    def make_dear(event: Event) -> None:
        if event.kind is EventKind.SIGNED and event.tx_hash is not None:
            signed.append(event.tx_hash)
        if event.kind is EventKind.ANSWERED:
            if len(signed) == 1:
                world.node.set_next_base_fee(100 * GWEI)
            world.node.mine()

    world.node.set_automine(on=False)
    try:
        with shop.facilitator(replace(POLICY, bump_after_s=0.1), on_event=make_dear) as facilitator:
            answer = shop.settle(facilitator, *payment)
    finally:
        calm(world)

    assert answer is not None and answer.success
    assert (len(signed), answer.transaction) == (2, signed[-1])
    assert world.web3.eth.get_transaction(signed[-1])["maxFeePerGas"] <= POLICY.max_fee_wei  # type: ignore[arg-type]
    assert shop.settled_since(before, 1)


def test_settle__base_fee_above_the_cap__pending_and_settled_once_it_falls(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    world, kinds = shop.world, list[EventKind]()

    def make_dear(event: Event) -> None:
        kinds.append(event.kind)
        if event.kind is EventKind.ANSWERED and kinds.count(EventKind.ANSWERED) == 1:
            world.node.set_next_base_fee(100 * GWEI)
            world.node.mine()

    world.node.set_automine(on=False)
    capped = replace(POLICY, bump_after_s=0.1, bump_bps=10_000, timeout_s=0.5, max_fee_wei=5 * GWEI)
    with shop.facilitator(capped, on_event=make_dear) as facilitator:
        try:
            pending = shop.settle(facilitator, *payment)
            waiting = shop.state()
        finally:
            calm(world)
        answer = shop.settle(facilitator, *payment)

    assert EventKind.FEE_CAP_REACHED in kinds
    assert pending is not None and answer is not None
    assert (pending.error_reason, waiting) == ("settlement_pending", before)
    assert (answer.success, answer.transaction) == (True, pending.transaction)
    assert shop.settled_since(before, 1)


def test_settle__held_bytes_come_out_after_their_replacement__settled_once(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    with shop.facilitator(replace(POLICY, bump_after_s=0.1)) as facilitator:
        # Nothing is known of the first bytes until others with their nonce are mined.
        shop.node.fails(Fault.FORGET, "eth_sendRawTransaction", times=1000)

        def heal_when_bumped() -> None:
            assert comes(lambda: len(set(shop.node.forgotten)) == 2)
            shop.node.heals()

        answer = asyncio.run(in_parallel(shop, facilitator, payment, heal_when_bumped))
        with pytest.raises(Exception, match="nonce too low"):
            shop.world.node.rpc("eth_sendRawTransaction", shop.node.forgotten[0])

    assert answer.success
    assert shop.settled_since(before, 1)


async def in_parallel(
    shop: Shop, facilitator: InsuredFacilitator, payment: Any, act: Callable[[], None]
) -> SettleResponse:
    settling = asyncio.create_task(facilitator.settle(shop.provider, *payment))
    await asyncio.to_thread(act)
    return await settling


def test_verify__answers_out_of_order__each_payment_has_its_own(shop: Shop) -> None:
    used, fresh = paid(shop), paid(shop)
    with shop.facilitator(POLICY, patience_s=20) as facilitator:
        assert shop.settle(facilitator, *used) is not None

        async def verified() -> tuple[VerifyResponse, VerifyResponse]:
            shop.node.fails(Fault.LAST, "eth_call")
            first = asyncio.create_task(facilitator.verify(shop.provider, *used))
            assert await asyncio.to_thread(comes, lambda: shop.node.is_well)
            second = await facilitator.verify(shop.provider, *fresh)
            assert not first.done()
            shop.node.release()
            return await first, second

        first, second = asyncio.run(verified())

    assert (first.is_valid, first.invalid_reason) == (False, "invalid_exact_evm_nonce_already_used")
    assert second.is_valid


def test_settle__node_away__nothing_signed_and_settled_when_it_is_back(shop: Shop) -> None:
    payment, before = paid(shop), shop.state()
    with shop.facilitator(HASTY, tries=1) as facilitator:
        shop.node.fails(Fault.REFUSE, times=10_000)
        refused, away = shop.settle(facilitator, *payment), shop.state()
        shop.node.heals()
        answer = shop.settle_again(facilitator, payment)

    assert (refused, away) == (None, before)
    assert answer is not None and answer.success
    assert shop.settled_since(before, 1)


@pytest.mark.parametrize(
    "fault", [Fault.HOLD, Fault.HOLD_ANSWER, Fault.REFUSE_AFTER, Fault.RESET, Fault.FORGET, Fault.HIDE]
)
def test_service__node_fails_while_it_confirms_and_refunds__each_ended_once(shop: Shop, fault: Fault) -> None:
    served, failed = shop.locked(), shop.locked()
    bond, locked = shop.world.bond_of(PROVIDER)
    client, sent = shop.world.balance(CLIENT), count_of(shop, PROVIDER)
    method = "eth_getTransactionReceipt" if fault is Fault.HIDE else "eth_sendRawTransaction"
    with shop.service(replace(POLICY, timeout_s=0.5)) as service:
        shop.node.fails(fault, method, times=3)
        service.failed(failed)
        service.served(served)

        assert comes(lambda: (shop.status(served), shop.status(failed)) == (CONFIRMED, REFUNDED))
        shop.node.heals()

    assert shop.world.bond_of(PROVIDER) == (bond - PRICE, locked - 2 * LOCK)
    assert (shop.world.balance(CLIENT), count_of(shop, PROVIDER)) == (client + PRICE, sent + 2)


def test_service__confirmation_too_dear_for_a_while__confirmed_once_it_is_cheaper(shop: Shop) -> None:
    served = shop.locked()
    bond, locked = shop.world.bond_of(PROVIDER)
    sent = count_of(shop, PROVIDER)
    world = shop.world
    world.node.set_automine(on=False)
    world.node.set_next_base_fee(100 * GWEI)
    world.node.mine()
    try:
        with shop.service(replace(POLICY, max_fee_wei=5 * GWEI, timeout_s=0.5)) as service:
            service.served(served)
            asked = shop.node.asked["eth_estimateGas"]
            assert comes(lambda: shop.node.asked["eth_estimateGas"] > asked + 2)  # rounds that gave up
            waiting = shop.status(served)
            calm(world)
            assert comes(lambda: shop.status(served) == CONFIRMED)
    finally:
        calm(world)

    assert (waiting, world.bond_of(PROVIDER), count_of(shop, PROVIDER)) == (
        OPEN,
        (bond, locked - LOCK),
        sent + 1,
    )


def count_of(shop: Shop, account: int) -> int:
    return shop.world.web3.eth.get_transaction_count(shop.world.address(account))


def calm(world: InsuredWorld) -> None:
    """Cheap gas again, and each transaction mined at once."""
    world.node.set_next_base_fee(GWEI)
    world.node.set_automine(on=True)
    world.node.mine()

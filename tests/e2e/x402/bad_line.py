"""Facilitator and provider behind a line that fails as it is told to, with little patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faulty_node import FaultyNode
from insured_world import CLIENT, LOCK, PRICE, PROVIDER, SETTLER, InsuredWorld
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.events import Event
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
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse

NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)
PATIENCE_S = 0.5  # with the node: longer than anvil takes, short enough to wait for
POLICY = replace(Policy.local(), timeout_s=10.0, rebroadcast_after_s=0.1)
HASTY = replace(POLICY, timeout_s=0.1)
GWEI = 10**9


@dataclass
class BadLine:
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
        return self.world.status(delivery.commitment)


def calm(world: InsuredWorld) -> None:
    """Cheap gas again, and each transaction mined at once."""
    world.node.set_next_base_fee(GWEI)
    world.node.set_automine(on=True)
    world.node.mine()

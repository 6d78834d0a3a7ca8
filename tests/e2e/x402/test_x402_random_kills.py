"""kill -9 of facilitator and provider at random steps and moments, under stock clients: all adds up."""

from __future__ import annotations

import os
import random
import secrets
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from insured_world import (
    BOND,
    CLIENT,
    PASSPHRASE,
    PENALTY,
    PRICE,
    PROVIDER,
    SETTLER,
    STRANGER,
    TREASURY,
    USDC,
    InsuredWorld,
    comes,
)
from liqpass.adapters.x402.deliveries import Deliveries, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.entrypoints.cli import main
from mortal import SECOND_SETTLER, STEPS, Mortal, mortal_facilitator, mortal_provider
from x402 import x402ClientSync
from x402.http import encode_payment_signature_header
from x402.http.clients import x402_requests
from x402.http.clients.requests import PaymentError

KILLS = int(os.environ.get("LIQPASS_CAMPAIGN_KILLS", "100")) if os.environ.get("LIQPASS_CAMPAIGN") else 8
CLIENTS = 4
PATIENCE_S = 60
BROKEN = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)  # before, or within, an answer
# `forgotten` is a job that nobody delivers.
OPEN, REFUNDED = 1, 4
KINDS = ("work", "broken", "job", "prompt", "forgotten")


@dataclass
class Payment:
    """One call of a stock client: what it paid with, and what it was answered, each time that it asked."""

    kind: str
    commitment: bytes | None = None
    header: str = ""
    answers: list[int | None] = field(default_factory=list)  # None: the connection broke
    delivered: list[int | None] = field(default_factory=list)  # what the worker was answered
    status_when_served: int = OPEN  # on the chain, as the good answer came

    @property
    def was_served(self) -> bool:
        return any(answer is not None and answer < 300 for answer in self.answers)


class Run:
    """Both processes die again and again; this drives them, pays, and repeats some of what was lost."""

    def __init__(self, world: InsuredWorld, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.facilitator = mortal_facilitator(world)
        # So that some ask again before their refund, and some after it.
        self.provider = mortal_provider(world, self.facilitator, grace_s=0.2)
        self.payments: list[Payment] = []
        self.deaths: Counter[str] = Counter()
        self.took_s: list[float] = []

    def start(self) -> None:
        self.facilitator.start()
        self.provider.start()

    def end(self) -> None:
        self.provider.kill()
        self.facilitator.kill()

    def round(self, kinds: list[str], *, deadly: bool = True) -> list[Payment]:
        """Clients pay at once; meanwhile one process, or both, dies. Then both run again."""
        made = [Payment(kind) for kind in kinds]
        victims, step, after_s = self._doom() if deadly else ([], "", 0.0)
        with ThreadPoolExecutor(len(made)) as pool:
            began = threading.Barrier(len(made) + 1)
            calls = [pool.submit(self._pay, payment, began) for payment in made]
            began.wait()
            for name, victim in victims:
                at_step = victim.dies_within(after_s)
                victim.kill()
                self.deaths[f"{name}: {step if at_step else 'at a random moment'}"] += 1
            for call in calls:
                call.result()
        # Only now: a fork beside threads would copy their locks.
        for _, victim in victims:
            victim.start()
        lost = [each for each in made if each.header and not each.was_served]
        for payment in lost:
            if deadly and self.random.random() < 0.5:
                self._ask_again(payment)
        self.payments += made
        return made

    def _doom(self) -> tuple[list[tuple[str, Mortal]], str, float]:
        """Who dies, at which step, after how many seconds at the latest; one in four by the clock only."""
        both = [("facilitator", self.facilitator), ("provider", self.provider)]
        usual_s = statistics.median(self.took_s[-20:]) if self.took_s else 0.5
        if self.random.random() < 0.25:
            victims = both if self.random.random() < 0.3 else [self.random.choice(both)]
            return victims, "", self.random.uniform(0, 1.2 * usual_s)
        name, victim = self.random.choice(both)
        step = self.random.choice(STEPS[name])
        nth = self.random.randint(1, 120 if "call" in step else CLIENTS)
        victim.doom.at(step, nth)
        return [(name, victim)], step, 2 * usual_s + 0.5

    def _pay(self, payment: Payment, began: threading.Barrier) -> None:
        client = self.world.allowed(x402ClientSync())

        def remember(context: Any) -> None:
            payment.header = encode_payment_signature_header(context.payment_payload)
            payment.commitment = self.world.commitment(context.payment_payload)

        client.on_after_payment_creation(remember)
        path = "job" if payment.kind == "forgotten" else payment.kind
        with x402_requests(client) as session:
            began.wait()
            at_s = time.monotonic()
            self._ask(payment, lambda: session.get(f"{self.provider.url}/{path}", timeout=PATIENCE_S))
            self.took_s.append(time.monotonic() - at_s)

    def _ask_again(self, payment: Payment) -> None:
        """The same request, byte for byte, as a client does whose connection broke."""
        path = "job" if payment.kind == "forgotten" else payment.kind
        headers = {"PAYMENT-SIGNATURE": payment.header}
        url = f"{self.provider.url}/{path}"
        self._ask(payment, lambda: requests.get(url, headers=headers, timeout=PATIENCE_S))

    def _ask(self, payment: Payment, ask: Any) -> None:
        try:
            answer = ask()
        except (*BROKEN, PaymentError) as error:
            # The SDK wraps it once it has paid.
            assert isinstance(error.__cause__ or error, BROKEN)
            payment.answers.append(None)
            return
        payment.answers.append(answer.status_code)
        if answer.status_code < 300:
            assert payment.commitment is not None
            payment.status_when_served = self.world.status(payment.commitment)
        if answer.status_code == 202 and payment.kind == "job":
            self._deliver(payment)

    def _deliver(self, payment: Payment) -> None:
        assert payment.commitment is not None
        try:
            url = f"{self.provider.url}/done/{payment.commitment.hex()}"
            payment.delivered.append(requests.post(url, timeout=PATIENCE_S).status_code)
        except BROKEN:
            payment.delivered.append(None)

    def only_promises_are_open(self) -> bool:
        """Whether the provider has confirmed or refunded all but the jobs that nobody delivers."""
        provider = self.world.address(PROVIDER).lower()
        with Deliveries.open(
            deliveries_path(self.world.folder / "service", self.world.terms, provider)
        ) as deliveries:
            awaited = {delivery.commitment for delivery in deliveries.all_in(DeliveryState.AWAITED)}
        return {each for each, _ in self.world.locks() if self.world.status(each) == OPEN} <= awaited


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path) as opened:
        opened.send(opened.insurance.functions.setSettler(opened.address(SECOND_SETTLER), True), PROVIDER)
        yield opened


def test_facilitator_and_provider__killed_at_random__each_payment_settled_once_and_all_adds_up(
    own_world: InsuredWorld,
) -> None:
    seed = int(os.environ.get("LIQPASS_CAMPAIGN_SEED", "0")) or secrets.randbelow(2**32)
    print(f"seed {seed} (LIQPASS_CAMPAIGN_SEED repeats it)")  # noqa: T201
    run = Run(own_world, seed)
    before = balances(own_world)
    run.start()
    try:
        while sum(run.deaths.values()) < KILLS:
            run.round(run.random.choices(KINDS, [3, 1, 2, 1, 1], k=CLIENTS))
        last = run.round(list(KINDS), deadly=False)
        assert [payment.answers for payment in last] == [[200], [503], [202], [202], [202]]
        assert comes(run.only_promises_are_open)
    finally:
        run.end()
    own_world.node.increase_time(8 * 60)
    claim_the_rest(own_world)

    told = audit(run, before, last)

    print(f"{sum(run.deaths.values())} kills, {told}")  # noqa: T201
    for step, count in sorted(run.deaths.items()):
        print(f"  {count:3} {step}")  # noqa: T201


def balances(world: InsuredWorld) -> dict[str, int]:
    return {
        "client": world.balance(CLIENT),
        "provider": world.balance(PROVIDER),
        "treasury": world.balance(TREASURY),
        "payment address": world.balance(world.pay_to(PROVIDER)),
        "settlers": world.balance(SETTLER) + world.balance(SECOND_SETTLER),
        "bond": world.bond_of(PROVIDER)[0],
        "contract": world.balance(world.insurance.address),
    }


def claim_the_rest(world: InsuredWorld) -> None:
    """`liqpass keeper x402 --once`, by a stranger."""
    ours = {
        "LIQPASS_RPC_URL": world.node.url,
        "LIQPASS_DEPLOYMENT": str(world.folder / "local.json"),
        "LIQPASS_JOURNAL_FOLDER": str(world.folder / "keeper"),
        "LIQPASS_KEEPER_PASSPHRASE": PASSPHRASE,
    }
    gone = {name: None for name in os.environ if name.startswith("LIQPASS_")}
    arguments = ["keeper", "x402", "--keyfile", str(world.write_keyfile(STRANGER)), "--once"]
    done = CliRunner(mix_stderr=False).invoke(main, arguments, env=gone | ours, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr


def audit(run: Run, before: dict[str, int], last: list[Payment]) -> str:
    """The chain's logs beside what the clients saw."""
    world, events = run.world, run.world.insurance.events

    def logged(event: Any) -> list[bytes]:
        return [bytes(log["args"]["commitment"]) for log in event().get_logs(from_block=0)]

    locked = logged(events.InsurancePurchased)
    confirmed, refunded = logged(events.ServiceConfirmed), logged(events.ServiceRefunded)
    claimed = logged(events.InsuranceClaimed)
    paid = world.usdc.events.Transfer().get_logs(
        from_block=0, argument_filters={"from": world.address(CLIENT), "to": world.pay_to(PROVIDER)}
    )
    made = {each.commitment: each for each in run.payments if each.commitment is not None}
    worked = Counter(bytes.fromhex(line) for line in (world.folder / "worked").read_text().split())

    # Settled and locked once, or not at all; every lock has exactly one end.
    assert max(Counter(locked).values()) == 1
    assert set(locked) <= set(made)
    assert len(paid) == len(locked) == len(logged(events.PaymentSettled))
    assert sorted(locked) == sorted(confirmed + refunded + claimed)
    sent = sum(
        world.web3.eth.get_transaction_count(world.address(settler)) for settler in (SETTLER, SECOND_SETTLER)
    )
    assert sent == len(locked)

    for commitment, payment in made.items():
        served = sum(answer is not None and answer < 300 for answer in payment.answers)
        assert served <= 1  # a payment buys once
        assert worked[commitment] <= (1 if payment.kind != "work" else len(payment.answers))
        if served:
            assert commitment in locked and worked[commitment] >= 1
        if commitment in confirmed:
            # Only what was answered as served; a job only where it was delivered.
            assert served == 1 and payment.kind in ("work", "job", "prompt")
            assert payment.kind != "job" or payment.delivered
        if commitment in claimed:
            # A promise that was not kept; whatever else was not answered its provider has refunded.
            assert payment.kind in ("job", "forgotten")
        if commitment in locked and not served:
            assert commitment in refunded + claimed  # who paid and got nothing has its money back
        assert payment.status_when_served != REFUNDED  # nothing is handed over once it is given back
    ends = [confirmed, refunded, confirmed, confirmed, claimed]
    for payment, end in zip(last, ends, strict=True):
        assert payment.commitment in end

    world.send(world.insurance.functions.collect(), STRANGER)
    back = len(refunded) + len(claimed)
    assert balances(world) == {
        "client": before["client"] - PRICE * len(confirmed),
        "provider": before["provider"] + PRICE * len(locked),
        "treasury": before["treasury"] + PENALTY * len(claimed),
        "payment address": 0,
        "settlers": 0,
        "bond": BOND - PRICE * back - PENALTY * len(claimed),
        "contract": before["contract"] - PRICE * back - PENALTY * len(claimed),
    }
    assert world.bond_of(PROVIDER)[1] == 0
    assert before["client"] == 1_000 * USDC

    lost = sum(answer is None for payment in run.payments for answer in payment.answers)
    kept = [each for each in run.payments if each.was_served and each.kind != "forgotten"]
    return (
        f"{len(run.payments)} payments, {lost} answers lost, {len(locked)} locks: "
        f"{len(confirmed)} confirmed, {len(refunded)} refunded, {len(claimed)} claimed, "
        f"{len(kept) - len(confirmed)} of them served all the same"
    )

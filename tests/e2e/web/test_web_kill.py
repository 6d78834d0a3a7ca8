"""kill -9 of the service at random moments of claims and batches, under load; clients send again the same."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from liqpass.adapters.database.tables import batch_items, batches, claims, orders
from liqpass.bootstrap import Application
from liqpass.claims.submit import LEASE_MS
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.policy_state import PolicyState
from liqpass.policies import ByPosition
from liqpass.ports import OkxCredentials
from liqpass.settings import read_settings
from live_service import INSTRUMENT, OPERATOR, REVIEWER, Caller, Live, Position, Wallet
from sqlalchemy import func, select

KILLS = int(os.environ.get("LIQPASS_CAMPAIGN_KILLS", "200")) if os.environ.get("LIQPASS_CAMPAIGN") else 6
CLAIMS_A_ROUND = 3
DAY_S = 86_400
CUT_OFF_S = 2 * 3600 + 300  # of a UTC day: five minutes past 10:00 in Shanghai
LEASE_S = LEASE_MS // 1000 + 1
# Every policy of the run stays open: nothing is paid on chain.
GENEROUS = {
    "parameters__daily_cap": "1000000",
    "parameters__hot_wallet_max": "1000000",
    "parameters__max_active_policies": "100",
    "parameters__max_recent_policies": "100",
}


@pytest.fixture
def live() -> Iterator[Live]:
    with Live.open(**GENEROUS) as running:
        yield running


@dataclass
class Sent:
    """One request that its client repeats, byte for byte, until it is answered."""

    caller: Caller
    path: str
    key: str = field(default_factory=lambda: secrets.token_hex(16))

    def once(self) -> httpx.Response | None:
        """The answer; None where the service died or could not say."""
        try:
            answer = self.caller.post(self.path, key=self.key)
        except httpx.TransportError:
            return None
        return None if answer.status_code >= 500 else answer


class Run:
    """The service dies again and again; this drives it, repeats what was lost and moves the clock."""

    def __init__(self, live: Live, seed: int) -> None:
        self.live = live
        self.random = random.Random(seed)
        self.application = Application(read_settings())
        self.operator = Caller(live.service.url, "/admin").sign_in(OPERATOR)
        self.took_s: dict[str, list[float]] = {"claim": [], "batch": []}
        self.kills = self.lost = 0
        self.numbers = itertools.count(1)

    def prepared(self) -> tuple[Caller, list[str]]:
        """A buyer with policies whose positions are liquidated, made on the book directly."""
        live, do = self.live, self.application.use_cases
        buyer = Wallet.fresh()
        live.fund(buyer)
        checkout = live.stage.contract("Checkout")
        sender: Any = {"from": buyer.address}
        live.stage.usdc.functions.approve(checkout.address, 10_000_000).transact(sender)
        made: list[tuple[Position, str, str]] = []
        for _ in range(CLAIMS_A_ROUND):
            position = live.trader(f"trader of claim {next(self.numbers)}")
            key = live.key_of(position)
            credentials = OkxCredentials(key["apiKey"], key["secret"], key["passphrase"], False)
            order = do.selling.create_order(buyer.address, actor="test")
            order = do.binding.bind(
                order.id, credentials, ByPosition(INSTRUMENT, position.pos_id), actor="test"
            )
            paid = checkout.functions.pay(order.order_hash, order.premium, order.quote_hash).transact(sender)
            made.append((position, order.id, "0x" + bytes(paid).hex()))
        live.stage.confirm()
        for _, order_id, paid_by in made:
            do.paying.pay_by_transaction(order_id, paid_by, actor="test")
        live.stage.pass_time(601)
        for position, _, _ in made:
            live.liquidate(position)
        return Caller(live.service.url).sign_in(buyer), [order_id for _, order_id, _ in made]

    def dies_during(self, kind: str, requests: list[Sent]) -> None:
        """Send them at once, kill at a random moment, start again, and repeat until each is answered."""
        usual_s = statistics.median(self.took_s[kind][-9:]) if self.took_s[kind] else 0.2
        delay_s = self.random.uniform(0, 1.2 * usual_s)
        with ThreadPoolExecutor(len(requests) + 2) as pool, self._load(pool):
            started = threading.Barrier(len(requests) + 1)
            futures = [pool.submit(self._timed, kind, started, request) for request in requests]
            started.wait()
            time.sleep(delay_s)  # the very point: a moment that nobody chose
            self.live.service.kill()
            self.kills += 1
            answers = [future.result() for future in futures]
        self.lost += sum(answer is None for answer in answers)
        self.live.service.start()
        for request in requests:
            self._repeat(request)

    def answered(self, request: Sent) -> httpx.Response:
        return self._repeat(request)

    def _timed(self, kind: str, started: threading.Barrier, request: Sent) -> httpx.Response | None:
        started.wait()
        began = time.monotonic()
        answer = request.once()
        if answer is not None:
            self.took_s[kind].append(time.monotonic() - began)
        return answer

    def _repeat(self, request: Sent) -> httpx.Response:
        for _ in range(50):
            answer = request.once()
            if answer is not None and answer.status_code != 409:
                assert answer.status_code == 200, answer.text
                return answer
            if answer is not None and "IDEMPOTENCY_IN_FLIGHT" not in answer.text:
                return answer
            # The first one died holding the key: it is free once its lease is over.
            self.live.stage.pass_time(LEASE_S)
        raise AssertionError(f"{request.path} was never answered")

    def _load(self, pool: ThreadPoolExecutor) -> _Load:
        return _Load(pool, [lambda: self.operator.get("/admin/claims"), self._quote])

    def _quote(self) -> object:
        return httpx.post(f"{self.live.service.url}/api/quote", timeout=5)


class _Load:
    """Reads of others, all the time."""

    def __init__(self, pool: ThreadPoolExecutor, readers: list[Callable[[], object]]) -> None:
        self._pool, self._readers, self._over = pool, readers, threading.Event()

    def __enter__(self) -> None:
        for reader in self._readers:
            self._pool.submit(self._read, reader)

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _read(self, reader: Callable[[], object]) -> None:
        while not self._over.is_set():
            try:
                reader()
            except httpx.TransportError:
                return


def test_service__killed_at_random_moments__loses_doubles_and_blocks_nothing(live: Live) -> None:
    seed = int(os.environ.get("LIQPASS_CAMPAIGN_SEED", "0")) or secrets.randbelow(2**32)
    print(f"seed {seed} (LIQPASS_CAMPAIGN_SEED repeats it)")  # noqa: T201
    run = Run(live, seed)
    claimed: list[str] = []
    days: list[int] = []

    while run.kills < KILLS:
        caller, order_ids = run.prepared()
        run.dies_during("claim", [Sent(caller, f"/api/purchase-orders/{each}/claim") for each in order_ids])
        claim_ids = [judged(run, caller, order_id) for order_id in order_ids]
        for claim_id in claim_ids:
            run.application.use_cases.reviewing.approve(claim_id, reviewer=REVIEWER.address)
        claimed += claim_ids
        now_s = int(live.stage.web3.eth.get_block("latest")["timestamp"])
        live.stage.pass_time_until((now_s // DAY_S + 1) * DAY_S + CUT_OFF_S)
        run.operator = Caller(live.service.url, "/admin").sign_in(OPERATOR)
        run.application.use_cases.reconciling.reconcile()  # yesterday's batch was never approved: it is over
        clicks = [Sent(run.operator, "/admin/payout/batch") for _ in range(2)]  # two operators' clicks
        run.dies_during("batch", clicks)
        built = [run.answered(click) for click in clicks]
        assert sorted(answer.status_code for answer in built) in ([200, 409], [409, 409])
        days.append(run.operator.get("/admin/payout/batches").json()["batches"][0]["batchId"])

    told = f"{run.kills} kills, {run.lost} answers lost, {len(claimed)} claims, {len(days)} days"
    print(told)  # noqa: T201
    assert run.lost > 0  # else nothing was interrupted
    check_book(run, claimed, days)


def judged(run: Run, caller: Caller, order_id: str) -> str:
    """The order's claim once it waits for review; a fetch that died with the service outlives its lease."""
    for _ in range(5):
        answer = run.answered(Sent(caller, f"/api/purchase-orders/{order_id}/claim")).json()
        if answer["state"] == "PENDING":
            return str(answer["claimId"])
        assert answer["state"] in ("VERIFYING", "FAILED"), answer
        run.live.stage.pass_time(LEASE_S)
    raise AssertionError(f"the claim on {order_id} is stuck: {answer}")


def check_book(run: Run, claimed: list[str], days: list[int]) -> None:
    """Nothing lost, nothing twice, nothing stuck, every state legal, the audit log whole."""
    _, fault = run.application.controlling.verify_audit(None)
    assert fault is None
    with run.application.engine.connect() as book:
        kept = book.execute(select(claims.c.id, claims.c.order_id, claims.c.state)).all()
        assert sorted(row.id for row in kept) == sorted(claimed)
        assert {row.state for row in kept} <= {ClaimState.APPROVED, ClaimState.BATCHED}
        assert max(Counter(row.order_id for row in kept).values()) == 1
        states = dict(book.execute(select(orders.c.id, orders.c.state)).all())
        assert {states[row.order_id] for row in kept} == {PolicyState.APPROVED}
        assert set(states.values()) <= set(PolicyState)
        assert sorted(book.execute(select(batches.c.id)).scalars()) == days
        open_items = select(batch_items.c.claim_id).where(batch_items.c.outcome.is_(None))
        in_batch = list(book.execute(open_items).scalars())
        assert sorted(in_batch) == sorted(row.id for row in kept if row.state == ClaimState.BATCHED)
        doubled = book.execute(
            select(func.count())
            .select_from(batch_items)
            .group_by(batch_items.c.batch_id, batch_items.c.claim_id)
            .having(func.count() > 1)
        ).all()
        assert doubled == []
    told = Counter(
        (entry.action, entry.subject)
        for entry in run.application.controlling.audit_entries()
        if entry.action in ("CLAIM_REQUESTED", "BATCH_BUILT")
    )
    assert set(told.values()) == {1}

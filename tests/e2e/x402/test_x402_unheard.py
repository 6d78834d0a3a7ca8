"""Payments that were settled and not heard of: their provider refunds them, and serves them never again."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest
from in_flight import asks, waiting
from insured_world import (
    CLIENT,
    LOCK,
    PRICE,
    PROVIDER,
    InsuredWorld,
    Running,
    body,
    comes,
)
from liqpass.adapters.chain.events import EventKind
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.insured_service import NotAwaitedError
from lossy import Lossy, Paid, money, rows, served, signed
from offering import undone
from shop import over_http
from x402.http import encode_payment_signature_header
from x402.schemas import (
    PaymentPayload,
)

NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)
FLOWS = ("work", "upfront", "job")
LONG_S = 3600.0


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("step", [EventKind.ANSWERED, EventKind.FINAL])
def test_facilitator__killed_once_it_has_sent__refunded_without_a_penalty(
    world: InsuredWorld, flow: str, step: EventKind
) -> None:
    before, name = money(world), f"killed-{flow}-{step}"

    with (
        world.facilitator(name, dies_at=step) as dying,
        served(world, over_http(dying.url), f"{name}-service") as api,
    ):
        paid = signed(world, f"{api.url}/{flow}")
        answer = paid.send(f"{api.url}/{flow}")
        refunded = comes(lambda: world.status(paid.commitment) == REFUNDED)

    assert (answer.status_code, api.served, refunded) == (402, int(flow == "work"), True)
    assert "42" not in answer.text
    assert money(world) == before


@pytest.mark.parametrize("flow", FLOWS)
def test_facilitator__pending_and_confirmed_later__refunded(world: InsuredWorld, flow: str) -> None:
    before, name = money(world), f"later-{flow}"

    with (
        world.facilitator(name, timeout_s=0.3) as slow,
        served(world, over_http(slow.url), f"{name}-service") as api,
    ):
        paid = signed(world, f"{api.url}/{flow}")
        world.node.set_automine(on=False)
        try:
            answer = paid.send(f"{api.url}/{flow}")
            unmined = (world.status(paid.commitment), rows(world, f"{name}-service", DeliveryState.ASKED))
        finally:
            world.node.set_automine(on=True)
            world.node.mine()
        refunded = comes(lambda: world.status(paid.commitment) == REFUNDED)

    assert (answer.status_code, unmined, refunded) == (402, (NONE, [paid.commitment]), True)
    assert money(world) == before


def test_facilitator__pending_and_asked_again_within_the_grace__served_and_confirmed(
    world: InsuredWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, provider, locked = money(world)
    looked: list[int] = []

    with (
        world.facilitator("again", timeout_s=0.3) as slow,
        served(world, over_http(slow.url), "again-service", grace_s=LONG_S) as api,
    ):
        paid = signed(world, f"{api.url}/upfront")
        world.node.set_automine(on=False)
        try:
            first = paid.send(f"{api.url}/upfront")
        finally:
            world.node.set_automine(on=True)
            world.node.mine()
        look = api.service.asked.unheard
        monkeypatch.setattr(api.service.asked, "unheard", lambda: looked.append(1) or look())
        assert comes(lambda: len(looked) > 3)  # rounds that could have refunded it
        second = paid.send(f"{api.url}/upfront")
        confirmed = comes(lambda: world.status(paid.commitment) == CONFIRMED)
        third = paid.send(f"{api.url}/upfront")

    assert (first.status_code, second.status_code, third.status_code) == (402, 200, 402)
    assert (api.served, confirmed) == (1, True)
    assert money(world) == (client - PRICE, provider + PRICE, locked)


@pytest.mark.parametrize("flow", FLOWS)
def test_asked_again__refunded_before_and_the_facilitator_says_settled__refused_and_not_served(
    world: InsuredWorld, facilitator: Running, flow: str
) -> None:
    before, lossy = money(world), Lossy(facilitator.url, 1)

    with served(world, lossy, f"refused-{flow}") as api:
        paid = signed(world, f"{api.url}/{flow}")
        first = paid.send(f"{api.url}/{flow}")
        refunded = comes(lambda: world.status(paid.commitment) == REFUNDED)
        asked, worked = lossy.asked, api.served
        again = [paid.send(f"{api.url}/{each}") for each in (flow, flow)]

    assert (first.status_code, refunded, asked) == (402, True, 1)
    assert [answer.status_code for answer in again] == [402, 402]
    assert not any("42" in answer.text for answer in again)
    assert lossy.asked == asked  # not even asked for
    assert api.served == worked + (2 if flow == "work" else 0)  # work before its payment; not handed over
    assert money(world) == before


def test_service__ends_within_the_grace__refunded_before_it_ends(
    world: InsuredWorld, facilitator: Running
) -> None:
    before = money(world)

    with served(world, Lossy(facilitator.url, 1), "ends", grace_s=LONG_S) as api:
        paid = signed(world, f"{api.url}/upfront")
        paid.send(f"{api.url}/upfront")
        meanwhile = world.status(paid.commitment)

    assert (meanwhile, world.status(paid.commitment)) == (OPEN, REFUNDED)
    assert money(world) == before


def test_service__less_than_a_minute_left_within_the_grace__refunded(
    world: InsuredWorld, facilitator: Running
) -> None:
    before = money(world)

    lossy = Lossy(facilitator.url, 1)
    with served(world, lossy, "minute", grace_s=LONG_S, timeout_minutes=1) as api:
        paid = signed(world, f"{api.url}/upfront")
        paid.send(f"{api.url}/upfront")
        assert comes(lambda: world.status(paid.commitment) == REFUNDED)

    assert money(world) == before


@pytest.mark.parametrize("path", ["slow", "stream"])
def test_attack__duplicate_gets_lost_while_the_first_is_worked_for__served_and_not_refunded(
    world: InsuredWorld, facilitator: Running, path: str
) -> None:
    client, provider, locked = money(world)
    lossy = Lossy(facilitator.url, *range(2, 10_000))

    def is_let_in() -> bool:
        asked = lossy.asked
        assert paid.send(f"{api.url}/{path}").status_code == 402
        return lossy.asked > asked

    with served(world, lossy, f"lost-{path}") as api, ThreadPoolExecutor(1) as pool:
        paid = signed(world, f"{api.url}/{path}")
        first = pool.submit(paid.send, f"{api.url}/{path}")
        assert api.begun.wait(20)
        assert is_let_in()
        assert comes(lambda: not is_let_in())  # once a round has seen that one was lost
        meanwhile = world.status(paid.commitment)
        api.goes_on.set()
        answer = first.result(20)
        confirmed = comes(lambda: world.status(paid.commitment) == CONFIRMED)

    assert (meanwhile, answer.status_code, confirmed) == (OPEN, 200, True)
    assert "42" in answer.text
    assert (api.served, money(world)) == (1, (client - PRICE, provider + PRICE, locked))


@pytest.mark.parametrize("flow", FLOWS)
def test_attack__one_payment_many_times_at_once__served_once_and_confirmed(
    world: InsuredWorld, facilitator: Running, flow: str
) -> None:
    client, provider, locked = money(world)

    with served(world, over_http(facilitator.url), f"many-{flow}") as api, ThreadPoolExecutor(8) as pool:
        paid = signed(world, f"{api.url}/{flow}")
        answers = list(pool.map(lambda _: paid.send(f"{api.url}/{flow}"), range(8)))
        confirmed = comes(lambda: world.status(paid.commitment) == CONFIRMED)

    good = [answer for answer in answers if answer.status_code < 300]
    assert (len(good), confirmed) == (1, True)
    assert sum("42" in answer.text for answer in answers) == 1
    assert money(world) == (client - PRICE, provider + PRICE, locked)


def test_attack__payments_that_are_refused__forgotten_and_no_gas_spent(
    world: InsuredWorld, facilitator: Running
) -> None:
    nonce = world.web3.eth.get_transaction_count
    before, sent = money(world), (world.sent(), nonce(world.address(PROVIDER)))

    with served(world, over_http(facilitator.url), "forged") as api:
        paid = signed(world, f"{api.url}/upfront")
        payload = PaymentPayload.model_validate_json(base64.b64decode(paid.header))
        payload.payload["signature"] = "0x" + "11" * 64 + "1b"
        forged = Paid(encode_payment_signature_header(payload), paid.commitment)
        answers = [forged.send(f"{api.url}/upfront").status_code for _ in range(3)]
        assert comes(lambda: rows(world, "forged", DeliveryState.ASKED) == [])
        true = paid.send(f"{api.url}/upfront")  # the same nonce, as its owner signed it
        assert comes(lambda: world.status(paid.commitment) == CONFIRMED)

    assert (answers, true.status_code, api.served) == ([402] * 3, 200, 1)
    client, provider, locked = before
    assert money(world) == (client - PRICE, provider + PRICE, locked)
    assert (world.sent(), nonce(world.address(PROVIDER))) == (sent[0] + 1, sent[1] + 1)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param("NaN", id="no number"),
        pytest.param(r'"\ud800"', id="half a character"),
        pytest.param(f"[{','.join(['1e15'] * 5_000)}]", id="too large as it is sent on"),
        pytest.param("[" * 100 + "]" * 100, id="too deep for the facilitator"),
    ],
)
def test_attack__payment_that_no_facilitator_can_read__nothing_to_look_after(
    world: InsuredWorld, facilitator: Running, extra: str
) -> None:
    before, sent, folder = money(world), world.sent(), f"unreadable-{len(extra)}"

    with served(world, over_http(facilitator.url), folder) as api:
        paid = signed(world, f"{api.url}/upfront")
        text = base64.b64decode(paid.header).decode()
        forged = text.replace('"payload":{', f'"payload":{{"more":{extra},', 1).encode()
        answer = Paid(base64.b64encode(forged).decode(), paid.commitment).send(f"{api.url}/upfront")
        assert comes(lambda: rows(world, folder, DeliveryState.ASKED) == [])
        unheard = api.service.asked.unheard()

    assert (forged != text.encode(), answer.status_code, api.served, unheard) == (True, 402, 0, [])
    assert (money(world), world.sent()) == (before, sent)


def test_facilitator__busy__nothing_to_look_after_and_served_when_it_is_free(world: InsuredWorld) -> None:
    requirements = world.requirements()
    other, (client, provider, locked) = world.payment(requirements), money(world)

    with (
        world.facilitator("busy", timeout_s=3.0, begun_within_s=0.2) as busy,
        served(world, over_http(busy.url), "busy-service") as api,
    ):
        paid = signed(world, f"{api.url}/upfront")
        with waiting(world, asks(busy, world, other)):
            first = paid.send(f"{api.url}/upfront")
            assert comes(lambda: rows(world, "busy-service", DeliveryState.ASKED) == [])
        second = paid.send(f"{api.url}/upfront")
        assert comes(lambda: world.status(paid.commitment) == CONFIRMED)

    assert (first.status_code, second.status_code, api.served) == (402, 200, 1)
    assert money(world) == (client - 2 * PRICE, provider + 2 * PRICE, locked + LOCK)


def test_unheard__never_settled__kept_for_an_hour_after_its_validity_and_forgotten_then(
    world: InsuredWorld, facilitator: Running
) -> None:
    folder, client = "never", world.balance(CLIENT)

    def look() -> list[bytes]:
        with served(world, over_http(facilitator.url), folder):
            pass
        return rows(world, folder, DeliveryState.ASKED)

    with (
        world.facilitator("never-f", dies_at=EventKind.PLANNED) as dying,
        served(world, over_http(dying.url), folder) as api,
    ):
        paid = signed(world, f"{api.url}/upfront")
        assert paid.send(f"{api.url}/upfront").status_code == 402
    with undone(world):
        now_s = world.web3.eth.get_block("latest")["timestamp"]
        world.node.increase_time(300 + 3590)
        world.node.mine()
        kept = look()
        world.node.increase_time(30)
        world.node.mine()
        gone = look()
        assert world.web3.eth.get_block("latest")["timestamp"] > now_s + 300 + 3600

    assert (kept, gone) == ([paid.commitment], [])
    assert (world.status(paid.commitment), world.balance(CLIENT)) == (NONE, client)


def test_unheard__ended_by_somebody_else__not_refunded_and_not_served(
    world: InsuredWorld, facilitator: Running
) -> None:
    lossy, before = Lossy(facilitator.url, 1), money(world)

    with served(world, lossy, "elsewhere", grace_s=LONG_S) as api:
        paid = signed(world, f"{api.url}/upfront")
        paid.send(f"{api.url}/upfront")
        open_then = money(world)
        world.send(world.insurance.functions.refundService(paid.commitment), PROVIDER)
        assert comes(lambda: rows(world, "elsewhere", DeliveryState.DONE) == [paid.commitment])
        again = paid.send(f"{api.url}/upfront")

    assert open_then == (before[0] - PRICE, before[1] + PRICE, before[2] + LOCK)
    assert (again.status_code, api.served, money(world)) == (402, 0, before)


def test_delivered__after_its_answer_was_lost__refused(world: InsuredWorld, facilitator: Running) -> None:
    with served(world, Lossy(facilitator.url, 1), "told") as api:
        paid = signed(world, f"{api.url}/job")
        paid.send(f"{api.url}/job")
        assert comes(lambda: world.status(paid.commitment) == REFUNDED)

        with pytest.raises(NotAwaitedError):
            api.service.delivered(paid.commitment)


def test_settle__no_lane_free_for_what_one_has_signed__pending_and_not_busy(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload, sent = world.payment(requirements), world.sent()

    with (
        world.facilitator("held", timeout_s=3.0, begun_within_s=0.2) as held,
        waiting(world, asks(held, world, payload)),
    ):
        told = held.post("/settle", body(payload, requirements))

    assert (told.status_code, told.json()["success"]) == (200, False)
    assert (told.json()["errorReason"], told.json()["transaction"]) == ("settlement_pending", "")
    assert (world.sent(), len(world.locks(world.commitment(payload)))) == (sent + 1, 1)


def test_file__named_without_the_contract__taken_over_with_its_jobs(
    world: InsuredWorld, facilitator: Running
) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    policy = facilitator.client().settle(payload, requirements).extensions["bond-insurance"]
    delivery = Delivery(bytes.fromhex(policy["commitment"][2:]), policy["deadline"])
    earlier = world.folder / "earlier" / f"31337-{world.address(PROVIDER).lower()}.deliveries"
    with Deliveries.open(earlier) as left:
        left.enter(delivery, DeliveryState.SERVED)

    with served(world, over_http(facilitator.url), "earlier"):
        pass

    assert world.status(delivery.commitment) == CONFIRMED
    assert rows(world, "earlier", DeliveryState.DONE) == [delivery.commitment]
    assert not earlier.exists()

"""One payment, asked for by many at once: it buys once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from in_flight import USED, asked, asks, held, pending, reason, waiting
from insured_world import LOCK, PRICE, PROVIDER, SETTLER, InsuredWorld, Running, comes
from liqpass.adapters.chain.errors import SettledByAnotherError
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.settlement_sender import SettlementSender
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.domain.x402.insured_settlement import InsuredProvider, insured_settlement, read_authorization

OTHER_SETTLER = 9


@pytest.fixture(scope="module")
def other(world: InsuredWorld) -> Iterator[Running]:
    """A facilitator of another settler, with a journal of its own; the provider has named both."""
    world.send(world.insurance.functions.setSettler(world.address(OTHER_SETTLER), True), PROVIDER)
    with world.facilitator("other", settlers=(OTHER_SETTLER,)) as running:
        yield running


def test_settle__replayed_in_parallel__settled_once(world: InsuredWorld, facilitator: Running) -> None:
    ask = asks(facilitator, world, world.payment(world.requirements()))
    (client, provider, address, (bond, locked)), sent = held(world), world.sent()

    with ThreadPoolExecutor(8) as pool:
        answers = [each.result().json() for each in [pool.submit(ask) for _ in range(8)]]

    assert sorted(str(answer.get("errorReason")) for answer in answers) == ["None"] + [USED] * 7
    assert sum(answer["success"] for answer in answers) == 1
    assert held(world) == (client - PRICE, provider + PRICE, address, (bond, locked + LOCK))
    assert world.sent() == sent + 1


def test_settle__replayed_to_two_settlers_at_once__one_of_them_answers_for_it(
    world: InsuredWorld, facilitator: Running, other: Running
) -> None:
    payload = world.payment(world.requirements())
    ask, ask_other = asks(facilitator, world, payload), asks(other, world, payload)
    (client, provider, address, (bond, locked)), sent = held(world), (world.sent(), world.sent(OTHER_SETTLER))

    with ThreadPoolExecutor(1) as pool, waiting(world, ask) as answer:
        # The node shows what waits to whoever simulates: without it, the other one signs too.
        os.kill(facilitator.pid, signal.SIGSTOP)
        (lost,) = world.node.rpc("txpool_content")["pending"][world.address(SETTLER).lower()].values()
        world.node.drop(lost["hash"])
        answers = [answer, asked(world, pool, ask_other, OTHER_SETTLER)]
        os.kill(facilitator.pid, signal.SIGCONT)
        assert comes(lambda: pending(world) == sent[0] + 1)
    again = [reason(each()) for each in (ask, ask_other)]

    told = [each.result().json() for each in answers]
    ((_, transaction),) = world.locks(world.commitment(payload))
    assert sorted((each["success"], str(each.get("errorReason"))) for each in told) == [
        (False, USED),
        (True, "None"),
    ]
    assert [each["transaction"] for each in told if each["success"]] == [transaction]
    assert again == [USED, USED]
    assert held(world) == (client - PRICE, provider + PRICE, address, (bond, locked + LOCK))
    assert (world.sent(), world.sent(OTHER_SETTLER)) == (sent[0] + 1, sent[1] + 1)


def test_sender__settled_by_another_settler_meanwhile__not_taken_for_its_own(
    world: InsuredWorld, facilitator: Running, other: Running
) -> None:
    payload = world.payment(world.requirements())
    assert asks(facilitator, world, payload)().json()["success"] is True
    signature = bytes.fromhex(payload.payload["signature"][2:])
    settlement = insured_settlement(
        world.terms,
        InsuredProvider(world.address(PROVIDER).lower()),
        read_authorization(payload.payload),
        signature,
        timeout_minutes=7,
    )
    site, sent = world.site(), world.sent(OTHER_SETTLER)

    with (
        SettlementSender.open(
            site.rpc,
            LocalSigner(world.node.account(OTHER_SETTLER)),
            Policy.local(),
            reader=site.reader,
            insurance=world.terms,
            journal_folder=world.folder / "meanwhile",
            on_event=lambda _: None,
        ) as sender,
        pytest.raises(SettledByAnotherError, match="the authorization is used: another settler's 0x"),
    ):
        sender.settle(settlement)

    assert world.sent(OTHER_SETTLER) == sent

"""`refundService`: the provider gives the payment back in time, without penalty."""

import pytest
from insured_payments import BOND, LOCK, PRICE, Held, Notice, Status
from logs import event, events_of
from reverts import reverts_with


@pytest.mark.parametrize("who", ["provider", "settler"])
def test_refund__provider_or_settler__client_is_whole(
    who, insurance, actors, usdc, provider, client, settle, held
):
    request = settle()

    tx = insurance.refundService(request, sender=actors[who])

    assert events_of(tx) == [
        event(
            insurance,
            "ServiceRefunded",
            commitment=request,
            provider=provider,
            client=client,
            amount=PRICE,
        ),
        event(usdc, "Transfer", **{"from": insurance, "to": client, "value": PRICE}),
    ]
    assert insurance.policies(request).status == Status.REFUNDED
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    assert insurance.providerBond(provider) == insurance.liabilities() == BOND - PRICE
    assert insurance.lockedBond(provider) == insurance.penalties() == 0


@pytest.mark.parametrize("who", ["client", "delivery", "stranger", "config"])
def test_refund__anybody_else__reverts(who, insurance, actors, provider, settle, held):
    request = settle()

    with reverts_with(insurance.NotProviderNorSettler, caller=actors[who], provider=provider):
        insurance.refundService(request, sender=actors[who])

    assert held() == Held(client=9_900_000, provider=PRICE)


def test_refund__at_the_deadline__pays(insurance, provider, settle, clock, deadline_of, held):
    request = settle()
    clock.next_block_at(deadline_of(request))

    insurance.refundService(request, sender=provider)

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_refund__a_second_later__reverts(insurance, provider, settle, clock, deadline_of):
    request = settle()
    deadline = deadline_of(request)
    clock.next_block_at(deadline + 1)

    with reverts_with(insurance.DeadlinePassed, commitment=request, deadline=deadline):
        insurance.refundService(request, sender=provider)

    assert insurance.lockedBond(provider) == LOCK


@pytest.mark.parametrize("end", ["none", "confirmed", "claimed", "refunded"])
def test_refund__not_open__reverts(end, insurance, provider, client, settle, overdue):
    request = b"\x09" * 32 if end == "none" else settle()
    if end == "confirmed":
        insurance.confirmService(request, b"", sender=provider)
    elif end == "claimed":
        insurance.claimInsurance(overdue(request), sender=client)
    elif end == "refunded":
        insurance.refundService(request, sender=provider)

    with reverts_with(insurance.NotOpen, commitment=request, status=Status[end.upper()]):
        insurance.refundService(request, sender=provider)


def test_refund__purchased__by_a_settler__pays(insurance, settler, client, cover, rich_client, held):
    request = cover()

    insurance.refundService(request, sender=settler)

    assert held() == Held(client=10_100_000, insurance=BOND - PRICE)


def test_refund__announced_for_liquidation__what_recovers_ends_the_announcement(
    insurance, usdc, provider, client, settle, config, set_minimum, delayed
):
    set_minimum(BOND - PRICE)
    request = settle(timeout_minutes=10_080)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    assert insurance.accounts(provider).notice == Notice.UNHEALTHY

    tx = insurance.refundService(request, sender=provider)

    assert events_of(tx) == [
        event(insurance, "LiquidationCalledOff", provider=provider),
        event(
            insurance,
            "ServiceRefunded",
            commitment=request,
            provider=provider,
            client=client,
            amount=PRICE,
        ),
        event(usdc, "Transfer", **{"from": insurance, "to": client, "value": PRICE}),
    ]

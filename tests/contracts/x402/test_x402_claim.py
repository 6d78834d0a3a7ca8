"""`claimInsurance`: silence makes the client whole, out of the bond."""

import pytest
from insured_payments import BOND, CLIENT_FUNDS, LOCK, PENALTY, PRICE, Held, Notice, Status
from logs import event, events_of
from reverts import reverts_with


def claimed(insurance, provider, client, commitment):
    """The event of one claim."""
    return event(
        insurance,
        "InsuranceClaimed",
        commitment=commitment,
        provider=provider,
        client=client,
        amount=PRICE,
        penalty=PENALTY,
    )


def test_claim__overdue__client_is_whole_and_provider_loses_the_penalty(
    insurance, usdc, provider, client, settle, overdue, held
):
    request = overdue(settle())

    tx = insurance.claimInsurance(request, sender=client)

    assert events_of(tx) == [
        claimed(insurance, provider, client, request),
        event(usdc, "Transfer", **{"from": insurance, "to": client, "value": PRICE}),
    ]
    assert insurance.policies(request).status == Status.CLAIMED
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    assert insurance.providerBond(provider) == BOND - LOCK
    assert insurance.lockedBond(provider) == 0
    assert insurance.penalties() == PENALTY
    assert insurance.liabilities() == BOND - PRICE


def test_claim__then_collect__provider_ends_at_minus_the_penalty(
    insurance, provider, client, settle, overdue, held
):
    insurance.claimInsurance(overdue(settle()), sender=client)

    insurance.collect(sender=client)

    now = held()
    assert now == Held(provider=PRICE, treasury=PENALTY, insurance=BOND - LOCK)
    assert now.client - CLIENT_FUNDS == 0
    assert now.provider + insurance.providerBond(provider) - BOND == -PENALTY


@pytest.mark.parametrize("who", ["stranger", "provider", "settler", "relayer"])
def test_claim__by_anyone__pays_the_client(who, insurance, actors, usdc, settle, overdue, held):
    request = overdue(settle())
    before = usdc.balanceOf(actors[who])

    insurance.claimInsurance(request, sender=actors[who])

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    assert usdc.balanceOf(actors[who]) == before


@pytest.mark.parametrize("early_s", [0, 1])
def test_claim__until_the_deadline__reverts(early_s, insurance, client, settle, clock, deadline_of):
    request = settle()
    deadline = deadline_of(request)
    clock.next_block_at(deadline - early_s)

    with reverts_with(insurance.DeadlineNotPassed, commitment=request, deadline=deadline):
        insurance.claimInsurance(request, sender=client)


def test_claim__a_second_after_the_deadline__pays(insurance, client, settle, clock, deadline_of, held):
    request = settle()
    clock.next_block_at(deadline_of(request) + 1)

    insurance.claimInsurance(request, sender=client)

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_can_claim__around_the_deadline__only_after_it(insurance, client, settle, clock, deadline_of):
    request = settle()
    answers = []
    for offset in (-1, 0, 1):
        clock.travel_to(deadline_of(request) + offset)
        answers.append(insurance.canClaimInsurance(request))

    insurance.claimInsurance(request, sender=client)

    assert [*answers, insurance.canClaimInsurance(request)] == [False, False, True, False]


def test_claim__purchased__pays_out_of_the_bond(insurance, provider, client, cover, overdue, mint, held):
    mint(client, CLIENT_FUNDS)
    request = overdue(cover())

    insurance.claimInsurance(request, sender=client)

    assert held() == Held(client=CLIENT_FUNDS + PRICE, insurance=BOND - PRICE)


def test_claim__of_a_leaving_provider__pays(insurance, provider, client, settle, overdue, held):
    request = settle()
    insurance.announceExit(sender=provider)
    insurance.withdrawBond(BOND - LOCK, sender=provider)

    insurance.claimInsurance(overdue(request), sender=client)

    assert held() == Held(provider=PRICE + BOND - LOCK, insurance=PENALTY)
    assert insurance.providerBond(provider) == 0


def test_claim__of_an_announced_provider__does_not_make_it_healthy(
    insurance, provider, client, settle, overdue, config, set_minimum, delayed
):
    set_minimum(BOND)
    request = settle(timeout_minutes=10_080)
    delayed(insurance, "announceLiquidation", provider, sender=config)

    insurance.claimInsurance(overdue(request), sender=client)

    assert insurance.accounts(provider).notice == Notice.UNHEALTHY


def test_claim_many__overdue__pays_each(insurance, usdc, provider, client, relayer, settle, overdue, held):
    requests = [settle(nonce=bytes([index]) * 32) for index in (1, 2, 3)]
    overdue(requests[-1])

    tx = insurance.claimMany(requests, sender=relayer)

    paid = event(usdc, "Transfer", **{"from": insurance, "to": client, "value": PRICE})
    assert events_of(tx) == [
        logged for request in requests for logged in (claimed(insurance, provider, client, request), paid)
    ]
    assert held() == Held(provider=3 * PRICE, insurance=BOND - 3 * PRICE)
    assert insurance.providerBond(provider) == BOND - 3 * LOCK
    assert insurance.penalties() == 3 * PENALTY


def test_claim_many__not_due_confirmed_unknown_and_twice__skipped(
    insurance, usdc, provider, client, relayer, settle, clock, deadline_of, held
):
    confirmed = settle(nonce=b"\x01" * 32)
    insurance.confirmService(confirmed, b"", sender=provider)
    due = settle(nonce=b"\x02" * 32, timeout_minutes=1)
    at_its_deadline = settle(nonce=b"\x03" * 32, timeout_minutes=2)
    clock.next_block_at(deadline_of(at_its_deadline))

    tx = insurance.claimMany([confirmed, b"\x09" * 32, at_its_deadline, due, due], sender=relayer)

    assert events_of(tx) == [
        claimed(insurance, provider, client, due),
        event(usdc, "Transfer", **{"from": insurance, "to": client, "value": PRICE}),
    ]
    assert held() == Held(client=9_800_000, provider=3 * PRICE, insurance=BOND - PRICE)
    assert insurance.lockedBond(provider) == LOCK


def test_claim_many__none__does_nothing(insurance, relayer, settle, held):
    settle()

    tx = insurance.claimMany([], sender=relayer)

    assert events_of(tx) == []
    assert held() == Held(client=9_900_000, provider=PRICE)

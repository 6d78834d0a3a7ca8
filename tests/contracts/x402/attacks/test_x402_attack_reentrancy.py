"""A token that calls back: each function that moves money, as the outer call and as the inner one."""

import pytest
from calling_back import calling_back
from insured_payments import BOND, LOCK, PENALTY, PRICE, REQUEST, Held, Status
from reverts import reverts_with

GUARDED = (
    "depositBond",
    "depositBondWithPermit",
    "depositBondWithAuthorization",
    "withdrawBond",
    "settleAndInsure",
    "refundService",
    "claimInsurance",
    "claimMany",
    "withdrawCredit",
    "payCredit",
    "collect",
    "returnStray",
    "rescue",
)


@pytest.fixture
def calls(usdc, provider, client, settlement):
    """Arguments for each guarded function."""
    return {
        "depositBond": (1,),
        "depositBondWithPermit": (1, 0, b""),
        "depositBondWithAuthorization": (provider, 1, 0, 0, b"\0" * 32, b""),
        "withdrawBond": (1,),
        "settleAndInsure": settlement(nonce=b"\x0d" * 32),
        "refundService": (REQUEST,),
        "claimInsurance": (REQUEST,),
        "claimMany": ([REQUEST],),
        "withdrawCredit": (client,),
        "payCredit": (client,),
        "collect": (),
        "returnStray": (provider, client, 1),
        "rescue": (usdc, client, 1),
    }


@pytest.fixture
def senders(provider, settler, client):
    """Who may make each call that stands at the beginning, where not the provider."""
    return {"settleAndInsure": settler, "withdrawCredit": client}


@pytest.fixture
def reentered(insurance, usdc, chain, calls):
    """reentered(function): from now on the token calls it whenever it is called."""

    def run(function):
        data = getattr(insurance, function).encode_input(*calls[function])
        chain.provider.set_code(usdc.address, calling_back(insurance, data))

    return run


@pytest.fixture
def owing(insurance, usdc, circle, client, relayer, settle, overdue):
    """An insurance with a bond, a credit and a penalty to steal."""
    request = settle()
    usdc.blacklist(client, sender=circle)
    insurance.claimInsurance(overdue(request), sender=relayer)
    usdc.unBlacklist(client, sender=circle)
    return insurance


@pytest.mark.parametrize("inner", GUARDED)
def test_attack_reentrancy__withdrawal_calls_back__reverts(inner, owing, provider, reentered):
    reentered(inner)

    with reverts_with(owing.ReentrancyGuardReentrantCall):
        owing.withdrawBond(1, sender=provider)

    assert owing.providerBond(provider) == BOND - LOCK


@pytest.mark.parametrize(
    "outer",
    [
        "depositBond",
        "depositBondWithPermit",
        "depositBondWithAuthorization",
        "settleAndInsure",
        "withdrawCredit",
        "payCredit",
        "collect",
    ],
)
def test_attack_reentrancy__called_back_in_the_middle__reverts(
    outer, owing, provider, client, calls, senders, reentered
):
    reentered("withdrawBond")

    with reverts_with(owing.ReentrancyGuardReentrantCall):
        getattr(owing, outer)(*calls[outer], sender=senders.get(outer, provider))

    assert (owing.credit(client), owing.penalties()) == (PRICE, PENALTY)
    assert owing.lockedBond(provider) == 0


@pytest.mark.parametrize("outer", ["returnStray", "rescue"])
def test_attack_reentrancy__config_is_called_back__reverts(
    outer, owing, usdc, other_token, provider, client, config, chain, calls, delayed
):
    arguments = calls[outer]
    data = owing.collect.encode_input()
    attacked = usdc if outer == "returnStray" else other_token
    chain.provider.set_code(attacked.address, calling_back(owing, data))
    if outer == "rescue":
        arguments = (other_token, client, 1)

    with reverts_with(owing.ReentrancyGuardReentrantCall):
        delayed(owing, outer, *arguments, sender=config)

    assert owing.penalties() == PENALTY


@pytest.mark.parametrize(
    "inner", ["claimInsurance", "claimMany", "refundService", "withdrawCredit", "payCredit"]
)
@pytest.mark.parametrize("end", ["claim", "refund"])
def test_attack_reentrancy__client_is_paid_while_called_back__owed_once(
    end, inner, insurance, usdc, provider, client, relayer, cover, overdue, mint, chain, reentered, held
):
    mint(client, 10_000_000)
    request = cover()
    if end == "claim":
        overdue(request)
    code = bytes(chain.provider.get_code(usdc.address))
    reentered(inner)

    if end == "claim":
        insurance.claimInsurance(request, sender=relayer)
    else:
        insurance.refundService(request, sender=provider)

    chain.provider.set_code(usdc.address, code)
    assert insurance.credit(client) == PRICE
    assert insurance.policies(request).status == (Status.CLAIMED if end == "claim" else Status.REFUNDED)
    assert insurance.providerBond(provider) == BOND - (LOCK if end == "claim" else PRICE)
    assert insurance.liabilities() == BOND
    assert held() == Held()


def test_attack_reentrancy__confirmed_while_claimed__is_claimed_alone(
    insurance, usdc, provider, client, relayer, cover, overdue, confirmation, chain
):
    request = overdue(cover())
    data = insurance.confirmService.encode_input(request, confirmation(request))
    chain.provider.set_code(usdc.address, calling_back(insurance, data))

    insurance.claimInsurance(request, sender=relayer)

    assert insurance.policies(request).status == Status.CLAIMED
    assert (insurance.lockedBond(provider), insurance.providerBond(provider)) == (0, BOND - LOCK)
    assert insurance.credit(client) == PRICE

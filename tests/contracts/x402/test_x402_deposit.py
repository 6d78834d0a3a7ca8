"""`depositBond` in its three ways: by allowance, permit and EIP-3009 authorization."""

import pytest
from amounts import USDC
from insured_payments import BOND, NONCE, PRICE, Held, Notice, Standing
from logs import event, events_of
from reverts import reverts_with, reverts_with_string
from signing import sign_authorization, sign_permit

NO_FUNDS = "ERC20: transfer amount exceeds allowance"


@pytest.fixture
def funded(provider, client, mint):
    """A provider with the means, and no bond yet. The client is there to be counted."""
    mint(provider, BOND)
    mint(client, 10 * USDC)
    return provider


@pytest.fixture
def authorized(usdc, insurance, funded, clock):
    """authorized(…): arguments of `depositBondWithAuthorization`, signed by the provider."""

    def build(*, amount=BOND, valid_after=0, valid_before=None, nonce=NONCE, key_of=funded, to=insurance):
        before = clock.now + 3600 if valid_before is None else valid_before
        signature = sign_authorization(
            usdc,
            "ReceiveWithAuthorization",
            funded,
            to,
            amount,
            valid_after,
            before,
            nonce,
            key_of=key_of,
        )
        return funded, amount, valid_after, before, nonce, signature

    return build


def test_deposit__allowance__is_bond(insurance, usdc, funded, held):
    usdc.approve(insurance, BOND, sender=funded)

    tx = insurance.depositBond(BOND, sender=funded)

    assert events_of(tx) == [
        event(insurance, "BondDeposited", provider=funded, amount=BOND, totalBond=BOND),
        event(usdc, "Transfer", **{"from": funded, "to": insurance, "value": BOND}),
    ]
    assert held() == Held()
    assert insurance.providerBond(funded) == BOND
    assert insurance.liabilities() == BOND
    assert insurance.accounts(funded).lastLockAt == tx.timestamp


def test_deposit__again__adds(insurance, funded, deposit, held, clock):
    first = deposit(funded, BOND)
    clock.travel_to(clock.now + 60)

    tx = deposit(funded, 1)

    assert events_of(tx)[0] == event(
        insurance, "BondDeposited", provider=funded, amount=1, totalBond=BOND + 1
    )
    assert held() == Held(provider=BOND, insurance=BOND + 1)
    assert insurance.providerBond(funded) == BOND + 1
    assert insurance.accounts(funded).lastLockAt == first.timestamp


def test_deposit__after_all_was_withdrawn__begins_anew(insurance, funded, deposit, clock):
    deposit(funded, BOND)
    insurance.withdrawBond(BOND, sender=funded)
    clock.travel_to(clock.now + 60)

    tx = deposit(funded, 1)

    assert insurance.accounts(funded).lastLockAt == tx.timestamp


def test_deposit__for_itself_alone__touches_no_other(insurance, funded, other_provider, deposit):
    deposit(funded, BOND)
    deposit(other_provider, 7)

    assert (insurance.providerBond(funded), insurance.providerBond(other_provider)) == (BOND, 7)
    assert insurance.liabilities() == BOND + 7


def test_deposit__nothing__reverts(insurance, funded):
    with reverts_with(insurance.ZeroAmount):
        insurance.depositBond(0, sender=funded)


def test_deposit__more_than_allowed__reverts(insurance, usdc, funded):
    usdc.approve(insurance, BOND - 1, sender=funded)

    with reverts_with_string(NO_FUNDS):
        insurance.depositBond(BOND, sender=funded)

    assert insurance.providerBond(funded) == 0


def test_deposit__the_most_that_a_slot_holds__is_bond(insurance, provider, deposit):
    deposit(provider, 2**64 - 1)

    assert insurance.providerBond(provider) == 2**64 - 1


def test_deposit__more_than_a_slot_holds__reverts(insurance, provider, deposit):
    deposit(provider, 2**64 - 1)

    with reverts_with(insurance.SafeCastOverflowedUintDowncast, bits=64, value=2**64):
        insurance.depositBond(1, sender=provider)


@pytest.mark.parametrize("way", ["allowance", "permit", "authorization"])
def test_deposit__liquidated__reverts(
    way, insurance, usdc, funded, authorized, config, deposit, delayed, clock
):
    deposit(funded, 1)
    clock.travel_to(clock.now + 181 * 86_400)
    delayed(insurance, "announceLiquidation", funded, sender=config)
    clock.travel_to(clock.now + 7 * 86_400)
    delayed(insurance, "liquidateProvider", funded, sender=config)

    with reverts_with(insurance.NotActive, provider=funded, standing=Standing.LIQUIDATED):
        if way == "allowance":
            insurance.depositBond(1, sender=funded)
        elif way == "permit":
            insurance.depositBondWithPermit(1, clock.now, b"", sender=funded)
        else:
            insurance.depositBondWithAuthorization(*authorized(), sender=funded)

    assert usdc.balanceOf(funded) == BOND


def test_deposit__while_leaving__is_bond(insurance, funded, deposit):
    insurance.announceExit(sender=funded)

    deposit(funded, BOND)

    assert insurance.withdrawableBond(funded) == BOND


def test_deposit_with_permit__valid__is_bond(insurance, usdc, funded, clock, held):
    deadline = clock.now + 3600
    permit = sign_permit(usdc, funded, insurance, BOND, deadline)

    tx = insurance.depositBondWithPermit(BOND, deadline, permit, sender=funded)

    assert events_of(tx) == [
        event(usdc, "Approval", owner=funded, spender=insurance, value=BOND),
        event(insurance, "BondDeposited", provider=funded, amount=BOND, totalBond=BOND),
        event(usdc, "Transfer", **{"from": funded, "to": insurance, "value": BOND}),
    ]
    assert held() == Held()
    assert insurance.providerBond(funded) == BOND
    assert usdc.allowance(funded, insurance) == 0


def test_deposit_with_permit__at_its_deadline__is_bond(insurance, usdc, funded, clock, held):
    deadline = clock.now + 3600
    permit = sign_permit(usdc, funded, insurance, BOND, deadline)
    clock.next_block_at(deadline)

    insurance.depositBondWithPermit(BOND, deadline, permit, sender=funded)

    assert held() == Held()


def test_deposit_with_permit__after_its_deadline__reverts(insurance, usdc, funded, clock, held):
    deadline = clock.now + 3600
    permit = sign_permit(usdc, funded, insurance, BOND, deadline)
    clock.next_block_at(deadline + 1)

    with reverts_with_string(NO_FUNDS):
        insurance.depositBondWithPermit(BOND, deadline, permit, sender=funded)

    assert held() == Held(provider=BOND, insurance=0)


def test_deposit_with_permit__sent_ahead_by_somebody__is_bond(insurance, usdc, funded, stranger, clock, held):
    deadline = clock.now + 3600
    permit = sign_permit(usdc, funded, insurance, BOND, deadline)
    usdc.permit(funded, insurance, BOND, deadline, permit, sender=stranger)

    insurance.depositBondWithPermit(BOND, deadline, permit, sender=funded)

    assert held() == Held()


def test_deposit_with_permit__of_somebody_else__reverts(insurance, usdc, funded, stranger, clock, held):
    deadline = clock.now + 3600
    permit = sign_permit(usdc, funded, insurance, BOND, deadline)

    with reverts_with_string(NO_FUNDS):
        insurance.depositBondWithPermit(BOND, deadline, permit, sender=stranger)

    assert held() == Held(provider=BOND, insurance=0)


def test_deposit_with_authorization__relayed__is_the_signers_bond(
    insurance, usdc, funded, relayer, authorized, held
):
    tx = insurance.depositBondWithAuthorization(*authorized(), sender=relayer)

    assert events_of(tx) == [
        event(insurance, "BondDeposited", provider=funded, amount=BOND, totalBond=BOND),
        event(usdc, "AuthorizationUsed", authorizer=funded, nonce=NONCE),
        event(usdc, "Transfer", **{"from": funded, "to": insurance, "value": BOND}),
    ]
    assert held() == Held()
    assert (insurance.providerBond(funded), insurance.providerBond(relayer)) == (BOND, 0)


def test_deposit_with_authorization__again__reverts(insurance, funded, relayer, authorized, mint):
    mint(funded, BOND)
    signed = authorized()
    insurance.depositBondWithAuthorization(*signed, sender=relayer)

    with reverts_with_string("FiatTokenV2: authorization is used or canceled"):
        insurance.depositBondWithAuthorization(*signed, sender=relayer)

    assert insurance.providerBond(funded) == BOND


def test_deposit_with_authorization__nothing__reverts(insurance, relayer, authorized):
    with reverts_with(insurance.ZeroAmount):
        insurance.depositBondWithAuthorization(*authorized(amount=0), sender=relayer)


def test_deposit_with_authorization__for_another_provider__reverts(
    insurance, funded, stranger, authorized, held
):
    _, *terms = authorized()

    with reverts_with_string("FiatTokenV2: invalid signature"):
        insurance.depositBondWithAuthorization(stranger, *terms, sender=stranger)

    assert held() == Held(provider=BOND, insurance=0)


@pytest.mark.parametrize("late", [False, True], ids=["too early", "too late"])
def test_deposit_with_authorization__at_its_strict_bounds__reverts(
    late, insurance, relayer, authorized, clock, held
):
    bound = clock.now + 100
    signed = authorized(valid_before=bound) if late else authorized(valid_after=bound)
    clock.next_block_at(bound)

    message = "authorization is expired" if late else "authorization is not yet valid"
    with reverts_with_string(f"FiatTokenV2: {message}"):
        insurance.depositBondWithAuthorization(*signed, sender=relayer)

    assert held() == Held(provider=BOND, insurance=0)


@pytest.mark.parametrize("late", [False, True], ids=["first second", "last second"])
def test_deposit_with_authorization__just_within_its_bounds__is_bond(
    late, insurance, relayer, authorized, clock, held
):
    bound = clock.now + 100
    signed = authorized(valid_before=bound) if late else authorized(valid_after=bound)
    clock.next_block_at(bound - 1 if late else bound + 1)

    insurance.depositBondWithAuthorization(*signed, sender=relayer)

    assert held() == Held()


def test_deposit__top_up_of_an_announced_provider__ends_the_announcement(
    insurance, usdc, provider, bonded, set_minimum, config, delayed, deposit
):
    set_minimum(BOND + PRICE)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    deposit(provider, PRICE - 1)
    assert insurance.accounts(provider).notice == Notice.UNHEALTHY

    tx = deposit(provider, 1)

    assert events_of(tx) == [
        event(insurance, "BondDeposited", provider=provider, amount=1, totalBond=BOND + PRICE),
        event(insurance, "LiquidationCalledOff", provider=provider),
        event(usdc, "Transfer", **{"from": provider, "to": insurance, "value": 1}),
    ]
    assert insurance.accounts(provider).notice == Notice.NONE

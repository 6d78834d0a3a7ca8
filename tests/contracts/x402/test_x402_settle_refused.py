"""What `settleAndInsure` refuses: then no payment moves and nothing is locked."""

import pytest
from insured_payments import (
    BOND,
    CLIENT_FUNDS,
    NONCE,
    PRICE,
    Held,
    Notice,
    Standing,
    Status,
)
from reverts import reverts_with, reverts_with_string
from signing import sign_cancellation

INVALID = "FiatTokenV2: invalid signature"
USED = "FiatTokenV2: authorization is used or canceled"
DENIED = "Blacklistable: account is blacklisted"

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


def test_settle__timeout_above_seven_days__reverts(insurance, settler, settlement, held):
    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=10_081, least=1, most=10_080):
        insurance.settleAndInsure(*settlement(timeout_minutes=10_081), sender=settler)

    assert held() == Held()


def test_settle__nothing__reverts(insurance, settler, settlement):
    with reverts_with(insurance.ZeroAmount):
        insurance.settleAndInsure(*settlement(amount=0), sender=settler)


def test_settle__same_payment_again__reverts(insurance, settler, settlement, settle, held):
    commitment = settle()

    with reverts_with(insurance.CommitmentUsed, commitment=commitment, status=Status.OPEN):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held(client=9_900_000, provider=PRICE)


def test_settle__one_unit_more_than_is_available__reverts(
    insurance, provider, settler, settlement, mint, client
):
    mint(client, BOND)

    with reverts_with(insurance.InsufficientBond, provider=provider, needed=BOND + 1, available=BOND):
        insurance.settleAndInsure(*settlement(amount=980_392_157), sender=settler)

    assert insurance.lockedBond(provider) == 0


def test_settle__unhealthy_provider__reverts(insurance, provider, settler, settlement, set_minimum):
    set_minimum(BOND + 1)

    with reverts_with(insurance.ProviderUnhealthy, provider=provider, available=BOND, minimum=BOND + 1):
        insurance.settleAndInsure(*settlement(), sender=settler)


def test_settle__leaving_provider__reverts(insurance, provider, settler, settlement, held):
    insurance.announceExit(sender=provider)

    with reverts_with(
        insurance.ProviderLeaving, provider=provider, standing=Standing.EXITING, notice=Notice.NONE
    ):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held()


@pytest.mark.parametrize(
    "change", ["client", "amount", "validAfter", "validBefore", "nonce"], ids=lambda name: f"other {name}"
)
def test_settle__terms_that_the_client_did_not_sign__reverts(
    change, insurance, stranger, settler, settlement, mint, held
):
    mint(stranger, PRICE)
    position, value = {
        "client": (1, stranger),
        "amount": (2, PRICE + 1),
        "validAfter": (3, 1),
        "validBefore": (4, 2**256 - 1),
        "nonce": (5, b"\x0d" * 32),
    }[change]
    signed = list(settlement())
    signed[position] = value

    with reverts_with_string(INVALID):
        insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held()


@pytest.mark.parametrize("late", [False, True], ids=["too early", "too late"])
def test_settle__at_the_strict_bounds_of_the_authorization__reverts(
    late, insurance, settler, settlement, clock, held
):
    bound = clock.now + 100
    signed = settlement(valid_before=bound) if late else settlement(valid_after=bound)
    message = "authorization is expired" if late else "authorization is not yet valid"
    clock.next_block_at(bound)

    with reverts_with_string(f"FiatTokenV2: {message}"):
        insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held()


def test_settle__cancelled_authorization__reverts(
    insurance, usdc, client, provider, settler, settlement, held
):
    usdc.cancelAuthorization(client, NONCE, sign_cancellation(usdc, client, NONCE), sender=client)

    with reverts_with_string(USED):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held()
    assert insurance.lockedBond(provider) == 0


def test_settle__client_without_the_money__reverts(insurance, provider, settler, settlement):
    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        insurance.settleAndInsure(*settlement(amount=CLIENT_FUNDS + 1), sender=settler)

    assert insurance.lockedBond(provider) == 0


@pytest.mark.parametrize("who", ["client", "provider"])
def test_settle__denylisted__reverts(
    who, insurance, usdc, circle, actors, provider, settler, settlement, held
):
    usdc.blacklist(actors[who], sender=circle)

    with reverts_with_string(DENIED):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held()
    assert insurance.lockedBond(provider) == 0


def test_settle__usdc_paused__reverts(insurance, usdc, circle, provider, settler, settlement, held):
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held()
    assert insurance.lockedBond(provider) == 0

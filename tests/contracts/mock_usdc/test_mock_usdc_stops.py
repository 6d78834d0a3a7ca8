"""Circle's two stops: the denylist and the pause."""

import pytest
from logs import event, events_of
from reverts import reverts_with_string
from signing import sign_authorization, sign_cancellation, sign_permit

DENIED = "Blacklistable: account is blacklisted"
PAUSED = "Pausable: paused"
LATER = 2**40


def authorization(usdc, kind, holder, to, nonce=b"\x01" * 32):
    """Arguments of an EIP-3009 call for 10 base units."""
    signature = sign_authorization(usdc, kind, holder, to, 10, 0, LATER, nonce)
    return holder, to, 10, 0, LATER, nonce, signature


def test_denylist__told_and_kept_with_the_balance(usdc, circle, holder):
    tx = usdc.blacklist(holder, sender=circle)

    assert events_of(tx) == [event(usdc, "Blacklisted", account=holder)]
    assert usdc.isBlacklisted(holder)
    assert usdc.balanceOf(holder) == 1000


def test_denylist__lifted__everything_as_before(usdc, circle, holder, stranger):
    usdc.blacklist(holder, sender=circle)

    tx = usdc.unBlacklist(holder, sender=circle)

    assert events_of(tx) == [event(usdc, "UnBlacklisted", account=holder)]
    usdc.transfer(stranger, 1000, sender=holder)
    assert usdc.balanceOf(stranger) == 1000


@pytest.mark.parametrize("denied", ["holder", "stranger"])
def test_transfer__either_end_denied__reverts(denied, usdc, circle, holder, stranger):
    usdc.blacklist({"holder": holder, "stranger": stranger}[denied], sender=circle)

    with reverts_with_string(DENIED):
        usdc.transfer(stranger, 1, sender=holder)


@pytest.mark.parametrize("denied", ["holder", "stranger", "spender"])
def test_transfer_from__any_of_three_denied__reverts(denied, usdc, circle, holder, stranger, spender):
    usdc.approve(spender, 10, sender=holder)
    usdc.blacklist({"holder": holder, "stranger": stranger, "spender": spender}[denied], sender=circle)

    with reverts_with_string(DENIED):
        usdc.transferFrom(holder, stranger, 1, sender=spender)


def test_mint__to_a_denied_account__reverts(usdc, circle, holder):
    usdc.blacklist(holder, sender=circle)

    with reverts_with_string(DENIED):
        usdc.mint(holder, 1, sender=circle)


@pytest.mark.parametrize("denied", ["holder", "spender"])
def test_approve_and_permit__denied_account__still_work(denied, usdc, circle, holder, spender, stranger):
    usdc.blacklist({"holder": holder, "spender": spender}[denied], sender=circle)

    usdc.approve(spender, 5, sender=holder)
    usdc.permit(holder, spender, 7, LATER, sign_permit(usdc, holder, spender, 7, LATER), sender=stranger)

    assert usdc.allowance(holder, spender) == 7


@pytest.mark.parametrize("denied", ["holder", "relayer"])
def test_receive_with_authorization__either_end_denied__reverts(denied, usdc, circle, holder, relayer):
    arguments = authorization(usdc, "ReceiveWithAuthorization", holder, relayer)
    usdc.blacklist({"holder": holder, "relayer": relayer}[denied], sender=circle)

    with reverts_with_string(DENIED):
        usdc.receiveWithAuthorization(*arguments, sender=relayer)


@pytest.mark.parametrize("denied", ["holder", "stranger"])
def test_transfer_with_authorization__either_end_denied__reverts(
    denied, usdc, circle, holder, stranger, relayer
):
    arguments = authorization(usdc, "TransferWithAuthorization", holder, stranger)
    usdc.blacklist({"holder": holder, "stranger": stranger}[denied], sender=circle)

    with reverts_with_string(DENIED):
        usdc.transferWithAuthorization(*arguments, sender=relayer)


def test_transfer_with_authorization__relayer_denied__is_nobodys_business(
    usdc, circle, holder, stranger, relayer
):
    arguments = authorization(usdc, "TransferWithAuthorization", holder, stranger)
    usdc.blacklist(relayer, sender=circle)

    usdc.transferWithAuthorization(*arguments, sender=relayer)

    assert usdc.balanceOf(stranger) == 10


def test_pause__told(usdc, circle):
    assert events_of(usdc.pause(sender=circle)) == [event(usdc, "Pause")]
    assert usdc.paused()
    assert events_of(usdc.unpause(sender=circle)) == [event(usdc, "Unpause")]
    assert not usdc.paused()


def test_pause__everything_that_moves_or_allows__reverts(usdc, circle, holder, stranger, spender):
    usdc.approve(spender, 10, sender=holder)
    permit = sign_permit(usdc, holder, spender, 7, LATER)
    receive = authorization(usdc, "ReceiveWithAuthorization", holder, spender)
    send = authorization(usdc, "TransferWithAuthorization", holder, stranger)
    cancellation = sign_cancellation(usdc, holder, b"\x01" * 32)
    usdc.pause(sender=circle)

    for call in (
        lambda: usdc.transfer(stranger, 1, sender=holder),
        lambda: usdc.transferFrom(holder, stranger, 1, sender=spender),
        lambda: usdc.approve(spender, 1, sender=holder),
        lambda: usdc.increaseAllowance(spender, 1, sender=holder),
        lambda: usdc.decreaseAllowance(spender, 1, sender=holder),
        lambda: usdc.mint(stranger, 1, sender=circle),
        lambda: usdc.permit(holder, spender, 7, LATER, permit, sender=stranger),
        lambda: usdc.permit(holder, spender, 7, LATER, *split(permit), sender=stranger),
        lambda: usdc.receiveWithAuthorization(*receive, sender=spender),
        lambda: usdc.receiveWithAuthorization(*receive[:6], *split(receive[6]), sender=spender),
        lambda: usdc.transferWithAuthorization(*send, sender=stranger),
        lambda: usdc.transferWithAuthorization(*send[:6], *split(send[6]), sender=stranger),
        lambda: usdc.cancelAuthorization(holder, b"\x01" * 32, cancellation, sender=stranger),
        lambda: usdc.cancelAuthorization(holder, b"\x01" * 32, *split(cancellation), sender=stranger),
    ):
        with reverts_with_string(PAUSED):
            call()


def split(signature):
    """(v, r, s) of 65 bytes."""
    return signature[64], signature[:32], signature[32:64]

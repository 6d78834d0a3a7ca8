"""EIP-2612 as FiatToken v2.2 has it: two signature forms, EIP-1271 owners."""

import pytest
from logs import event, events_of
from reverts import reverts_with, reverts_with_string
from signing import sign_permit

INVALID = "EIP2612: invalid signature"
FOREVER = 2**256 - 1
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def split(signature):
    return signature[64], signature[:32], signature[32:64]


def malleated(signature):
    """The same signature with s mirrored: accepted by ecrecover, not by USDC."""
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


@pytest.mark.parametrize("form", ["bytes", "vrs"])
def test_permit__signed_by_the_owner__sets_the_allowance(form, usdc, holder, spender, stranger):
    signature = sign_permit(usdc, holder, spender, 70, FOREVER)
    parts = (signature,) if form == "bytes" else split(signature)

    tx = usdc.permit(holder, spender, 70, FOREVER, *parts, sender=stranger)

    assert events_of(tx) == [event(usdc, "Approval", owner=holder, spender=spender, value=70)]
    assert usdc.allowance(holder, spender) == 70
    assert usdc.nonces(holder) == 1


def test_permit__replayed__reverts(usdc, holder, spender, stranger):
    signature = sign_permit(usdc, holder, spender, 70, FOREVER)
    usdc.permit(holder, spender, 70, FOREVER, signature, sender=stranger)

    with reverts_with_string(INVALID):
        usdc.permit(holder, spender, 70, FOREVER, signature, sender=stranger)


@pytest.mark.parametrize(("offset", "taken"), [(-1, True), (0, True), (1, False)])
def test_permit__around_its_deadline__taken_until_and_including(
    offset, taken, usdc, holder, spender, stranger, clock
):
    deadline = clock.now + 1000
    signature = sign_permit(usdc, holder, spender, 70, deadline)
    clock.next_block_at(deadline + offset)

    if taken:
        usdc.permit(holder, spender, 70, deadline, signature, sender=stranger)
        assert usdc.allowance(holder, spender) == 70
    else:
        with reverts_with_string("FiatTokenV2: permit is expired"):
            usdc.permit(holder, spender, 70, deadline, signature, sender=stranger)


def test_permit__by_another_key__reverts(usdc, holder, spender, stranger):
    signature = sign_permit(usdc, holder, spender, 70, FOREVER, key_of=stranger)

    with reverts_with_string(INVALID):
        usdc.permit(holder, spender, 70, FOREVER, signature, sender=stranger)


@pytest.mark.parametrize("change", ["short", "empty", "malleated"])
def test_permit__signature_bent__reverts(change, usdc, holder, spender, stranger):
    signature = sign_permit(usdc, holder, spender, 70, FOREVER)
    bent = {"short": signature[:64], "empty": b"", "malleated": malleated(signature)}[change]

    with reverts_with_string(INVALID):
        usdc.permit(holder, spender, 70, FOREVER, bent, sender=stranger)


def test_permit__smart_wallet__its_owner_signs(usdc, wallet, wallet_owner, spender, stranger):
    signature = sign_permit(usdc, wallet, spender, 70, FOREVER, key_of=wallet_owner)

    usdc.permit(wallet, spender, 70, FOREVER, signature, sender=stranger)

    assert usdc.allowance(wallet, spender) == 70


def test_permit__smart_wallet_by_a_stranger__reverts(usdc, wallet, spender, stranger):
    signature = sign_permit(usdc, wallet, spender, 70, FOREVER, key_of=stranger)

    with reverts_with_string(INVALID):
        usdc.permit(wallet, spender, 70, FOREVER, signature, sender=stranger)


def test_smart_wallet__stranger_executes__reverts(usdc, wallet, stranger):
    with reverts_with(wallet.NotOwner, caller=stranger):
        wallet.execute(usdc, usdc.transfer.encode_input(stranger, 1), sender=stranger)

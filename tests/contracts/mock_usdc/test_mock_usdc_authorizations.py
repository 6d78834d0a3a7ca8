"""EIP-3009 as FiatToken v2.2 has it: transfer, receive and cancel, each in two signature forms."""

import pytest
from eth_hash.auto import keccak
from logs import event, events_of
from reverts import reverts_with_string
from signing import sign_authorization, sign_cancellation

INVALID = "FiatTokenV2: invalid signature"
USED = "FiatTokenV2: authorization is used or canceled"
NONCE = b"\x07" * 32
LATER = 2**40
FIELDS = "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
WAYS = [
    ("transferWithAuthorization", "TransferWithAuthorization"),
    ("receiveWithAuthorization", "ReceiveWithAuthorization"),
]
both_ways = pytest.mark.parametrize(("function", "kind"), WAYS)
both_forms = pytest.mark.parametrize("form", ["bytes", "vrs"])


def parts(form, signature):
    return (signature,) if form == "bytes" else (signature[64], signature[:32], signature[32:64])


@pytest.fixture
def payee(relayer):
    return relayer


def test_typehashes__as_circle_publishes_them(usdc):
    assert usdc.TRANSFER_WITH_AUTHORIZATION_TYPEHASH().hex().removeprefix("0x") == (
        "7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267"
    )
    assert usdc.RECEIVE_WITH_AUTHORIZATION_TYPEHASH().hex().removeprefix("0x") == (
        "d099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8"
    )
    assert usdc.CANCEL_AUTHORIZATION_TYPEHASH().hex().removeprefix("0x") == (
        "158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429"
    )
    assert usdc.PERMIT_TYPEHASH().hex().removeprefix("0x") == (
        "6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9"
    )
    assert usdc.TRANSFER_WITH_AUTHORIZATION_TYPEHASH() == keccak(
        ("TransferWithAuthorization" + FIELDS).encode()
    )


@both_ways
@both_forms
def test_authorization__signed_by_the_holder__moves(form, function, kind, usdc, holder, payee):
    signature = sign_authorization(usdc, kind, holder, payee, 70, 0, LATER, NONCE)

    tx = getattr(usdc, function)(holder, payee, 70, 0, LATER, NONCE, *parts(form, signature), sender=payee)

    assert events_of(tx) == [
        event(usdc, "AuthorizationUsed", authorizer=holder, nonce=NONCE),
        event(usdc, "Transfer", **{"from": holder, "to": payee, "value": 70}),
    ]
    assert (usdc.balanceOf(holder), usdc.balanceOf(payee)) == (930, 70)
    assert usdc.authorizationState(holder, NONCE)
    assert not usdc.authorizationState(payee, NONCE)


@both_ways
def test_authorization__replayed__reverts(function, kind, usdc, holder, payee):
    arguments = (holder, payee, 70, 0, LATER, NONCE)
    signature = sign_authorization(usdc, kind, *arguments)
    getattr(usdc, function)(*arguments, signature, sender=payee)

    with reverts_with_string(USED):
        getattr(usdc, function)(*arguments, signature, sender=payee)


@both_ways
def test_authorization__signed_as_the_other_kind__reverts(function, kind, usdc, holder, payee):
    other = next(name for _, name in WAYS if name != kind)
    arguments = (holder, payee, 70, 0, LATER, NONCE)
    signature = sign_authorization(usdc, other, *arguments)

    with reverts_with_string(INVALID):
        getattr(usdc, function)(*arguments, signature, sender=payee)


@both_ways
@pytest.mark.parametrize(
    ("place", "value"),
    [(2, 71), (3, 1), (4, LATER + 1), (5, b"\x08" * 32)],
    ids=["value", "after", "before", "nonce"],
)
def test_authorization__a_field_changed__reverts(place, value, function, kind, usdc, holder, payee):
    arguments = [holder, payee, 70, 0, LATER, NONCE]
    signature = sign_authorization(usdc, kind, *arguments)
    arguments[place] = value

    with reverts_with_string(INVALID):
        getattr(usdc, function)(*arguments, signature, sender=payee)


@both_ways
@pytest.mark.parametrize(
    ("bound", "offset", "message"),
    [
        ("after", 0, "FiatTokenV2: authorization is not yet valid"),
        ("after", 1, None),
        ("before", -1, None),
        ("before", 0, "FiatTokenV2: authorization is expired"),
    ],
)
def test_authorization__around_its_bounds__both_strict(
    bound, offset, message, function, kind, usdc, holder, payee, clock
):
    after, before = clock.now + 1000, clock.now + 2000
    arguments = (holder, payee, 70, after, before, NONCE)
    signature = sign_authorization(usdc, kind, *arguments)
    clock.next_block_at({"after": after, "before": before}[bound] + offset)

    if message is None:
        getattr(usdc, function)(*arguments, signature, sender=payee)
        assert usdc.balanceOf(payee) == 70
    else:
        with reverts_with_string(message):
            getattr(usdc, function)(*arguments, signature, sender=payee)


@both_forms
def test_receive__by_another_than_the_payee__reverts(form, usdc, holder, payee, stranger):
    arguments = (holder, payee, 70, 0, LATER, NONCE)
    signature = sign_authorization(usdc, "ReceiveWithAuthorization", *arguments)

    with reverts_with_string("FiatTokenV2: caller must be the payee"):
        usdc.receiveWithAuthorization(*arguments, *parts(form, signature), sender=stranger)


def test_transfer__relayed_by_anybody__moves(usdc, holder, payee, stranger):
    arguments = (holder, payee, 70, 0, LATER, NONCE)
    signature = sign_authorization(usdc, "TransferWithAuthorization", *arguments)

    usdc.transferWithAuthorization(*arguments, signature, sender=stranger)

    assert usdc.balanceOf(payee) == 70


@both_ways
def test_authorization__smart_wallet__its_owner_signs(function, kind, usdc, wallet, wallet_owner, payee):
    arguments = (wallet, payee, 70, 0, LATER, NONCE)
    signature = sign_authorization(usdc, kind, *arguments, key_of=wallet_owner)

    getattr(usdc, function)(*arguments, signature, sender=payee)

    assert usdc.balanceOf(payee) == 70


@both_forms
def test_cancel__signed_by_the_holder__uses_the_nonce_up(form, usdc, holder, payee, stranger):
    arguments = (holder, payee, 70, 0, LATER, NONCE)
    signature = sign_authorization(usdc, "TransferWithAuthorization", *arguments)
    cancellation = sign_cancellation(usdc, holder, NONCE)

    tx = usdc.cancelAuthorization(holder, NONCE, *parts(form, cancellation), sender=stranger)

    assert events_of(tx) == [event(usdc, "AuthorizationCanceled", authorizer=holder, nonce=NONCE)]
    assert usdc.authorizationState(holder, NONCE)
    with reverts_with_string(USED):
        usdc.transferWithAuthorization(*arguments, signature, sender=stranger)
    with reverts_with_string(USED):
        usdc.cancelAuthorization(holder, NONCE, cancellation, sender=stranger)


def test_cancel__by_a_stranger__reverts(usdc, holder, stranger):
    cancellation = sign_cancellation(usdc, holder, NONCE, key_of=stranger)

    with reverts_with_string(INVALID):
        usdc.cancelAuthorization(holder, NONCE, cancellation, sender=stranger)

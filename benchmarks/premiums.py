"""Gas of the three ways to pay a premium, each beside what the same payer's bare USDC call costs."""

from __future__ import annotations

import hashlib

from web3 import Web3

from benchmarks.figures import Figure
from benchmarks.signing import FOREVER, authorization, signed
from benchmarks.stage import PREMIUM, Stage

ORDER_ID = Web3.keccak(text="7b0c6f5e-93d5-4c39-9b64-0d9b5c4be2a1")
QUOTE_HASH = hashlib.sha256(b"quoted terms").digest()

_RECEIVE = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
_RECEIVED = "ReceiveWithAuthorization"
_PERMIT = "permit(address,address,uint256,uint256,bytes)"

# Measured on Circle's own FiatTokenV2_2 behind its proxy, the payee holding USDC already. LiqPass's own part
# is the same on top of either token.
CIRCLE_TRANSFER_FROM = 53_292
CIRCLE_RECEIVE = 85_747
GOAL_PAY = 1.10
GOAL_AUTHORIZATION = 1.18


def measure(stage: Stage) -> list[Figure]:
    """The payments, to a treasury that holds USDC already (as any but the very first)."""
    transfer_from = _transfer_from(stage)
    with stage.as_before():
        _approve(stage, stage.checkout.address)
        call = stage.checkout.functions.pay(ORDER_ID, PREMIUM, QUOTE_HASH)
        pay = stage.transact(call, stage.actors.buyer)["gasUsed"]
    return [
        Figure("pay", pay, "transferFrom", transfer_from, goal=GOAL_PAY, circle=CIRCLE_TRANSFER_FROM),
        Figure(
            "payWithPermit",
            _pay_with_permit(stage),
            "permit + transferFrom",
            _permit(stage) + transfer_from,
        ),
        Figure(
            "payWithAuthorization",
            _pay_with_authorization(stage),
            "receiveWithAuthorization",
            _receive(stage),
            goal=GOAL_AUTHORIZATION,
            circle=CIRCLE_RECEIVE,
        ),
    ]


def _approve(stage: Stage, spender: str) -> None:
    # Twice the premium: an allowance that falls to zero would earn a refund in both columns.
    stage.transact(stage.usdc.functions.approve(spender, 2 * PREMIUM), stage.actors.buyer)


def _transfer_from(stage: Stage) -> int:
    actors = stage.actors
    with stage.as_before():
        _approve(stage, actors.payee.address)
        call = stage.usdc.functions.transferFrom(actors.buyer.address, actors.treasury.address, PREMIUM)
        return stage.transact(call, actors.payee)["gasUsed"]


def _permit_terms(stage: Stage, spender: str) -> bytes:
    buyer = stage.actors.buyer
    message = {"owner": buyer.address, "spender": spender, "value": PREMIUM, "nonce": 0, "deadline": FOREVER}
    return signed(stage, buyer, "Permit", message)


def _permit(stage: Stage) -> int:
    actors = stage.actors
    signature = _permit_terms(stage, actors.payee.address)
    with stage.as_before():
        call = stage.usdc.get_function_by_signature(_PERMIT)(
            actors.buyer.address, actors.payee.address, PREMIUM, FOREVER, signature
        )
        return stage.transact(call, actors.payee)["gasUsed"]


def _pay_with_permit(stage: Stage) -> int:
    signature = _permit_terms(stage, stage.checkout.address)
    with stage.as_before():
        call = stage.checkout.functions.payWithPermit(ORDER_ID, PREMIUM, QUOTE_HASH, FOREVER, signature)
        return stage.transact(call, stage.actors.buyer)["gasUsed"]


def _receive(stage: Stage) -> int:
    actors, nonce = stage.actors, Web3.keccak(text="a nonce")
    signature = authorization(stage, _RECEIVED, actors.payee.address, PREMIUM, nonce)
    with stage.as_before():
        call = stage.usdc.get_function_by_signature(_RECEIVE)(
            actors.buyer.address, actors.payee.address, PREMIUM, 0, FOREVER, nonce, signature
        )
        return stage.transact(call, actors.payee)["gasUsed"]


def _pay_with_authorization(stage: Stage) -> int:
    actors = stage.actors
    nonce = stage.checkout.functions.authorizationNonce(ORDER_ID, PREMIUM, QUOTE_HASH).call()
    signature = authorization(stage, _RECEIVED, stage.checkout.address, PREMIUM, nonce)
    with stage.as_before():
        call = stage.checkout.functions.payWithAuthorization(
            ORDER_ID, PREMIUM, QUOTE_HASH, actors.buyer.address, 0, FOREVER, signature
        )
        return stage.transact(call, actors.relayer)["gasUsed"]

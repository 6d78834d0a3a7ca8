"""Smart wallets that burn gas while their signature is checked: the settler pays for it, within a limit."""

from __future__ import annotations

import pytest
from insured_world import CLIENT, DEPLOYER, USDC, InsuredWorld, Running, WalletSigner
from x402 import x402ClientSync
from x402.schemas import PaymentPayload, PaymentRequired


def burning(steps: int) -> str:
    """Code of a wallet that takes any signature, after so many steps of 26 gas."""
    count = f"62{steps:06x}"  # PUSH3
    loop = "5b" + "6001" + "90" + "03" + "80" + "6004" + "57"  # JUMPDEST, minus one, JUMPI back
    magic = "63" + "1626ba7e" + "60e0" + "1b" + "6000" + "52" + "6020" + "6000" + "f3"
    return f"0x{count}{loop}{magic}"


def payment(world: InsuredWorld, steps: int) -> PaymentPayload:
    wallet = world.node.account(30).address
    world.node.rpc("anvil_setCode", wallet, burning(steps))
    world.send(world.usdc.functions.mint(wallet, USDC), DEPLOYER)
    signer = WalletSigner(world.node.account(CLIENT), wallet)
    offer = PaymentRequired(accepts=[world.requirements()])
    return world.allowed(x402ClientSync(), signer).create_payment_payload(offer)


def test_settle__wallet_within_the_limit__settled(world: InsuredWorld, facilitator: Running) -> None:
    paid = payment(world, 15_000)

    assert facilitator.client().verify(paid, world.requirements()).is_valid
    assert facilitator.client().settle(paid, world.requirements()).success


@pytest.mark.parametrize("what", ["verify", "settle"])
def test_facilitator__wallet_that_burns_gas__refused_and_nothing_sent(
    world: InsuredWorld, facilitator: Running, what: str
) -> None:
    paid, sent = payment(world, 200_000), world.sent()

    answer = getattr(facilitator.client(), what)(paid, world.requirements())

    assert not (answer.is_valid if what == "verify" else answer.success)
    assert world.sent() == sent

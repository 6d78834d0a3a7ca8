"""The bond's story: one insured x402 payment that is served, and one that meets silence."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from liqpass.adapters.chain.premium_calls import RECEIVE_WITH_AUTHORIZATION, read_domain, typed_data
from liqpass.domain.identifiers import checksum_address, format_bytes32, parse_address
from liqpass.domain.money import Usdc, format_usdc, parse_usdc
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address

from demo.stage import BUYERS, RELAYER, REORG_MARGIN_S, TREASURY, Stage

BOND = parse_usdc("1000.00")
PAYMENT = parse_usdc("0.10")
PENALTY = parse_usdc("0.002")
LOCK = Usdc(PAYMENT + PENALTY)
TIMEOUT_MINUTES = 5
KEEPER, CLIENT, PROVIDER = BUYERS
SETTLER = RELAYER
_SIGNED_FOR_S = 300


@dataclass(frozen=True, slots=True)
class Worth:
    """Who has what, in USDC; `provider` with its bond, `free` the part of that which is not locked."""

    client: Usdc
    provider: Usdc
    bond: Usdc
    free: Usdc
    treasury: Usdc

    @classmethod
    def now(cls, stage: Stage) -> Worth:
        provider = stage.address(PROVIDER)
        stats = stage.contract("X402InsuranceV2").functions.getProviderStats(provider).call()
        bond, _locked, free = (Usdc(amount) for amount in stats[:3])
        return cls(
            client=stage.balance(stage.address(CLIENT)),
            provider=Usdc(stage.balance(provider) + bond),
            bond=bond,
            free=free,
            treasury=stage.balance(stage.address(TREASURY)),
        )


def serve(stage: Stage) -> None:
    """A bond, a payment that locks it, a confirmation that frees it."""
    stage.narrator.chapter("8  x402: a provider's bond, a paid request, the service is confirmed")
    stage.mint(PROVIDER, BOND)
    stage.ape("bond", "deposit", format_usdc(BOND), "--account", f"TEST::{PROVIDER}", lines=2)
    stage.ape("bond", "set-settler", stage.address(SETTLER), "--account", f"TEST::{PROVIDER}", lines=2)
    before = Worth.now(stage)
    stage.check(before.free == BOND, f"the bond is {format_usdc(BOND)} USDC, all of it available")

    commitment = _pay(stage)
    locked = Worth.now(stage)
    stage.ape("bond", "status", stage.address(PROVIDER), lines=18)
    stage.check(before.client - locked.client == PAYMENT, "the client paid 0.10 USDC and no premium")
    stage.check(
        (locked.bond, locked.free) == (BOND, BOND - LOCK),
        f"{format_usdc(LOCK)} of the bond is locked, {format_usdc(locked.free)} USDC is available",
    )

    stage.ape("bond", "confirm", format_bytes32(commitment), "--account", f"TEST::{PROVIDER}", lines=2)
    after = Worth.now(stage)
    stage.check((after.bond, after.free) == (BOND, BOND), "confirmed: the whole bond is free again")
    stage.check(after.provider - before.provider == PAYMENT, "the provider earned 0.10 USDC")


def stay_silent(stage: Stage) -> None:
    """The same payment, and nobody confirms it: the client's money comes back out of the bond."""
    stage.narrator.chapter("9  x402: the same again, and the provider stays silent")
    before = Worth.now(stage)
    _pay(stage)
    stage.pass_time(TIMEOUT_MINUTES * 60 + REORG_MARGIN_S + 1)
    stage.narrator.say(f"{TIMEOUT_MINUTES} minutes pass without a confirmation. Anyone may claim now.")
    stage.liqpass_process("keeper", "x402", "--keyfile", str(stage.keyfile(KEEPER)), "--once", lines=2)
    stage.ape("bond", "collect", "--account", f"TEST::{KEEPER}", lines=2)

    after = Worth.now(stage)
    stage.check(after.client == before.client, "the client has its 0.10 USDC back")
    stage.check(after.treasury - before.treasury == PENALTY, "the treasury has a penalty of 0.002 USDC")
    stage.check(
        before.provider - after.provider == PENALTY,
        "the provider, paid 0.10 and 0.102 of its bond lost, ends at -0.002 USDC",
    )
    stage.check(
        after.bond == after.free == BOND - LOCK, f"its bond is {format_usdc(after.bond)} USDC, all of it free"
    )


def _pay(stage: Stage) -> bytes:
    """A client's ordinary x402 `exact` payment, settled by the provider's facilitator; its commitment."""
    contract, usdc = stage.contract("X402InsuranceV2"), stage.usdc
    provider, client = stage.address(PROVIDER), stage.address(CLIENT)
    insurance = Insurance(stage.node.chain_id, contract.address.lower())
    pay_to = checksum_address(payment_address(insurance, provider.lower()))
    nonce, before_s = secrets.token_bytes(32), stage.now_s + _SIGNED_FOR_S
    message = {
        "from": client,
        "to": pay_to,
        "value": PAYMENT,
        "validAfter": 0,
        "validBefore": before_s,
        "nonce": nonce,
    }
    kind = "TransferWithAuthorization"  # of the same fields as ReceiveWithAuthorization
    data = typed_data(read_domain(usdc, stage.node.chain_id), kind, RECEIVE_WITH_AUTHORIZATION, message)
    signature = stage.node.account(CLIENT).sign_typed_data(full_message=data).signature
    stage.narrator.say(
        f"{client} signs an x402 payment of {format_usdc(PAYMENT)} USDC to {pay_to},"
        f" the provider's payment address; its facilitator {stage.address(SETTLER)} settles and insures it."
    )
    call = contract.functions.settleAndInsure(
        provider, client, PAYMENT, 0, before_s, nonce, TIMEOUT_MINUTES, bytes(signature)
    )
    stage.send(call, SETTLER)
    return settlement_commitment(
        insurance, provider=parse_address(provider.lower()), client=parse_address(client.lower()), nonce=nonce
    )

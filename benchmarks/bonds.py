"""Gas of X402InsuranceV2 against what the original design of the same operations was measured to cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from liqpass.domain.identifiers import parse_address
from liqpass.domain.x402.commitments import calculate_commitment
from liqpass.domain.x402.confirmations import sign_service_confirmation
from liqpass.domain.x402.insurance import Insurance
from web3 import Web3
from web3.contract import Contract
from web3.logs import DISCARD

from benchmarks.artifacts import built
from benchmarks.figures import Figure
from benchmarks.signing import FOREVER, authorization
from benchmarks.stage import Stage

# The original design, on Circle's own token: what a goal is a part of.
ORIGINAL_PURCHASE = 131_842
ORIGINAL_CONFIRM = 63_711
ORIGINAL_CLAIM = 108_502
ORIGINAL_PAY_AND_INSURE = 217_594  # two transactions: payment, then insurance
GOAL_PURCHASE = 0.66
GOAL_CONFIRM = 0.65
GOAL_CONFIRM_EACH = 0.15
GOAL_CLAIM = 0.70
GOAL_PAY_AND_INSURE = 0.80
# Bare operations on Circle's own FiatTokenV2_2 behind its proxy. A payment address is empty between payments.
CIRCLE_TRANSFER = 45_059
CIRCLE_TRANSFER_WITH_AUTHORIZATION_NEW = 102_820

BOND = 1_000_000_000  # 1000.00 USDC
PAYMENT = 100_000  # 0.10 USDC
MANY = 100
PENALTY_RATE_BPS, TIMEOUT_MINUTES = 200, 5
_NO_USDC = "no USDC moves"
_TRANSFERRED = "TransferWithAuthorization"
_TRANSFER = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"


@dataclass(frozen=True, slots=True)
class Bonds:
    """A contract with one provider (the stage's payee), whose client is the buyer and settler the relayer."""

    stage: Stage
    contract: Contract

    @classmethod
    def of(cls, stage: Stage) -> Bonds:
        """Bond, settler and coverage in place, and one lock open: every measured one is a later lock."""
        actors = stage.actors
        contract = stage.deploy(
            built("X402InsuranceV2"),
            stage.usdc.address,
            actors.treasury.address,
            stage.manager.address,
            PENALTY_RATE_BPS,
            TIMEOUT_MINUTES,
        )
        bonds = cls(stage, contract)
        allowance = stage.usdc.functions.approve(contract.address, BOND)
        coverage = contract.functions.approveCoverage(actors.buyer.address, BOND, TIMEOUT_MINUTES)
        for call in (
            allowance,
            contract.functions.depositBond(BOND),
            contract.functions.setSettler(actors.relayer.address, True),
            coverage,
        ):
            stage.transact(call, actors.payee)
        bonds.lock(0)
        return bonds

    @property
    def insurance(self) -> Insurance:
        return Insurance(self.stage.node.chain_id, self.contract.address.lower())

    def commitment(self, number: int) -> bytes:
        actors = self.stage.actors
        return calculate_commitment(
            self.insurance,
            provider=parse_address(actors.payee.address),
            client=parse_address(actors.buyer.address),
            nonce=self.stage.evidence_hash(number),
        )

    def lock(self, number: int) -> int:
        """The client's own lock of PAYMENT; its gas."""
        actors = self.stage.actors
        call = self.contract.functions.purchaseInsurance(
            self.commitment(number), actors.payee.address, PAYMENT, TIMEOUT_MINUTES
        )
        return self._gas(call, actors.buyer, "InsurancePurchased")

    def settle(self, number: int) -> int:
        """The settler's settlement of the client's signed payment; its gas."""
        actors = self.stage.actors
        nonce = self.stage.evidence_hash(number)
        channel = self.contract.functions.paymentAddress(actors.payee.address).call()
        call = self.contract.functions.settleAndInsure(
            actors.payee.address,
            actors.buyer.address,
            PAYMENT,
            0,
            FOREVER,
            nonce,
            TIMEOUT_MINUTES,
            authorization(self.stage, _TRANSFERRED, channel, PAYMENT, nonce),
        )
        return self._gas(call, actors.relayer, "PaymentSettled")

    def confirm(self, number: int) -> int:
        """A confirmation that the provider signed and another sends; its gas."""
        call = self.contract.functions.confirmService(self.commitment(number), self.signature(number))
        return self._gas(call, self.stage.actors.relayer, "ServiceConfirmed")

    def confirm_many(self, signature: Callable[[int], bytes], sender: LocalAccount) -> int:
        """Confirmations of the policies 1..MANY in one transaction; its gas."""
        numbers = range(1, MANY + 1)
        call = self.contract.functions.confirmServices(
            [self.commitment(number) for number in numbers], [signature(number) for number in numbers]
        )
        return self._gas(call, sender, "ServiceConfirmed", count=MANY)

    def claim(self, number: int) -> int:
        """A claim by somebody, after the deadline; its gas."""
        self.stage.node.increase_time(TIMEOUT_MINUTES * 60 + 1)
        call = self.contract.functions.claimInsurance(self.commitment(number))
        return self._gas(call, self.stage.actors.relayer, "InsuranceClaimed")

    def signature(self, number: int) -> bytes:
        return sign_service_confirmation(self.stage.actors.payee, self.insurance, self.commitment(number))

    def _gas(self, call: Any, sender: LocalAccount, event: str, *, count: int = 1) -> int:
        receipt = self.stage.transact(call, sender)
        found = self.contract.events[event]().process_receipt(receipt, errors=DISCARD)
        assert len(found) == count, f"{len(found)} {event} instead of {count}"
        return receipt["gasUsed"]


def measure(stage: Stage) -> list[Figure]:
    """Every operation with an earlier lock open; payout address and client hold USDC already."""
    with stage.as_before():
        bonds = Bonds.of(stage)
        return [*_settlements(bonds), _purchase(bonds), *_confirmations(bonds), _claim(bonds)]


def _settlements(bonds: Bonds) -> list[Figure]:
    bare = _transfer_with_authorization(bonds.stage) + _transfer(bonds.stage)
    with bonds.stage.as_before():
        first, later = bonds.settle(1), bonds.settle(2)
    beside = "transferWithAuthorization + transfer"
    circle = CIRCLE_TRANSFER_WITH_AUTHORIZATION_NEW + CIRCLE_TRANSFER
    return [
        Figure(
            "settleAndInsure",
            later,
            beside,
            bare,
            goal=GOAL_PAY_AND_INSURE,
            circle=circle,
            peer=ORIGINAL_PAY_AND_INSURE,
        ),
        Figure("settleAndInsure, a provider's first", first, beside, bare, circle=circle),
    ]


def _purchase(bonds: Bonds) -> Figure:
    with bonds.stage.as_before():
        gas = bonds.lock(1)
    return Figure("purchaseInsurance", gas, _NO_USDC, None, goal=GOAL_PURCHASE, peer=ORIGINAL_PURCHASE)


def _confirmations(bonds: Bonds) -> list[Figure]:
    with bonds.stage.as_before():
        bonds.lock(1)
        one = bonds.confirm(1)
    with bonds.stage.as_before():
        for number in range(1, MANY + 1):
            bonds.lock(number)
        with bonds.stage.as_before():
            signed = bonds.confirm_many(bonds.signature, bonds.stage.actors.relayer)
        sent = bonds.confirm_many(lambda _: b"", bonds.stage.actors.payee)
    return [
        Figure("confirmService", one, _NO_USDC, None, goal=GOAL_CONFIRM, peer=ORIGINAL_CONFIRM),
        Figure(
            f"confirmServices, {MANY} by the provider",
            sent,
            _NO_USDC,
            None,
            count=MANY,
            goal=GOAL_CONFIRM_EACH,
            peer=ORIGINAL_CONFIRM,
        ),
        Figure(f"confirmServices, {MANY} with signatures", signed, _NO_USDC, None, count=MANY),
    ]


def _claim(bonds: Bonds) -> Figure:
    bare = _transfer(bonds.stage)
    with bonds.stage.as_before():
        bonds.lock(1)
        gas = bonds.claim(1)
    return Figure(
        "claimInsurance",
        gas,
        "transfer",
        bare,
        goal=GOAL_CLAIM,
        circle=CIRCLE_TRANSFER,
        peer=ORIGINAL_CLAIM,
    )


def _transfer(stage: Stage) -> int:
    """To somebody who holds USDC already."""
    actors = stage.actors
    with stage.as_before():
        call = stage.usdc.functions.transfer(actors.buyer.address, PAYMENT)
        return stage.transact(call, actors.payee)["gasUsed"]


def _transfer_with_authorization(stage: Stage) -> int:
    """To somebody who holds none."""
    actors, nonce = stage.actors, Web3.keccak(text="a nonce")
    (receiver,) = stage.recipients(1)
    to = stage.web3.to_checksum_address(receiver)
    signature = authorization(stage, _TRANSFERRED, to, PAYMENT, nonce)
    with stage.as_before():
        call = stage.usdc.get_function_by_signature(_TRANSFER)(
            actors.buyer.address, to, PAYMENT, 0, FOREVER, nonce, signature
        )
        return stage.transact(call, actors.relayer)["gasUsed"]

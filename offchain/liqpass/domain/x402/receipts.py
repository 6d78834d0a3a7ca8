"""What a client keeps of each payment that it signed, and what has become of it. Pure.

A receipt holds no signature. It needs none: the commitment follows from the nonce, anyone may claim by it,
and whoever read a signature here could send the payment straight to USDC, around the bond.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from liqpass.domain.x402.insured_settlement import Authorization


class ReceiptState(StrEnum):
    """unsettled: may still be, until the signature expires. due: anyone may claim.

    stray: USDC took the signature without a lock. cancelled: its client cancelled it there.
    """

    UNSETTLED = "unsettled"
    EXPIRED = "expired"
    LOCKED = "locked"
    DUE = "due"
    CONFIRMED = "confirmed"
    REFUNDED = "refunded"
    CLAIMED = "claimed"
    STRAY = "stray"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change it but a reorganisation."""
        return self not in (ReceiptState.UNSETTLED, ReceiptState.LOCKED, ReceiptState.DUE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said of it: `transaction` and `deadline_s` (unix seconds) None where it did not."""

    settled: bool
    transaction: bytes | None
    deadline_s: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment as its client signed it: lower case, unix seconds. `url`: what for, without its query.

    `answer` None: none has come, whether or not the payment was taken.
    """

    insurance: Insurance
    commitment: bytes
    provider: str
    client: str
    amount: Usdc
    nonce: bytes
    valid_before_s: int
    signed_at_s: int
    url: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the chain says of a receipt as of one block of `time_s`.

    `policy` None: never locked. `authorization_used`: USDC takes the signature no more. `cancelled`: because
    its client cancelled it, as far as that was looked for.
    """

    time_s: int
    policy: InsuredPayment | None
    authorization_used: bool
    cancelled: bool = False


_ENDS = {
    PaymentStatus.CONFIRMED: ReceiptState.CONFIRMED,
    PaymentStatus.CLAIMED: ReceiptState.CLAIMED,
    PaymentStatus.REFUNDED: ReceiptState.REFUNDED,
}


def new_receipt(
    insurance: Insurance, provider: str, signed: Authorization, *, url: str, signed_at_s: int
) -> Receipt:
    """The receipt of an authorization that has just been signed. Raises `CommitmentError`."""
    commitment = settlement_commitment(insurance, provider=provider, client=signed.client, nonce=signed.nonce)
    return Receipt(
        insurance=insurance,
        commitment=commitment,
        provider=provider,
        client=signed.client,
        amount=signed.amount,
        nonce=signed.nonce,
        valid_before_s=signed.valid_before_s,
        signed_at_s=signed_at_s,
        url=url,
    )


def is_stray(policy: InsuredPayment | None, *, authorization_used: bool) -> bool:
    """Whether an authorization towards a payment address was used without a lock (or cancelled)."""
    return policy is None and authorization_used


def receipt_state(receipt: Receipt, standing: Standing) -> ReceiptState:
    """What has become of it. USDC takes a signature in blocks before `valid_before_s` only."""
    policy = standing.policy
    if policy is not None:
        if not policy.is_open:
            return _ENDS[policy.status]
        return ReceiptState.DUE if policy.is_overdue(standing.time_s) else ReceiptState.LOCKED
    if is_stray(policy, authorization_used=standing.authorization_used):
        return ReceiptState.CANCELLED if standing.cancelled else ReceiptState.STRAY
    return ReceiptState.UNSETTLED if standing.time_s < receipt.valid_before_s else ReceiptState.EXPIRED


def disagreements(receipt: Receipt, standing: Standing) -> tuple[str, ...]:
    """Where the chain says something else than the receipt, or than the server said; the chain counts."""
    policy, answer = standing.policy, receipt.answer
    if policy is None:
        if answer is None or not answer.settled or not standing.authorization_used:
            return ()
        if standing.cancelled:
            return ("the server says settled, but the client cancelled the payment at USDC",)
        return ("the server says settled, and USDC took the payment, but nothing is locked",)
    found = []
    for name, ours, theirs in (
        ("provider", checksum_address(receipt.provider), checksum_address(policy.provider)),
        ("client", checksum_address(receipt.client), checksum_address(policy.client)),
        ("amount", format_usdc(receipt.amount), format_usdc(policy.amount)),
    ):
        if ours != theirs:
            found.append(f"{name} is {theirs} on the chain, {ours} was signed")
    if answer is not None and answer.deadline_s not in (None, policy.deadline_s):
        found.append(f"deadline is {policy.deadline_s} on the chain, {answer.deadline_s} was said")
    if answer is not None and not answer.settled:
        found.append("the server said not settled, but it was locked")
    return tuple(found)

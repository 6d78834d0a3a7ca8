"""What each route takes, with examples, and how it refuses; what it answers is in `entrypoints/shapes`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from liqpass.entrypoints.shapes.sessions import SIGN_IN_EXAMPLE
from liqpass.entrypoints.shapes.values import HASH_EXAMPLE, TIME_EXAMPLE, UUID_EXAMPLE, WALLET_EXAMPLE
from liqpass.entrypoints.web.problems import MEDIA_TYPE, ProblemAnswer

# `parse_usdc` takes all of these.
Usdc = Annotated[
    str,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"),
    Field(description="USDC, decimal", examples=["50.00"]),
]
Wallet = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$"), Field(examples=[WALLET_EXAMPLE])]
Hash = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$"), Field(examples=[HASH_EXAMPLE])]
Signature = Annotated[
    str,
    StringConstraints(pattern=r"^0x[0-9a-fA-F]{2,4094}$"),
    Field(examples=["0x" + "1b" * 65]),
]
Text = Annotated[str, StringConstraints(max_length=2000), Field(examples=["seen on OKX's own page"])]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=256)]
OkxId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$"), Field(examples=["3785165892823834624"])]
InstId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z0-9]{1,20}(-[A-Z0-9]{1,20}){1,4}$"),
    Field(examples=["BTC-USDT-SWAP"]),
]
# Older clients say it; the server sets its own.
StatedTime = Annotated[str, StringConstraints(max_length=64)] | None
ORDER_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


class Form(BaseModel):
    """A request's body; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, besides those that every route has."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
    return {
        status: {"model": ProblemAnswer, "description": "problem details (RFC 9457)", "content": content}
        for status in (*statuses, 429, 503)
    }


BUYER_PROBLEMS = problems(401, 403, 404, 408, 409, 413, 415, 422)
READ_PROBLEMS = problems(401, 403, 404, 422)
ADMIN_PROBLEMS = BUYER_PROBLEMS


# signing in


class NonceForm(Form):
    """Which wallet is going to sign."""

    address: Wallet


class SignInForm(Form):
    """An EIP-4361 text and its signature: an account's 65 bytes, or what a wallet contract takes."""

    message: Annotated[
        str, StringConstraints(min_length=1, max_length=4096), Field(examples=[SIGN_IN_EXAMPLE])
    ]
    signature: Signature


# selling


class QuoteForm(Form):
    """Nothing need be said: there is one product."""

    policy_type: Literal["OKX_24H"] = Field("OKX_24H", alias="policyType")


class PolicyParams(Form):
    """Amounts as older clients state them; they must be the server's."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    payout_fixed_usdc: Usdc | None = None
    payout_cap_usdc: Usdc | None = None


class OrderForm(Form):
    """A purchase order for the wallet that is signed in. Money that differs from ours is refused; times are
    ignored: the server sets them."""

    policy_type: Literal["OKX_24H"] = Field("OKX_24H", alias="policyType")
    chain_id: int | None = Field(None, alias="chainId", ge=1, le=2**53 - 1, examples=[8453])
    premium_amount_usdc: Usdc | None = Field(None, alias="premiumAmountUsdc", examples=["1.00"])
    policy_params: PolicyParams | None = Field(None, alias="policyParams")
    coverage_start_at: StatedTime = Field(None, alias="coverageStartAt", examples=[TIME_EXAMPLE])
    coverage_end_at: StatedTime = Field(None, alias="coverageEndAt", examples=[TIME_EXAMPLE])


class KeyForm(Form):
    """A read-only OKX key. It is checked, sealed, and never shown again."""

    api_key: Secret = Field(alias="apiKey", examples=["0b1c…"])
    secret: Secret = Field(examples=["22582BD0…"])
    passphrase: Secret = Field(examples=["…"])
    demo: bool = Field(False, description="the key belongs to OKX's demo trading")


class BindForm(Form):
    """Which position: by the order that opened it (`ordId`) or by itself (`posId`). The key is the
    stored one, unless one is given here."""

    inst_id: InstId = Field(alias="instId")
    ord_id: OkxId | None = Field(None, alias="ordId")
    pos_id: OkxId | None = Field(None, alias="posId")
    key: KeyForm | None = None


class PaymentForm(Form):
    """The transaction that paid the premium."""

    transaction_hash: Hash = Field(alias="transactionHash")


class AuthorizationForm(Form):
    """The buyer's signature under `typedData` of …/payment: a relayer pays the gas."""

    valid_before: int = Field(
        alias="validBefore", ge=1, le=2**53 - 1, description="unix seconds", examples=[1769083801]
    )
    signature: Signature


class ReasonForm(Form):
    """Why."""

    reason: Text


class OptionalReasonForm(Form):
    """Why, where it is worth saying."""

    reason: Text = ""


class ApproveForm(OptionalReasonForm):
    """`evidenceHash` as the reviewer saw it: where it was fetched anew since, nothing is approved."""

    evidence_hash: Hash | None = Field(None, alias="evidenceHash")


# claims


class ClaimForm(Form):
    """The order that the claim is on; older clients call it `policyId`."""

    order_id: str = Field(
        validation_alias=AliasChoices("orderId", "policyId"),
        serialization_alias="orderId",
        pattern=ORDER_ID,
        examples=[UUID_EXAMPLE],
    )


class TriggerForm(Form):
    """The order that the claim is on, as older clients name it."""

    purchase_order_id: str = Field(alias="purchaseOrderId", pattern=ORDER_ID, examples=[UUID_EXAMPLE])


class MarkPaidForm(Form):
    """Why an order counts as paid that the chain does not show: signers will read it. `paidAt` is ignored:
    the cover is counted from now."""

    reason: Text = "not stated"
    paid_at: StatedTime = Field(None, alias="paidAt", examples=[TIME_EXAMPLE])


class RejectForm(Form):
    """Why; `final` ends the policy, otherwise its cover goes on."""

    reason: Text
    final: bool = False
    evidence_hash: Hash | None = Field(None, alias="evidenceHash", description="as the reviewer saw it")


class AttachForm(Form):
    """The transaction that paid the claim; `paidAtSec` is ignored: the block says when."""

    multisig_tx_hash: Hash = Field(alias="multisigTxHash")
    paid_at_sec: int | None = Field(None, alias="paidAtSec", ge=0, le=2**53 - 1)


class RedirectForm(Form):
    """Another address for a held payout, signed by the buyer."""

    recipient: Wallet
    signature: Signature


# operating


class PauseForm(Form):
    """Stop or resume quotes, orders and batch building."""

    paused: bool
    reason: Text


class ResolveForm(Form):
    """What was done about a payment that covers nothing."""

    transaction: Hash
    log_index: int = Field(alias="logIndex", ge=-1, le=2**31 - 1, description="-1: of no log", examples=[3])
    resolution: Text

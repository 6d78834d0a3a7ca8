"""Quotes, orders, keys, premiums."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes `typing`'s own from Python 3.12 on

from liqpass.entrypoints.shapes.values import (
    Address,
    Amount,
    ChainId,
    Hash,
    Id,
    PolicyNo,
    Time,
    UnixTime,
    Version,
    exact,
)


@exact
class QuoteAnswer(TypedDict):
    """What a policy costs and pays, at most."""

    premiumUsdc: Amount
    payoutUpToUsdc: Amount
    validUntil: Time
    paramsVersion: Version


@exact
class Position(TypedDict):
    """The OKX position that is insured."""

    instId: Annotated[str, Field(examples=["BTC-USDT-SWAP"])]
    mgnMode: Annotated[str | None, Field(examples=["isolated"])]
    posSide: Annotated[str | None, Field(examples=["long"])]
    posId: str | None
    openedAt: Time | None
    ordId: str | None
    boundAt: Time | None


@exact
class ByHand(TypedDict):
    """Who vouched for a payment that the chain does not show, and why."""

    actor: str | None
    reason: str


@exact
class Payment(TypedDict):
    """What paid an order."""

    kind: Annotated[str, Field(examples=["chain"])]
    transaction: Hash | None
    block: int | None
    byHand: ByHand | None


@exact
class Order(TypedDict):
    """A purchase order and, once paid, the policy that it became."""

    orderId: Id
    orderHash: Hash
    state: Annotated[str, Field(description="as the clock shows it", examples=["AWAITING_PAYMENT"])]
    policyNo: PolicyNo | None
    buyer: Address
    chainId: ChainId
    checkout: Address
    premiumUsdc: Amount
    premiumBaseUnits: Annotated[str, Field(examples=["1000000"])]
    payoutUpToUsdc: Amount
    quoteHash: Hash | None
    quote: Annotated[dict[str, str] | None, Field(description="what quoteHash is over: RFC 8785, SHA-256")]
    validUntil: Time
    paramsVersion: Version
    position: Position | None
    paidAt: Time | None
    coverageStartAt: Time | None
    coverageEndAt: Time | None
    payment: Payment | None


@exact
class OrderAnswer(Order):
    """A purchase order and, once paid, the policy that it became; `purchaseOrderId` is its older name."""

    purchaseOrderId: Id


@exact
class OrdersAnswer(TypedDict):
    """The buyer's orders and policies, newest first."""

    policies: list[OrderAnswer]


@exact
class KeyAnswer(TypedDict):
    """Whether an OKX key is stored, since when, and the open orders that it can claim for."""

    stored: bool
    storedAt: Time | None
    orderIds: list[Id]


@exact
class KeyDeleted(KeyAnswer):
    """`policiesWithoutKey`: how many open orders lost it."""

    policiesWithoutKey: int


@exact
class OpenPosition(TypedDict):
    """In OKX's own words; `reasons`: why it would not be insured now."""

    instId: Annotated[str, Field(examples=["BTC-USDT-SWAP"])]
    posId: str
    mgnMode: str
    posSide: str
    direction: Annotated[str, Field(examples=["long"])]
    contracts: str
    leverage: str
    markPrice: str
    liquidationPrice: str | None
    openedAt: Time
    reasons: list[str]


@exact
class OpenPositionsAnswer(TypedDict):
    """To choose from."""

    positions: list[OpenPosition]


@exact
class PreparedCall(TypedDict):
    """A transaction for `eth_sendTransaction`, and the chain that it belongs on."""

    to: Address
    data: Annotated[str, Field(examples=["0x095ea7b3…"])]
    value: Annotated[str, Field(examples=["0x0"])]
    chainId: ChainId


@exact
class PreparedAnswer(TypedDict):
    """`approve` and `pay` in this order, or `typedData` for `eth_signTypedData_v4`."""

    approve: PreparedCall
    pay: PreparedCall
    typedData: dict[str, Any]
    validAfter: UnixTime
    validBefore: UnixTime


@exact
class Authorization(TypedDict):
    """What `Checkout.payWithAuthorization` takes; `amount` in base units."""

    orderId: Id
    orderHash: Hash
    amount: Annotated[str, Field(examples=["1000000"])]
    quoteHash: Hash
    payer: Address
    validAfter: UnixTime
    validBefore: UnixTime
    signature: str


@exact
class AuthorizationsAnswer(TypedDict):
    """Premiums to be relayed."""

    authorizations: list[Authorization]

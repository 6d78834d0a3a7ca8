"""A premium to be paid: its terms, from options or from the service's answer, and what must hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import (
    IdentifierError,
    format_bytes32,
    parse_address,
    parse_bytes32,
    parse_uuid,
)
from liqpass.domain.money import Usdc, format_usdc, parse_usdc
from liqpass.domain.quote import order_id

from scripts._operator import RefusedError, Site

# A quote lives a day at most (`Parameters.quote_valid_s`): a payment for one that is valid now is no older.
_SPAN_S = 86_400


@dataclass(frozen=True, slots=True)
class Premium:
    """`order_hash` and `quote_hash` as on chain; the rest is None where only options were given."""

    order_hash: str
    amount: Usdc
    quote_hash: str
    order_uuid: str | None = None
    buyer: str | None = None
    chain_id: int | None = None
    checkout: str | None = None
    valid_until_s: int | None = None

    @property
    def arguments(self) -> tuple[bytes, int, bytes]:
        """orderId, amount, quoteHash: the first arguments of each way to pay."""
        return bytes.fromhex(self.order_hash[2:]), self.amount, bytes.fromhex(self.quote_hash[2:])


def premium_of_options(order: str, amount: Usdc, quote_hash: str) -> Premium:
    """`order` is the order's UUID or its hash. Raises IdentifierError."""
    quote = format_bytes32(parse_bytes32(quote_hash.lower()))
    try:
        uuid = parse_uuid(order)
    except IdentifierError:
        return Premium(format_bytes32(parse_bytes32(order.lower())), amount, quote)
    return Premium(format_bytes32(order_id(uuid)), amount, quote, order_uuid=uuid)


def premium_of_file(path: Path) -> Premium:
    """The JSON that `liqpass order bind --json` and `order show --json` print. Raises RefusedError."""
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
        premium = Premium(
            order_hash=format_bytes32(parse_bytes32(value["orderHash"])),
            amount=parse_usdc(value["premiumUsdc"]),
            quote_hash=format_bytes32(parse_bytes32(value["quoteHash"])),
            order_uuid=parse_uuid(value["orderId"]),
            buyer=parse_address(value["buyer"]),
            chain_id=int(value["chainId"]),
            checkout=parse_address(value["checkout"]),
            valid_until_s=int(datetime.fromisoformat(value["validUntil"]).timestamp()),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"{path} is not the JSON of a bound order ({type(error).__name__}: {error}); nothing was sent"
        ) from None
    if format_bytes32(order_id(premium.order_uuid or "")) != premium.order_hash:
        raise RefusedError(f"{path}: orderHash is not that of order {premium.order_uuid}; nothing was sent")
    return premium


def payment_key(premium: Premium, payer: str) -> str:
    """What the engine calls this payment: one key for every way to pay, so that the first one sent is it."""
    return f"checkout/pay/{premium.order_hash}/{premium.quote_hash}/{payer}"


def payment_refusals(site: Site, premium: Premium, payer: str) -> list[str]:
    """Each reason not to pay, in words."""
    return [*_quote_refusals(site, premium, payer), *_chain_refusals(site, premium, payer)]


def _quote_refusals(site: Site, premium: Premium, payer: str) -> Iterator[str]:
    if premium.buyer is not None and premium.buyer != payer.lower():
        yield f"the quote is for buyer {premium.buyer}; a payment by {payer} would buy nothing"
    if premium.chain_id is not None and premium.chain_id != site.connection.chain_id:
        yield f"the quote is for chain {premium.chain_id}, this is chain {site.connection.chain_id}"
    if premium.checkout is not None and premium.checkout != site.contracts.checkout:
        yield f"the quote is for Checkout {premium.checkout}, the record says {site.contracts.checkout}"
    now_s = site.reader.head().time_s
    if premium.valid_until_s is not None and now_s >= premium.valid_until_s:
        yield f"the quote ended at {premium.valid_until_s} (unix seconds), the chain's time is {now_s}"


def _chain_refusals(site: Site, premium: Premium, payer: str) -> Iterator[str]:
    if site.checkout.functions.usdc().call() != site.record.usdc:
        yield f"Checkout takes another token than USDC {site.record.usdc}"
    if site.checkout.functions.paused().call():
        yield "Checkout is paused: nothing can be paid now"
    usdc = site.usdc.functions
    if usdc.paused().call():
        yield "USDC is paused by its issuer"
    if usdc.isBlacklisted(payer).call():
        yield f"USDC's issuer has denied {payer}"
    balance = Usdc(usdc.balanceOf(payer).call())
    if balance < premium.amount:
        yield f"{payer} holds {format_usdc(balance)} USDC, the premium is {format_usdc(premium.amount)}"


@dataclass(frozen=True, slots=True)
class Payments:
    """Looks for the transaction that paid exactly this premium."""

    site: Site
    premium: Premium
    payer: str
    first_block: int

    @classmethod
    def of(cls, site: Site, premium: Premium, payer: str) -> Payments:
        """Looks back as far as a payment for a quote that is valid now can be."""
        first = site.reader.first_block_at(site.reader.head().time_s - _SPAN_S)
        return cls(site, premium, payer.lower(), first)

    def transaction(self, block: BlockId = "latest") -> str | None:
        """Its hash as of a block; None if there is none."""
        reader, premium = self.site.reader, self.premium
        last = block if isinstance(block, int) else reader.head().number
        for log in reader.premium_logs(self.first_block, last, order_hashes=[premium.order_hash]):
            if (log.payer, log.amount, log.quote_hash) == (self.payer, premium.amount, premium.quote_hash):
                return log.tx_hash
        return None

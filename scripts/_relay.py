"""Relaying: premiums that buyers signed without gas, read from the service, checked here, sent once each.

The service is not believed: the chain says whether an order is paid, whether the payer can pay, and, by a
simulated call, whether the signature is good. What it may cost at most is the relayer's gas.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
from liqpass.adapters.chain.errors import CallRevertedError, ChainError
from liqpass.adapters.chain.revert_words import reason_of
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import (
    IdentifierError,
    checksum_address,
    format_bytes32,
    parse_address,
    parse_bytes32,
    parse_uuid,
)
from liqpass.domain.money import MoneyError, format_usdc, usdc
from liqpass.domain.quote import order_id
from liqpass.ports import ChainError as ReadingError
from liqpass.settings import SettingsError, read_settings

from scripts._operator import Operator, RefusedError, Site
from scripts._premium import Payments, Premium, payment_key, payment_refusals
from scripts._sending import Sender, Step, calldata

PATH = "/internal/payment-authorizations"
_MAX_ANSWER = 4 * 1024 * 1024  # bytes
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
RELAY_GAS = 300_000  # three times an account's premium: a wallet contract cannot make a relayer burn more
_ONE_FAILED = (ChainError, ReadingError, RefusedError)


@dataclass(frozen=True, slots=True)
class Signed:
    """A premium, who signed it (EIP-55), and the other arguments of `payWithAuthorization`."""

    premium: Premium
    payer: str
    valid_after_s: int
    valid_before_s: int
    signature: bytes


def service_url(text: str) -> str:
    """The service's origin. Raises click.BadParameter unless it is https, or http on this machine."""
    parts = urlsplit(text)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or local) or parts.path not in ("", "/"):
        raise click.BadParameter("must be https://HOST, or http:// on this machine")
    return text.rstrip("/")


def internal_key() -> str:
    """The service's internal key, from the settings. Raises RefusedError."""
    try:
        key = read_settings().internal_secret()
    except SettingsError as error:
        raise RefusedError(str(error)) from None
    if key is None:
        raise RefusedError("set LIQPASS_INTERNAL_KEY or LIQPASS_INTERNAL_KEY_FILE to the service's key")
    return key.decode()


def read_signed(client: httpx.Client, url: str) -> list[Signed]:
    """What the service has for relayers. Raises RefusedError, which never shows the key."""
    try:
        answer = client.get(url + PATH)
    except httpx.HTTPError as error:
        raise RefusedError(f"{url} does not answer: {type(error).__name__}") from None
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise RefusedError(f"{url} refuses the internal key (401): set LIQPASS_INTERNAL_KEY to the service's")
    if answer.status_code != httpx.codes.OK or len(answer.content) > _MAX_ANSWER:
        raise RefusedError(f"{url} answers {answer.status_code}, {len(answer.content)} bytes")
    try:
        return [_signed(row) for row in json.loads(answer.content)["authorizations"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(f"{url} answers something else ({type(error).__name__})") from None


def relay_round(sender: Sender, operator: Operator, signed: list[Signed], told: set[str]) -> int:
    """Send each that can be sent; how many were paid. One that fails is told, once, and stops no other."""
    _finish_earlier(sender, operator.site)
    paid = 0
    for each in signed:
        name = each.premium.order_uuid or each.premium.order_hash
        try:
            words, sent = _send(sender, operator, each)
            paid += sent
        except CallRevertedError as error:
            words = f"refused: the contract says {reason_of(error.data, error.message)}"
        except _ONE_FAILED as error:
            words = f"failed: {error}"
        line = f"order {name}: {words}"
        if line not in told:
            click.echo(line)
            told.add(line)
    return paid


def wait(seconds: float) -> bool:
    """Until the next round; False where somebody ends it by Ctrl-C. Nothing is under way meanwhile."""
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        click.echo("ended")
        return False
    return True


def _signed(row: dict[str, Any]) -> Signed:
    try:
        uuid, payer = parse_uuid(row["orderId"]), parse_address(row["payer"])
        premium = Premium(
            order_hash=format_bytes32(parse_bytes32(row["orderHash"])),
            amount=usdc(int(row["amount"])),
            quote_hash=format_bytes32(parse_bytes32(row["quoteHash"])),
            order_uuid=uuid,
            buyer=payer,
            valid_until_s=int(row["validBefore"]) - 1,
        )
        signature = bytes.fromhex(row["signature"].removeprefix("0x"))
    except (IdentifierError, MoneyError) as error:
        raise ValueError(str(error)) from None
    if format_bytes32(order_id(uuid)) != premium.order_hash:
        raise ValueError(f"orderHash is not that of order {uuid}")
    return Signed(
        premium, checksum_address(payer), int(row["validAfter"]), int(row["validBefore"]), signature
    )


def _send(sender: Sender, operator: Operator, signed: Signed) -> tuple[str, bool]:
    """What became of it in words, and whether it was paid by this."""
    site, premium = operator.site, signed.premium
    payments = Payments.of(site, premium, signed.payer)
    earlier = payments.transaction()
    if earlier is not None:
        return f"paid already in {earlier}", False
    found = payment_refusals(site, premium, signed.payer)
    if found:
        return "refused: " + "; ".join(found), False
    if sender.has_failed(payment_key(premium, signed.payer)):
        return "refused: it reverted once; its buyer has to pay in another way", False
    step = _step(site, payments, signed)
    if operator.dry_run:
        return sender.preview(step), False
    outcome = sender.send(step)
    if outcome.already_done:  # by another relayer, or by whoever else had the signature
        return f"paid already in {payments.transaction()}", False
    return f"paid {format_usdc(premium.amount)} USDC of {signed.payer} in {outcome.tx_hash}", True


def _step(site: Site, payments: Payments, signed: Signed) -> Step:
    def done(block: BlockId) -> bool:
        return payments.transaction(block) is not None

    premium, payer = signed.premium, signed.payer
    data = calldata(
        site.checkout,
        "payWithAuthorization",
        *premium.arguments,
        payer,
        signed.valid_after_s,
        signed.valid_before_s,
        signed.signature,
    )
    words = f"pay {format_usdc(premium.amount)} USDC for order {premium.order_uuid} by authorization"
    return Step(payment_key(premium, payer), site.checkout.address, data, words, done)


def _finish_earlier(sender: Sender, site: Site) -> None:
    # What an earlier run left in flight holds the nonce: nothing else can go before it has ended.
    found = sender.unfinished("checkout/pay/")
    if found is None:
        return
    key, data = found
    click.echo(f"going on with {key}")
    try:
        sender.resume(key, data, Step(key, site.checkout.address, data, "go on with an earlier payment"))
    except _ONE_FAILED as error:
        click.echo(f"  {error}")

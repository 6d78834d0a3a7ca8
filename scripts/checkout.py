"""`ape run checkout pay`: pay the premium of a bound order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import httpx
from ape.api import AccountAPI, ProviderAPI
from ape.cli import account_option
from liqpass.adapters.chain.errors import ChainError
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import Usdc, format_usdc
from liqpass.ports import ChainError as ReadingError

from scripts._autosign import sign_without_asking
from scripts._operator import Operator, OperatorCommand, RefusedError, Site, UsdcAmount, operator_options
from scripts._premium import (
    Payments,
    Premium,
    payment_key,
    payment_refusals,
    premium_of_file,
    premium_of_options,
)
from scripts._relay import RELAY_GAS, internal_key, read_signed, relay_round, service_url, wait
from scripts._sending import Step, calldata, confirm, open_sender, perform
from scripts._typed_data import sign_typed

_SIGNED_FOR_S = 900  # how long a signature holds where no quote's end is known


@click.group()
def cli() -> None:
    """Premiums: buyers' money to the treasury."""


@cli.command(cls=OperatorCommand)
@click.option("--order", help="The order: its UUID, or its hash 0x….")
@click.option("--amount", type=UsdcAmount(), help="The premium in USDC, for example 1.00.")
@click.option("--quote-hash", help="The quote's hash, 0x and 64 hex digits.")
@click.option(
    "--quote",
    "quote_file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="In place of these three: what `liqpass order bind … --json` printed.",
)
@click.option("--permit", is_flag=True, help="Sign an EIP-2612 permit: one transaction.")
@click.option("--gasless", is_flag=True, help="Sign an EIP-3009 authorization; --relayer sends.")
@account_option("--relayer", prompt=None)
@operator_options
def pay(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    order: str | None,
    amount: Usdc | None,
    quote_hash: str | None,
    quote_file: Path | None,
    permit: bool,
    gasless: bool,
    account: AccountAPI | None,
    relayer: AccountAPI | None,
    deployments: Path,
    **options: Any,
) -> None:
    """Pay an order's premium from --account, exactly once however often this is run.

    Without --permit or --gasless: approves exactly the premium to Checkout, then pays (two transactions).
    With --gasless the account only signs, and --relayer pays the gas. Amounts are USDC. Ends with the line
    `transaction 0x…` for `liqpass order pay ORDER --tx 0x…`.

    \b
    ape run checkout pay --network base:sepolia --account buyer --quote order.json
    ape run checkout pay --order 5b0c…-…-…  --amount 1.00 --quote-hash 0x… --account buyer --permit
    """
    premium = _premium(order, amount, quote_hash, quote_file)
    if permit and gasless:
        raise click.UsageError("give either --permit or --gasless")
    way = "permit" if permit else "gasless" if gasless else None
    if (relayer is not None) != gasless:
        raise click.UsageError("--gasless and --relayer ACCOUNT go together")
    if way is not None and account is None:
        raise click.UsageError("--permit and --gasless need an --account that signs")
    site = Site.of(provider, deployments)
    operator = Operator.of(site, account=relayer or account, **options)
    payer = operator.address if relayer is None or account is None else str(account.address)
    payments = Payments.of(site, premium, payer)
    earlier = payments.transaction()
    if earlier is not None:
        click.echo(f"paid already: order {premium.order_hash}, nothing was sent")
        click.echo(f"transaction {earlier}")
        return
    found = payment_refusals(site, premium, payer)
    if found:
        raise RefusedError("refused, nothing was sent:\n" + "\n".join(f"  {reason}" for reason in found))
    if relayer is not None and account is not None and options["autosign"]:
        sign_without_asking(account)
    steps = _steps(payments, account if way else None, way)
    click.echo(
        f"{format_usdc(premium.amount)} USDC from {payer} to treasury "
        f"{site.checkout.functions.treasury().call()} for order {premium.order_uuid or premium.order_hash}"
    )
    outcomes = perform(operator, f"LiqPass premium of order {premium.order_hash}", steps)
    if not outcomes:
        return
    transaction = outcomes[-1].tx_hash or payments.transaction()
    if transaction is None:
        raise RefusedError("the chain has no such payment any more: run this again")
    click.echo(f"paid: quote {premium.quote_hash}")
    click.echo(f"transaction {transaction}")


@cli.command(cls=OperatorCommand)
@click.option("--service", required=True, metavar="URL", help="Where `liqpass serve` answers /internal.")
@click.option("--watch", "watching", is_flag=True, help="Go on until Ctrl-C instead of ending after a round.")
@click.option(
    "--every",
    type=click.FloatRange(1, 3600),
    default=5,
    show_default=True,
    help="Seconds between two rounds.",
)
@operator_options
def relay(
    provider: ProviderAPI, service: str, watching: bool, every: float, deployments: Path, **options: Any
) -> None:
    """Send the premiums that buyers signed without gas: --account pays the gas, each premium once.

    Reads them from the service with the internal key (LIQPASS_INTERNAL_KEY or LIQPASS_INTERNAL_KEY_FILE) and
    checks each against the chain. One that cannot be sent is told and stops no other.

    \b
    ape run checkout relay --service https://desk.example --account relayer --network base:mainnet --watch
    """
    url = service_url(service)
    key = internal_key()
    if options["safe_file"] is not None:
        raise click.UsageError("a relayer signs by itself: a Safe cannot")
    operator = Operator.of(Site.of(provider, deployments), max_gas=RELAY_GAS, **options)
    told: set[str] = set()
    headers = {"x-internal-key": key}
    with httpx.Client(headers=headers, timeout=30, follow_redirects=False) as client:
        confirm(operator, f"relay premiums of {url} from {operator.address}")
        while True:
            try:
                signed = read_signed(client, url)
                with open_sender(operator) as sender:
                    paid = relay_round(sender, operator, signed, told)
            except (ChainError, ReadingError, RefusedError) as error:
                if not watching:
                    raise
                click.echo(f"this round failed: {error}", err=True)
            else:
                if not watching:
                    click.echo(f"{len(signed)} signed premiums, {paid} paid")
                    return
            if not wait(every):
                return


def _premium(order: str | None, amount: Usdc | None, quote_hash: str | None, file: Path | None) -> Premium:
    if file is not None:
        if (order, amount, quote_hash) != (None, None, None):
            raise click.UsageError("give either --quote FILE or --order, --amount and --quote-hash")
        return premium_of_file(file)
    if order is None or amount is None or quote_hash is None:
        raise click.UsageError("give --order, --amount and --quote-hash, or --quote FILE")
    return premium_of_options(order, amount, quote_hash)


def _steps(payments: Payments, signer: AccountAPI | None, way: str | None) -> list[Step]:
    site, premium = payments.site, payments.premium
    payer = checksum_address(payments.payer)

    def done(block: BlockId) -> bool:
        return payments.transaction(block) is not None

    checkout = site.checkout
    key = payment_key(premium, payer)
    words = f"pay {format_usdc(premium.amount)} USDC for order {premium.order_uuid or premium.order_hash}"
    if way == "permit":
        assert signer is not None  # noqa: S101 - checked with the options
        data = _permit_call(site, premium, payer, signer)
        return [Step(key, checkout.address, data, f"{words} by permit", done)]
    if way == "gasless":
        assert signer is not None  # noqa: S101 - checked with the options
        data = _authorization_call(site, premium, payer, signer)
        return [Step(key, checkout.address, data, f"{words} by authorization", done)]

    def allowed(block: BlockId) -> bool:
        allowance = site.usdc.functions.allowance(payer, checkout.address)
        return int(allowance.call(block_identifier=block)) >= premium.amount

    approval = calldata(site.usdc, "approve", checkout.address, premium.amount)
    payment = calldata(checkout, "pay", *premium.arguments)
    return [
        Step(
            f"checkout/allow/{premium.order_hash}/{premium.quote_hash}",
            site.usdc.address,
            approval,
            f"allow Checkout {format_usdc(premium.amount)} USDC",
            allowed,
            again=True,
        ),
        Step(key, checkout.address, payment, words, done, follows=True),
    ]


def _permit_call(site: Site, premium: Premium, payer: str, signer: AccountAPI) -> bytes:
    deadline = _end_s(site, premium)
    message = {
        "owner": payer,
        "spender": site.checkout.address,
        "value": premium.amount,
        "nonce": site.usdc.functions.nonces(payer).call(),
        "deadline": deadline,
    }
    signature = sign_typed(signer, site.usdc, site.connection.chain_id, "Permit", message)
    return calldata(site.checkout, "payWithPermit", *premium.arguments, deadline, signature)


def _authorization_call(site: Site, premium: Premium, payer: str, signer: AccountAPI) -> bytes:
    # Strict bounds: a block at the quote's last second still pays, one after it must not.
    before = _end_s(site, premium) + 1
    nonce = site.checkout.functions.authorizationNonce(*premium.arguments).call()
    message = {
        "from": payer,
        "to": site.checkout.address,
        "value": premium.amount,
        "validAfter": 0,
        "validBefore": before,
        "nonce": nonce,
    }
    signature = sign_typed(signer, site.usdc, site.connection.chain_id, "ReceiveWithAuthorization", message)
    return calldata(site.checkout, "payWithAuthorization", *premium.arguments, payer, 0, before, signature)


def _end_s(site: Site, premium: Premium) -> int:
    return premium.valid_until_s or site.reader.head().time_s + _SIGNED_FOR_S

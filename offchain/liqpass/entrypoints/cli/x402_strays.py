"""`liqpass x402 strays`: money that came to payment addresses without a lock, and how it goes back."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from liqpass.adapters.chain.rpc import Web3Rpc, check_site
from liqpass.adapters.chain.stray_reader import StrayReader
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc, usdc
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.domain.x402.strays import (
    Stray,
    Unreturnable,
    largest,
    return_command,
    unreturnable,
)
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.cli.keeper_run import Account
from liqpass.entrypoints.cli.order import UsdcAmount
from liqpass.entrypoints.cli.session import Session, json_option, pass_session, show_json, show_table
from liqpass.entrypoints.logs import log_to_stderr
from liqpass.ports import BlockRef

log = logging.getLogger("liqpass.x402")
FOUND = 3  # exit code
_COLUMNS = ("usdc", "client", "block", "time", "authorization", "transaction")


@dataclass(frozen=True, slots=True)
class Listed:
    """A payment address, and of its strays those to show, with the reason where one cannot go back.

    `difference`: base units that it holds beyond what its logs give.
    """

    provider: str
    payment_address: str
    strays: tuple[tuple[Stray, Unreturnable | None], ...]
    balance: Usdc
    difference: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The blocks `first` to `at`. `smaller`: strays of at least one unit that are not shown.

    `before`: what addresses hold from before `first`, as far as the logs tell.
    """

    first: int
    at: BlockRef
    providers: int
    addresses: tuple[Listed, ...]
    smaller: int
    smaller_amount: Usdc
    before: Usdc
    times_s: Mapping[int, int]

    @property
    def alarms(self) -> bool:
        """Whether there is a stray to return, or a balance that does not fit."""
        return bool(self.addresses)


@click.command()
@click.option(
    "--provider",
    "providers",
    type=Account(),
    multiple=True,
    help="Whose payment address; may be repeated.  [default: of all that ever bonded]",
)
@click.option(
    "--from-block",
    type=click.IntRange(min=0),
    default=0,
    help="Leave out what came before this block.  [default: none]",
)
@click.option(
    "--least",
    type=UsdcAmount(),
    default="0.00",
    show_default=True,
    help="USDC below which a stray is only counted: returning it costs more.",
)
@click.option(
    "--most",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Most strays to list, the largest; the rest are counted.",
)
@json_option
@pass_session
@click.pass_context
def strays(  # noqa: PLR0917 - click passes options by name
    context: click.Context,
    session: Session,
    providers: tuple[str, ...],
    from_block: int,
    least: Usdc,
    most: int,
    as_json: bool,
) -> None:
    """List USDC that lies at payment addresses without a lock, and the command that returns each.

    Nobody was insured for it and no provider has it. Only CONFIG can return it: the command is run once to
    announce and, after CONFIG's delay, again to execute. Up to a block that cannot be reorganised, which is
    told. What an address holds is compared with what the logs give. Sends nothing; needs no key.

    Exit code 0 if there is none; 3 if a stray of --least or more is there, or a balance does not fit; 1 if it
    could not be read.

    \b
    liqpass x402 strays
    liqpass x402 strays --provider 0x… --json
    """
    # The pages' package brings in the web server.
    from liqpass.entrypoints.web.pages.networks import network_of  # noqa: PLC0415

    app = session.app
    log_to_stderr()
    deployed = app.insurance
    insurance = deployed.insurance
    rpc = Web3Rpc.connect(app.settings.rpc_url.get_secret_value())
    check_site(rpc, app.settings.chain_id, deployed.genesis_hash, insurance.contract, "X402InsuranceV2")
    reader = StrayReader(
        app.web3,
        insurance,
        app.bonds.usdc(),
        first_block=deployed.first_block,
        progress=lambda block, last: log.info("read block=%d of=%d", block, last),
    )
    at = reader.block("latest" if app.settings.is_local else "safe")
    listing = _list(reader, insurance, at, providers, from_block=from_block, least=least, most=most)
    network = network_of(app.settings.chain_id).ape
    if as_json:
        show_json(_answer(listing, network))
    else:
        _show(listing, network)
    if listing.alarms:
        context.exit(FOUND)


def _list(
    reader: StrayReader,
    insurance: Insurance,
    at: BlockRef,
    providers: Sequence[str],
    *,
    from_block: int,
    least: Usdc,
    most: int,
) -> Listing:
    first = max(from_block, reader.first_block)
    wanted = tuple(dict.fromkeys(providers)) or reader.bonded(at)
    holdings = reader.holdings(wanted, first, at)
    found = [stray for each in holdings for stray in each.strays]
    chosen = reader.with_nonces(largest((stray for stray in found if stray.left >= least), most))
    addresses, before = [], 0
    for each in holdings:
        shown = [stray for stray in chosen if stray.arrival.provider == each.provider]
        balance = reader.balance(each.provider, at)
        difference = balance - each.amount
        if first > reader.first_block and difference > 0:  # there before, and not read
            before += difference
            difference = 0
        if shown or difference:
            payout = reader.payout_address(each.provider, at)
            judged = tuple((stray, unreturnable(stray, payout)) for stray in shown)
            address = payment_address(insurance, each.provider)
            addresses.append(Listed(each.provider, address, judged, balance, difference))
    return Listing(
        first=first,
        at=at,
        providers=len(wanted),
        addresses=tuple(addresses),
        smaller=len(found) - len(chosen),
        smaller_amount=usdc(sum(stray.left for stray in found) - sum(stray.left for stray in chosen)),
        before=usdc(before),
        times_s=reader.times_s(chosen),
    )


def _show(listing: Listing, network: str) -> None:
    ended = iso(listing.at.time_s * 1000)
    click.echo(f"blocks {listing.first} to {listing.at.number} ({ended}), {listing.providers} providers")
    for each in listing.addresses:
        click.echo(
            f"\nprovider {checksum_address(each.provider)}: payment address "
            f"{checksum_address(each.payment_address)} holds {format_usdc(each.balance)} USDC"
        )
        if each.difference:
            more = "more" if each.difference > 0 else "less"
            amount = format_usdc(usdc(abs(each.difference)))
            click.echo(
                f"that is {amount} USDC {more} than its logs give: look into it before returning anything"
            )
        if each.strays:
            show_table([_row(stray, listing.times_s) for stray, _ in each.strays], _COLUMNS)
        for stray, reason in each.strays:
            if reason is None:
                click.echo(_command(stray, network))
            else:
                client = checksum_address(stray.arrival.client)
                click.echo(f"{format_usdc(stray.left)} USDC cannot go back to {client}: {reason}")
    if not any(each.strays for each in listing.addresses):
        click.echo("no strays")
    if listing.smaller:
        click.echo(
            f"\nnot listed: {listing.smaller} smaller, {format_usdc(listing.smaller_amount)} USDC in all"
        )
    if listing.before:
        click.echo(f"\nfrom before block {listing.first}: {format_usdc(listing.before)} USDC in all")


def _row(stray: Stray, times_s: Mapping[int, int]) -> dict[str, object]:
    arrival = stray.arrival
    amount = format_usdc(stray.left)
    if stray.left < arrival.amount:
        amount += f" of {format_usdc(arrival.amount)}"
    return {
        "usdc": amount,
        "client": checksum_address(arrival.client),
        "block": arrival.place.block,
        "time": iso(times_s[arrival.place.block] * 1000),
        "authorization": _nonce(stray),
        "transaction": arrival.place.tx_hash,
    }


def _answer(listing: Listing, network: str) -> dict[str, Any]:
    return {
        "fromBlock": listing.first,
        "toBlock": listing.at.number,
        "toTime": iso(listing.at.time_s * 1000),
        "providersRead": listing.providers,
        "addresses": [
            {
                "provider": checksum_address(each.provider),
                "paymentAddress": checksum_address(each.payment_address),
                "balanceUsdc": format_usdc(each.balance),
                "differenceUsdc": "-" * (each.difference < 0) + format_usdc(usdc(abs(each.difference))),
                "strays": [
                    {
                        "client": checksum_address(stray.arrival.client),
                        "amountUsdc": format_usdc(stray.arrival.amount),
                        "leftUsdc": format_usdc(stray.left),
                        "transaction": stray.arrival.place.tx_hash,
                        "block": stray.arrival.place.block,
                        "time": iso(listing.times_s[stray.arrival.place.block] * 1000),
                        "authorization": _nonce(stray),
                        "command": None if reason else _command(stray, network),
                        "unreturnable": reason and str(reason),
                    }
                    for stray, reason in each.strays
                ],
            }
            for each in listing.addresses
        ],
        "smaller": {"count": listing.smaller, "amountUsdc": format_usdc(listing.smaller_amount)},
        "beforeUsdc": format_usdc(listing.before),
    }


def _nonce(stray: Stray) -> str | None:
    return None if stray.arrival.nonce is None else format_bytes32(stray.arrival.nonce)


def _command(stray: Stray, network: str) -> str:
    return f"{return_command(stray)} --network {network}"

"""`liqpass order`: quote, create, bind, pay."""

from __future__ import annotations

from typing import Any

import click

from liqpass.domain.money import MoneyError, Usdc, parse_usdc
from liqpass.domain.policy_state import PolicyState
from liqpass.entrypoints.answers import iso, money, order_answer, unmatched_answer
from liqpass.entrypoints.cli.session import (
    Session,
    actor_option,
    json_option,
    pass_session,
    read_credentials,
    show_fields,
    show_json,
    show_table,
)
from liqpass.policies import ByOrder, ByPosition
from liqpass.records import Order

CREDENTIALS = click.option(
    "--credentials",
    required=True,
    metavar="FILE",
    help="JSON object {apiKey, secret, passphrase, demo?} in a file of mode 0600, or - for standard input.",
)


class UsdcAmount(click.ParamType):
    """An amount of USDC such as 1.00."""

    name = "usdc"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Usdc:
        """Base units."""
        try:
            return parse_usdc(value)
        except MoneyError as error:
            self.fail(str(error), param, ctx)


@click.group()
def order() -> None:
    """Quotes, orders and payments. Amounts are USDC with up to six decimals, times UTC."""


@order.command()
@json_option
@pass_session
def quote(session: Session, as_json: bool) -> None:
    """Show what a cover costs now and what it pays at most."""
    offer = session.app.use_cases.selling.quote()
    answer = {
        "premiumUsdc": money(offer.price.premium),
        "payoutUpToUsdc": money(offer.price.payout_up_to),
        "coverHours": offer.price.cover_s / 3600,
        "validUntil": iso(offer.valid_until_s * 1000),
        "paramsVersion": offer.price.params_version,
    }
    show_json(answer) if as_json else show_fields(answer)


@order.command()
@click.option("--buyer", required=True, help="Wallet that pays and is paid, 0x….")
@click.option("--premium", type=UsdcAmount(), help="USDC that the buyer was shown; refused if not ours.")
@click.option("--payout", type=UsdcAmount(), help="USDC payout (up to) that the buyer was shown; likewise.")
@actor_option
@json_option
@pass_session
def create(
    session: Session, *, buyer: str, premium: Usdc | None, payout: Usdc | None, actor: str, as_json: bool
) -> None:
    """Create a draft order for a wallet."""
    _show(
        session,
        session.app.use_cases.selling.create_order(buyer, actor=actor, premium=premium, payout=payout),
        as_json,
    )


@order.command()
@click.argument("order_id")
@CREDENTIALS
@click.option("--inst-id", required=True, help="OKX instrument, for example BTC-USDT-SWAP.")
@click.option("--ord-id", help="The OKX order that opened the position.")
@click.option("--pos-id", help="Or the open position itself (see `liqpass order positions`).")
@actor_option
@json_option
@pass_session
def bind(
    session: Session,
    *,
    order_id: str,
    credentials: str,
    inst_id: str,
    ord_id: str | None,
    pos_id: str | None,
    actor: str,
    as_json: bool,
) -> None:
    """Bind an OKX position to a draft and freeze its quote. The key must be exactly read_only."""
    if (ord_id is None) == (pos_id is None):
        raise click.UsageError("give either --ord-id or --pos-id")
    wanted = ByOrder(inst_id, ord_id) if ord_id is not None else ByPosition(inst_id, pos_id or "")
    bound = session.app.use_cases.binding.bind(order_id, read_credentials(credentials), wanted, actor=actor)
    _show(session, bound, as_json)


@order.command()
@CREDENTIALS
@json_option
@pass_session
def positions(session: Session, credentials: str, as_json: bool) -> None:
    """List the open positions of an OKX account."""
    rows = [
        {
            "instId": position.key.inst_id,
            "posId": position.key.pos_id,
            "mgnMode": position.key.mgn_mode,
            "direction": position.direction,
            "size": str(position.size),
            "leverage": str(position.leverage),
            "openedAt": iso(position.key.c_time_ms),
        }
        for position in session.app.use_cases.binding.positions(read_credentials(credentials))
    ]
    columns = ("instId", "posId", "mgnMode", "direction", "size", "leverage", "openedAt")
    show_json(rows) if as_json else show_table(rows, columns)


@order.command("replace-key")
@click.argument("order_id")
@CREDENTIALS
@actor_option
@pass_session
def replace_key(session: Session, order_id: str, credentials: str, actor: str) -> None:
    """Store another read-only key of the same OKX account for a bound order."""
    session.app.use_cases.binding.replace_key(order_id, read_credentials(credentials), actor=actor)
    click.echo(f"the key of order {order_id} is replaced")


@order.command()
@click.argument("order_id")
@click.option("--tx", required=True, help="Transaction of the premium, 0x and 64 hex digits.")
@actor_option
@json_option
@pass_session
def pay(session: Session, order_id: str, tx: str, actor: str, as_json: bool) -> None:
    """Cover an order by its PremiumPaid transaction, once it has enough confirmations."""
    _show(session, session.app.use_cases.paying.pay_by_transaction(order_id, tx, actor=actor), as_json)


@order.command("mark-paid")
@click.argument("order_id")
@click.option("--reason", required=True, help="Why by hand; shown to the approver.")
@click.option("--by", "actor", required=True, help="Who vouches for the payment.")
@json_option
@pass_session
def mark_paid(session: Session, order_id: str, reason: str, actor: str, as_json: bool) -> None:
    """Cover an order by hand from now on. It is flagged in every export and needs --allow-manual there."""
    _show(session, session.app.use_cases.paying.mark_paid(order_id, actor=actor, reason=reason), as_json)


@order.command()
@click.argument("order_id")
@click.option("--reason", required=True, help="Why.")
@actor_option
@json_option
@pass_session
def cancel(session: Session, order_id: str, reason: str, actor: str, as_json: bool) -> None:
    """Give up an order that nobody has paid.

    A bound order can be cancelled once `liqpass sync` has read every block in which it could be paid.
    """
    _show(session, session.app.use_cases.selling.cancel(order_id, actor=actor, reason=reason), as_json)


@order.command()
@click.argument("order_id")
@json_option
@pass_session
def show(session: Session, order_id: str, as_json: bool) -> None:
    """Show one order."""
    _show(session, session.app.use_cases.selling.show(order_id), as_json)


@order.command("list")
@click.option("--state", type=click.Choice([str(state) for state in PolicyState]), help="Only these.")
@click.option("--buyer", help="Only of this wallet.")
@json_option
@pass_session
def list_orders(session: Session, state: str | None, buyer: str | None, as_json: bool) -> None:
    """List orders, newest first."""
    wanted = None if state is None else PolicyState(state)
    now_ms = session.app.clock.now_ms()
    found = session.app.use_cases.selling.listed(state=wanted, buyer=buyer)
    rows = [order_answer(each, now_ms) for each in found]
    columns = ("orderId", "state", "policyNo", "buyer", "premiumUsdc", "payoutUpToUsdc", "coverageEndAt")
    show_json(rows) if as_json else show_table(rows, columns)


@order.command()
@click.option("--all", "everything", is_flag=True, help="Also those that are resolved.")
@json_option
@pass_session
def unmatched(session: Session, everything: bool, as_json: bool) -> None:
    """List payments that cover no order, each with its reason."""
    found = session.app.use_cases.paying.unmatched(open_only=not everything)
    rows = [unmatched_answer(payment) for payment in found]
    columns = ("transaction", "logIndex", "reason", "payer", "amountUsdc", "resolution", "detail")
    show_json(rows) if as_json else show_table(rows, columns)


@order.command("resolve-unmatched")
@click.argument("transaction")
@click.option("--log-index", type=int, required=True, help="As listed; -1 where the transaction has no log.")
@click.option("--resolution", required=True, help="What was done, for example the refund's transaction.")
@actor_option
@pass_session
def resolve_unmatched(
    session: Session, transaction: str, log_index: int, resolution: str, actor: str
) -> None:
    """Close an unmatched payment after its refund."""
    session.app.use_cases.paying.resolve_unmatched(transaction, log_index, actor=actor, resolution=resolution)
    click.echo(f"payment {transaction} is resolved")


def _show(session: Session, found: Order, as_json: bool) -> None:
    answer = order_answer(found, session.app.clock.now_ms())
    show_json(answer) if as_json else show_fields({**answer, "quote": None})

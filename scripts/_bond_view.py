"""A provider's bond and its open payments, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.bond import WARNING_BPS
from liqpass.domain.x402.insured_payment import InsuredPayment
from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scripts._bond import Bonds, Notice, ProviderAccount, Standing, people
from scripts._moments import moment

_BAR = 40  # characters


@dataclass
class OpenPayments:
    """A provider's payments without an end. Remembers what it has seen: a payment ends once."""

    provider: str
    _next_block: int = 0
    _open: dict[bytes, InsuredPayment] = field(default_factory=dict)

    def read(self, bonds: Bonds) -> list[InsuredPayment]:
        """Those open at the bonds' head, nearest deadline first."""
        locks = bonds.reader.locks(self._next_block, bonds.head.number, provider=self.provider)
        names = [*self._open, *(lock.commitment for lock in locks)]
        found = bonds.reader.payments(names, bonds.head)
        self._open = {payment.commitment: payment for payment in found if payment.is_open}
        self._next_block = bonds.head.number + 1
        return sorted(self._open.values(), key=lambda payment: payment.deadline_s)


@dataclass(frozen=True)
class BondView:
    """One provider as of one block."""

    bonds: Bonds
    provider: str
    account: ProviderAccount
    payments: list[InsuredPayment]

    @classmethod
    def read(cls, bonds: Bonds, provider: str, payments: OpenPayments) -> BondView:
        return cls(bonds, provider, bonds.account(provider), payments.read(bonds))

    def warnings(self) -> Iterator[str]:
        """What the provider should look at, in words."""
        bond, now_s = self.account.bond, self.bonds.head.time_s
        yield from self.account.leaving(self.provider)
        if self.account.liquidatable_at_s:
            yield f"it may be liquidated from {moment(self.account.liquidatable_at_s)} on"
        if bond.total == 0 and not bond.liquidated:
            yield "it has no bond: no payment can be insured"
        if not bond.is_healthy and not bond.liquidated:
            missing = format_usdc(Usdc(bond.minimum - bond.available))
            yield f"unhealthy: {missing} USDC more must be available for new locks"
        if bond.is_strained:
            share = _percent(bond.locked_share_bps)
            yield f"{share} of the bond is locked: top up, or confirm what was served"
        overdue = sum(payment.is_overdue(now_s) for payment in self.payments)
        if overdue:
            yield f"past their deadlines: {overdue}; anyone may claim them, with the penalty"

    def as_json(self) -> dict[str, Any]:
        """Amounts as decimal strings, times in unix seconds, null for none."""
        account, bond, now_s = self.account, self.account.bond, self.bonds.head.time_s
        return {
            "provider": self.provider,
            "block": self.bonds.head.number,
            "time": now_s,
            "totalUsdc": format_usdc(bond.total),
            "lockedUsdc": format_usdc(bond.locked),
            "availableUsdc": format_usdc(bond.available),
            "withdrawableUsdc": format_usdc(account.withdrawable),
            "lockedBps": bond.locked_share_bps,
            "minimumUsdc": format_usdc(bond.minimum),
            "nextMinimumUsdc": format_usdc(account.next_minimum),
            "nextMinimumAt": account.next_minimum_at_s or None,
            "healthy": bond.is_healthy,
            "standing": account.standing.name.lower(),
            "notice": account.notice.name.lower(),
            "liquidatableAt": account.liquidatable_at_s or None,
            "paymentAddress": self.bonds.ask("paymentAddress", self.provider),
            "payoutAddress": self.bonds.ask("payoutAddress", self.provider),
            "warnings": list(self.warnings()),
            "open": [
                {
                    "commitment": format_bytes32(payment.commitment),
                    "client": people(payment.client),
                    "amountUsdc": format_usdc(payment.amount),
                    "lockUsdc": format_usdc(payment.lock),
                    "deadline": payment.deadline_s,
                    "overdue": payment.is_overdue(now_s),
                }
                for payment in self.payments
            ],
        }

    def rendered(self) -> RenderableType:
        """For a terminal."""
        parts: list[RenderableType] = [self._figures(), self._bar()]
        parts += [Text(f"! {warning}", style="bold yellow") for warning in self.warnings()]
        if self.payments:
            parts.append(self._open_table())
        else:
            parts.append(Text("no open payments", style="dim"))
        return Group(*parts)

    def _figures(self) -> Table:
        account, bond, head = self.account, self.account.bond, self.bonds.head
        table = Table(
            box=SIMPLE,
            show_header=False,
            title=f"bond of {self.provider}, block {head.number}, {moment(head.time_s)}",
            title_justify="left",
        )
        table.add_row("total", f"{format_usdc(bond.total)} USDC")
        table.add_row("locked", f"{format_usdc(bond.locked)} USDC")
        table.add_row("available", f"{format_usdc(bond.available)} USDC")
        table.add_row("withdrawable", f"{format_usdc(account.withdrawable)} USDC")
        rise = ""
        if account.next_minimum > bond.minimum:
            rise = f", {format_usdc(account.next_minimum)} USDC from {moment(account.next_minimum_at_s)} on"
        table.add_row("minimum", f"{format_usdc(bond.minimum)} USDC{rise}")
        table.add_row("health", "[bold green]healthy[/]" if bond.is_healthy else "[bold red]unhealthy[/]")
        calm = account.standing is Standing.ACTIVE and account.notice is Notice.NONE
        notice = "" if account.notice is Notice.NONE else f", liquidation announced: {account.notice.name}"
        table.add_row(
            "standing", Text(f"{account.standing.name}{notice}".lower(), style="green" if calm else "red")
        )
        table.add_row("clients pay to", self.bonds.ask("paymentAddress", self.provider))
        table.add_row("paid out to", self.bonds.ask("payoutAddress", self.provider))
        return table

    def _bar(self) -> Text:
        """The locked share: green, yellow from 70 % on, red where the minimum is not available."""
        bond = self.account.bond
        filled = bond.locked_share_bps * _BAR // 10_000
        style = (
            "red" if not bond.is_healthy else "yellow" if bond.locked_share_bps >= WARNING_BPS else "green"
        )
        bar = Text("  ")
        bar.append("█" * filled, style=style)
        bar.append("░" * (_BAR - filled), style="dim")
        bar.append(f" {_percent(bond.locked_share_bps)} locked")
        return bar

    def _open_table(self) -> Table:
        now_s = self.bonds.head.time_s
        table = Table(box=SIMPLE, title="open payments", title_justify="left")
        for heading in ("commitment", "client", "USDC", "locked", "deadline", "left"):
            table.add_column(heading, overflow="fold")
        for payment in self.payments:
            left_s = payment.deadline_s - now_s
            left = "[bold red]overdue[/]" if left_s < 0 else f"{left_s // 60} min {left_s % 60} s"
            table.add_row(
                format_bytes32(payment.commitment),
                people(payment.client),
                format_usdc(payment.amount),
                format_usdc(payment.lock),
                moment(payment.deadline_s),
                left,
            )
        return table


def _percent(bps: int) -> str:
    return f"{bps // 100}.{bps % 100:02d} %"

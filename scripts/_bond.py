"""What every `ape run bond` command reads: contract, a provider's account, payments, USDC's own refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import click
from liqpass.adapters.chain.asking import ask
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_bytes32
from liqpass.domain.money import Usdc
from liqpass.domain.x402.bond import Bond
from liqpass.domain.x402.insurance import Insurance
from liqpass.ports import BlockRef
from web3.contract import Contract

from scripts._operator import Site
from scripts._usdc_refusals import payer_refusals, receiver_refusals


class Standing(IntEnum):
    """The contract's `Standing`."""

    ACTIVE = 0
    EXITING = 1
    LIQUIDATED = 2


class Notice(IntEnum):
    """The contract's `Notice`: why a liquidation is announced."""

    NONE = 0
    UNHEALTHY = 1
    IDLE = 2


class Commitment(click.ParamType):
    """What names an insured payment: 0x and 64 hex digits of any capitals, to 32 bytes."""

    name = "commitment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            return parse_bytes32(value.lower())
        except IdentifierError:
            self.fail(f"not a commitment, 0x and 64 hex digits: {value!r}", param, ctx)


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """The contract's `accounts`: times in unix seconds, 0 for none."""

    bond: Bond
    withdrawable: Usdc
    next_minimum: Usdc
    next_minimum_at_s: int
    last_lock_at_s: int
    standing: Standing
    notice: Notice
    liquidatable_at_s: int

    def leaving(self, provider: str) -> Iterator[str]:
        """Why no payment to the provider can be locked any more, in words."""
        if self.standing is Standing.LIQUIDATED:
            yield f"{provider} is liquidated"
        if self.standing is Standing.EXITING:
            yield f"{provider} has announced its exit"
        if self.notice is not Notice.NONE:
            yield f"the liquidation of {provider} is announced ({self.notice.name.lower()})"


@dataclass(frozen=True)
class Bonds:
    """X402InsuranceV2 as of one block, `head`."""

    site: Site
    reader: BondReader
    head: BlockRef

    @classmethod
    def of(cls, site: Site) -> Bonds:
        """Raises RefusedError where the contract is not deployed."""
        contract = site.insurance
        first_block = site.record.contracts["X402InsuranceV2"].block
        reader = BondReader(site.connection.web3, contract.address, first_block=first_block)
        return cls(site, reader, reader.head())

    @property
    def contract(self) -> Contract:
        return self.site.insurance

    @cached_property
    def insurance(self) -> Insurance:
        """What commitments are made for."""
        return Insurance(self.site.connection.chain_id, self.contract.address.lower())

    def ask(self, function: str, *arguments: object, at: BlockId | None = None) -> Any:
        """A view of the contract as of `head`: raises the ports' ChainError. As of another block: raises what
        web3.py raises, for which the engine has its own words.
        """
        call = self.contract.functions[function](*arguments)
        if at is not None:
            return call.call(block_identifier=at)
        return ask(lambda: call.call(block_identifier=self.head.number))

    def account(self, provider: str, at: BlockId | None = None) -> ProviderAccount:
        values = self.ask("accounts", provider, at=at)
        bond, locked, withdrawable, minimum, next_minimum, next_minimum_at_s = values[:6]
        last_lock_at_s, standing, notice, liquidatable_at_s = values[6:]
        liquidated = standing == Standing.LIQUIDATED
        return ProviderAccount(
            Bond(Usdc(bond), Usdc(locked), Usdc(minimum), liquidated),
            Usdc(withdrawable),
            Usdc(next_minimum),
            next_minimum_at_s,
            last_lock_at_s,
            Standing(standing),
            Notice(notice),
            liquidatable_at_s,
        )

    def paused(self) -> list[str]:
        """That deposits and new locks are stopped, in words."""
        return ["X402InsuranceV2 is paused: no deposits and no new locks"] if self.ask("paused") else []

    def payer_refusals(self, payer: str, amount: Usdc) -> Iterator[str]:
        """Why USDC would not take `amount` from an account, in words."""
        yield from payer_refusals(self.site, payer, amount)

    def receiver_refusals(self, receiver: str) -> Iterator[str]:
        """Why USDC would send an account nothing, in words."""
        yield from receiver_refusals(self.site, receiver)


def people(address: str) -> str:
    """An address of any capitals in its EIP-55 form."""
    return checksum_address(address.lower())

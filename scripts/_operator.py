"""What every operator script needs: its options, who acts where, and faults as one clear line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import account_option
from liqpass.adapters.chain.contracts import Contracts, DeploymentError, abi_of, read_deployment
from liqpass.adapters.chain.errors import CallRevertedError, ChainError
from liqpass.adapters.chain.policy import TX_GAS_LIMIT, Policy
from liqpass.adapters.chain.reader import Web3ChainReader
from liqpass.adapters.chain.revert_words import reason_of
from liqpass.domain.batch_file import BatchFileError
from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_address
from liqpass.domain.money import MoneyError, Usdc, parse_usdc
from liqpass.domain.x402.insurance import X402Error
from liqpass.ports import ChainError as ReadingError
from web3.contract import Contract
from web3.exceptions import Web3Exception

from scripts._autosign import sign_without_asking
from scripts._connection import Connection, NetworkCommand, NetworkRefusedError
from scripts._creations import ABIS, ADDED
from scripts._handover import selector_of
from scripts._parameters import ParametersError
from scripts._record import Record, RecordError, require_record
from scripts._sending_options import journal_option, max_fee_option

Command = TypeVar("Command", bound=Callable[..., Any])


class RefusedError(Exception):
    """What was asked for must not be done; nothing was sent. The message says why."""


_FAULTS = (
    BatchFileError,
    ChainError,
    DeploymentError,
    IdentifierError,
    MoneyError,
    NetworkRefusedError,
    ParametersError,
    ReadingError,
    RecordError,
    RefusedError,
    X402Error,
)


def refuse(found: Sequence[str]) -> None:
    """Raises RefusedError with every reason, if there is one."""
    if found:
        lines = "\n".join(f"  {reason}" for reason in found)
        counted = f"{len(found)} reason{'' if len(found) == 1 else 's'}"
        raise RefusedError(f"refused for {counted}, nothing was sent:\n{lines}")


class OperatorCommand(NetworkCommand):
    """A command on a network whose expected faults end with `Error: …` and exit code 1, without traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CallRevertedError as fault:
            raise click.ClickException(
                f"the contract refuses: {reason_of(fault.data, fault.message)}"
            ) from fault
        except _FAULTS as fault:
            raise click.ClickException(str(fault)) from fault
        except Web3Exception as fault:
            raise click.ClickException(f"the node's answer cannot be used: {type(fault).__name__}") from fault
        except OSError as fault:
            raise click.ClickException(
                f"{fault.filename or 'the node'}: {fault.strerror or fault}"
            ) from fault


class UsdcAmount(click.ParamType):
    """USDC as people write it, to base units; zero only where that means something."""

    name = "usdc"

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Usdc:
        try:
            amount = parse_usdc(value)
        except MoneyError as error:
            self.fail(str(error), param, ctx)
        if amount == 0 and not self._zero:
            self.fail("the amount is zero", param, ctx)
        return amount


class Address(click.ParamType):
    """An address, to EIP-55: nobody's is refused, and so are wrong capitals, which tell of a typing error."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return checksum_address(parse_address(value))
        except IdentifierError as error:
            self.fail(str(error), param, ctx)


def deployments_option(command: Command) -> Command:
    return click.option(
        "--deployments",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("deployments"),
        show_default=True,
        help="Folder of the deployment records.",
    )(command)


def operator_options(command: Command) -> Command:
    """Who signs, with which journal, or with --safe nobody here."""
    options = [
        account_option(prompt=None),
        click.option("--dry-run", is_flag=True, help="Check and simulate everything, show it, send nothing."),
        click.option(
            "--safe",
            "safe_file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write a Safe Transaction-Builder file instead of sending, after the same checks.",
        ),
        click.option("--safe-address", type=Address(), help="With --safe: the Safe that acts, 0x…."),
        click.option("--yes", is_flag=True, help="Do not ask before sending on a live network."),
        click.option("--autosign", is_flag=True, help="Let ape sign without asking for each transaction."),
        deployments_option,
        journal_option,
        max_fee_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Site:
    """Our contracts on the chain that ape is connected to, as the record says and the chain confirms."""

    connection: Connection
    record: Record
    contracts: Contracts

    @classmethod
    def of(cls, provider: ProviderAPI, deployments: Path) -> Site:
        """Raises NetworkRefusedError, RecordError, DeploymentError; RefusedError when code differs."""
        connection = Connection.of(provider)
        path = connection.record_path(deployments)
        record = require_record(path)
        connection.require_chain_id(record.chain_id)
        contracts = read_deployment(path, chain_id=connection.chain_id)
        if record.handover is None:
            raise RefusedError(f"{path} is not finished: run `ape run deploy` again")
        if record.genesis_hash != connection.genesis_hash:
            raise RefusedError(f"{path} is of another chain: its genesis block is not this one's")
        for name in ABIS:
            if name in ADDED and name not in record.contracts:
                continue
            deployed = record.contracts.get(name)
            if deployed is None or connection.code_hash(deployed.address) != deployed.code_hash:
                raise RefusedError(f"the chain does not hold the {name} that {path} records")
        return cls(connection, record, contracts)

    @cached_property
    def checkout(self) -> Contract:
        return self._contract("Checkout", "Checkout")

    @cached_property
    def vault(self) -> Contract:
        return self._contract("PayoutVault", "PayoutVault")

    @cached_property
    def insurance(self) -> Contract:
        if "X402InsuranceV2" not in self.record.contracts:
            raise RefusedError(
                "X402InsuranceV2 is not deployed on this chain: `ape run deploy --target x402` adds it"
            )
        return self._contract("X402InsuranceV2", "X402InsuranceV2")

    @cached_property
    def parametric(self) -> Contract:
        if "OpenParametric" not in self.record.contracts:
            raise RefusedError(
                "OpenParametric is not deployed on this chain: `ape run deploy --target parametric` adds it"
            )
        return self._contract("OpenParametric", "OpenParametric")

    @cached_property
    def manager(self) -> Contract:
        return self._contract("AccessManager", "LiqPassAccessManager")

    @cached_property
    def usdc(self) -> Contract:
        return self.connection.contract(str(self.record.usdc), abi_of("MockUSDC"))

    @cached_property
    def reader(self) -> Web3ChainReader:
        return Web3ChainReader(self.connection.web3, self.contracts, local_final_depth=1)

    def may_call(self, account: str, contract: Contract, *functions: str) -> bool:
        """Whether the manager lets `account` call one of these at once."""
        return any(
            self.manager.functions.canCall(
                account,
                contract.address,
                selector_of(list(contract.abi), name),  # type: ignore[arg-type]
            ).call()[0]
            for name in functions
        )

    def _contract(self, name: str, abi: str) -> Contract:
        return self.connection.contract(self.record.contracts[name].address, abi_of(abi))


@dataclass(frozen=True)
class Operator:
    """Who acts at a site: an account of ape that signs, or with `safe_file` a Safe whose owners will."""

    site: Site
    address: str
    account: AccountAPI | None
    safe_file: Path | None
    dry_run: bool
    confirmed: bool
    journal: Path
    policy: Policy

    @classmethod
    def of(
        cls,
        site: Site,
        *,
        account: AccountAPI | None,
        safe_file: Path | None,
        safe_address: str | None,
        dry_run: bool,
        yes: bool,
        autosign: bool,
        journal: Path,
        max_fee_gwei: float,
        max_gas: int = TX_GAS_LIMIT,
    ) -> Operator:
        """Raises click.UsageError when it is not said, or said twice, who acts."""
        if (safe_file is None) != (safe_address is None):
            raise click.UsageError("--safe FILE and --safe-address 0x… go together")
        if (account is None) == (safe_address is None):
            raise click.UsageError("say who acts: --account ALIAS, or --safe FILE with --safe-address 0x…")
        if account is not None and autosign and not dry_run:
            sign_without_asking(account)
        live = site.connection.live
        policy = Policy.of(max_fee_gwei, live=live)
        return cls(
            site=site,
            address=str(account.address) if account is not None else str(safe_address),
            account=account,
            safe_file=safe_file,
            dry_run=dry_run,
            confirmed=yes or not live,
            journal=journal,
            policy=replace(policy, max_gas=max_gas),
        )

"""Chain, record and parameters compared: each check says what should be, what is, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from liqpass.adapters.chain.contracts import abi_of
from liqpass.domain.money import Usdc, format_usdc
from web3.contract import Contract
from web3.exceptions import Web3Exception

from scripts._connection import Connection
from scripts._creations import ABIS, CONTRACTS, arguments_of, names
from scripts._governance_checks import governance_checks
from scripts._parameters import ZERO_ADDRESS, Parameters
from scripts._preconditions import usdc_faults
from scripts._record import Record, role_entry
from scripts._roles import FUNCTION_ROLES

# What USDC moves to or through.
_HOLDERS = (*FUNCTION_ROLES, "OpenParametric")


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `subject` groups them; both values are for people."""

    subject: str
    what: str
    expected: str
    found: str

    @property
    def ok(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared, and the contracts by name."""

    connection: Connection
    parameters: Parameters
    record: Record
    contracts: dict[str, Contract]

    @classmethod
    def of(cls, connection: Connection, parameters: Parameters, record: Record) -> Subject:
        contracts = {
            name: connection.contract(record.contracts[name].address, abi_of(abi))
            for name, abi in ABIS.items()
            if name in record.contracts
        }
        return cls(connection, parameters, record, contracts)


def all_checks(subject: Subject) -> list[Check]:
    """Every comparison, in a fixed order. Raises RpcError when the node does not answer."""
    checks = list(_record_checks(subject))
    missing = [name for name in _names(subject) if name not in subject.record.contracts]
    if missing:
        return [*checks, Check("record", "contracts", "all recorded", f"missing: {', '.join(missing)}")]
    checks += _contract_checks(subject)
    if not all(check.ok for check in checks if check.what == "code hash"):
        return checks  # views of something else would say nothing
    checks += _setting_checks(subject)
    checks += _usdc_checks(subject)
    checks += [
        Check(*fields)
        for fields in governance_checks(
            subject.connection, subject.parameters, subject.record, subject.contracts
        )
    ]
    return checks


def _names(subject: Subject) -> list[str]:
    return names(subject.parameters, subject.record.contracts)


def _record_checks(subject: Subject) -> Iterator[Check]:
    parameters, record = subject.parameters, subject.record
    yield Check("record", "chain id", str(parameters.chain_id), str(record.chain_id))
    yield Check("record", "genesis block", subject.connection.genesis_hash, record.genesis_hash)
    yield Check("record", "generation", str(parameters.generation), str(record.generation))
    yield Check("record", "finished", "yes", "no" if record.handover is None else "yes")
    wanted = {
        role.name: role_entry(role, holders.accounts, holders.delay_s)
        for role, holders in parameters.roles.items()
    }
    yield Check("record", "roles", _sorted_text(wanted), _sorted_text(record.roles))
    mock = record.contracts.get("MockUSDC")
    usdc = parameters.usdc.address or (mock.address if mock else "none")
    yield Check("record", "USDC", usdc, str(record.usdc))


def _contract_checks(subject: Subject) -> Iterator[Check]:
    connection, record = subject.connection, subject.record
    for name in _names(subject):
        deployed = record.contracts[name]
        wanted = arguments_of(name, subject.parameters, record.addresses(), record.deployer)
        yield Check(name, "contract", CONTRACTS[name], deployed.contract)
        yield Check(name, "arguments", _sorted_text(wanted), _sorted_text(dict(deployed.arguments)))
        code_hash = connection.code_hash(deployed.address)
        yield Check(name, "code hash", deployed.code_hash, code_hash or "no code there")
        receipt = connection.rpc.receipt(deployed.transaction)
        found = "no such transaction"
        if receipt is not None:
            found = f"{receipt.contract_address} in block {receipt.block_number}"
        yield Check(
            name, "created by its transaction", f"{deployed.address} in block {deployed.block}", found
        )


def _setting_checks(subject: Subject) -> Iterator[Check]:
    parameters, record = subject.parameters, subject.record
    manager = record.contracts["AccessManager"].address
    for name in FUNCTION_ROLES:
        if name not in subject.contracts:
            continue
        views = subject.contracts[name].functions
        yield Check(name, "usdc", str(record.usdc), _view(views.usdc))
        yield Check(name, "authority", manager, _view(views.authority))
        yield Check(name, "treasury", parameters.treasury, _view(views.treasury))
        yield Check(name, "paused", "False", _view(views.paused))
    if "OpenParametric" in subject.contracts:  # it has no owner, role or switch: that is all of its settings
        usdc = _view(subject.contracts["OpenParametric"].functions.usdc)
        yield Check("OpenParametric", "usdc", str(record.usdc), usdc)
    vault = subject.contracts["PayoutVault"].functions
    yield Check(
        "PayoutVault", "predecessor", parameters.predecessor or ZERO_ADDRESS, _view(vault.predecessor)
    )
    yield Check("PayoutVault", "daily cap", format_usdc(parameters.daily_cap), _money(vault.dailyCap))
    maximum = format_usdc(parameters.hot_wallet_max)
    yield Check("PayoutVault", "hot wallet maximum", maximum, _money(vault.hotWalletMax))
    if "X402InsuranceV2" in subject.contracts:
        views = subject.contracts["X402InsuranceV2"].functions
        terms = parameters.x402
        yield Check(
            "X402InsuranceV2", "penalty rate", str(terms.penalty_rate_bps), _view(views.platformPenaltyRate)
        )
        yield Check(
            "X402InsuranceV2",
            "default time-out",
            str(terms.default_timeout_minutes),
            _view(views.defaultTimeout),
        )
    if parameters.predecessor is not None:
        before = subject.connection.contract(parameters.predecessor, abi_of("PayoutVault")).functions
        yield Check("predecessor", "paused", "True", _view(before.paused))


def _usdc_checks(subject: Subject) -> Iterator[Check]:
    record = subject.record
    address = str(record.usdc)
    faults = list(usdc_faults(subject.connection, subject.parameters, address))
    yield Check("USDC", "is the parameters' USDC", "yes", "; ".join(faults) or "yes")
    if faults:
        return
    token = subject.connection.contract(address, abi_of("MockUSDC")).functions
    yield Check("USDC", "paused by its issuer", "False", _view(token.paused))
    held_by = {
        **{name: contract.address for name, contract in subject.contracts.items() if name in _HOLDERS},
        "treasury": subject.parameters.treasury,
    }
    for name, account in held_by.items():
        yield Check(name, "denied by USDC's issuer", "False", _view(partial(token.isBlacklisted, account)))
    for name in ("AccessManager", "Checkout"):
        account = record.contracts[name].address
        yield Check(name, "USDC held", "0.00", _money(partial(token.balanceOf, account)))
    held = int(token.balanceOf(held_by["PayoutVault"]).call())
    maximum = subject.parameters.hot_wallet_max
    limit = f"at most {format_usdc(maximum)}"
    found = limit if held <= maximum else format_usdc(Usdc(held))
    yield Check("PayoutVault", "USDC held", limit, found)
    if "X402InsuranceV2" in subject.contracts:
        owed = int(subject.contracts["X402InsuranceV2"].functions.liabilities().call())
        held = int(token.balanceOf(held_by["X402InsuranceV2"]).call())
        least = f"at least {format_usdc(Usdc(owed))}"
        found = least if held >= owed else format_usdc(Usdc(held))
        yield Check("X402InsuranceV2", "USDC held", least, found)


def _view(function: Callable[[], Any]) -> str:
    try:
        return str(function().call())
    except (Web3Exception, ValueError) as error:
        return f"no answer ({type(error).__name__})"


def _money(function: Callable[[], Any]) -> str:
    try:
        return format_usdc(Usdc(int(function().call())))
    except (Web3Exception, ValueError) as error:
        return f"no answer ({type(error).__name__})"


def _sorted_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_sorted_text(value[key])}" for key in sorted(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_sorted_text, value)) + "]"
    return str(value)

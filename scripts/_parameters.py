"""`deployments/parameters/<chain>.yaml`: constructor arguments, role holders and the rules that signers
allow, each with its source.

Strict: every constant is a mapping of `value` and `source`; nothing may be missing, unknown or twice; what is
wrong is reported all at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from eth_utils.address import is_checksum_address
from liqpass.domain.money import MoneyError, Usdc, parse_usdc

from scripts._roles import Role
from scripts._strict_yaml import load_strict

MOCK = "mock"
NONE = "none"
ZERO_ADDRESS = "0x" + "00" * 20
_CONSTANTS = (
    "chain_id",
    "generation",
    "treasury",
    "daily_cap_usdc",
    "hot_wallet_max_usdc",
    "largest_payout_usdc",
    "predecessor",
    "params_versions",
)
_VERSION = re.compile(r"[0-9a-f]{16}", re.ASCII)
_USDC_CONSTANTS = ("address", "name", "version", "decimals")
_X402_CONSTANTS = {"penalty_rate_bps": 0, "default_timeout_minutes": 1}  # with the least of each
_ROLE_CONSTANTS = ("holders", "delay_s")


class ParametersError(Exception):
    """The parameters cannot be used; `faults` says each reason."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path.name}: {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class UsdcTerms:
    """What USDC must be; `address` None: deploy MockUSDC."""

    address: str | None
    name: str
    version: str
    decimals: int


@dataclass(frozen=True, slots=True)
class X402Terms:
    """What X402InsuranceV2 begins with: penalty in basis points of a payment, time-out in minutes."""

    penalty_rate_bps: int
    default_timeout_minutes: int


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds a role, and how long their calls must be announced, in seconds."""

    accounts: tuple[str, ...]
    delay_s: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a deployment is to be. Amounts in USDC base units, addresses with EIP-55 capitals.

    `params_versions`: versions of the service's parameters (`liqpass params`) whose policies may be paid.
    """

    chain_id: int
    generation: int
    usdc: UsdcTerms
    treasury: str
    daily_cap: Usdc
    hot_wallet_max: Usdc
    largest_payout: Usdc
    predecessor: str | None
    params_versions: tuple[str, ...]
    x402: X402Terms
    roles: Mapping[Role, Holders]


def load_parameters(path: Path) -> Parameters:
    """Raises ParametersError when the file is missing, malformed or still holds placeholders."""
    try:
        document = load_strict(path.read_text())
    except FileNotFoundError:
        raise ParametersError(path, ["there is no such file of parameters"]) from None
    except yaml.YAMLError as error:
        raise ParametersError(path, [f"not YAML: {' '.join(str(error).split())}"]) from None
    reading = _Reading()
    parameters = reading.parameters(document)
    if reading.faults or parameters is None:
        raise ParametersError(path, reading.faults)
    return parameters


class _Reading:
    """One pass over a document that collects every fault instead of stopping at the first."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def parameters(self, document: Any) -> Parameters | None:
        top = self._mapping("", document, (*_CONSTANTS, "usdc", "x402", "roles"))
        usdc = self._mapping("usdc", top.get("usdc"), _USDC_CONSTANTS)
        x402 = self._mapping("x402", top.get("x402"), tuple(_X402_CONSTANTS))
        roles = self._mapping("roles", top.get("roles"), tuple(role.name for role in Role))
        usdc_address = self._value("usdc.address", usdc.get("address"))
        predecessor = self._value("predecessor", top.get("predecessor"))
        found = Parameters(
            chain_id=self._integer("chain_id", top.get("chain_id"), least=1),
            generation=self._integer("generation", top.get("generation"), least=1),
            usdc=UsdcTerms(
                address=None if usdc_address == MOCK else self._address("usdc.address", usdc_address),
                name=self._text("usdc.name", usdc.get("name")),
                version=self._text("usdc.version", usdc.get("version")),
                decimals=self._integer("usdc.decimals", usdc.get("decimals"), least=0),
            ),
            treasury=self._address("treasury", self._value("treasury", top.get("treasury"))),
            daily_cap=self._usdc("daily_cap_usdc", top.get("daily_cap_usdc")),
            hot_wallet_max=self._usdc("hot_wallet_max_usdc", top.get("hot_wallet_max_usdc")),
            largest_payout=self._usdc("largest_payout_usdc", top.get("largest_payout_usdc")),
            predecessor=None if predecessor == NONE else self._address("predecessor", predecessor),
            params_versions=self._versions("params_versions", top.get("params_versions")),
            x402=X402Terms(
                *(
                    self._integer(f"x402.{name}", x402.get(name), least=least)
                    for name, least in _X402_CONSTANTS.items()
                )
            ),
            roles={role: self._holders(role.name, roles.get(role.name)) for role in Role},
        )
        return None if self.faults else found

    def _holders(self, name: str, node: Any) -> Holders:
        role = self._mapping(f"roles.{name}", node, _ROLE_CONSTANTS)
        accounts = self._value(f"roles.{name}.holders", role.get("holders"))
        if not isinstance(accounts, list) or not accounts:
            self._fault(f"roles.{name}.holders must be a list of at least one address")
            accounts = []
        return Holders(
            accounts=tuple(self._address(f"roles.{name}.holders", account) for account in accounts),
            delay_s=self._integer(f"roles.{name}.delay_s", role.get("delay_s"), least=0),
        )

    def _versions(self, name: str, node: Any) -> tuple[str, ...]:
        versions = self._value(name, node)
        if not isinstance(versions, list) or not versions:
            self._fault(f"{name} must be a list of at least one version, as `liqpass params` prints it")
            return ()
        for version in versions:
            if not isinstance(version, str) or _VERSION.fullmatch(version) is None:
                self._fault(f"{name} must hold 16 hex digits in quotation marks, not {version!r}")
            elif versions.count(version) > 1:
                self._fault(f"{name} names {version} twice")
        return tuple(str(version) for version in versions)

    def _mapping(self, name: str, node: Any, keys: tuple[str, ...]) -> Mapping[str, Any]:
        where = f"{name}: " if name else ""
        if not isinstance(node, dict):
            self._fault(f"{where}must be a mapping of {', '.join(keys)}")
            return {}
        for key in sorted(set(keys) - set(node)):
            self._fault(f"{where}{key} is missing")
        for key in sorted(str(key) for key in set(node) - set(keys)):
            self._fault(f"{where}{key} is unknown")
        return node

    def _value(self, name: str, node: Any) -> Any:
        if node is None:
            return None  # reported as missing already
        if not isinstance(node, dict) or set(node) != {"value", "source"}:
            self._fault(f"{name} must be written as {{value: …, source: …}}")
            return None
        if not isinstance(node["source"], str) or not node["source"].strip():
            self._fault(f"{name} has no source")
        elif "REPLACE" in node["source"]:
            self._fault(f"{name} still has a placeholder for its source")
        return node["value"]

    def _integer(self, name: str, node: Any, *, least: int) -> int:
        value = self._value(name, node)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self._fault(f"{name} must be an integer of at least {least}, not {value!r}")
            return least
        return value

    def _text(self, name: str, node: Any) -> str:
        value = self._value(name, node)
        if not isinstance(value, str) or not value:
            self._fault(f"{name} must be a text in quotation marks, not {value!r}")
            return ""
        return value

    def _usdc(self, name: str, node: Any) -> Usdc:
        value = self._value(name, node)
        try:
            return parse_usdc(value)
        except (MoneyError, TypeError, AttributeError):
            self._fault(f'{name} must be an amount such as "500.00", not {value!r}')
            return Usdc(0)

    def _address(self, name: str, value: Any) -> str:
        if isinstance(value, str) and "REPLACE" in value:
            self._fault(f"{name} is still a placeholder: {value!r}")
        elif isinstance(value, int):
            self._fault(f"{name} must be in quotation marks")
        elif isinstance(value, str) and value.lower() == ZERO_ADDRESS:
            self._fault(f"{name} is the zero address")
        elif not isinstance(value, str) or not is_checksum_address(value):
            self._fault(f"{name} must be an address with its EIP-55 capitals, not {value!r}")
        else:
            return value
        return ZERO_ADDRESS

    def _fault(self, text: str) -> None:
        self.faults.append(text)

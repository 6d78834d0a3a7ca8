"""Where our contracts are and how they speak: the deployment record and the generated ABIs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from eth_utils.address import is_address
from eth_utils.hexadecimal import is_hex

from liqpass.domain.x402.insurance import Insurance


class DeploymentError(Exception):
    """The deployment record is missing, unreadable or not of this chain."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses (lower case) of one chain, and the block before which none of our logs can be.

    `genesis_hash` tells one chain from another of the same id; None, as `usdc`, where not recorded.
    """

    chain_id: int
    checkout: str
    vault: str
    first_block: int
    genesis_hash: str | None = None
    usdc: str | None = None


@dataclass(frozen=True, slots=True)
class InsuranceDeployment:
    """One chain's X402InsuranceV2, and the block before which none of its logs can be.

    `genesis_hash` as in `Contracts`.
    """

    insurance: Insurance
    first_block: int
    genesis_hash: str | None


@dataclass(frozen=True, slots=True)
class ParametricDeployment:
    """One chain's OpenParametric (lower case), and the block before which none of its logs can be.

    `genesis_hash` as in `Contracts`.
    """

    chain_id: int
    contract: str
    first_block: int
    genesis_hash: str | None


def read_deployment(path: Path, *, chain_id: int) -> Contracts:
    """Addresses from `deployments/<chain>.json`; raises DeploymentError, which says what is wrong."""
    record, contracts = _record(path, chain_id)
    checkout, vault = (_entry(path, contracts, name) for name in ("Checkout", "PayoutVault"))
    return Contracts(
        chain_id,
        checkout["address"].lower(),
        vault["address"].lower(),
        min(int(checkout["block"]), int(vault["block"])),
        _optional_hex(path, record, "genesisHash"),
        _optional_hex(path, record, "usdc"),
    )


def read_insurance_deployment(path: Path, *, chain_id: int) -> InsuranceDeployment:
    """Where X402InsuranceV2 is, from the same record; raises DeploymentError."""
    record, contracts = _record(path, chain_id)
    entry = _entry(path, contracts, "X402InsuranceV2")
    return InsuranceDeployment(
        Insurance(chain_id, entry["address"].lower()),
        int(entry["block"]),
        _optional_hex(path, record, "genesisHash"),
    )


def read_parametric_deployment(path: Path, *, chain_id: int) -> ParametricDeployment:
    """Where OpenParametric is, from the same record; raises DeploymentError."""
    record, contracts = _record(path, chain_id)
    entry = _entry(path, contracts, "OpenParametric")
    return ParametricDeployment(
        chain_id,
        entry["address"].lower(),
        int(entry["block"]),
        _optional_hex(path, record, "genesisHash"),
    )


def _record(path: Path, chain_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record and its contracts by name."""
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise DeploymentError(
            f"no deployment record at {path}: {error.strerror}; LIQPASS_DEPLOYMENT names it"
        ) from None
    except ValueError:
        raise DeploymentError(f"the deployment record {path} is not JSON") from None
    if not isinstance(record, dict) or record.get("chainId") != chain_id:
        found = record.get("chainId") if isinstance(record, dict) else None
        raise DeploymentError(f"{path} is of chain {found}, settings say {chain_id}")
    contracts = record.get("contracts")
    if not isinstance(contracts, dict):
        raise DeploymentError(f"{path} lists no contracts")
    return record, contracts


def _optional_hex(path: Path, record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not is_hex(value):
        raise DeploymentError(f"{path} has a {name} that is not hexadecimal")
    return value.lower()


def _entry(path: Path, contracts: dict[str, Any], name: str) -> dict[str, Any]:
    entry = contracts.get(name)
    if not isinstance(entry, dict) or not is_address(entry.get("address")):
        raise DeploymentError(f"{path} has no address for {name}")
    if not isinstance(entry.get("block"), int):
        raise DeploymentError(f"{path} has no block for {name}: the deployment is not finished")
    return entry


def abi_of(name: str, *entries: str) -> list[dict[str, Any]]:
    """The generated ABI of a contract, `liqpass/abi/<name>.json` (a list, or an object with `abi`).

    With `entries` only the functions and events of these names: web3 goes through all of an ABI, and for
    each of its functions through all of them again, whenever it makes a contract.
    """
    document = json.loads(files("liqpass").joinpath("abi", f"{name}.json").read_bytes())
    abi = document["abi"] if isinstance(document, dict) else document
    if not isinstance(abi, list):
        raise TypeError(f"abi/{name}.json holds no ABI")
    return [entry for entry in abi if entry.get("name") in entries] if entries else abi

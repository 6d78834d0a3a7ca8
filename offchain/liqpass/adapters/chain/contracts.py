"""Where our contracts are and how they speak: the deployment record and the generated ABIs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from eth_utils.address import is_address


class DeploymentError(Exception):
    """The deployment record is missing, unreadable or not of this chain."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses (lower case) of one chain, and the block before which none of our logs can be."""

    chain_id: int
    checkout: str
    vault: str
    first_block: int


def read_deployment(path: Path, *, chain_id: int) -> Contracts:
    """Addresses from `deployments/<chain>.json`; raises DeploymentError, which says what is wrong."""
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise DeploymentError(f"no deployment record at {path}: {error.strerror}") from None
    except ValueError:
        raise DeploymentError(f"the deployment record {path} is not JSON") from None
    if not isinstance(record, dict) or record.get("chainId") != chain_id:
        found = record.get("chainId") if isinstance(record, dict) else None
        raise DeploymentError(f"{path} is of chain {found}, settings say {chain_id}")
    contracts = record.get("contracts")
    if not isinstance(contracts, dict):
        raise DeploymentError(f"{path} lists no contracts")
    checkout, vault = (_entry(path, contracts, name) for name in ("Checkout", "PayoutVault"))
    return Contracts(
        chain_id,
        checkout["address"].lower(),
        vault["address"].lower(),
        min(int(checkout["block"]), int(vault["block"])),
    )


def _entry(path: Path, contracts: dict[str, Any], name: str) -> dict[str, Any]:
    entry = contracts.get(name)
    if not isinstance(entry, dict) or not is_address(entry.get("address")):
        raise DeploymentError(f"{path} has no address for {name}")
    if not isinstance(entry.get("block"), int):
        raise DeploymentError(f"{path} has no block for {name}: the deployment is not finished")
    return entry


def abi_of(name: str) -> list[dict[str, Any]]:
    """The generated ABI of a contract, `liqpass/abi/<name>.json` (a list, or an object with `abi`)."""
    document = json.loads(files("liqpass").joinpath("abi", f"{name}.json").read_bytes())
    abi = document["abi"] if isinstance(document, dict) else document
    if not isinstance(abi, list):
        raise TypeError(f"abi/{name}.json holds no ABI")
    return abi

"""`deployments/<chain>.json`: what was deployed. Private to `ape run`; the service reads the same file.

Sorted, and replaced atomically after each step, so that a run that dies leaves the last whole state.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts._roles import Role

_CONTRACT_KEYS = {
    "contract",
    "address",
    "transaction",
    "block",
    "arguments",
    "codeHash",
    "compiler",
    "commit",
}


class RecordError(Exception):
    """The record cannot be read, or is not of this chain or these parameters."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """One contract: its type, its constructor's arguments by name, the keccak of its code."""

    contract: str
    address: str
    transaction: str
    block: int
    arguments: Mapping[str, str | int]
    code_hash: str
    compiler: str
    commit: str


@dataclass(frozen=True, slots=True)
class Handover:
    """The transaction that gave all roles away."""

    transaction: str | None
    block: int


@dataclass(frozen=True, slots=True)
class Expected:
    """Where a creation under way will be, with which code: keccaks of it and of the creation's calldata."""

    address: str
    code_hash: str
    creation_hash: str


@dataclass(slots=True)
class Record:
    """A deployment, finished when `handover` is set.

    `expected` holds, for creations under way, the address that the deployer's nonce gives: should the journal
    be lost, the contract is still found.
    """

    chain_id: int
    genesis_hash: str
    generation: int
    deployer: str
    start_block: int
    usdc: str | None = None
    contracts: dict[str, Deployed] = field(default_factory=dict)
    expected: dict[str, Expected] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    handover: Handover | None = None

    def addresses(self) -> dict[str, str]:
        """Address by name of what is deployed."""
        return {name: deployed.address for name, deployed in self.contracts.items()}


def role_entry(role: Role, holders: tuple[str, ...], delay_s: int) -> dict[str, Any]:
    """One role as the record keeps it."""
    return {"id": int(role), "holders": sorted(holders), "delay": delay_s}


def load_record(path: Path) -> Record | None:
    """The record, or None when there is none. Raises RecordError when it cannot be understood."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RecordError(f"{path} is not JSON: {error}") from None
    try:
        return _parsed(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path} is no deployment record: {type(error).__name__} {error}") from None


def require_record(path: Path) -> Record:
    """The record. Raises RecordError when there is none or it cannot be understood."""
    record = load_record(path)
    if record is None:
        raise RecordError(f"there is no deployment record {path}: run `ape run deploy`")
    return record


def save_record(path: Path, record: Record) -> None:
    """Replace the file in one step: a reader sees the old record or the new one, never half of it."""
    text = json.dumps(_rendered(record), indent=2, sort_keys=True) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)


def keep_aside(path: Path, genesis_hash: str) -> Path | None:
    """Rename the record of a chain with another genesis block to `<chain>.<8 hex of its genesis>.json`.

    That chain may still run elsewhere. The new path, None when there is no such record. Raises RecordError.
    """
    old = load_record(path)
    if old is None or old.genesis_hash == genesis_hash:
        return None
    return path.replace(path.with_name(f"{path.stem}.{old.genesis_hash.removeprefix('0x')[:8]}.json"))


def _rendered(record: Record) -> dict[str, Any]:
    document: dict[str, Any] = {
        "chainId": record.chain_id,
        "genesisHash": record.genesis_hash,
        "generation": record.generation,
        "deployer": record.deployer,
        "startBlock": record.start_block,
        "usdc": record.usdc,
        "contracts": {
            name: {
                "contract": deployed.contract,
                "address": deployed.address,
                "transaction": deployed.transaction,
                "block": deployed.block,
                "arguments": dict(deployed.arguments),
                "codeHash": deployed.code_hash,
                "compiler": deployed.compiler,
                "commit": deployed.commit,
            }
            for name, deployed in record.contracts.items()
        },
        "roles": record.roles,
        "handover": None if record.handover is None else asdict(record.handover),
    }
    if record.expected:
        document["expected"] = {name: asdict(expected) for name, expected in record.expected.items()}
    return document


def _parsed(document: Any) -> Record:
    contracts = {}
    for name, entry in document["contracts"].items():
        if set(entry) != _CONTRACT_KEYS:
            raise ValueError(f"{name} has the fields {sorted(entry)}")
        contracts[name] = Deployed(
            contract=entry["contract"],
            address=entry["address"],
            transaction=entry["transaction"],
            block=int(entry["block"]),
            arguments=entry["arguments"],
            code_hash=entry["codeHash"],
            compiler=entry["compiler"],
            commit=entry["commit"],
        )
    handover = document["handover"]
    return Record(
        chain_id=int(document["chainId"]),
        genesis_hash=document["genesisHash"],
        generation=int(document["generation"]),
        deployer=document["deployer"],
        start_block=int(document["startBlock"]),
        usdc=document["usdc"],
        contracts=contracts,
        expected={name: Expected(**entry) for name, entry in document.get("expected", {}).items()},
        roles=document["roles"],
        handover=None if handover is None else Handover(handover["transaction"], int(handover["block"])),
    )

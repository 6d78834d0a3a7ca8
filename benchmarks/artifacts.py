"""Compiled contracts for the benchmarks: ours from ape's build, the bare loop from its Yul source."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / ".build" / "__local__.json"
SOLC = REPOSITORY / "tools" / "solc" / "solc-v0.8.30"
BARE_TRANSFERS = REPOSITORY / "benchmarks" / "bare_transfers.yul"


class ArtifactError(Exception):
    """The build is missing or older than the sources, or the Yul source does not compile."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What it takes to deploy a contract and to call it."""

    abi: list[dict[str, Any]]
    bytecode: str


def built(name: str) -> Artifact:
    """A contract of ape's build. Raises ArtifactError when it is missing or older than its sources."""
    if not BUILD.is_file():
        raise ArtifactError(f"{BUILD} is missing: run `ape compile`")
    manifest = json.loads(BUILD.read_bytes())
    compiled = manifest["contractTypes"].get(name)
    if compiled is None:
        raise ArtifactError(f"the build lacks {name}: run `ape compile --force`")
    source = compiled["sourceId"]
    if manifest["sources"][source]["content"] != (REPOSITORY / source).read_text():
        raise ArtifactError(f"{source} has changed since it was compiled: run `ape compile`")
    return Artifact(compiled["abi"], compiled["deploymentBytecode"]["bytecode"])


def bare_transfers() -> Artifact:
    """The cheapest loop of token transfers: what a batch cannot cost less than. It has no ABI."""
    request = {
        "language": "Yul",
        "sources": {"bare_transfers.yul": {"content": BARE_TRANSFERS.read_text()}},
        "settings": {
            "evmVersion": "cancun",
            "optimizer": {"enabled": True},
            "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
        },
    }
    answer = subprocess.run(
        [str(SOLC), "--standard-json"], input=json.dumps(request), capture_output=True, text=True, check=True
    )
    output = json.loads(answer.stdout)
    errors = [error for error in output.get("errors", ()) if error["severity"] == "error"]
    if errors:
        raise ArtifactError(errors[0]["formattedMessage"])
    contract = output["contracts"]["bare_transfers.yul"]["BareTransfers"]
    return Artifact([], "0x" + contract["evm"]["bytecode"]["object"])

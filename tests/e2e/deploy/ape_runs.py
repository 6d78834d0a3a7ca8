"""`ape run` as a user calls it, on a folder of deployments of the test's own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

REPOSITORY = Path(__file__).resolve().parents[3]
if str(REPOSITORY) not in sys.path:  # `scripts` lies beside the package, not in it
    sys.path.insert(0, str(REPOSITORY))

from ape._cli import cli as ape_cli  # noqa: E402
from liqpass.adapters.chain.anvil import Anvil  # noqa: E402


def deployments_folder(folder: Path) -> Path:
    """A copy of the parameters, without any record."""
    shutil.copytree(REPOSITORY / "deployments" / "parameters", folder / "deployments" / "parameters")
    return folder / "deployments"


def ape_run(script: str, url: str, folder: Path, *options: str, network: str = "ethereum:local") -> Result:
    """`ape run <script>` against that node, with records and journals of the test's own."""
    arguments = ["run", script, "--network", f"{network}:{url}", "--deployments", str(folder), *options]
    journals = {"LIQPASS_JOURNAL_FOLDER": str(folder.parent / "journal")}
    return CliRunner(env=journals).invoke(ape_cli, arguments)


def nonce_of(node: Anvil, address: str) -> int:
    """How many transactions that account has sent, mined or not: anvil answers before it mines."""
    return int(node.rpc("eth_getTransactionCount", address, "pending"), 16)


def change_parameters(folder: Path, chain: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit `parameters/<chain>.yaml` as a person would."""
    path = folder / "parameters" / f"{chain}.yaml"
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document))

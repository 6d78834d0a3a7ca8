"""Nodes that no script reads or sends to: one that ape starts for one command is nobody's chain, one is of
another chain than --network says, one is not there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ape_runs import REPOSITORY, ape_run
from liqpass.adapters.chain.anvil import Anvil

# ape, with a free port for its node: one that it draws blindly is now and then taken.
APE = (
    f"import sys; sys.path.insert(0, {str(REPOSITORY / 'tests')!r}); "
    "import ape_repairs; ape_repairs.pytest_configure(); "
    "from ape._cli import cli; cli()"
)
RECORD = '{"of": "a chain that still runs"}'


@pytest.mark.parametrize(
    "command",
    [["deploy"], ["deploy", "--network", "ethereum:local"], ["status"], ["sweep", "--account", "TEST::4"]],
    ids=["deploy on the default network", "deploy", "status", "an operator's script"],
)
def test_script__node_started_by_ape__is_refused_and_the_record_kept(
    folder: Path, command: list[str]
) -> None:
    (folder / "local.json").write_text(RECORD)
    options = ["--deployments", str(folder)]
    if command[0] != "status":
        options += ["--journal", str(folder.parent / "journal")]

    # A process of its own: in this one ape may already hold the node of the tests.
    result = subprocess.run(
        [sys.executable, "-c", APE, "run", *command, *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 1, result.stderr
    assert (
        "name the node: --network ethereum:local:http://127.0.0.1:8545 (start one with `anvil`)"
        in result.stdout + result.stderr
    )
    assert (folder / "local.json").read_text() == RECORD
    assert [path.name for path in folder.glob("*.json")] == ["local.json"]
    assert not (folder.parent / "journal").exists()


@pytest.mark.parametrize("script", ["deploy", "status"])
def test_script__node_of_another_chain__is_refused(folder: Path, script: str) -> None:
    with Anvil() as node:
        result = ape_run(script, node.url, folder, network="base:sepolia")

    assert result.exit_code == 1
    assert "Error: Provider connected to chain ID '31337', which does not match" in result.output
    assert not list(folder.glob("*.json"))


@pytest.mark.parametrize("script", ["deploy", "status"])
@pytest.mark.parametrize("network", ["ethereum:local", "base:sepolia"])
def test_script__no_node__is_told_without_its_address(folder: Path, script: str, network: str) -> None:
    result = ape_run(script, "http://127.0.0.1:9/SECRET", folder, network=network)

    assert result.exit_code == 1
    assert "Error: no usable node answers at the address of --network" in result.output
    assert "SECRET" not in result.output
    assert not list(folder.glob("*.json"))

"""A node that ape starts for one command is nobody's chain: no script reads it or sends to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ape_runs import REPOSITORY

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
        [sys.executable, "-c", "from ape._cli import cli; cli()", "run", *command, *options],
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

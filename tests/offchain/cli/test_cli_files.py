"""Files that commands write: found out first whether they can be, for the audit log keeps what was done."""

from pathlib import Path

import pytest
from command_lines import Cli
from worlds import World


@pytest.mark.parametrize("command", [("batch", "export"), ("report",)])
def test_written_file__target_cannot_be_written__nothing_in_the_audit_log(
    cli: Cli, world: World, tmp_path: Path, command: tuple[str, ...]
) -> None:
    world.approved("alice")
    assert cli("batch", "build").exit_code == 0
    (batch,) = world.do.building.listed()
    before = world.snapshot()

    result = cli(*command, str(batch.id), "--out", str(tmp_path / "no folder" / "out"))

    assert (result.exit_code, "No such file or directory" in result.stderr) == (1, True)
    assert world.snapshot() == before


@pytest.mark.parametrize("command", [("batch", "export"), ("report",)])
def test_written_file__no_such_batch__what_was_there_stays(
    cli: Cli, tmp_path: Path, command: tuple[str, ...]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("kept")

    codes = [cli(*command, "20200101", "--out", str(file)).exit_code for file in (old, new)]

    assert (codes, old.read_text(), new.exists()) == ([1, 1], "kept", False)

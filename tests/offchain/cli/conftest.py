"""The command line over the business of `usecases/worlds.py`."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "usecases"))

from command_lines import Cli, FakeApplication
from liqpass.entrypoints.cli import main
from liqpass.entrypoints.cli.session import Session
from worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def cli(world: World) -> Cli:
    def run(*arguments: str, stdin: str | None = None) -> Result:
        session = Session(FakeApplication(world))  # type: ignore[arg-type]
        return CliRunner(mix_stderr=False).invoke(main, arguments, input=stdin, obj=session)

    return run

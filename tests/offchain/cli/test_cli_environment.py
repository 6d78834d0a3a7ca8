"""Commands over the real settings: the database, missing pieces, nothing secret in any message."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from liqpass.entrypoints.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("LIQPASS_DATABASE_URL", f"sqlite:///{tmp_path / 'l.db'}")
    monkeypatch.setenv("LIQPASS_DEPLOYMENT", str(tmp_path / "none.json"))
    monkeypatch.setenv("LIQPASS_RPC_URL", "http://127.0.0.1:1/canary-token")

    def invoke(*arguments: str) -> Result:
        return CliRunner(mix_stderr=False).invoke(main, arguments)

    return invoke


def test_db__upgrade_current_downgrade__revision_told(run: Run) -> None:
    before = run("db", "current")
    up = run("db", "upgrade")
    now = run("db", "current")
    down = run("db", "downgrade", "--to", "base", "--yes")

    assert (before.exit_code, up.stdout, now.exit_code) == (1, "schema 0003\n", 0)
    assert down.stdout == "schema none\n"


def test_order_list__database_not_migrated__says_what_to_run(run: Run, tmp_path: Path) -> None:
    result = run("order", "list")

    assert result.exit_code == 1
    assert "liqpass db upgrade" in result.stderr


def test_order_list__no_deployment_record__says_where_it_looked(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")

    result = run("order", "list")

    assert result.exit_code == 1
    assert str(tmp_path / "none.json") in result.stderr


def test_sync__node_down__one_line_without_the_url(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    entry = '{"address": "0x%s", "block": 1}'
    record = f'{{"chainId": 31337, "contracts": {{"Checkout": {entry % ("c0" * 20)}, '
    (tmp_path / "none.json").write_text(record + f'"PayoutVault": {entry % ("fa" * 20)}}}}}')

    result = run("sync")

    assert result.exit_code == 1
    assert "the node does not answer" in result.stderr
    assert "canary" not in result.stderr + result.stdout


def test_params__wrong_setting__named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQPASS_PARAMETERS__PREMIUM", "much")

    result = run("params")

    assert (result.exit_code, "premium must be an amount" in result.stderr) == (1, True)


def test_settings__secret_set__names_and_defaults_without_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQPASS_MASTER_KEY", "canary")

    result = run("settings", "--json")

    defaults = {each["name"]: each["default"] for each in json.loads(result.stdout)["settings"]}
    assert defaults["LIQPASS_DATABASE_URL"] == "sqlite:///liqpass.db"
    assert (defaults["LIQPASS_CHAIN_ID"], defaults["LIQPASS_MASTER_KEY"]) == ("31337", "")
    assert "LIQPASS_PARAMETERS__<NAME>" in defaults
    assert "canary" not in result.stdout + run("settings").stdout
    assert "liqpass settings" in run("--help").stdout


def test_db__database_that_is_not_supported__one_line_without_the_url(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme, message in (
        ("mysql", "mysql is not supported: sqlite:///FILE or postgresql://"),
        ("postgresql+nosuch", "no driver for postgresql+nosuch"),
        ("postgresql", "127.0.0.1:1, database x does not let us in: Connection refused"),
    ):
        monkeypatch.setenv("LIQPASS_DATABASE_URL", f"{scheme}://u:canary@127.0.0.1:1/x")

        result = run("db", "current")

        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert message in result.stderr
        assert "canary" not in result.stderr


def test_settings__reader_gone__ends_without_a_word() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    code = "from liqpass.entrypoints.cli import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", code, "settings"], stdout=write_end, stderr=subprocess.PIPE, check=False
    )
    os.close(write_end)

    assert (done.returncode, done.stderr) == (1, b"")

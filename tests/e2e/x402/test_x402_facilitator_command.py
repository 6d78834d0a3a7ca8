"""`liqpass x402 facilitator` as an operator runs it: start, service, end, and what it does not start with."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from eth_account import Account
from insured_world import (
    HTTP,
    KEYS,
    PASSPHRASE,
    PROVIDER,
    SETTLER,
    STRANGER,
    USDC,
    InsuredWorld,
    Running,
    comes,
)
from liqpass.entrypoints.cli import main


def environment(world: InsuredWorld, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
    ours = {
        "LIQPASS_RPC_URL": world.node.url,
        "LIQPASS_DEPLOYMENT": str(world.folder / "local.json"),
        "LIQPASS_JOURNAL_FOLDER": str(world.folder / "command"),
        "LIQPASS_SETTLER_PASSPHRASE": PASSPHRASE,
    }
    return kept | ours | changes


def arguments(world: InsuredWorld, **changes: Path) -> list[str]:
    files = {"keyfile": world.folder / "settler.json", "providers": world.folder / "providers.yaml"} | changes
    named = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    return ["x402", "facilitator", "--port", "0", *named]


@dataclass
class Command:
    """The process; `lines` is what it said before it listened."""

    process: subprocess.Popen[str]
    lines: list[str]
    running: Running

    def stop(self) -> tuple[int, str, str]:
        """Exit code, the rest of standard output, standard error."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@contextmanager
def started(world: InsuredWorld, *more: str, **env: str) -> Iterator[Command]:
    code = "from liqpass.entrypoints.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments(world), *more],
        env=environment(world, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while not lines or not lines[-1].startswith("listening on "):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            lines.append(line.strip())
        url = lines[-1].removeprefix("listening on ")
        yield Command(process, lines, Running(process.pid, url, world.folder / "none", ended=True))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def refused(world: InsuredWorld, *more: str, env: dict[str, str] | None = None, **files: Path) -> str:
    """The one line of a facilitator that must not start."""
    wanted = env or environment(world)
    gone = {name: None for name in os.environ if name not in wanted}
    result = CliRunner(mix_stderr=False).invoke(
        main, [*arguments(world, **files), *more], env=gone | wanted, catch_exceptions=False
    )
    assert (result.exit_code, "listening" in result.stdout) == (1, False)
    return result.stderr


@contextmanager
def private_node(world: InsuredWorld) -> Iterator[tuple[str, list[str]]]:
    """(URL, methods asked) of a node that hands on to the chain's."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(json.loads(request)["method"])
            answer = HTTP.post(
                world.node.url, content=request, headers={"Content-Type": "application/json"}
            ).content
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_command__private_node__signed_bytes_go_there_and_nothing_else(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    with (
        private_node(world) as (url, asked),
        started(world, LIQPASS_SEND_RPC_URL=f"{url}/canary-token") as command,
    ):
        settled = command.running.client().settle(payload, requirements)
        code, out, err = command.stop()

    assert (settled.success, code, asked) == (True, 0, ["eth_sendRawTransaction"])
    assert len(world.locks(world.commitment(payload))) == 1
    assert "canary" not in out + err


def test_command__settles_counts_and_ends_cleanly(world: InsuredWorld) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    with started(world) as command:
        running = command.running
        supported = running.client().get_supported()
        stranger = HTTP.post(f"{running.url}/settle", json={})
        settled = running.client().settle(payload, requirements)
        assert comes(lambda: "liqpass_x402_bond_usdc{" in HTTP.get(f"{running.url}/metrics").text)
        metrics = HTTP.get(f"{running.url}/metrics").text
        code, out, err = command.stop()

    provider = world.address(PROVIDER)
    assert f"provider {provider} is paid at {world.pay_to(PROVIDER)}" in command.lines
    assert f"settling as {world.address(SETTLER)}" in command.lines
    kinds = [(kind.x402_version, kind.scheme, kind.network) for kind in supported.kinds]
    assert (kinds, supported.extensions) == ([(2, "exact", "eip155:31337")], ["bond-insurance"])
    assert supported.signers == {"eip155:*": [world.address(SETTLER)]}
    assert (stranger.status_code, settled.success, (code, out)) == (401, True, (0, "ended\n"))
    labels = f'{{code="ok",provider="{provider.lower()}",what="settle"}}'
    assert f"liqpass_x402_answers_total{labels} 1.0" in metrics
    assert "liqpass_x402_strangers_total 1.0" in metrics
    assert "liqpass_x402_settlements_waiting 0.0" in metrics
    settler = f'settler="{world.address(SETTLER)}"'
    assert f'liqpass_x402_lane_settlements_total{{code="ok",{settler}}} 1.0' in metrics
    assert f"liqpass_x402_settler_wei{{{settler}}} " in metrics
    bond = world.bond_of(PROVIDER)[0] / USDC  # other tests claim from it
    assert f'liqpass_x402_bond_usdc{{kind="total",provider="{provider.lower()}"}} {bond}' in metrics
    assert "stranger path=/settle" in err
    assert "code=ok took_ms=" in err
    assert settled.transaction in err
    assert not any(secret in err + out for secret in (*KEYS.values(), PASSPHRASE))
    assert payload.payload["signature"][2:] not in err


def test_command__two_keyfiles__a_lane_each_told_at_the_start(world: InsuredWorld) -> None:
    second = second_keyfile(world)
    with started(world, "--keyfile", str(second)) as command:
        signers = command.running.client().get_supported().signers
        code, _, _ = command.stop()

    lanes = [world.address(SETTLER), world.address(STRANGER)]
    assert [line for line in command.lines if line.startswith("settling as ")] == [
        f"settling as {lane}" for lane in lanes
    ]
    assert (signers, code) == ({"eip155:*": lanes}, 0)


def second_keyfile(world: InsuredWorld) -> Path:
    """The stranger's, with the same passphrase."""
    path = world.folder / "second.json"
    key = world.node.account(STRANGER).key
    path.write_text(json.dumps(Account.encrypt(key, PASSPHRASE, kdf="pbkdf2", iterations=1_000)))
    path.chmod(0o600)
    return path


def test_command__one_keyfile_twice__refused(world: InsuredWorld) -> None:
    copy = world.folder / "copy.json"
    copy.write_text((world.folder / "settler.json").read_text())
    copy.chmod(0o600)

    said = refused(world, "--keyfile", str(copy))

    assert said == "Error: two keyfiles are of one account: each lane needs its own\n"


def test_command__second_one_with_the_same_settler__refused(world: InsuredWorld) -> None:
    with world.facilitator("command"):
        assert "another process is sending with" in refused(world)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key_sha256": "ab"}, "key_sha256 of"),
        ({"key_sha256": None}, "give key_sha256 or key_file"),
        ({"timeout_minutes": 10_081}, "0..10080 is allowed"),
        ({"provider": "0x12"}, "not an address"),
        ({"colour": "red"}, "providers.0.colour"),
    ],
)
def test_command__provider_file_with_a_fault__one_line(
    world: InsuredWorld, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    digest = hashlib.sha256(KEYS[PROVIDER].encode()).hexdigest()
    entry = {"provider": world.address(PROVIDER), "key_sha256": digest} | changes
    path = tmp_path / "providers.yaml"
    path.write_text(json.dumps({"providers": [entry]}))

    said = refused(world, providers=path)

    assert said.startswith(f"Error: {path}")
    assert words in said
    assert said.count("\n") == 1


def test_command__wrong_passphrase__one_line_without_it(world: InsuredWorld) -> None:
    said = refused(world, env=environment(world, LIQPASS_SETTLER_PASSPHRASE="canary-wrong"))

    assert "the passphrase is wrong" in said
    assert "canary" not in said


def test_command__contract_not_there__refused(world: InsuredWorld, tmp_path: Path) -> None:
    record = json.loads((world.folder / "local.json").read_text())
    record["contracts"]["X402InsuranceV2"]["address"] = world.address(PROVIDER)
    (tmp_path / "local.json").write_text(json.dumps(record))

    said = refused(world, env=environment(world, LIQPASS_DEPLOYMENT=str(tmp_path / "local.json")))

    assert "where the record has X402InsuranceV2" in said

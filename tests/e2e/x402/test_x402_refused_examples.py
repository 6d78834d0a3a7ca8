"""The clients in `examples/`, refused: why is in headers of the answer, and its body is empty."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from insured_world import CLIENT, KEYS, PASSPHRASE, PRICE, PROVIDER, InsuredWorld, Running
from liqpass.settings import Settings
from liqpass.x402.provider import insure, insured_service
from shop import serving

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
PYTHON, NODE = (sys.executable, str(EXAMPLES / "client.py")), ("node", str(EXAMPLES / "client.mjs"))
POOR = f"0x{'2c' * 32}"  # a key of nobody


@pytest.fixture(scope="module")
def url(world: InsuredWorld, facilitator: Running) -> Iterator[str]:
    app = FastAPI()
    app.get("/work")(lambda: {"result": "42"})
    app.get("/upfront")(lambda: {"result": "42"})
    settings = Settings(
        rpc_url=world.node.url,
        deployment=world.folder / "local.json",
        journal_folder=world.folder / "refused",
        provider_passphrase=PASSPHRASE,
        facilitator_url=facilitator.url,
        facilitator_key=KEYS[PROVIDER],
    )
    keyfile = world.write_keyfile(PROVIDER)
    with insured_service(keyfile=keyfile, settings=settings, every_s=0.1) as service:
        routes = {"GET /work": service.paid("0.10"), "GET /upfront": service.paid("0.10", upfront=True)}
        insure(app, routes, service)
        with serving(app) as address:
            yield address


def ran(
    world: InsuredWorld, program: tuple[str, ...], key: str, url: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, url],
        env={**os.environ, "CLIENT_KEY": key, "USDC": world.usdc.address},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("program", [PYTHON, NODE], ids=["python", "node"])
@pytest.mark.parametrize("path", ["work", "upfront"])
def test_client__without_usdc__told_why_it_is_refused(
    world: InsuredWorld, url: str, program: tuple[str, ...], path: str
) -> None:
    locks = len(world.locks())

    done = ran(world, program, POOR, f"{url}/{path}")

    assert (done.returncode, done.stdout) == (1, "402 {}\n")
    assert done.stderr == "invalid_exact_evm_insufficient_balance\n"
    assert len(world.locks()) == locks


@pytest.mark.parametrize("program", [PYTHON, NODE], ids=["python", "node"])
def test_client__with_usdc__served(world: InsuredWorld, url: str, program: tuple[str, ...]) -> None:
    before = world.balance(CLIENT)

    done = ran(world, program, f"0x{world.node.account(CLIENT).key.hex()}", f"{url}/work")

    status, receipt = done.stdout.splitlines()
    assert (done.returncode, done.stderr, status) == (0, "", '200 {"result":"42"}')
    assert world.locks()[-1][1] in receipt
    assert world.balance(CLIENT) == before - PRICE

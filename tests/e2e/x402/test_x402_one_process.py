"""A provider's journals have one process: whoever comes second says who was first, and serves nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from insured_world import KEYS, PASSPHRASE, PRICE, PROVIDER, STRANGER, InsuredWorld
from liqpass.adapters.chain.errors import JournalBusyError
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.domain.money import Usdc
from liqpass.settings import Settings
from liqpass.x402.provider import insured_service

SHOP = """
import uvicorn
from fastapi import FastAPI
from liqpass.x402.provider import insure, insured_service

app = FastAPI()
with insured_service(keyfile="2.json") as service:
    insure(app, {"GET /work": service.paid("0.10")}, service)
    uvicorn.run(app, port=0)
"""
_LONGEST_S = 60


@pytest.fixture
def settings(world: InsuredWorld, tmp_path: Path) -> Settings:
    world.write_keyfile(PROVIDER)
    (world.folder / "shop.py").write_text(SHOP)
    return Settings(
        rpc_url=world.node.url,
        deployment=world.folder / "local.json",
        journal_folder=tmp_path / "journal",
        provider_passphrase=PASSPHRASE,
        facilitator_key=KEYS[PROVIDER],
    )


def environment(world: InsuredWorld, settings: Settings) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
    return kept | {
        "LIQPASS_RPC_URL": world.node.url,
        "LIQPASS_DEPLOYMENT": str(world.folder / "local.json"),
        "LIQPASS_JOURNAL_FOLDER": str(settings.journal_folder),
        "LIQPASS_PROVIDER_PASSPHRASE": PASSPHRASE,
        "LIQPASS_FACILITATOR_KEY": KEYS[PROVIDER],
    }


def test_service__second_process__ends_and_says_who_has_the_file(
    world: InsuredWorld, settings: Settings
) -> None:
    with insured_service(keyfile=world.folder / "2.json", settings=settings):
        second = subprocess.run(
            [sys.executable, "shop.py"],
            cwd=world.folder,
            env=environment(world, settings),
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )

    path = deliveries_path(settings.journals, world.terms, world.address(PROVIDER).lower())
    assert second.returncode == 1
    assert second.stderr.endswith(
        "liqpass.adapters.chain.errors.JournalBusyError: "
        f"another process is sending with {path} (pid {os.getpid()}): one at a time may\n"
    )
    assert "running on" not in second.stderr


def test_service__another_account_of_the_same_provider__refused_and_the_first_goes_on(
    world: InsuredWorld, settings: Settings
) -> None:
    """Each would confirm what the other confirms."""
    calls = world.insurance.functions
    delivery = world.write_keyfile(STRANGER)
    world.send(calls.setDeliveryKey(world.address(STRANGER)), PROVIDER)
    world.send(calls.setSettler(world.address(STRANGER), True), PROVIDER)
    try:
        with insured_service(keyfile=world.folder / "2.json", settings=settings) as first:
            with (
                pytest.raises(JournalBusyError, match="deliveries"),
                insured_service(keyfile=delivery, provider=world.address(PROVIDER), settings=settings),
            ):
                pass
            assert first.deliveries.covers(Usdc(PRICE))
    finally:
        world.send(calls.setDeliveryKey("0x" + "0" * 40), PROVIDER)
        world.send(calls.setSettler(world.address(STRANGER), False), PROVIDER)


def test_service__two_workers_of_uvicorn__neither_serves_and_each_says_why(
    world: InsuredWorld, settings: Settings
) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "shop:app", "--workers", "2", "--port", "0"],
        cwd=world.folder,
        env=environment(world, settings),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stderr is not None
    too_long = threading.Timer(_LONGEST_S, os.killpg, (running.pid, signal.SIGKILL))
    too_long.start()
    said, refusals = [], 0
    for line in running.stderr:
        said.append(line)
        refusals += "X402Error: uvicorn runs already, with workers say" in line
        if refusals == 2:
            break
    too_long.cancel()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate()

    assert refusals == 2
    assert not any("startup complete" in line for line in said)
    assert not settings.journals.exists()

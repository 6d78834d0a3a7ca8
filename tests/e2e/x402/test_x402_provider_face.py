"""`liqpass.x402.provider` and `.facilitator`: all that an application adds, from settings alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from insured_world import (
    CLIENT,
    KEYS,
    LOCK,
    NETWORK,
    PASSPHRASE,
    PRICE,
    PROVIDER,
    SETTLER,
    STRANGER,
    InsuredWorld,
    Running,
    comes,
)
from liqpass.adapters.chain.errors import SigningError, WrongChainError
from liqpass.domain.money import MoneyError
from liqpass.domain.x402.insurance import X402Error
from liqpass.settings import Settings, SettingsError
from liqpass.x402.facilitator import Answered, insured_facilitator
from liqpass.x402.provider import NotAwaitedError, commitment_of, insure, insured_service
from shop import over_http, resource_server, serving
from x402 import AssetAmount, x402Client
from x402.http.clients import x402HttpxClient

OPEN, CONFIRMED = 1, 2
IN_PROCESS_SETTLER = 9
SLOW_API = """
import contextlib
import uvicorn
from fastapi import FastAPI
from liqpass.x402.provider import insure, insured_service

app = FastAPI()


@app.get("/work")
def work():
    return {"result": "42"}


"""
AS_A_SCRIPT = """
with insured_service(keyfile="2.json", every_s=3600) as service:
    insure(app, {"GET /work": service.paid("0.10")}, service)
    uvicorn.run(app, port=0, access_log=False)
"""
NEVER_LEFT = """
stack = contextlib.ExitStack()
service = stack.enter_context(insured_service(keyfile="2.json", every_s=3600))
insure(app, {"GET /work": service.paid("0.10")}, service)
"""
BY_UVICORN = ("-m", "uvicorn", "never_left:app", "--port", "0", "--no-access-log")


def settings(world: InsuredWorld, **changes: Any) -> Settings:
    ours = {
        "rpc_url": world.node.url,
        "deployment": world.folder / "local.json",
        "journal_folder": world.folder / "face",
        "provider_passphrase": PASSPHRASE,
        "settler_passphrase": PASSPHRASE,
        "facilitator_key": KEYS[PROVIDER],
    }
    return Settings(**(ours | changes))


def called(world: InsuredWorld, address: str, times: int = 1) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        async with x402HttpxClient(world.allowed(x402Client()), timeout=60) as client:
            return list(await asyncio.gather(*(client.get(address) for _ in range(times))))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def keyfile(world: InsuredWorld) -> Path:
    return world.write_keyfile(PROVIDER)


@contextmanager
def started(
    world: InsuredWorld, facilitator: Running, *command: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The application of three lines in a process of its own, and its URL."""
    (world.folder / "never_left.py").write_text(SLOW_API + NEVER_LEFT)
    ours = {
        "LIQPASS_RPC_URL": world.node.url,
        "LIQPASS_DEPLOYMENT": str(world.folder / "local.json"),
        "LIQPASS_JOURNAL_FOLDER": str(world.folder / "face"),
        "LIQPASS_PROVIDER_PASSPHRASE": PASSPHRASE,
        "LIQPASS_FACILITATOR_URL": facilitator.url,
        "LIQPASS_FACILITATOR_KEY": KEYS[PROVIDER],
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=world.folder,
        env=kept | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        while "running on" not in (line := process.stderr.readline()):
            assert line, "it did not start"
        yield process, line.partition("running on ")[2].split()[0]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("command", [("-c", SLOW_API + AS_A_SCRIPT), BY_UVICORN], ids=["script", "uvicorn"])
def test_process__ended_by_sigterm__what_was_served_is_confirmed_first(
    world: InsuredWorld, facilitator: Running, keyfile: Path, command: tuple[str, ...]
) -> None:
    """Also where nobody leaves the `with`, as in an application that uvicorn imports."""
    before = world.bond_of(PROVIDER)
    with started(world, facilitator, *command) as (process, url):
        answers = called(world, f"{url}/work", times=3)
        commitments = [commitment for commitment, _ in world.locks()[-3:]]
        open_before = [world.status(commitment) for commitment in commitments]

        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)

    assert [answer.status_code for answer in answers] == [200] * 3
    assert open_before == [OPEN] * 3
    assert (process.returncode, out) == (0, ""), err
    assert [world.status(commitment) for commitment in commitments] == [CONFIRMED] * 3
    assert world.bond_of(PROVIDER) == before
    assert not any(secret in out + err for secret in (KEYS[PROVIDER], PASSPHRASE))


@pytest.mark.parametrize(
    ("upfront", "told"),
    [
        (False, "payment refused by the facilitator reason=Facilitator verify failed (401): "),
        (True, "no settlement from the facilitator reason=Facilitator settle failed (401): "),
    ],
)
def test_service__bearer_key_of_nobody__not_served_and_told_in_the_providers_log(
    world: InsuredWorld,
    facilitator: Running,
    keyfile: Path,
    caplog: pytest.LogCaptureFixture,
    upfront: bool,
    told: str,
) -> None:
    before = world.balance(CLIENT)
    wrong = settings(world, facilitator_url=facilitator.url, facilitator_key="canary" * 6)
    app = FastAPI()
    app.get("/work")(lambda: {"result": "42"})
    with insured_service(keyfile=keyfile, settings=wrong) as service:
        insure(app, {"GET /work": service.paid("0.10", upfront=upfront)}, service)
        with serving(app) as url:
            (answer,) = called(world, f"{url}/work")

    assert (answer.status_code, world.balance(CLIENT)) == (402, before)
    (said,) = [line for line in caplog.messages if "the facilitator reason=" in line]
    assert said.startswith(told)
    assert "KEY_REQUIRED" in said
    assert "canary" not in caplog.text


def test_service__account_without_a_bond__told_at_the_start(
    world: InsuredWorld, keyfile: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with insured_service(keyfile=keyfile, settings=settings(world)):
        with_a_bond = list(caplog.messages)
    with insured_service(keyfile=world.write_keyfile(CLIENT), settings=settings(world)):
        pass

    name = world.address(CLIENT)
    told = (
        f"bond covers nothing provider={name} total=0.00: paid routes answer 503, "
        f"`ape run bond status {name}` shows it"
    )
    assert (with_a_bond, caplog.messages) == ([], [told])


def test_in_process__facilitator_of_settings__settled_without_a_key(
    world: InsuredWorld, keyfile: Path
) -> None:
    settler = world.write_keyfile(IN_PROCESS_SETTLER)
    world.send(world.insurance.functions.setSettler(world.address(IN_PROCESS_SETTLER), True), PROVIDER)
    bond = world.bond_of(PROVIDER)
    client, provider = world.balance(CLIENT), world.balance(PROVIDER)
    answered: list[Answered] = []
    app = FastAPI()

    @app.get("/job", status_code=202)
    async def job(request: Request) -> dict[str, str]:
        return {"job": commitment_of(request, service).hex()}

    keyless = settings(world, facilitator_key=None)
    with (
        insured_facilitator(settler, settings=keyless, on_answer=answered.append) as facilitator,
        insured_service(keyfile=keyfile, settings=keyless, facilitator=facilitator, every_s=0.1) as service,
    ):
        insure(app, {"GET /job": service.paid("0.10", upfront=True, timeout_minutes=9)}, service)
        with serving(app) as url:
            (answer,) = called(world, f"{url}/job")
        commitment, transaction = world.locks()[-1]
        locked = (world.status(commitment), world.bond_of(PROVIDER))
        service.delivered(commitment)
        confirmed = comes(lambda: world.status(commitment) == CONFIRMED)
        with pytest.raises(NotAwaitedError):
            service.delivered(commitment)

    assert (answer.status_code, answer.json()) == (202, {"job": commitment.hex()})
    assert (facilitator.settlers, service.payment_address) == (
        (world.address(IN_PROCESS_SETTLER),),
        world.pay_to(PROVIDER),
    )
    assert locked == (OPEN, (bond[0], bond[1] + LOCK))
    assert confirmed
    assert world.bond_of(PROVIDER) == bond
    assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client - PRICE, provider + PRICE)
    assert [(each.what, each.code) for each in answered] == [("settle", "ok")]
    block = world.web3.eth.get_block(world.web3.eth.get_transaction(transaction)["blockNumber"])
    assert world.insurance.functions.policies(commitment).call()[2] == block["timestamp"] + 9 * 60


def test_service__server_and_delivery_key_of_ones_own__taken(
    world: InsuredWorld, facilitator: Running
) -> None:
    delivery = world.write_keyfile(STRANGER)
    for call in (
        world.insurance.functions.setDeliveryKey(world.address(STRANGER)),
        world.insurance.functions.setSettler(world.address(STRANGER), True),
    ):
        world.send(call, PROVIDER)
    server = resource_server(over_http(facilitator.url))
    sent = world.web3.eth.get_transaction_count(world.address(STRANGER))
    app = FastAPI()

    @app.get("/work")
    async def work() -> dict[str, str]:
        return {"result": "42"}

    ours = settings(world, facilitator_key=None)
    try:
        with insured_service(
            keyfile=delivery, provider=world.address(PROVIDER), settings=ours, server=server
        ) as service:
            insure(app, {"GET /work": service.paid("0.10")}, service)
            with serving(app) as url:
                (answer,) = called(world, f"{url}/work")
    finally:
        world.send(world.insurance.functions.setDeliveryKey("0x" + "0" * 40), PROVIDER)
        world.send(world.insurance.functions.setSettler(world.address(STRANGER), False), PROVIDER)

    assert service.server is server
    assert answer.status_code == 200
    assert world.status(world.locks()[-1][0]) == CONFIRMED
    assert world.web3.eth.get_transaction_count(world.address(STRANGER)) == sent + 1


def test_price__decimal_string__base_units_in_the_tokens_own_domain(
    world: InsuredWorld, keyfile: Path
) -> None:
    domain = {"name": "USDC", "version": "2"}
    handler = signal.getsignal(signal.SIGTERM)
    with insured_service(keyfile=keyfile, settings=settings(world)) as service:
        ours = signal.getsignal(signal.SIGTERM)
        price = service.price("1.25")
        for amount, error in (
            ("0.00", X402Error),
            ("-1.00", MoneyError),
            ("1e3", MoneyError),
            (1.5, MoneyError),
        ):
            with pytest.raises(error):
                service.price(amount)  # type: ignore[arg-type]
        with pytest.raises(X402Error, match="whole number"):
            insure(FastAPI(), {"GET /": service.paid("1.00", timeout_minutes=0)}, service)

    assert price == AssetAmount(amount="1250000", asset=world.usdc.address, extra=domain)
    assert (service.provider, service.network) == (world.address(PROVIDER), NETWORK)
    assert ours != handler
    assert signal.getsignal(signal.SIGTERM) == handler == signal.SIG_DFL


def test_service__handler_of_the_applications_own__stays(world: InsuredWorld, keyfile: Path) -> None:
    def own(*_: object) -> None:
        raise AssertionError

    signal.signal(signal.SIGTERM, own)
    try:
        with insured_service(keyfile=keyfile, settings=settings(world)):
            found = signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    assert found is own


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"provider_passphrase": "canary-wrong"}, SigningError, "the passphrase is wrong"),
        ({"provider_passphrase": None}, SettingsError, "set LIQPASS_PROVIDER_PASSPHRASE or"),
        ({"facilitator_key": None}, SettingsError, "set LIQPASS_FACILITATOR_KEY or"),
        ({"facilitator_key": "canary-short"}, SettingsError, "at least 32"),
    ],
)
def test_service__setting_missing_or_wrong__said_without_it(
    world: InsuredWorld, keyfile: Path, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    ours = settings(world, **changes)

    with pytest.raises(error, match=words) as refused, insured_service(keyfile=keyfile, settings=ours):
        pass

    assert "canary" not in str(refused.value)


def test_service__contract_not_there_or_key_of_nobody__refused(
    world: InsuredWorld, keyfile: Path, tmp_path: Path
) -> None:
    record = json.loads((world.folder / "local.json").read_text())
    record["contracts"]["X402InsuranceV2"]["address"] = world.address(PROVIDER)
    (tmp_path / "local.json").write_text(json.dumps(record))

    elsewhere = settings(world, deployment=tmp_path / "local.json")
    with (
        pytest.raises(WrongChainError, match="where the record has X402InsuranceV2"),
        insured_service(keyfile=keyfile, settings=elsewhere),
    ):
        pass
    with (
        pytest.raises(WrongChainError, match="neither"),
        insured_service(keyfile=keyfile, provider=world.address(SETTLER), settings=settings(world)),
    ):
        pass


def test_service__facilitator_and_server__one_of_them(world: InsuredWorld, keyfile: Path) -> None:
    server: Any = object()

    with (
        pytest.raises(X402Error, match="not both"),
        insured_service(keyfile=keyfile, settings=settings(world), facilitator=server, server=server),
    ):
        pass


def test_facilitator__no_keyfile_or_one_twice__refused(world: InsuredWorld) -> None:
    settler = world.folder / "settler.json"

    with pytest.raises(SigningError, match="name the keyfile"), insured_facilitator(settings=settings(world)):
        pass
    with (
        pytest.raises(SigningError, match="two keyfiles are of one account"),
        insured_facilitator(settler, settler, settings=settings(world)),
    ):
        pass

"""Canaries: no OKX secret and no user id lies in clear anywhere that we write."""

import logging
import traceback
from pathlib import Path

import pytest
from liqpass.adapters.database.key_vault import KeyVault, KeyVaultError, WrongMasterKeyError
from liqpass.bootstrap import Outside, UseCases
from liqpass.controls import Controlling
from liqpass.credentials import open_credentials
from liqpass.entrypoints.answers import batch_answer, claim_answer, order_answer
from liqpass.ports import OkxCredentials, OkxFetchError
from paper_chain import BUYER
from sqlalchemy import text
from worlds import MASTER_KEY, World

NEW_KEY = bytes([7]) * 32


def canaries(world: World, name: str) -> list[str]:
    account = world.okx.exchange.account(name)
    keys = [key.credentials for key in account.keys.values()]
    secrets = [text for key in keys for text in (key.api_key, key.secret, key.passphrase)]
    return [*secrets, account.uid, MASTER_KEY.hex()]


def with_keys(world: World, keys: list[bytes]) -> UseCases:
    outside = {name: getattr(world.outside, name) for name in Outside.__slots__}
    return UseCases(Outside(**{**outside, "vault": KeyVault(keys)}))


def test_whole_story__files_logs_answers_exports__no_canary(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    claim = world.approved("alice")
    batch = world.do.building.build(actor="op").batch
    report = world.do.reporting.report(batch.id, actor="op")
    shown = [
        str(order_answer(world.do.selling.show(claim.order_id), 0)),
        str(claim_answer(claim)),
        str(batch_answer(*world.do.building.show(batch.id))),
        world.do.exporting.batch_file(batch.id, actor="op").decode(),
        report.as_csv(),
        report.as_json().decode(),
        str(world.controlling.audit_entries()),
        repr(world.credentials("alice")),
        caplog.text,
        repr(world.snapshot()),
    ]
    files = [path.read_bytes() for path in tmp_path.iterdir()]

    if world.engine.dialect.name == "sqlite":
        assert {path.name for path in tmp_path.iterdir()} >= {"liqpass.db", "liqpass.db-wal"}
    for canary in canaries(world, "alice"):
        assert all(canary not in text for text in shown)
        assert all(canary.encode() not in data for data in files)


def test_fetch_fails__traceback_and_claim__no_canary(world: World) -> None:
    order = world.covered("alice")
    world.okx.fault = OkxFetchError("FETCH_FAILED", "OKX is busy")
    claim = world.do.claiming.submit(order.id, actor="buyer")
    with world.store.read() as unit:
        sealed = unit.controls.credential(order.id)
    assert sealed is not None
    try:
        KeyVault([NEW_KEY]).open(sealed, row="okx_credentials/x")
    except KeyVaultError:
        trace = traceback.format_exc()

    for canary in canaries(world, "alice"):
        assert canary not in trace + repr(claim) + repr(sealed)


def test_credential__row_copied_to_another_order__does_not_open(world: World) -> None:
    first, second = world.covered("alice"), world.covered("bob", "0x" + "b2" * 20)
    with world.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE okx_credentials SET sealed = "
                "(SELECT sealed FROM okx_credentials WHERE order_id = :a) WHERE order_id = :b"
            ),
            {"a": first.id, "b": second.id},
        )

    with pytest.raises(KeyVaultError, match="moved from another row"), world.store.read() as unit:
        open_credentials(unit, world.outside.vault, second.id)


def test_rotate_keys__both_given__claims_work_under_the_new_one_alone(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")

    both = KeyVault([NEW_KEY, MASTER_KEY])
    count = Controlling(world.store, world.clock, both).rotate_keys(actor="op")
    claim = with_keys(world, [NEW_KEY]).claiming.submit(order.id, actor="buyer")

    assert (count, claim.verdict) == (2, "ELIGIBLE")  # the credential and the uid key


def test_rotate_keys__old_one_missing__refused_and_nothing_changed(world: World) -> None:
    world.covered("alice")
    before = world.snapshot()

    with pytest.raises(WrongMasterKeyError):
        Controlling(world.store, world.clock, KeyVault([NEW_KEY])).rotate_keys(actor="op")

    assert world.snapshot() == before


def test_open_credentials__covered_order__what_was_bound(world: World) -> None:
    order = world.covered("alice", BUYER)

    with world.store.read() as unit:
        found = open_credentials(unit, world.outside.vault, order.id)

    assert isinstance(found, OkxCredentials)
    assert found.api_key == world.credentials("alice").api_key

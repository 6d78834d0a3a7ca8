"""Canaries of a buyer's stored key: in clear nowhere, whatever is done with it or goes wrong."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from liqpass.adapters.database.key_vault import KeyVault, KeyVaultError
from liqpass.adapters.database.tables import buyer_keys
from liqpass.bootstrap import UseCases
from liqpass.domain.reasons import Reason
from liqpass.ports import OkxCredentials, OkxFetchError
from liqpass.refusals import RefusedError
from paper_chain import BUYER, OTHER_BUYER
from sqlalchemy import select, update
from worlds import MASTER_KEY, World

NEW_KEY = bytes([7]) * 32


def canaries(world: World, name: str) -> list[str]:
    """What identifies or opens the account."""
    account = world.okx.exchange.account(name)
    keys = [key.credentials for key in account.keys.values()]
    secrets = [text for key in keys for text in (key.api_key, key.secret, key.passphrase)]
    return [*secrets, account.uid, account.main_uid, MASTER_KEY.hex()]


def traces(error: type[Exception], *calls: Callable[[], object]) -> str:
    """The tracebacks of calls that must fail, with every local of every frame."""
    found = []
    for call in calls:
        try:
            call()
        except error as raised:
            found.append(
                "".join(traceback.TracebackException.from_exception(raised, capture_locals=True).format())
            )
        else:
            raise AssertionError(f"did not raise {error.__name__}")
    return "".join(found)


def test_key__bound_used_replaced_rotated_deleted__no_canary_in_files_log_or_audit(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.covered("alice", BUYER)
    world.okx.exchange.add_key("alice", "second", "read_only")
    shown: list[object] = [world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")]
    shown += [world.do.keys.bind(BUYER, world.credentials("alice", "second"), actor="buyer")]
    shown += [world.do.keys.show(BUYER), world.do.keys.credentials(BUYER), world.do.keys.positions(BUYER)]
    world.controlling.rotate_keys(actor="op")
    stored = [world.snapshot(), *(path.read_bytes() for path in tmp_path.iterdir())]
    world.do.keys.delete(BUYER, actor="buyer")
    stored += [world.snapshot(), *(path.read_bytes() for path in tmp_path.iterdir())]

    said = repr(shown) + repr(world.controlling.audit_entries()) + caplog.text
    for canary in canaries(world, "alice"):
        assert canary not in said
        assert all(canary not in repr(each) for each in stored)
        assert all(canary.encode() not in each for each in stored if isinstance(each, bytes))


def test_key__refused_or_unreachable__no_canary_in_exceptions(world: World) -> None:
    world.trader("alice")
    good, wide = world.credentials("alice"), world.credentials("alice", "trader")
    refused = traces(RefusedError, lambda: world.do.keys.bind(BUYER, wide, actor="buyer"))
    unknown = OkxCredentials("unknown-key", good.secret, good.passphrase, False)
    failed = traces(OkxFetchError, lambda: world.do.keys.bind(BUYER, unknown, actor="buyer"))
    world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "OKX is busy")
    failed += traces(OkxFetchError, lambda: world.do.keys.bind(BUYER, good, actor="buyer"))

    for canary in [*canaries(world, "alice"), "unknown-key"]:
        assert canary not in refused + failed
        assert canary not in repr(world.snapshot())


def test_key__row_copied_to_another_buyer__does_not_open(world: World) -> None:
    """Who can write to the database cannot make somebody else's key theirs."""
    for name, buyer in (("alice", BUYER), ("bob", OTHER_BUYER)):
        world.trader(name)
        world.do.keys.bind(buyer, world.credentials(name), actor="buyer")
    sealed = select(buyer_keys.c.sealed).where(buyer_keys.c.buyer == BUYER)
    with world.engine.begin() as connection:
        stolen = connection.execute(sealed).scalar_one()
        connection.execute(update(buyer_keys).where(buyer_keys.c.buyer == OTHER_BUYER).values(sealed=stolen))

    with pytest.raises(KeyVaultError, match="moved from another row"):
        world.do.keys.credentials(OTHER_BUYER)


def test_key__master_key_lost__no_canary_in_exceptions(world: World) -> None:
    world.trader("alice")
    world.do.keys.bind(BUYER, world.credentials("alice"), actor="buyer")
    later = UseCases(replace(world.outside, vault=KeyVault([NEW_KEY])))

    trace = traces(KeyVaultError, lambda: later.keys.credentials(BUYER), lambda: later.keys.positions(BUYER))

    assert all(canary not in trace for canary in canaries(world, "alice"))
    assert NEW_KEY.hex() not in trace

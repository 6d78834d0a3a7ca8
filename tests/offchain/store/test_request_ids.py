"""The audit log says which request caused an entry, and its chain covers that."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from audit_triggers import drop_audit_triggers
from liqpass.adapters.database.store import SqlStore
from liqpass.domain.audit import AuditEntry, verify_chain
from liqpass.records import Act
from liqpass.request_id import serving_request
from sqlalchemy import Engine

ACT = Act("rita", "APPROVED", 1, {"reason": "fine", "z": "last"})


@pytest.fixture
def store(engine: Engine) -> SqlStore:
    return SqlStore(engine)


def note(store: SqlStore) -> None:
    with store.write() as unit:
        unit.controls.note("claim/1", ACT)


def entries(store: SqlStore) -> list[AuditEntry]:
    with store.read() as unit:
        found = list(unit.audit.entries())
        assert verify_chain(found, unit.audit.anchor()) is None
        return found


def test_append__inside_a_request__its_id_is_in_the_details(store: SqlStore) -> None:
    with serving_request("req-1"):
        note(store)

    assert [entry.details for entry in entries(store)] == [
        {"reason": "fine", "requestId": "req-1", "z": "last"}
    ]


def test_append__outside_any_request__no_id(store: SqlStore) -> None:
    with serving_request("req-1"):
        pass

    note(store)

    assert [entry.details for entry in entries(store)] == [{"reason": "fine", "z": "last"}]


def test_append__thread_with_the_requests_context__the_same_id(store: SqlStore) -> None:
    with serving_request("req-1"), ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, note, store).result()

    assert entries(store)[0].details["requestId"] == "req-1"


def test_append__id_changed_afterwards__found(store: SqlStore, engine: Engine) -> None:
    with serving_request("req-1"):
        note(store)
    with engine.begin() as connection:
        drop_audit_triggers(connection)
        connection.exec_driver_sql("UPDATE audit SET details = replace(details, 'req-1', 'req-2')")

    with store.read() as unit:
        fault = verify_chain(unit.audit.entries())

    assert fault is not None
    assert fault.seq == 1

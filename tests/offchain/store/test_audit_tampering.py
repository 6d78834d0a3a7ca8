"""Whoever gets around the triggers is found by the chain; a cut at the end by the anchor."""

import pytest
from audit_triggers import drop_audit_triggers
from liqpass.adapters.database.store import SqlStore
from liqpass.controls import Controlling
from liqpass.domain.audit import Anchor
from liqpass.records import Act
from sqlalchemy import Engine


class StoppedClock:
    def now_ms(self) -> int:
        return 1


@pytest.fixture
def log(engine: Engine) -> Controlling:
    """Five entries, and no triggers any more: an attacker with the database drops them first."""
    store = SqlStore(engine)
    with store.write() as unit:
        for number in range(1, 6):
            unit.controls.note(f"order/{number}", Act("rita", "APPROVED", number, {"reason": f"r{number}"}))
    with engine.begin() as connection:
        drop_audit_triggers(connection)
    return Controlling(store, StoppedClock(), None)  # type: ignore[arg-type]  # the vault is not used


def anchor_of(log: Controlling) -> Anchor:
    return log.verify_audit(None)[0]


def test_verify_audit__untouched__no_fault_with_and_without_anchor(log: Controlling) -> None:
    anchor = anchor_of(log)

    assert anchor.count == 5
    assert log.verify_audit(None)[1] is None
    assert log.verify_audit(anchor)[1] is None


@pytest.mark.parametrize(
    ("sql", "entry"),
    [
        ("UPDATE audit SET actor = 'ravi' WHERE seq = 3", 3),
        ('UPDATE audit SET details = \'{"reason": "other"}\' WHERE seq = 2', 2),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("UPDATE audit SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4)", 1),
    ],
)
def test_verify_audit__edited_deleted_or_reordered__found_at_the_entry(
    log: Controlling, engine: Engine, sql: str, entry: int
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)

    fault = log.verify_audit(None)[1]

    assert fault is not None
    assert fault.seq == entry


def test_verify_audit__two_entries_swapped__found(log: Controlling, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET seq = 99 WHERE seq = 3")
        connection.exec_driver_sql("UPDATE audit SET seq = 3 WHERE seq = 4")
        connection.exec_driver_sql("UPDATE audit SET seq = 4 WHERE seq = 99")

    fault = log.verify_audit(None)[1]

    assert fault is not None
    assert fault.seq == 3


def test_verify_audit__end_cut_off__found_by_the_recorded_head(log: Controlling, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq > 3")

    fault = log.verify_audit(None)[1]

    assert fault is not None
    assert "ends after 3" in fault.message


def test_verify_audit__end_cut_off_and_head_set_back__found_by_the_anchor_only(
    log: Controlling, engine: Engine
) -> None:
    anchor = anchor_of(log)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq > 3")
        connection.exec_driver_sql(
            "UPDATE audit_head SET count = 3, head = (SELECT entry_hash FROM audit WHERE seq = 3)"
        )

    assert log.verify_audit(None)[1] is None
    fault = log.verify_audit(anchor)[1]
    assert fault is not None
    assert "ends after 3" in fault.message


def test_verify_audit__rewritten_from_an_entry_on__found_by_the_anchor(
    log: Controlling, engine: Engine
) -> None:
    anchor = anchor_of(log)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq > 3")
        connection.exec_driver_sql(
            "UPDATE audit_head SET count = 3, head = (SELECT entry_hash FROM audit WHERE seq = 3)"
        )
    with SqlStore(engine).write() as unit:
        for number in (4, 5):
            unit.controls.note("order/9", Act("mallory", "APPROVED", number, {}))

    fault = log.verify_audit(anchor)[1]

    assert fault is not None
    assert (fault.seq, fault.message) == (5, "differs from the anchored head: the log was rewritten")

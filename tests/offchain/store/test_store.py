"""Constraints and compare-and-set, underneath whatever the use cases check."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import pytest
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.store import SqlStore
from liqpass.records import Act, Batch, Claim, Order, PaidOut, StaleStateError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

ACT = Act("tester", "TESTED", 1, {})
ORDER = Order(
    id="00000000-0000-4000-8000-000000000001",
    order_hash="0x" + "01" * 32,
    state="COVERED",
    buyer="0x" + "b1" * 20,
    chain_id=31337,
    checkout="0x" + "c0" * 20,
    premium=1_000_000,
    payout=50_000_000,
    params_version="0123456789abcdef",
    valid_until_s=1,
    created_at_ms=1,
    policy_no=1,
)
CLAIM = Claim("claim-1", ORDER.id, 1, "PENDING", 1, 1, 1, "token-1")
BATCH = Batch(20260922, "PLANNED", 31337, "0x" + "fa" * 20, "0x" + "00" * 32, 1, 1, 1)
PAID = PaidOut(1, "claim-1", 20260922, "0x" + "b1" * 20, 1, "0x" + "00" * 32, None, 1, 1)


@pytest.fixture
def store(engine: Engine) -> SqlStore:
    store = SqlStore(engine)
    with store.write() as unit:
        unit.controls.keep_parameters(ORDER.params_version, "{}", 1)
        unit.orders.add(ORDER, ACT)
        unit.claims.add(CLAIM, ACT)
        unit.batches.add(BATCH, [], ACT)
    return store


def test_write__exception_inside__nothing_left_not_even_the_audit_entry(store: SqlStore) -> None:
    with store.read() as unit:
        before = unit.audit.anchor()

    with pytest.raises(ZeroDivisionError), store.write() as unit:
        unit.orders.advance(ORDER, "CLAIM_REQUESTED", ACT)
        raise ZeroDivisionError

    with store.read() as unit:
        assert unit.audit.anchor() == before
        assert unit.orders.get(ORDER.id) == ORDER


def test_advance__state_moved_on__stale(store: SqlStore) -> None:
    with store.write() as unit:
        unit.orders.advance(ORDER, "CLAIM_REQUESTED", ACT)

    with pytest.raises(StaleStateError), store.write() as unit:
        unit.orders.advance(ORDER, "PAID", ACT)


def test_advance__claim_of_an_older_attempt__stale(store: SqlStore) -> None:
    with pytest.raises(StaleStateError), store.write() as unit:
        unit.claims.advance(replace(CLAIM, attempt=2), "APPROVED", ACT)


def test_advance__batch_moved_on__stale(store: SqlStore) -> None:
    with pytest.raises(StaleStateError), store.write() as unit:
        unit.batches.advance(replace(BATCH, state="APPROVED"), "CLOSED", ACT)


def test_add_claim__order_has_a_live_one__refused_by_the_database(store: SqlStore) -> None:
    second = replace(CLAIM, id="claim-2", proof_token="token-2")

    with pytest.raises(IntegrityError), store.write() as unit:
        unit.claims.add(second, ACT)


def test_add_claim__first_one_rejected__accepted(store: SqlStore) -> None:
    second = replace(CLAIM, id="claim-2", proof_token="token-2")

    with store.write() as unit:
        unit.claims.advance(CLAIM, "REJECTED", ACT)
        unit.claims.add(second, ACT)

    with store.read() as unit:
        assert unit.claims.live_of(ORDER.id) == second


def test_add_payout__policy_paid_already__refused_by_the_database(store: SqlStore) -> None:
    with store.write() as unit:
        unit.batches.add_payout(PAID)

    with pytest.raises(IntegrityError), store.write() as unit:
        unit.batches.add_payout(PAID)


@pytest.mark.parametrize(
    "same",
    [{"policy_no": 1}, {"order_hash": ORDER.order_hash}, {"payment_tx": "0x1", "payment_log_index": 0}],
)
def test_add_order__number_hash_or_payment_taken__refused_by_the_database(
    store: SqlStore, same: dict[str, object]
) -> None:
    other = replace(ORDER, id="other", order_hash="0x" + "02" * 32, policy_no=2)
    with store.write() as unit:
        unit.orders.advance(ORDER, "PAID", ACT, payment_tx="0x1", payment_log_index=0)

    with pytest.raises(IntegrityError), store.write() as unit:
        unit.orders.add(replace(other, **same), ACT)  # type: ignore[arg-type]


def test_add_claim__of_no_order__refused_by_the_foreign_key(store: SqlStore) -> None:
    with pytest.raises(IntegrityError), store.write() as unit:
        unit.claims.add(replace(CLAIM, id="claim-2", order_id="none", proof_token="token-2"), ACT)


def test_next_policy_no__after_a_rollback_and_a_reopen__goes_on(store: SqlStore, engine: Engine) -> None:
    with store.write() as unit:
        assert unit.orders.next_policy_no() == 1
    engine.dispose()

    with SqlStore(engine).write() as unit:
        assert unit.orders.next_policy_no() == 2


@pytest.mark.parametrize("sql", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_audit__changed_by_sql__refused_by_the_trigger(store: SqlStore, engine: Engine, sql: str) -> None:
    assert store is not None
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(sql)


def test_audit__truncated__refused_by_the_trigger(postgres_url: str) -> None:
    engine = open_engine(postgres_url)

    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE audit")
    engine.dispose()


def test_read__another_writes_meanwhile__one_consistent_state(store: SqlStore) -> None:
    with store.read() as unit:
        before = unit.audit.anchor()
        with store.write() as other:
            other.orders.advance(ORDER, "CLAIM_REQUESTED", ACT)

        assert unit.orders.get(ORDER.id) == ORDER
        assert unit.audit.anchor() == before


def test_write__one_inside_a_transaction__the_next_waits_for_its_end(store: SqlStore) -> None:
    taken, waited = threading.Event(), threading.Event()

    def second() -> int:
        taken.wait(30)
        with store.write() as unit:
            assert waited.is_set()
            return unit.orders.next_policy_no()

    with ThreadPoolExecutor(1) as pool:
        number = pool.submit(second)
        with store.write() as unit:
            unit.orders.next_policy_no()
            taken.set()
            assert not wait([number], timeout=0.2).done
            waited.set()

        assert number.result(30) == 2


def test_error__row_refused__shows_no_parameters(store: SqlStore) -> None:
    with pytest.raises(IntegrityError) as caught, store.write() as unit:
        unit.orders.add(replace(ORDER, manual_reason="canary"), ACT)

    assert "canary" not in str(caught.value)

"""What a client keeps of a payment, and what has become of it by the chain's word."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from liqpass.adapters.chain.errors import JournalError, JournalPermissionError
from liqpass.adapters.x402.receipts import Receipts
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import MAX_USDC, Usdc
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from liqpass.domain.x402.insured_settlement import Authorization
from liqpass.domain.x402.receipts import (
    Answer,
    ReceiptState,
    Standing,
    disagreements,
    new_receipt,
    receipt_state,
)
from x402_terms import BASE, CLIENT, LOCAL, NONCE, PROVIDER, SETTLEMENTS

VALID_BEFORE, DEADLINE = 1_000, 2_000
SIGNED = Authorization(CLIENT, "0x" + "77" * 20, Usdc(100_000), 0, VALID_BEFORE, NONCE)
RECEIPT = new_receipt(LOCAL, PROVIDER, SIGNED, url="https://api.example/work", signed_at_s=700)
LATER = replace(RECEIPT, commitment=b"\x99" * 32, nonce=b"\x0f" * 32, signed_at_s=800)
TRANSACTION = b"\xab" * 32
ENDLESS = "WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT 1 FROM n"


def locked(status: PaymentStatus = PaymentStatus.OPEN, **changes: object) -> InsuredPayment:
    policy = InsuredPayment(
        RECEIPT.commitment, PROVIDER, CLIENT, Usdc(100_000), Usdc(102_000), DEADLINE, status
    )
    return replace(policy, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Receipts]:
    with Receipts.open(tmp_path / "client" / "receipts.db") as opened:
        yield opened


def test_new_receipt__of_an_authorization__commitment_of_the_contract() -> None:
    assert RECEIPT.commitment == SETTLEMENTS[LOCAL]
    assert (RECEIPT.amount, RECEIPT.valid_before_s, RECEIPT.answer) == (100_000, VALID_BEFORE, None)


@pytest.mark.parametrize(
    ("policy", "used", "time_s", "state"),
    [
        (None, False, VALID_BEFORE - 1, ReceiptState.UNSETTLED),
        (None, False, VALID_BEFORE, ReceiptState.EXPIRED),
        (None, True, VALID_BEFORE - 1, ReceiptState.STRAY),
        (None, True, VALID_BEFORE, ReceiptState.STRAY),
        (locked(), True, DEADLINE, ReceiptState.LOCKED),
        (locked(), True, DEADLINE + 1, ReceiptState.DUE),
        (locked(PaymentStatus.CONFIRMED), True, DEADLINE + 1, ReceiptState.CONFIRMED),
        (locked(PaymentStatus.REFUNDED), True, DEADLINE, ReceiptState.REFUNDED),
        (locked(PaymentStatus.CLAIMED), True, DEADLINE + 1, ReceiptState.CLAIMED),
    ],
)
def test_receipt_state__by_lock_and_time__one_each(
    policy: InsuredPayment | None, used: bool, time_s: int, state: ReceiptState
) -> None:
    assert receipt_state(RECEIPT, Standing(time_s, policy, used)) is state


def test_receipt_state__used_up_by_its_client__cancelled_and_no_stray() -> None:
    standing = Standing(VALID_BEFORE, None, authorization_used=True, cancelled=True)
    said_settled = replace(RECEIPT, answer=Answer(True, TRANSACTION, DEADLINE))

    assert receipt_state(RECEIPT, standing) is ReceiptState.CANCELLED
    assert disagreements(RECEIPT, standing) == ()
    assert disagreements(said_settled, standing) == (
        "the server says settled, but the client cancelled the payment at USDC",
    )


def test_is_final__of_each_state__what_only_a_reorganisation_changes() -> None:
    assert {state for state in ReceiptState if not state.is_final} == {"unsettled", "locked", "due"}


@pytest.mark.parametrize(
    ("answer", "policy", "used", "said"),
    [
        (None, None, False, ()),
        (None, locked(), True, ()),
        (Answer(True, TRANSACTION, DEADLINE), locked(), True, ()),
        (Answer(True, None, None), locked(), True, ()),
        (Answer(True, TRANSACTION, DEADLINE), None, False, ()),
        (Answer(False, None, None), None, True, ()),
        (
            Answer(True, TRANSACTION, DEADLINE),
            None,
            True,
            ("the server says settled, and USDC took the payment, but nothing is locked",),
        ),
        (
            Answer(True, TRANSACTION, DEADLINE + 1),
            locked(),
            True,
            ("deadline is 2000 on the chain, 2001 was said",),
        ),
        (Answer(False, None, None), locked(), True, ("the server said not settled, but it was locked",)),
    ],
)
def test_disagreements__server_and_chain__chain_counts(
    answer: Answer | None, policy: InsuredPayment | None, used: bool, said: tuple[str, ...]
) -> None:
    assert disagreements(replace(RECEIPT, answer=answer), Standing(900, policy, used)) == said


def test_disagreements__lock_of_something_else__each_field_told() -> None:
    other = "0x" + "5e" * 20
    policy = locked(provider=other, client=other, amount=Usdc(1))

    said = disagreements(RECEIPT, Standing(900, policy, True))

    theirs = checksum_address(other)
    assert said == (
        f"provider is {theirs} on the chain, {checksum_address(PROVIDER)} was signed",
        f"client is {theirs} on the chain, {checksum_address(CLIENT)} was signed",
        "amount is 0.000001 on the chain, 0.10 was signed",
    )


def test_store__entered_and_answered__read_back_whole(store: Receipts) -> None:
    largest = replace(LATER, amount=MAX_USDC, valid_before_s=2**256 - 1)
    for receipt in (RECEIPT, largest):
        store.enter(receipt)
    store.enter_answer(RECEIPT.commitment, Answer(True, TRANSACTION, DEADLINE))

    assert store.of(LOCAL) == [replace(RECEIPT, answer=Answer(True, TRANSACTION, DEADLINE)), largest]
    assert store.of(BASE) == []
    assert (store.of_others(LOCAL), store.of_others(BASE)) == (0, 2)
    assert store.signed(CLIENT, LATER.nonce) == largest
    assert store.signed(CLIENT, b"\x00" * 32) is None


def test_store__same_signature_twice__refused_and_first_kept(store: Receipts) -> None:
    store.enter(RECEIPT)

    with pytest.raises(JournalError, match="IntegrityError"):
        store.enter(replace(RECEIPT, url="https://elsewhere.example/"))

    assert store.of(LOCAL) == [RECEIPT]


def test_store__two_processes_and_threads__all_entered(tmp_path: Path) -> None:
    path = tmp_path / "receipts.db"

    def enter(first: int) -> None:
        with Receipts.open(path) as store:
            for number in range(first, first + 20):
                nonce = number.to_bytes(32, "big")
                store.enter(replace(RECEIPT, commitment=nonce, nonce=nonce))

    threads = [threading.Thread(target=enter, args=(first,)) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with Receipts.open(path) as store:
        assert len(store.of(LOCAL)) == 40


def read_elsewhere(path: Path) -> list[bytes]:
    """The commitments that another process finds in a store."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(commitments, (path,))


def commitments(path: Path) -> list[bytes]:
    with Receipts.open(path) as store:
        return [receipt.commitment for receipt in store.of(LOCAL)]


def open_at_once(path: Path, begin: Barrier, faults: Queue[str | None]) -> None:
    begin.wait()
    try:
        faults.put(str(commitments(path) or "") or None)
    except JournalError as fault:
        faults.put(str(fault))


def test_store__opened_twice_in_a_process_and_once_in_another__nothing_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "receipts.db"
    with Receipts.open(path) as store:
        store.enter(RECEIPT)
        with Receipts.open(path) as second:
            assert second.of(LOCAL) == [RECEIPT]
        assert read_elsewhere(path) == [RECEIPT.commitment]

        store.enter(LATER)

        assert read_elsewhere(path) == [RECEIPT.commitment, LATER.commitment]


def test_store__begun_by_several_processes_at_once__one_store_and_no_fault(tmp_path: Path) -> None:
    context, processes = multiprocessing.get_context("fork"), 6
    for turn in range(20):
        path = tmp_path / str(turn) / "receipts.db"
        begin, faults = context.Barrier(processes), context.Queue()
        running = [context.Process(target=open_at_once, args=(path, begin, faults)) for _ in range(processes)]
        for each in running:
            each.start()
        found = [faults.get(timeout=30) for _ in running]
        for each in running:
            each.join()

        left = [file for file in path.parent.iterdir() if file.is_dir()]
        assert (found, left) == ([None] * processes, [])


def test_store__on_the_disk__for_its_owner_only_and_written_through(tmp_path: Path) -> None:
    path = tmp_path / "new" / "receipts.db"
    with Receipts.open(path) as store:
        store.enter(RECEIPT)
        modes = {file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
        synchronous = store._connection.execute("PRAGMA synchronous").fetchone()[0]

    assert (modes, path.parent.stat().st_mode & 0o077, synchronous) == ({0}, 0, 2)
    with sqlite3.connect(path) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(receipts)")}
    assert not {name for name in columns if "sign" in name and name != "signed_at_s"}


def test_store__readable_by_others__refused(tmp_path: Path) -> None:
    path = tmp_path / "receipts.db"
    path.touch(0o644)
    path.chmod(0o644)

    with (
        pytest.raises(JournalPermissionError, match="has mode 0644: others must not read it"),
        Receipts.open(path),
    ):
        pass


def test_store__table_of_another_shape__told(tmp_path: Path) -> None:
    path = tmp_path / "receipts.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE receipts (chain_id INTEGER, contract TEXT)")
        connection.execute("INSERT INTO receipts VALUES (?, ?)", (LOCAL.chain_id, LOCAL.contract))
    path.chmod(0o600)

    with Receipts.open(path) as store:
        with pytest.raises(JournalError, match="the receipts cannot be used: OperationalError"):
            store.enter(RECEIPT)
        with pytest.raises(JournalError, match="the receipts hold something else: No item with that key"):
            store.of(LOCAL)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("amount", b"12", "bytes instead of str"),
        ("valid_before_s", b"12", "bytes instead of str"),
        ("signed_at_s", "yesterday", "str instead of int"),
        ("signed_at_s", 1.5, "float instead of int"),
        ("url", b"https://x.example", "bytes instead of str"),
        ("transaction_hash", "0x12", "transaction is not bytes"),
        ("transaction_hash", b"\x12", "transaction of 1 bytes instead of 32"),
        ("deadline_s", "tomorrow", "str instead of int"),
        ("chain_id", 31337.5, None),
    ],
)
def test_store__of_a_stranger_with_another_type_in_a_column__told(
    tmp_path: Path, column: str, value: object, said: str | None
) -> None:
    path = tmp_path / "receipts.db"
    with Receipts.open(path) as store:
        store.enter(RECEIPT)
        store.enter_answer(RECEIPT.commitment, Answer(True, TRANSACTION, DEADLINE))
        with sqlite3.connect(path) as other:
            other.execute(f"UPDATE receipts SET {column} = ?", (value,))

        if said is None:  # of another contract or chain
            assert store.of(LOCAL) == []
        else:
            with pytest.raises(JournalError, match=f"the receipts hold something else: {said}"):
                store.of(LOCAL)


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("view", f"CREATE VIEW receipts AS {ENDLESS}"),
        ("trigger", "CREATE TRIGGER forget AFTER INSERT ON receipts BEGIN DELETE FROM receipts; END"),
    ],
)
def test_store__of_a_stranger_that_never_ends_or_forgets__refused(
    tmp_path: Path, kind: str, statement: str
) -> None:
    path = tmp_path / "receipts.db"
    with Receipts.open(path):
        pass
    with sqlite3.connect(path) as other:
        if kind == "view":
            other.execute("DROP TABLE receipts")
        other.execute(statement)

    with pytest.raises(JournalError, match=f"cannot be used: it holds a {kind}"), Receipts.open(path):
        pass


def test_store__not_a_database__refused(tmp_path: Path) -> None:
    path = tmp_path / "receipts.db"
    path.write_bytes(b"something else" * 100)
    path.chmod(0o600)

    with pytest.raises(JournalError, match="cannot be used"), Receipts.open(path):
        pass


def test_open__file_of_something_else__said_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "client.json"
    path.write_text('{"crypto": "a keyfile, say"}')
    path.chmod(0o600)

    with (
        pytest.raises(JournalError, match="cannot be used: file is not a database"),
        Receipts.open(path),
    ):
        pass

    assert path.read_text() == '{"crypto": "a keyfile, say"}'

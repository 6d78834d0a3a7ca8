"""Edit, delete, insert and reorder are found; truncation with an anchor."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.audit import EMPTY, GENESIS, Anchor, append, verify_chain


def _log(count):
    entries, anchor = [], EMPTY
    for number in range(1, count + 1):
        entry = append(
            anchor,
            at_ms=1000 + number,
            actor="reviewer-1",
            action="APPROVE",
            subject=f"claim:{number}",
            details={"reason": "整理", "amount": "50.00"},
        )
        entries.append(entry)
        anchor = Anchor(entry.seq, entry.entry_hash)
    return entries, anchor


def test_append__first_entry__known_hash():
    (entry,), _ = _log(1)

    assert (entry.seq, entry.prev_hash) == (1, GENESIS)
    assert entry.entry_hash == "8accd304a3c319ecad9f5879d67f5e0137a39ec6304efc0e5acbaa9257120b6b"


def test_verify__whole_log__no_fault():
    entries, anchor = _log(5)

    assert verify_chain(entries) is None
    assert verify_chain(entries, anchor) is None
    assert verify_chain([]) is None
    assert verify_chain([], EMPTY) is None
    assert verify_chain(entries, EMPTY) is None


def test_verify__log_grown_since_the_anchor__no_fault():
    entries, _ = _log(7)
    _, anchor = _log(4)

    assert verify_chain(entries, anchor) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"at_ms": 1},
        {"actor": "reviewer-2"},
        {"action": "REJECT"},
        {"subject": "claim:9"},
        {"details": {}},
        {"details": {"reason": "整理", "amount": "50.01"}},
        {"entry_hash": "0" * 64},
    ],
)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_verify__entry_edited__found_there(changes, place):
    entries, _ = _log(5)
    entries[place] = dataclasses.replace(entries[place], **changes)

    fault = verify_chain(entries)
    assert fault is not None
    assert (fault.seq, fault.message) == (place + 1, "was changed after it was written")


def test_verify__entry_edited_and_rehashed__found_at_the_next():
    entries, anchor = _log(3)
    before = Anchor(1, entries[0].entry_hash)
    entries[1] = append(before, at_ms=5, actor="x", action="y", subject="z", details={})

    assert verify_chain(entries).seq == 3
    assert verify_chain(entries).message == "does not follow the entry before it"
    # rewritten to the very end, only the anchor tells
    end = append(Anchor(2, entries[1].entry_hash), at_ms=5, actor="x", action="y", subject="z", details={})
    rewritten = [*entries[:2], end]
    assert verify_chain(rewritten) is None
    fault = verify_chain(rewritten, anchor)
    assert (fault.seq, fault.message) == (3, "differs from the anchored head: the log was rewritten")


@pytest.mark.parametrize("place", [0, 1, 3])
def test_verify__entry_deleted__found(place):
    entries, _ = _log(5)
    del entries[place]

    assert verify_chain(entries).seq == place + 1


@pytest.mark.parametrize("keep", [0, 1, 4])
def test_verify__truncated__found_with_an_anchor_only(keep):
    entries, anchor = _log(5)

    assert verify_chain(entries[:keep]) is None
    fault = verify_chain(entries[:keep], anchor)
    assert (fault.seq, fault.message) == (
        keep + 1,
        f"log ends after {keep} entries, the anchor counts 5",
    )


@given(st.permutations(range(5)))
def test_verify__reordered__found(order):
    entries, _ = _log(5)
    shuffled = [entries[place] for place in order]

    assert (verify_chain(shuffled) is None) == (order == list(range(5)))

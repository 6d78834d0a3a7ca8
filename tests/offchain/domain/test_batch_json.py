"""The exported file: reads back, and no change of a character slips past reader and check."""

import dataclasses
import json

import pytest
from batch_stories import batch, facts, item, manual_item, payment, unsound_requests
from domain_stories import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from liqpass.domain.batch_check import check
from liqpass.domain.batch_file import BatchFile, BatchFileError, Redirect
from liqpass.domain.batch_json import parse_batch_file, write_batch_file
from liqpass.domain.parameters import CONSERVATIVE

FILE = batch(item(1))
DATA = write_batch_file(FILE)
KNOWN = facts(payment(1))
OURS = {CONSERVATIVE.params_version}
# What no one vouches for and nothing depends on: when and by whom the file and the approval were made.
FREE = {("created_at_ms",), ("items", "review")}


def test_batch_file__every_kind_of_item__reads_back():
    elsewhere = Redirect("0x" + "ee" * 20, "0x1234")
    file = batch(
        item(1),
        item(2, unsound_requests(), redirect=elsewhere),
        manual_item(3),
        item(4, requests(closed=[], orders=[])),
    )

    assert parse_batch_file(write_batch_file(file)) == file
    assert write_batch_file(file) == write_batch_file(parse_batch_file(write_batch_file(file)))


def test_batch_file__build__root_and_total_computed():
    file = batch(item(1), item(2))

    assert file.total == 100_000_000
    assert file.payout_root == file.tree().root
    with pytest.raises(BatchFileError, match="at least one payout"):
        batch()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "liqpass.batch/2"),
        (("batchId",), 20261121),
        (("vault",), "0x" + "0" * 40),
        (("payoutRoot",), "0x12"),
        (("total",), "1.00"),
        (("parameters",), []),
        (("items",), {}),
        (("items", 0), []),
        (("items", 0, "amount"), "-1"),
        (("items", 0, "more"), "x"),
        (("items", 0, "order"), "1"),
        (("items", 0, "quote"), None),
        (("items", 0, "quote", "premium"), "x"),
        (("items", 0, "binding", "schema"), "x"),
        (("items", 0, "bundle", "salt"), "x"),
        (("items", 0, "decision", "verdict"), "MAYBE"),
        (("items", 0, "decision", "reasons"), ["BECAUSE"]),
        (("items", 0, "decision", "reasons"), "x"),
        (("items", 0, "review", "reviewer"), None),
        (("items", 0, "payment"), {"kind": "cash"}),
        (("items", 0, "payment"), None),
        (("items", 0, "payment", "transaction"), "0x"),
        (("items", 0, "redirect"), {"recipient": "x", "signature": ""}),
    ],
)
def test_parse__one_part_malformed__refused(path, value):
    document = json.loads(DATA)
    *parents, last = path
    target = document
    for step in parents:
        target = target[step]
    target[last] = value

    with pytest.raises(BatchFileError):
        parse_batch_file(json.dumps(document).encode())


def test_parse__parameters_not_objects__refused():
    document = json.loads(DATA)
    document["parameters"] = {"x": "y"}

    with pytest.raises(BatchFileError, match="not an object"):
        parse_batch_file(json.dumps(document).encode())


def _differences(ours: BatchFile, theirs: BatchFile) -> set:
    found = set()
    for field in dataclasses.fields(BatchFile):
        if field.name != "items" and getattr(ours, field.name) != getattr(theirs, field.name):
            found.add((field.name,))
    for mine, other in zip(ours.items, theirs.items, strict=True):
        for field in dataclasses.fields(mine):
            if getattr(mine, field.name) != getattr(other, field.name):
                found.add(("items", field.name))
    return found


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(DATA) - 1), st.sampled_from('0123456789abcdefxE{}[],: "-'))
def test_check__any_character_of_the_file_changed__refused_or_without_meaning(place, character):
    changed = DATA[:place] + character.encode() + DATA[place + 1 :]
    try:
        read = parse_batch_file(changed)
    except BatchFileError:
        return
    if check(read, KNOWN, params_versions=OURS) == []:
        assert _differences(FILE, read) <= FREE


def test_check__read_back__still_sound():
    assert check(parse_batch_file(DATA), KNOWN, params_versions=OURS) == []

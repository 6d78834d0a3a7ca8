"""The bundle: one byte, a duplicate key, a number, a bomb are refused; what is written reads back."""

import dataclasses
import hashlib
import json

import pytest
from domain_stories import bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from liqpass.domain.evidence import MAX_BYTES, Bundle, Event, EvidenceError, StoredRequest, parse_bundle

SOUND = dataclasses.replace(bundle(), event=Event("full_liquidation", 1_790_011_460_000, "-30"))
DATA = SOUND.canonical()


def test_bundle__canonical__reads_back_and_hashes_to_sha256_of_its_bytes():
    assert parse_bundle(DATA) == SOUND
    assert SOUND.evidence_hash == hashlib.sha256(DATA).digest()
    assert json.loads(DATA).keys() == {
        "schema",
        "claimId",
        "policyNo",
        "venue",
        "env",
        "subject",
        "window",
        "event",
        "permOk",
        "requests",
        "salt",
    }


def test_bundle__body_with_any_text__kept_exactly():
    body = '{"code":"0", "msg":"\\u0000 €😀\\n", "data":[]}\r\n '
    request = StoredRequest("GET", "/x", 200, 1, 2, body)
    stored = dataclasses.replace(SOUND, requests=(*SOUND.requests, request))

    assert parse_bundle(stored.canonical()).requests[-1].body == body
    assert request.body_sha256 == hashlib.sha256(body.encode()).hexdigest()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "liqpass.evidence/2"),
        (("policyNo",), 1),
        (("policyNo",), "01"),
        (("claimId",), "1"),
        (("venue",), "other"),
        (("env",), "staging"),
        (("permOk",), "true"),
        (("permOk",), None),
        (("window",), None),
        (("window", "startMs"), "x"),
        (("window", "endMs"), "1"),
        (("window", "more"), "1"),
        (("subject",), []),
        (("subject", "uidHmac"), "12345"),
        (("event",), []),
        (("event", "timeMs"), "-1"),
        (("event", "kind"), None),
        (("requests",), {}),
        (("requests",), []),
        (("requests", 0), None),
        (("requests", 0, "body"), "{}"),
        (("requests", 0, "body"), None),
        (("requests", 0, "bodySha256"), "0" * 64),
        (("requests", 0, "httpStatus"), 200),
        (("requests", 0, "label"), "x"),
        (("salt",), "5a"),
        (("apiKey",), "x"),
    ],
)
def test_parse_bundle__one_part_malformed__refused(path, value):
    document = json.loads(DATA)
    *parents, last = path
    target = document
    for step in parents:
        target = target[step]
    target[last] = value

    with pytest.raises(EvidenceError):
        parse_bundle(json.dumps(document).encode())


@pytest.mark.parametrize("key", list(json.loads(DATA)))
def test_parse_bundle__key_missing__refused(key):
    document = json.loads(DATA)
    del document[key]

    with pytest.raises(EvidenceError, match=key):
        parse_bundle(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DATA.replace(b'"permOk":true', b'"permOk":true,"permOk":true'), "duplicate key"),
        (DATA.replace(b'"policyNo":"1"', b'"policyNo":1'), "a number"),
        (DATA.replace(b'"permOk":true', b'"permOk":NaN'), "NaN"),
        (DATA.replace(b'"event":{', b'"event":' + b"[" * 50 + b"{"), "nested deeper"),
        (DATA.replace(b"okx", b"\xff"), "not UTF-8"),
        (b"[]", "not an object"),
        (b" " * (32 * 1024 * 1024 + 1), "bytes of JSON"),
    ],
    ids=["duplicate key", "number", "NaN", "deep", "bad UTF-8", "array", "huge"],
)
def test_parse_bundle__duplicate_number_or_bomb__refused(data, message):
    with pytest.raises(EvidenceError, match=message):
        parse_bundle(data)


@settings(deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_parse_bundle__any_byte_changed__refused_or_another_hash(place, flip):
    changed = DATA[:place] + bytes([DATA[place] ^ flip]) + DATA[place + 1 :]
    try:
        read = parse_bundle(changed)
    except EvidenceError:
        return
    assert read.evidence_hash != SOUND.evidence_hash


def test_bundle__from_json__takes_only_an_object():
    assert Bundle.from_json(json.loads(DATA)) == SOUND
    with pytest.raises(EvidenceError):
        Bundle.from_json("x")


@pytest.mark.parametrize("beyond", [0, 1])
def test_parse_bundle__at_the_limit_of_size__read__above_it_refused(beyond):
    padding = MAX_BYTES - len(_padded(0).canonical()) + beyond
    full = _padded(padding)

    if beyond:
        with pytest.raises(EvidenceError):
            parse_bundle(full.canonical())
    else:
        assert parse_bundle(full.canonical()) == full


def _padded(size):
    request = StoredRequest("GET", "/x", 200, 1, 2, "x" * size)
    return dataclasses.replace(SOUND, requests=(*SOUND.requests, request))

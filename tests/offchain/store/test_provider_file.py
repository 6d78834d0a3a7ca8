"""Whom a facilitator serves, and whose key a bearer key is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from liqpass.adapters.x402.provider_file import ProviderFileError, read_provider_file
from liqpass.domain.x402.insured_settlement import InsuredProvider

FIRST, SECOND = "0x" + "3c" * 20, "0x" + "4d" * 20
KEY, OTHER_KEY = b"canary-key-0123456789-0123456789-01", b"canary-key-9876543210-9876543210-98"
DIGEST = hashlib.sha256(KEY).hexdigest()
FIRST_ENTRY = f'{{provider: "{FIRST}", key_sha256: "{DIGEST}"}}'


def written(folder: Path, text: str) -> Path:
    path = folder / "providers.yaml"
    path.write_text(text)
    return path


def test_read__digest_and_key_file__each_key_its_provider(tmp_path: Path) -> None:
    (tmp_path / "second.key").write_bytes(OTHER_KEY + b"\n")
    (tmp_path / "second.key").chmod(0o600)
    path = written(
        tmp_path,
        f"""
        providers:
          - {{provider: "{FIRST}", key_sha256: "{DIGEST}"}}
          - {{provider: "{SECOND}", key_file: second.key, timeout_minutes: 30, max_timeout_minutes: 60}}
        factories: ["{FIRST}"]
        """,
    )

    served = read_provider_file(path)

    assert served.providers == (InsuredProvider(FIRST, 0), InsuredProvider(SECOND, 30, 60))
    assert (served.holder(KEY), served.holder(OTHER_KEY)) == served.providers
    assert [served.holder(key) for key in (b"", KEY[:-1], DIGEST.encode())] == [None] * 3
    assert [factory.lower() for factory in served.factories] == [FIRST]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "providers.yaml: there is no `providers:` in it"),
        ("providers", "providers.yaml: there is no `providers:` in it"),
        (
            f'providers: [{{provider: {FIRST}, key_sha256: "{DIGEST}"}}]',
            "providers.0.provider: Input should be a valid string: write it in quotes",
        ),
        ("providers: []", "at least 1"),
        ("providers: [", "is not YAML"),
        (f'providers: [{{provider: "{FIRST}", key_sha256: canary-key}}]', "no SHA-256"),
        (f'providers: [{{provider: "{FIRST}", key_sha256: "{DIGEST}", key: x}}]', "providers.0.key"),
        (f'providers: [{{provider: "{FIRST}", key_sha256: "{DIGEST}", key_file: x}}]', "one of them"),
        (f'providers: [{{provider: "{FIRST}", key_file: nowhere}}]', "/nowhere: No such file"),
        (
            f'providers: [{FIRST_ENTRY}, {{provider: "{SECOND}", key_sha256: "{DIGEST}"}}]',
            "two providers have one key",
        ),
        (
            f'providers: [{FIRST_ENTRY}, {{provider: "{FIRST}", key_sha256: "{"0" * 64}"}}]',
            "listed twice",
        ),
        (
            f"providers: [{FIRST_ENTRY[:-1]}, timeout_minutes: 9, max_timeout_minutes: 8}}]",
            "0..8 is allowed",
        ),
        (
            f"providers: [{FIRST_ENTRY[:-1]}, max_timeout_minutes: 10081}}]",
            "1..10080 is allowed",
        ),
        (f'{{providers: [{{provider: "{FIRST}", key_sha256: "{DIGEST}"}}], factories: ["0x"]}}', "address"),
    ],
)
def test_read__fault__said_without_a_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ProviderFileError, match=words) as refused:
        read_provider_file(written(tmp_path, text))

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("mode", "key", "words"), [(0o644, KEY, "mode 0644"), (0o600, b"short", "at least 32")]
)
def test_read__key_file_with_a_fault__refused(tmp_path: Path, mode: int, key: bytes, words: str) -> None:
    (tmp_path / "key").write_bytes(key)
    (tmp_path / "key").chmod(mode)

    with pytest.raises(ProviderFileError, match=words):
        read_provider_file(written(tmp_path, f'providers: [{{provider: "{FIRST}", key_file: key}}]'))

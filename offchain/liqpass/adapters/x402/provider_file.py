"""Whom a facilitator serves: a YAML or JSON file of providers, with what tells their bearer keys.

providers:
  - provider: "0x…"             # whose bond is locked
    key_sha256: "64 hex digits" # of its bearer key; or key_file: a file of mode 0600 with the key
    timeout_minutes: 5          # where its server asks for none; left out: the contract's default
    max_timeout_minutes: 60     # the most that its server may ask for; left out: the contract's, 7 days
factories: ["0x…"]              # may create a payer's smart wallet (ERC-6492); left out: none
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_address, parse_sha256
from liqpass.domain.x402.bond import MAX_TIMEOUT_MINUTES
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import InsuredProvider
from liqpass.private_files import shared_with_others

MIN_KEY = 32  # characters


class ProviderFileError(Exception):
    """The file cannot be used; the message quotes no key."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    provider: str
    key_sha256: str | None = None
    key_file: str | None = None
    timeout_minutes: int = 0
    max_timeout_minutes: int = MAX_TIMEOUT_MINUTES

    @model_validator(mode="after")
    def _one_key(self) -> _Entry:
        if (self.key_sha256 is None) == (self.key_file is None):
            raise ValueError("give key_sha256 or key_file, one of them")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    providers: list[_Entry] = Field(min_length=1)
    factories: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ServedProviders:
    """Providers by the SHA-256 of their bearer keys; `factories` in EIP-55 form."""

    by_digest: tuple[tuple[bytes, InsuredProvider], ...]
    factories: tuple[str, ...]

    def holder(self, key: bytes) -> InsuredProvider | None:
        """Whose key it is, in a time that does not tell how much of one was right."""
        digest = hashlib.sha256(key).digest()
        found = None
        for known, provider in self.by_digest:
            if hmac.compare_digest(known, digest):
                found = provider
        return found

    @property
    def providers(self) -> tuple[InsuredProvider, ...]:
        """All of them, as the file lists them."""
        return tuple(provider for _, provider in self.by_digest)


def read_provider_file(path: Path) -> ServedProviders:
    """The file at `path`; relative `key_file`s are beside it. Raises ProviderFileError."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        if not isinstance(content, dict):
            raise ProviderFileError(f"{path}: there is no `providers:` in it")
        document = _Document.model_validate(content)
        served = tuple((_digest(path, entry), _provider(entry)) for entry in document.providers)
        factories = tuple(checksum_address(parse_address(address)) for address in document.factories)
    except OSError as error:
        raise ProviderFileError(f"{error.filename or path}: {error.strerror}") from None  # or a key_file
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ProviderFileError(f"{path} is not YAML") from None
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        lines = [
            f"{'.'.join(map(str, fault['loc']))}: {_words(fault['type'], fault['msg'])}" for fault in faults
        ]
        raise ProviderFileError(f"{path}: " + "; ".join(lines)) from None
    except (IdentifierError, X402Error) as error:
        raise ProviderFileError(f"{path}: {error}") from None
    if len({digest for digest, _ in served}) < len(served):
        raise ProviderFileError(f"{path}: two providers have one key")
    if len({provider.provider for _, provider in served}) < len(served):
        raise ProviderFileError(f"{path}: a provider is listed twice")
    return ServedProviders(served, factories)


def _words(kind: str, message: str) -> str:
    """YAML reads 0x… without quotes as a number."""
    return f"{message}: write it in quotes" if kind == "string_type" else message


def _provider(entry: _Entry) -> InsuredProvider:
    return InsuredProvider(parse_address(entry.provider), entry.timeout_minutes, entry.max_timeout_minutes)


def _digest(path: Path, entry: _Entry) -> bytes:
    if entry.key_sha256 is not None:
        try:
            return bytes.fromhex(parse_sha256(entry.key_sha256))
        except IdentifierError:
            # Whoever writes the key itself there must not find it in a log.
            raise ProviderFileError(f"{path}: key_sha256 of {entry.provider} is no SHA-256 in hex") from None
    assert entry.key_file is not None  # noqa: S101 - the model asks for one of them
    file = path.parent / entry.key_file
    if fault := shared_with_others(file):
        raise ProviderFileError(fault)
    key = file.read_bytes().strip()
    if len(key) < MIN_KEY:
        raise ProviderFileError(f"{file}: a key has at least {MIN_KEY} characters")
    return hashlib.sha256(key).digest()

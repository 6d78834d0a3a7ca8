"""The only reader of the environment: everything that an operator may set, checked at start.

Variables start with `LIQPASS_`; no `.env` file is read. No message quotes a secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from liqpass.domain import chains
from liqpass.domain.identifiers import IdentifierError, parse_address
from liqpass.domain.parameters import Parameters, read_parameters
from liqpass.origins import check_facilitator_url, check_okx_origin, check_proxies, check_site_origin

MIN_INTERNAL_KEY = MIN_FACILITATOR_KEY = 32  # characters
DEPLOYMENT_FILES = {chains.LOCAL: "local", chains.BASE_SEPOLIA: "base-sepolia", chains.BASE: "base"}
_SECRETS = (
    "master_key",
    "internal_key",
    "keeper_passphrase",
    "settler_passphrase",
    "provider_passphrase",
    "client_passphrase",
    "facilitator_key",
)
# Read by others beside this package: the ape scripts and the test campaigns.
_FOREIGN = ("LIQPASS_CAMPAIGN",)


class SettingsError(Exception):
    """A variable is missing or cannot be used; the message names it and never quotes a secret."""


class Settings(BaseSettings):
    """What the environment says. Secrets are `SecretStr`: printing the object shows none."""

    model_config = SettingsConfigDict(
        env_prefix="LIQPASS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = Field(
        SecretStr("sqlite:///liqpass.db"), description="SQLAlchemy URL of the store"
    )
    rpc_url: SecretStr = Field(SecretStr("http://127.0.0.1:8545"), description="JSON-RPC of the chain")
    send_rpc_url: SecretStr | None = Field(
        None, description="JSON-RPC that signed transactions go to, a private one; default rpc_url"
    )
    chain_id: int = Field(chains.LOCAL, description="chain id that the RPC must answer")
    deployment: Path | None = Field(None, description="deployment record; default deployments/<chain>.json")
    okx_host: str = Field("https://www.okx.com", description="origin of OKX's API")
    clock: Literal["system", "chain"] = Field("system", description="`chain` only with chain id 31337")
    master_key: SecretStr | None = Field(None, description="64 hex digits; seals OKX credentials")
    master_key_file: Path | None = Field(None, description="file of mode 0600 with the master key")
    previous_master_keys: SecretStr = Field(SecretStr(""), description="older master keys, comma separated")
    public_origin: str = Field(
        "http://localhost:8000",
        description="origin at which buyers reach the service: sign-in is for it only",
    )
    admin_origin: str = Field(
        "", description="origin of the admin application where it is served alone; default public_origin"
    )
    reviewers: str = Field("", description="wallets that may review claims, comma separated")
    operators: str = Field("", description="wallets that may build batches and pause, comma separated")
    internal_key: SecretStr | None = Field(None, description="secret of /internal, at least 32 characters")
    internal_key_file: Path | None = Field(None, description="file of mode 0600 with the internal key")
    trusted_proxies: str = Field(
        "", description="addresses whose X-Forwarded-For is believed, comma separated"
    )
    rate_per_minute: int = Field(
        600, ge=0, description="requests a minute that one address may make of a worker; 0: no limit"
    )
    costly_rate_per_minute: int = Field(
        60, ge=0, description="of those, the ones that ask OKX or verify a signature; 0: no limit"
    )
    session_s: int = Field(28_800, ge=300, le=604_800, description="how long a sign-in holds, seconds")
    journal_folder: Path | None = Field(
        None, description="signers' journals, where they are on this machine: stuck intents are counted"
    )
    keeper_passphrase: SecretStr | None = Field(
        None, description="opens the keyfile of `liqpass keeper`, whose account only pays gas"
    )
    keeper_passphrase_file: Path | None = Field(None, description="file of mode 0600 with that passphrase")
    settler_passphrase: SecretStr | None = Field(
        None, description="opens the keyfile of `liqpass x402 facilitator`, which providers name as settler"
    )
    settler_passphrase_file: Path | None = Field(None, description="file of mode 0600 with that passphrase")
    client_passphrase: SecretStr | None = Field(
        None, description="opens the keyfile of `liqpass x402 pay`, whose USDC it pays"
    )
    client_passphrase_file: Path | None = Field(None, description="file of mode 0600 with that passphrase")
    receipts: Path | None = Field(
        None, description="a client's receipts of x402 payments; default ~/.liqpass/receipts.db"
    )
    provider_passphrase: SecretStr | None = Field(
        None, description="opens the keyfile of `liqpass.x402.provider`, which confirms and refunds"
    )
    provider_passphrase_file: Path | None = Field(None, description="file of mode 0600 with that passphrase")
    facilitator_url: SecretStr = Field(
        SecretStr("http://127.0.0.1:8402"),
        description="the insured facilitator that settles for a provider",
    )
    facilitator_key: SecretStr | None = Field(
        None, description="the provider's bearer key there, at least 32 characters"
    )
    facilitator_key_file: Path | None = Field(None, description="file of mode 0600 with that key")
    parameters: dict[str, str] = Field(
        default_factory=dict, description="one parameter instead of its conservative value"
    )

    @field_validator("parameters")
    @classmethod
    def _known_parameters(cls, value: dict[str, str]) -> dict[str, str]:
        lowered = {name.lower(): text for name, text in value.items()}
        read_parameters(lowered)
        return lowered

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        local = self.is_local
        if self.clock == "chain" and not local:
            raise ValueError(f"clock `chain` is for chain id {chains.LOCAL} only")
        check_okx_origin(self.okx_host, local=local)
        for name in _SECRETS:
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"set {name} or {name}_file, not both")
        check_facilitator_url(self.facilitator_url.get_secret_value(), local=local)
        check_site_origin("public_origin", self.public_origin)
        if self.admin_origin:
            check_site_origin("admin_origin", self.admin_origin)
        check_proxies(self.trusted_proxies)
        for name in ("reviewers", "operators"):
            _addresses(getattr(self, name), name)
        return self

    @property
    def is_local(self) -> bool:
        """Whether this is the development chain, where looser rules for hosts and clocks hold."""
        return self.chain_id == chains.LOCAL

    @property
    def reviewer_wallets(self) -> frozenset[str]:
        """Addresses in lower case."""
        return _addresses(self.reviewers, "reviewers")

    @property
    def operator_wallets(self) -> frozenset[str]:
        """Addresses in lower case."""
        return _addresses(self.operators, "operators")

    def origins(self) -> tuple[str, str]:
        """Origins of the public and of the admin application. Raises SettingsError where one is not https."""
        public, admin = self.public_origin, self.admin_origin or self.public_origin
        for name, origin in (("LIQPASS_PUBLIC_ORIGIN", public), ("LIQPASS_ADMIN_ORIGIN", admin)):
            if not self.is_local and not origin.startswith("https://"):
                raise SettingsError(f"{name} must be https:// on chain {self.chain_id}, it is {origin}")
        return public, admin

    def internal_secret(self) -> bytes | None:
        """The key of /internal; None where none is set: then nobody has one. Raises SettingsError."""
        if self.internal_key is None and self.internal_key_file is None:
            return None
        text = _secret(self.internal_key, self.internal_key_file, "LIQPASS_INTERNAL_KEY").strip()
        if len(text) < MIN_INTERNAL_KEY:
            raise SettingsError(f"the internal key must have at least {MIN_INTERNAL_KEY} characters")
        return text.encode()

    def facilitator_secret(self) -> str:
        """The provider's bearer key at its facilitator. Raises SettingsError."""
        text = _secret(self.facilitator_key, self.facilitator_key_file, "LIQPASS_FACILITATOR_KEY").strip()
        if len(text) < MIN_FACILITATOR_KEY:
            raise SettingsError(f"the facilitator key must have at least {MIN_FACILITATOR_KEY} characters")
        return text

    def keeper_secret(self) -> str:
        """The passphrase of the keeper's keyfile. Raises SettingsError."""
        return _secret(self.keeper_passphrase, self.keeper_passphrase_file, "LIQPASS_KEEPER_PASSPHRASE")

    def settler_secret(self) -> str:
        """The passphrase of the facilitator's keyfile. Raises SettingsError."""
        return _secret(self.settler_passphrase, self.settler_passphrase_file, "LIQPASS_SETTLER_PASSPHRASE")

    def provider_secret(self) -> str:
        """The passphrase of the provider's keyfile. Raises SettingsError."""
        return _secret(self.provider_passphrase, self.provider_passphrase_file, "LIQPASS_PROVIDER_PASSPHRASE")

    def client_secret(self) -> str:
        """The passphrase of the paying client's keyfile. Raises SettingsError."""
        return _secret(self.client_passphrase, self.client_passphrase_file, "LIQPASS_CLIENT_PASSPHRASE")

    def receipts_path(self) -> Path:
        """Where a client's receipts are."""
        return self.receipts or Path.home() / ".liqpass" / "receipts.db"

    @property
    def journals(self) -> Path:
        """Where what sends keeps its journals, if it is not told another folder."""
        return self.journal_folder or Path.home() / ".liqpass" / "journal"

    def rules(self) -> Parameters:
        """The validated parameters."""
        return read_parameters(self.parameters)

    def deployment_path(self) -> Path:
        """Where the deployment record is."""
        if self.deployment is not None:
            return self.deployment
        return Path("deployments") / f"{DEPLOYMENT_FILES.get(self.chain_id, str(self.chain_id))}.json"

    def master_keys(self) -> list[bytes]:
        """The master keys, current one first; empty where none is set. Raises SettingsError."""
        keys: list[bytes] = []
        if self.master_key is not None:
            keys.append(_key_bytes(self.master_key.get_secret_value(), "LIQPASS_MASTER_KEY"))
        elif self.master_key_file is not None:
            text = _read_private(self.master_key_file, "LIQPASS_MASTER_KEY_FILE")
            keys.append(_key_bytes(text, "LIQPASS_MASTER_KEY_FILE"))
        for text in filter(None, self.previous_master_keys.get_secret_value().split(",")):
            keys.append(_key_bytes(text, "LIQPASS_PREVIOUS_MASTER_KEYS"))
        return keys


def _unknown_names(environment: Iterable[str]) -> list[str]:
    # A misspelt variable would otherwise leave its default in force without a word.
    names = [name for name in environment if name.upper().startswith("LIQPASS_")]
    fields = {f"LIQPASS_{field}".upper() for field in Settings.model_fields}
    prefixes = ("LIQPASS_PARAMETERS__", *_FOREIGN)
    return sorted(
        name for name in names if name.upper() not in fields and not name.upper().startswith(prefixes)
    )


def read_settings() -> Settings:
    """Settings from the environment; raises SettingsError with one line per fault."""
    unknown = _unknown_names(os.environ)
    if unknown:
        raise SettingsError(
            "\n".join(f"{name}: no such setting (`liqpass settings` lists them)" for name in unknown)
        )
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            name = (
                "LIQPASS_" + "__".join(str(part) for part in fault["loc"]).upper()
                if fault["loc"]
                else "settings"
            )
            lines.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}")
        raise SettingsError("\n".join(lines)) from None


def _key_bytes(text: str, name: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError(f"{name} must be 64 hexadecimal digits (32 random bytes)")
    return key


def _addresses(text: str, name: str) -> frozenset[str]:
    try:
        return frozenset(parse_address(part.strip()) for part in text.split(",") if part.strip())
    except IdentifierError as error:
        raise ValueError(f"{name}: {error}") from None


def _secret(value: SecretStr | None, file: Path | None, name: str) -> str:
    if value is not None:
        return value.get_secret_value()
    if file is not None:
        return _read_private(file, f"{name}_FILE").rstrip("\r\n")
    raise SettingsError(f"set {name} or {name}_FILE")


def _read_private(path: Path, name: str) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode != 0o600:
            raise SettingsError(f"{name} {path} has mode {mode:04o}, it must be 0600")
        return path.read_text("ascii")
    except OSError as error:
        raise SettingsError(f"{name} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name} {path} is not plain ASCII text") from None

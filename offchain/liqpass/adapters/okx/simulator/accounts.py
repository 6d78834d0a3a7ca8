"""Accounts of the simulated exchange and their made-up keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.rows import Position, Row


class SimulatorError(Exception):
    """An instruction to the simulated exchange that makes no sense."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A made-up key: derived from the account's name and the label, so it is the same in every run."""

    label: str
    permissions: str
    credentials: Credentials


@dataclass(slots=True)
class Account:
    """One account. `history` and `orders` are in the order in which things were recorded."""

    name: str
    uid: str
    main_uid: str
    position_mode: str
    keys: dict[str, ApiKey] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    pos_ids: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def position(self, pos_id: str) -> Position:
        """An open one. Raises SimulatorError."""
        try:
            return self.positions[pos_id]
        except KeyError:
            raise SimulatorError(f"{self.name} has no open position {pos_id}") from None


def made_up_key(name: str, label: str, permissions: str, *, demo: bool) -> ApiKey:
    """The key `label` of account `name`."""
    api_key, secret, passphrase = (
        _digest(name, f"{label}/{part}") for part in ("key", "secret", "passphrase")
    )
    credentials = Credentials(f"sim-{api_key[:32]}", secret[:32].upper(), f"Sim-{passphrase[:12]}", demo)
    return ApiKey(label, permissions, credentials)


def uid_of(name: str) -> str:
    """An account number of 18 digits, as OKX's."""
    return str(int(_digest(name, "uid"), 16) % (9 * 10**17) + 10**17)


def _digest(name: str, purpose: str) -> str:
    return hashlib.sha256(f"liqpass okx simulator/{name}/{purpose}".encode()).hexdigest()

"""A leader's book of policyholders: which reference and salt a hash on chain stands for.

One JSON object a line, appended and never changed; only the leader may read the file.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from liqpass.domain.money import MoneyError, Usdc, format_usdc, parse_usdc
from liqpass.domain.parametric.policyholder import SALT_BYTES, policyholder_ref
from liqpass.private_files import shared_with_others

from scripts._operator import RefusedError


@dataclass(frozen=True)
class Holder:
    """`policy` is its name, `reference` the leader's own; amounts in base units."""

    policy: str
    reference: str
    premium: Usdc
    coverage: Usdc
    salt: bytes

    @classmethod
    def new(cls, policy: str, reference: str, premium: Usdc, coverage: Usdc) -> Holder:
        """With a salt that nobody can guess."""
        return cls(policy, reference, premium, coverage, secrets.token_bytes(SALT_BYTES))

    @cached_property
    def ref(self) -> bytes:
        """What the chain keeps."""
        return policyholder_ref(self.salt, self.reference)


class PolicyholderBook:
    """The file at `path`; made at the first entry. Raises RefusedError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, policy: str, reference: str) -> Holder | None:
        """The entry of a reference, None where there is none."""
        for line in self._lines():
            holder = self._parsed(line)
            if (holder.policy, holder.reference) == (policy, reference):
                return holder
        return None

    def add(self, holder: Holder) -> None:
        """Append it; on disk when this returns."""
        entry = {
            "policy": holder.policy,
            "reference": holder.reference,
            "premiumUsdc": format_usdc(holder.premium),
            "coverageUsdc": format_usdc(holder.coverage),
            "salt": holder.salt.hex(),
            "ref": holder.ref.hex(),
        }
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> list[str]:
        try:
            fault = shared_with_others(self._path)
        except FileNotFoundError:
            return []
        if fault:
            raise RefusedError(fault)
        # Not splitlines: JSON leaves line separators beyond ASCII as they are, inside a reference.
        return [line for line in self._path.read_text("utf-8").split("\n") if line]

    def _parsed(self, line: str) -> Holder:
        try:
            entry = json.loads(line)
            return Holder(
                policy=entry["policy"],
                reference=entry["reference"],
                premium=parse_usdc(entry["premiumUsdc"]),
                coverage=parse_usdc(entry["coverageUsdc"]),
                salt=bytes.fromhex(entry["salt"]),
            )
        except (ValueError, KeyError, TypeError, MoneyError):
            raise RefusedError(f"{self._path} is no book of policyholders; nothing was sent") from None

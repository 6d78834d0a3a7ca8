"""An encrypted keyfile, ape's or any other of Ethereum's (version 3), for commands that run without ape."""

from __future__ import annotations

import json
from pathlib import Path

from eth_account import Account

from liqpass.adapters.chain.errors import SigningError
from liqpass.adapters.chain.signer import LocalSigner


def open_keyfile(path: Path, passphrase: str) -> LocalSigner:
    """The signer in the keyfile. Raises SigningError, which quotes neither key nor passphrase; OSError."""
    data = path.read_bytes()
    try:
        key = Account.decrypt(json.loads(data), passphrase)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        raise SigningError(f"{path} cannot be opened: it is no keyfile, or has another passphrase") from None
    return LocalSigner(Account.from_key(key))

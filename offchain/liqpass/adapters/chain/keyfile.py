"""An account's encrypted keyfile (Web3 Secret Storage), as ape, geth and Foundry write it."""

from __future__ import annotations

import json
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from liqpass.adapters.chain.errors import SigningError
from liqpass.private_files import shared_with_others


def read_keyfile(path: Path, passphrase: str) -> LocalAccount:
    """The account in the file. Raises SigningError, which quotes neither the passphrase nor the file."""
    try:
        if fault := shared_with_others(path):
            raise SigningError(fault)
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise SigningError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise SigningError(f"{path} is no keyfile: it is not JSON") from None
    if not isinstance(document, dict) or not {"crypto", "Crypto"} & document.keys():
        raise SigningError(f"{path} is no keyfile")
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(document, passphrase))
    except ValueError:  # "MAC mismatch"
        raise SigningError(f"{path}: the passphrase is wrong") from None
    except (KeyError, TypeError, NotImplementedError) as error:
        raise SigningError(f"{path} is no keyfile: {type(error).__name__}") from None
    return account

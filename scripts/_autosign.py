"""`--autosign`: the account signs without asking for each transaction."""

from __future__ import annotations

from ape.api import AccountAPI


def sign_without_asking(account: AccountAPI) -> None:
    """Unlock the account for this command, where that exists: only keyfiles ask, test accounts never do."""
    set_autosign = getattr(account, "set_autosign", None)
    if set_autosign is not None:
        set_autosign(True)

"""EIP-712 signatures of ape's accounts: a test account, an encrypted keyfile, and one that declines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ape
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from operator_world import BUYER, World

from scripts._operator import RefusedError
from scripts._typed_data import sign_typed

KEY = "0x" + "22" * 32
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def keyfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An encrypted keyfile in a data folder of its own, unlocked as an unattended run does it."""
    ape_accounts = pytest.importorskip("ape_accounts")
    monkeypatch.setattr(ape.config, "DATA_FOLDER", tmp_path)
    ape.accounts.containers["accounts"].__dict__.pop("data_folder", None)
    account = ape_accounts.import_account_from_private_key("liqpass-typed-test", PASSPHRASE, KEY)
    account.set_autosign(True, passphrase=PASSPHRASE)
    yield account
    account.keyfile_path.unlink(missing_ok=True)


@pytest.fixture
def test_account() -> Any:
    return ape.accounts.test_accounts[BUYER]


def permit(world: World, owner: str) -> dict[str, Any]:
    return {"owner": owner, "spender": world.checkout.address, "value": 5, "nonce": 0, "deadline": 9}


@pytest.mark.parametrize("kind", ["keyfile", "test_account"])
def test_sign_typed__accounts_of_ape__recover_to_the_account(
    request: pytest.FixtureRequest, world: World, kind: str
) -> None:
    account = request.getfixturevalue(kind)
    message = permit(world, str(account.address))

    signature = sign_typed(account, world.usdc, 31337, "Permit", message)

    fields = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256"}
    types = [{"name": name, "type": kind_of} for name, kind_of in (fields | {"deadline": "uint256"}).items()]
    domain = {"name": "USDC", "version": "2", "chainId": 31337, "verifyingContract": world.usdc.address}
    signed = encode_typed_data(domain, {"Permit": types}, message)
    assert len(signature) == 65
    assert Account.recover_message(signed, signature=signature) == account.address


def test_sign_typed__person_says_no__is_refused(world: World) -> None:
    class Declining:
        address = world.address(BUYER)

        def sign_message(self, message: Any) -> None:
            return None

    account: Any = Declining()
    with pytest.raises(RefusedError, match="did not sign; nothing was sent"):
        sign_typed(account, world.usdc, 31337, "Permit", permit(world, Declining.address))

"""ApeSigner with accounts of ape. Needs the `ape` extra; run with `-p no:ape_test` like its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kill import TEN, Payer
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import SigningError
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import ApeSigner, check_signed

ape = pytest.importorskip("ape", reason="the ape extra is not installed")

KEY = "0x" + "22" * 32
PASSPHRASE = "correct horse battery staple"
CALL = {
    "chainId": 31337,
    "nonce": 3,
    "to": "0x00000000000000000000000000000000000A11cE",
    "value": 5,
    "data": "0x0102",
    "gas": 50_000,
    "maxFeePerGas": 10**10,
    "maxPriorityFeePerGas": 10**9,
}
CREATION = {name: value for name, value in CALL.items() if name != "to"}


@pytest.fixture
def keyfile_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An encrypted keyfile in a data folder of its own, unlocked as an unattended run does it."""
    ape_accounts = pytest.importorskip("ape_accounts")
    monkeypatch.setattr(ape.config, "DATA_FOLDER", tmp_path)
    ape.accounts.containers["accounts"].__dict__.pop("data_folder", None)
    account = ape_accounts.import_account_from_private_key("liqpass-signer-test", PASSPHRASE, KEY)
    account.set_autosign(True, passphrase=PASSPHRASE)
    yield account
    account.keyfile_path.unlink(missing_ok=True)


@pytest.fixture
def test_account() -> Any:
    return ape.accounts.test_accounts[1]


@pytest.mark.parametrize("tx", [CALL, CREATION], ids=["call", "creation"])
@pytest.mark.parametrize("kind", ["keyfile_account", "test_account"])
def test_sign__accounts_of_ape__exactly_the_transaction(
    request: pytest.FixtureRequest, kind: str, tx: dict[str, Any]
) -> None:
    signer = ApeSigner(request.getfixturevalue(kind))

    raw = signer.sign(tx)

    assert check_signed(raw, tx, signer.address).startswith("0x")


def test_submit__with_an_account_of_ape__pays(
    node: Anvil, payer: Payer, received: Callable[[], int], test_account: Any, tmp_path: Path
) -> None:
    with Engine.open(
        Web3Rpc.connect(node.url),
        ApeSigner(test_account),
        Policy.local(),
        chain_id=31337,
        journal_folder=tmp_path,
    ) as engine:
        engine.submit("pay", payer.recipient, b"", value=TEN, describe="ten wei")

    assert received() == TEN


def test_sign__person_says_no__signing_error() -> None:
    class Refusing:
        address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
        network_manager = ape.networks

        def sign_transaction(self, txn: Any, **signer_options: Any) -> None:
            return None

    with pytest.raises(SigningError, match="did not sign"):
        ApeSigner(Refusing()).sign(CALL)


@pytest.mark.parametrize("change", [{"nonce": 4}, {"value": 6}, {"data": "0x03"}, {"gas": 50_001}])
def test_check_signed__signer_changed_something__refused(test_account: Any, change: dict[str, Any]) -> None:
    signer = ApeSigner(test_account)
    raw = signer.sign({**CALL, **change})

    with pytest.raises(SigningError, match=f"changed {next(iter(change))}"):
        check_signed(raw, CALL, signer.address)

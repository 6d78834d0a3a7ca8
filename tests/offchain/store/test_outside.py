"""The small adapters: deployment record, signatures, clocks, OKX errors in the use cases' words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from liqpass.adapters.chain.contracts import Contracts, DeploymentError, read_deployment
from liqpass.adapters.chain.signatures import Web3SignatureCheck
from liqpass.adapters.clock import ChainClock, SystemClock
from liqpass.adapters.okx_accounts import HttpOkxAccounts
from liqpass.ports import ChainError, OkxCredentials, OkxFetchError
from web3 import Web3
from web3.providers.base import BaseProvider

CHECKOUT, VAULT = "0x" + "Ab" * 20, "0x" + "fa" * 20
WALLET = "0x" + "5a" * 20
BUYER = Account.from_key(b"\x01" * 32)
MAGIC = "0x1626ba7e" + "00" * 28


def record(**changes: Any) -> dict[str, Any]:
    contracts = {"Checkout": {"address": CHECKOUT, "block": 7}, "PayoutVault": {"address": VAULT, "block": 9}}
    return {"chainId": 31337, "contracts": {**contracts, **changes}}


def test_read_deployment__complete__lower_case_addresses_and_first_block(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    file.write_text(json.dumps(record()))

    assert read_deployment(file, chain_id=31337) == Contracts(31337, CHECKOUT.lower(), VAULT, 7)


def test_read_deployment__genesis_and_usdc_recorded__in_lower_case(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    file.write_text(json.dumps({**record(), "genesisHash": "0x" + "AB" * 32, "usdc": "0x" + "CD" * 20}))

    contracts = read_deployment(file, chain_id=31337)

    assert (contracts.genesis_hash, contracts.usdc) == ("0x" + "ab" * 32, "0x" + "cd" * 20)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        (json.dumps({**record(), "genesisHash": 7}), "genesisHash that is not hexadecimal"),
        ("[]", "chain None"),
        (json.dumps({"chainId": 8453, "contracts": {}}), "of chain 8453, settings say 31337"),
        (json.dumps({"chainId": 31337}), "lists no contracts"),
        (json.dumps(record(PayoutVault={"address": "0x1", "block": 1})), "no address for PayoutVault"),
        (json.dumps(record(Checkout={"address": CHECKOUT})), "deployment is not finished"),
    ],
)
def test_read_deployment__unusable__says_why(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "local.json"
    file.write_text(content)

    with pytest.raises(DeploymentError, match=message):
        read_deployment(file, chain_id=31337)


def test_read_deployment__missing__says_where(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"none\.json"):
        read_deployment(tmp_path / "none.json", chain_id=31337)


class Node(BaseProvider):
    """A node where `WALLET` has code and answers `answer` to isValidSignature."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer

    def make_request(self, method: Any, params: Any) -> Any:
        if self.answer == "down":
            raise OSError("no route")
        if method == "eth_getCode":
            return {"jsonrpc": "2.0", "id": 1, "result": "0x60" if params[0].lower() == WALLET else "0x"}
        if self.answer == "reverts":
            return {
                "jsonrpc": "2.0",
                "id": 1,
                "error": {"code": 3, "message": "execution reverted", "data": "0x"},
            }
        return {"jsonrpc": "2.0", "id": 1, "result": self.answer}


def check(answer: str = "0x") -> Web3SignatureCheck:
    return Web3SignatureCheck(Web3(Node(answer)))


def signed(message: str) -> str:
    return "0x" + BUYER.sign_message(encode_defunct(text=message)).signature.hex()


def test_signed_by__own_signature__true() -> None:
    assert check().signed_by(BUYER.address.lower(), "pay me there", signed("pay me there"))


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        ("pay me elsewhere", signed("pay me there")),
        ("pay me there", "0x"),
        ("pay me there", "0x" + "00" * 65),
        ("pay me there", "not hex"),
        ("pay me there", signed("pay me there")[:-2]),
    ],
)
def test_signed_by__other_text_or_malformed__false(message: str, signature: str) -> None:
    assert not check().signed_by(BUYER.address.lower(), message, signature)


def test_signed_by__signature_of_somebody_else__false() -> None:
    assert not check().signed_by("0x" + "12" * 20, "pay me there", signed("pay me there"))


@pytest.mark.parametrize(
    ("answer", "valid"), [(MAGIC, True), ("0x" + "ff" * 4 + "00" * 28, False), ("reverts", False)]
)
def test_signed_by__contract_wallet__what_the_wallet_says(answer: str, valid: bool) -> None:
    assert check(answer).signed_by(WALLET, "pay me there", "0x1234") is valid


def test_signed_by__node_down__error_instead_of_false() -> None:
    with pytest.raises(ChainError):
        check("down").signed_by(WALLET, "pay me there", "0x1234")


def test_chain_clock__latest_block__its_time_in_ms() -> None:
    assert ChainClock(lambda: 1_790_000_000).now_ms() == 1_790_000_000_000


def test_system_clock__twice__does_not_run_backwards() -> None:
    clock = SystemClock()

    assert 1_700_000_000_000 < clock.now_ms() <= clock.now_ms()


class StoppedClock:
    def now_ms(self) -> int:
        return 1_790_000_000_000


@pytest.mark.parametrize(
    ("url", "credentials", "message"),
    [
        ("https://okx.example", ("key", "secret", "phrase"), "not a host of OKX"),
        ("https://www.okx.com", ("key", "canary\n", "phrase"), "printable ASCII"),
    ],
)
def test_open__host_or_credentials_that_cannot_be_sent__fetch_error_without_secret(
    url: str, credentials: tuple[str, str, str], message: str
) -> None:
    accounts = HttpOkxAccounts(url, StoppedClock(), allow_any_host=False)

    with (
        pytest.raises(OkxFetchError, match=message) as error,
        accounts.open(OkxCredentials(*credentials, False)),
    ):
        pass

    assert "canary" not in str(error.value) + repr(OkxCredentials(*credentials, False))


def test_fetch__nobody_listens__retryable_fetch_error(free_port_url: Callable[[], str]) -> None:
    accounts = HttpOkxAccounts(free_port_url(), StoppedClock(), allow_any_host=True, sleep=lambda _s: None)

    opened = accounts.open(OkxCredentials("key", "secret", "phrase", False))
    with opened as account, pytest.raises(OkxFetchError) as error:
        account.identity()

    assert (error.value.code, error.value.key_broken) == ("FETCH_FAILED", False)

"""A guarded stock client over HTTP: it pays what a bond covers, and signs nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from insured_world import (
    CLIENT,
    LOCK,
    OTHER_PROVIDER,
    POOR_PROVIDER,
    PRICE,
    PROVIDER,
    SHY_PROVIDER,
    STRANGER,
    InsuredWorld,
    Running,
    WalletSigner,
)
from liqpass.adapters.chain.errors import RpcUnavailableError, WrongChainError
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.bootstrap import Application
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insured_settlement import TIMEOUT_FIELD
from liqpass.x402.client import Guard, Limits, Receipts, ReceiptState, guarded, trusted_contract
from offering import (
    CountingSigner,
    Offering,
    around,
    declared,
    option,
    packed,
    receipts_file,
    refused,
    required,
    settings,
    sync_client,
    undone,
)
from shop import Shop, over_http
from web3 import Web3
from x402 import x402Client, x402ClientSync
from x402.http.clients import x402_requests, x402HttpxClient
from x402.mechanisms.evm.exact import register_exact_evm_client

USDC_NAMED = {"name": "USDC", "version": "2"}
Changed = Callable[[InsuredWorld], dict[str, Any]]


def test_guard__requests_and_named_provider__paid_and_receipt_of_the_lock(
    world: InsuredWorld, facilitator: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = sync_client(world)
    before = world.balance(CLIENT)
    shop = Shop(world, over_http(facilitator.url), declares=declared(world))
    with (
        shop.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        answer = x402_requests(client).get(f"{url}/work", params={"key": "canary"}, timeout=60)
        (receipt,) = payments.receipts()
        state = payments.state(receipt)

    commitment, transaction = world.locks()[-1]
    policy = world.insurance.functions.policies(commitment).call()
    assert (answer.status_code, world.balance(CLIENT)) == (200, before - PRICE)
    assert (receipt.commitment, receipt.amount, state) == (commitment, PRICE, ReceiptState.LOCKED)
    assert (receipt.provider, receipt.client) == (
        world.address(PROVIDER).lower(),
        world.address(CLIENT).lower(),
    )
    assert receipt.answer is not None
    assert (receipt.answer.settled, receipt.answer.transaction, receipt.answer.deadline_s) == (
        True,
        bytes.fromhex(transaction[2:]),
        policy[2],
    )
    assert receipt.url == f"{url}/work"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_guard__httpx_and_pinned_provider__each_of_several_has_its_receipt(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    client = x402Client()
    register_exact_evm_client(client, CountingSigner(world.node.account(CLIENT)))
    client.set_spend_controls(False)
    locks = len(world.locks())

    async def run(url: str) -> list[int]:
        async with x402HttpxClient(client, timeout=60) as http:
            answers = await asyncio.gather(*(http.get(f"{url}/upfront") for _ in range(3)))
        return [answer.status_code for answer in answers]

    with (
        Shop(world, over_http(facilitator.url)).serving() as url,
        guarded(
            client,
            most=None,
            providers=[world.address(PROVIDER)],
            max_timeout_minutes=10_080,  # its 402 says nothing of it
            settings=settings(world),
            receipts=receipts_file(tmp_path),
        ) as payments,
    ):
        statuses = asyncio.run(run(url))
        kept = payments.receipts()

    assert statuses == [200] * 3
    assert {receipt.commitment for receipt in kept} == {each for each, _ in world.locks()[locks:]}
    assert all(receipt.answer is not None and receipt.answer.settled for receipt in kept)


def test_guard__smart_wallet__receipt_is_the_wallets(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    wallet = world.wallet(CLIENT)
    client = x402ClientSync()
    register_exact_evm_client(client, WalletSigner(world.node.account(CLIENT), wallet))
    client.set_spend_controls(False)
    with (
        Shop(world, over_http(facilitator.url), declares=declared(world)).serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        assert x402_requests(client).get(f"{url}/work", timeout=60).status_code == 200
        (receipt,) = payments.receipts()
        assert payments.state(receipt) is ReceiptState.LOCKED

    assert (receipt.client, receipt.commitment) == (wallet.lower(), world.locks()[-1][0])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (lambda w: required(w, option(w, payTo=w.address(PROVIDER))), "pay_to_not_insured"),
        (lambda w: required(w, option(w, payTo=w.pay_to(OTHER_PROVIDER))), "pay_to_not_insured"),
        (lambda w: required(w, option(w, network="eip155:8453")), "network_mismatch"),
        (lambda w: required(w, option(w, asset=w.insurance.address)), "asset_not_insured"),
        (
            lambda w: required(w, option(w, extra={"assetTransferMethod": "permit2"})),
            "permit2_not_insured",
        ),
        (lambda w: required(w, option(w, amount="100001")), "amount_above_limit"),
        (lambda w: required(w, option(w, maxTimeoutSeconds=86_400)), "validity_too_long"),
        (
            lambda w: required(w, option(w, extra=USDC_NAMED | {TIMEOUT_FIELD: 61})),
            "insurance_timeout_not_allowed",
        ),
        (lambda w: required(w, extensions={}), "provider_not_named"),
        (
            lambda w: required(w, extensions=declared(w, contract=w.usdc.address)),
            "contract_not_trusted",
        ),
        (lambda w: required(w, provider=STRANGER), "insufficient_bond"),
    ],
)
def test_guard__offer_that_no_bond_covers__nothing_signed(
    world: InsuredWorld, tmp_path: Path, changed: Changed, code: str
) -> None:
    assert refused(world, tmp_path, changed(world)).startswith(f"{code}: ")


def test_guard__x402_version_1__nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    client, signer = sync_client(world)
    old = {
        "scheme": "exact",
        "network": "base-sepolia",
        "maxAmountRequired": str(PRICE),
        "resource": "https://api.example/work",
        "payTo": world.pay_to(PROVIDER),
        "maxTimeoutSeconds": 300,
        "asset": world.usdc.address,
        "extra": {"name": "USDC", "version": "2"},
    }
    offering = Offering({"x402Version": 1, "error": "", "accepts": [old]})
    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)),
        pytest.raises(Exception, match="invalid_x402_version"),
    ):
        x402_requests(client).get(url, timeout=20)

    assert (signer.signed, offering.paid) == (0, [])


def test_guard__bond_too_small_for_it__says_what_is_free(world: InsuredWorld, tmp_path: Path) -> None:
    dear = required(world, option(world, POOR_PROVIDER, amount="200000"), provider=POOR_PROVIDER)

    reason = refused(world, tmp_path, dear, most="0.20")

    assert reason == (
        f"insufficient_bond: the bond of {world.address(POOR_PROVIDER)} cannot cover 0.20 USDC now: "
        "0.102 of 0.102 are free, the minimum is 0.00"
    )


def test_guard__bond_exhausted_by_another_payment__nothing_signed(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    """Only what is locked already stands in the way."""
    requirements = world.requirements(POOR_PROVIDER)
    payload = world.payment(requirements)
    assert facilitator.client(POOR_PROVIDER).settle(payload, requirements).success
    assert world.bond_of(POOR_PROVIDER) == (LOCK, LOCK)

    reason = refused(world, tmp_path, required(world, provider=POOR_PROVIDER))

    confirm = world.insurance.functions.confirmService(world.commitment(payload, POOR_PROVIDER), b"")
    world.send(confirm, POOR_PROVIDER)  # other tests want its bond free
    assert "0.00 of 0.102 are free" in reason


def test_guard__provider_exits__nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    world.send(world.insurance.functions.announceExit(), OTHER_PROVIDER)
    try:
        reason = refused(world, tmp_path, required(world, provider=OTHER_PROVIDER))
    finally:
        world.send(world.insurance.functions.cancelExit(), OTHER_PROVIDER)

    named = world.address(OTHER_PROVIDER)
    assert reason == f"provider_not_active: the provider {named} exits, or is or will be liquidated"


def test_guard__insurance_paused__nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    world.send(world.insurance.functions.pause(), 0)
    try:
        reason = refused(world, tmp_path, required(world))
    finally:
        world.send(world.insurance.functions.unpause(), 0)

    assert reason == "insurance_paused: the insurance is paused: nothing new is locked"


def test_guard__another_provider_than_pinned__nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    offer = required(world, provider=OTHER_PROVIDER)

    reason = refused(world, tmp_path, offer, providers=[world.address(PROVIDER)])

    assert reason == f"provider_not_pinned: {world.address(OTHER_PROVIDER)} is not a pinned provider"


def test_guard__two_offers_and_one_no_bond_could_cover__the_other_is_paid(
    world: InsuredWorld, tmp_path: Path
) -> None:
    client, _ = sync_client(world)
    elsewhere = option(world, network="eip155:8453", asset="0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")
    offering = Offering(required(world, elsewhere, option(world)))
    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)),
    ):
        assert x402_requests(client).get(url, timeout=20).status_code == 200

    (payment,) = offering.paid
    assert (payment["accepted"]["network"], payment["payload"]["authorization"]["to"]) == (
        "eip155:31337",
        world.pay_to(PROVIDER),
    )


def test_guard__two_offers_and_chosen_one_pays_around_the_bond__nothing_signed(
    world: InsuredWorld, tmp_path: Path
) -> None:
    around = option(world, payTo=world.address(PROVIDER))

    reason = refused(world, tmp_path, required(world, around, option(world)))

    assert reason.startswith("pay_to_not_insured: ")


def test_guard__after_its_end__client_pays_nothing(world: InsuredWorld, tmp_path: Path) -> None:
    client, signer = sync_client(world)
    offering = Offering(required(world))
    with guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)):
        pass

    with offering.serving() as url, pytest.raises(Exception, match="guard_closed"):
        x402_requests(client).get(url, timeout=20)

    assert (signer.signed, offering.paid) == (0, [])


def dead_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_guard__node_away_at_the_start__not_begun(world: InsuredWorld, tmp_path: Path) -> None:
    client, _ = sync_client(world)
    away = settings(world, rpc_url=dead_url())

    with (
        pytest.raises(RpcUnavailableError),
        guarded(client, most="0.10", settings=away, receipts=receipts_file(tmp_path)),
    ):
        pass


def test_guard__node_away_at_the_payment__nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    client, signer = sync_client(world)
    trusted = trusted_contract(Application(settings(world)))
    lost = dataclasses.replace(trusted, rpc=Web3Rpc.connect(dead_url(), tries=1))
    offering = Offering(required(world))
    with Receipts.open(receipts_file(tmp_path)) as store, offering.serving() as url:
        Guard(lost, Limits(None, frozenset()), store).install(client)
        with pytest.raises(Exception, match="chain_unavailable: eth_chainId: no answer after 1 tries"):
            x402_requests(client).get(url, timeout=20)

    assert (signer.signed, offering.paid) == (0, [])


def test_guard__node_of_another_chain_at_the_payment__nothing_signed(
    world: InsuredWorld, tmp_path: Path
) -> None:
    """As after a restart of it, with the same contract at the same address."""
    client, signer = sync_client(world)
    trusted = trusted_contract(Application(settings(world)))
    deployed = dataclasses.replace(trusted.deployed, genesis_hash="0x" + "12" * 32)
    offering = Offering(required(world))
    with Receipts.open(receipts_file(tmp_path)) as store, offering.serving() as url:
        Guard(dataclasses.replace(trusted, deployed=deployed), Limits(None, frozenset()), store).install(
            client
        )
        with pytest.raises(Exception, match="chain_unavailable: the node is of another chain"):
            x402_requests(client).get(url, timeout=20)

    assert (signer.signed, offering.paid) == (0, [])


def test_guard__httpx_and_offer_that_no_bond_covers__nothing_signed(
    world: InsuredWorld, tmp_path: Path
) -> None:
    signer = CountingSigner(world.node.account(CLIENT))
    client = x402Client()
    register_exact_evm_client(client, signer)
    client.set_spend_controls(False)
    offering = Offering(required(world, provider=STRANGER))

    async def run(url: str) -> None:
        async with x402HttpxClient(client, timeout=20) as http:
            await http.get(url)

    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        with pytest.raises(Exception, match="insufficient_bond"):
            asyncio.run(run(url))
        assert (signer.signed, payments.receipts(), offering.paid) == (0, [], [])


@pytest.mark.parametrize("what", ["genesis", "address"])
def test_guard__node_of_another_chain_or_without_the_contract__not_begun(
    world: InsuredWorld, tmp_path: Path, what: str
) -> None:
    client, _ = sync_client(world)
    record = json.loads((world.folder / "local.json").read_text())
    if what == "genesis":
        record["genesisHash"] = "0x" + "12" * 32
    else:
        record["contracts"]["X402InsuranceV2"]["address"] = world.address(STRANGER)
    (tmp_path / "record.json").write_text(json.dumps(record))
    other = settings(world, deployment=tmp_path / "record.json")

    with (
        pytest.raises(WrongChainError),
        guarded(client, most="0.10", settings=other, receipts=receipts_file(tmp_path)),
    ):
        pass


def test_guard__receipt_cannot_be_written__payment_does_not_leave(
    world: InsuredWorld, tmp_path: Path
) -> None:
    client, _ = sync_client(world)
    offering = Offering(required(world))
    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)),
    ):
        with sqlite3.connect(receipts_file(tmp_path)) as other:
            other.execute("DROP TABLE receipts")
        with pytest.raises(Exception, match="the receipts cannot be used"):
            x402_requests(client).get(url, timeout=20)

    assert offering.paid == []


def test_guard__of_something_else__refused(world: InsuredWorld, tmp_path: Path) -> None:
    session: Any = requests.Session()

    with (
        pytest.raises(TypeError, match="not for Session"),
        guarded(session, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)),
    ):
        pass


def test_answer__of_another_commitment_and_nothing_settled__told_and_chain_counts(
    world: InsuredWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = sync_client(world)
    policy = {
        "contract": world.usdc.address,
        "provider": 7,
        "commitment": "0x" + "99" * 32,
        "deadline": 2**70,
    }
    settled = {"success": True, "transaction": "0xno", "network": "eip155:31337", "payer": ""}
    told = packed(settled | {"extensions": {"bond-insurance": policy}})
    offering = Offering(
        required(world), reply=lambda request, _: request.reply(200, {"PAYMENT-RESPONSE": told})
    )
    with (
        offering.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        assert x402_requests(client).get(url, timeout=20).status_code == 200
        (receipt,) = payments.receipts()
        state = payments.state(receipt)

    assert state is ReceiptState.UNSETTLED
    assert receipt.answer is not None
    assert (receipt.answer.settled, receipt.answer.transaction, receipt.answer.deadline_s) == (
        True,
        None,
        None,
    )
    commitment = Web3.to_hex(receipt.commitment)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [
        f"the answer to {commitment} does not fit: another commitment than {commitment}",
        f"the answer to {commitment} does not fit: another provider than {receipt.provider}",
        f"the answer to {commitment} does not fit: another contract than {world.terms.contract}",
        f"said to be settled, not on the chain yet: {commitment}",
    ]
    assert receipt.url == "https://api.example/work"


def test_answer__payment_sent_around_the_bond__told_and_stray(
    world: InsuredWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The server sends the authorization straight to USDC and says that it settled."""
    client, _ = sync_client(world)

    def lie(request: Any, payment: dict[str, Any]) -> None:
        around(world, payment)
        told = {"success": True, "transaction": "0x" + "ab" * 32, "network": "eip155:31337", "payer": ""}
        request.reply(200, {"PAYMENT-RESPONSE": packed(told)})

    lying = Offering(required(world, provider=SHY_PROVIDER), reply=lie)
    with (
        undone(world),
        lying.serving() as url,
        guarded(client, most="0.10", settings=settings(world), receipts=receipts_file(tmp_path)) as payments,
    ):
        x402_requests(client).get(url, timeout=20)
        (receipt,) = payments.receipts()
        state = payments.state(receipt)
        assert world.balance(world.pay_to(SHY_PROVIDER)) == PRICE

    commitment = settlement_commitment(
        world.terms, provider=receipt.provider, client=receipt.client, nonce=receipt.nonce
    )
    assert (state, receipt.commitment) == (ReceiptState.STRAY, commitment)
    assert (
        f"the chain counts for {Web3.to_hex(commitment)}: "
        "the server says settled, and USDC took the payment, but nothing is locked"
    ) in caplog.text

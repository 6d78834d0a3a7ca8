"""What the service prepares for wallets, against the contracts: calls, nonce, domain, digest, who signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from liqpass.adapters.chain.contracts import Contracts
from liqpass.adapters.chain.premium_calls import Web3Premiums, authorization_nonce, read_domain
from liqpass.adapters.chain.signatures import Web3SignatureCheck
from liqpass.entrypoints.answers import call_answer, prepared_answer
from liqpass.ports import ChainError, PremiumCall, PreparedPremium
from liqpass.records import Order
from reverts import reverts_with_string

ORDER_HASH, QUOTE_HASH = "0x" + "0a" * 32, "0x" + "0b" * 32
PREMIUM = 1_000_000
UINT96_MAX = 2**96 - 1
INVALID = "FiatTokenV2: invalid signature"


@pytest.fixture
def order(checkout: Any, chain: Any, clock: Any) -> Callable[[Any], Order]:
    """order(payer): a bound order whose quote ends in an hour."""

    def bound(payer: Any) -> Order:
        return Order(
            id="00000000-0000-4000-8000-000000000001",
            order_hash=ORDER_HASH,
            state="BOUND",
            buyer=payer.address.lower(),
            chain_id=chain.chain_id,
            checkout=checkout.address.lower(),
            premium=PREMIUM,
            payout=50_000_000,
            params_version="0" * 64,
            valid_until_s=clock.now + 3600,
            created_at_ms=clock.now * 1000,
            quote_hash=QUOTE_HASH,
        )

    return bound


@pytest.fixture
def contracts(checkout: Any, vault: Any, usdc: Any, chain: Any) -> Contracts:
    addresses = (contract.address.lower() for contract in (checkout, vault))
    return Contracts(chain.chain_id, *addresses, 0, usdc=usdc.address.lower())


@pytest.fixture
def premiums(chain: Any, contracts: Contracts) -> Web3Premiums:
    return Web3Premiums(chain.provider.web3, contracts)


@pytest.fixture
def signatures(chain: Any) -> Web3SignatureCheck:
    return Web3SignatureCheck(chain.provider.web3)


def sign(premium: PreparedPremium, key_of: Any) -> bytes:
    """As a wallet does: from the JSON that it is shown."""
    shown = json.loads(json.dumps(prepared_answer(premium)))["typedData"]
    signable = encode_typed_data(full_message=shown)
    return bytes(Account.sign_message(signable, key_of.private_key).signature)


def relay(checkout: Any, order: Order, premium: PreparedPremium, signature: bytes, relayer: Any) -> Any:
    times = (premium.valid_after_s, premium.valid_before_s)
    terms = (order.order_hash, order.premium, order.quote_hash, order.buyer, *times, signature)
    return checkout.payWithAuthorization(*terms, sender=relayer)


def send(chain: Any, call: PremiumCall, sender: Any) -> None:
    shown: dict[str, Any] = {**call_answer(call)}
    assert shown.pop("chainId") == chain.chain_id
    chain.provider.web3.eth.wait_for_transaction_receipt(
        chain.provider.web3.eth.send_transaction({"from": sender.address, **shown})
    )


@pytest.mark.parametrize("amount", [0, 1, PREMIUM, UINT96_MAX])
@pytest.mark.parametrize("digits", ["00", "0a", "ff"])
def test_authorization_nonce__any_terms__is_the_contracts(
    checkout: Any, chain: Any, amount: int, digits: str
) -> None:
    ours = authorization_nonce(
        chain_id=chain.chain_id,
        checkout=checkout.address,
        order_hash="0x" + digits * 32,
        amount=amount,
        quote_hash=QUOTE_HASH,
    )

    assert ours == checkout.authorizationNonce("0x" + digits * 32, amount, QUOTE_HASH)


def test_read_domain__tokens_of_different_names__separator_is_the_tokens(
    usdc: Any, other_token: Any, chain: Any
) -> None:
    for token in (usdc, other_token):
        asked = chain.provider.web3.eth.contract(address=token.address, abi=_abi(token))

        domain = read_domain(asked, chain.chain_id)

        assert domain.separator() == token.DOMAIN_SEPARATOR()
        assert (domain.name, domain.version) == (token.name(), "2")


def test_read_domain__another_chain__refused(usdc: Any, chain: Any) -> None:
    asked = chain.provider.web3.eth.contract(address=usdc.address, abi=_abi(usdc))

    with pytest.raises(ChainError, match="signs under another domain than USDC version 2 on chain 1"):
        read_domain(asked, 1)


def test_prepare__token_of_checkout_is_not_the_recorded_one__refused(
    chain: Any, contracts: Contracts, other_token: Any, order: Callable[[Any], Order], buyer: Any
) -> None:
    recorded = Contracts(
        contracts.chain_id, contracts.checkout, contracts.vault, 0, usdc=other_token.address.lower()
    )

    with pytest.raises(ChainError, match="the deployment record says"):
        Web3Premiums(chain.provider.web3, recorded).prepare(order(buyer))


def test_prepare__approve_then_pay__premium_reaches_the_treasury(
    premiums: Web3Premiums,
    order: Callable[[Any], Order],
    chain: Any,
    checkout: Any,
    usdc: Any,
    rich_buyer: Any,
    treasury: Any,
    balances: Any,
) -> None:
    premium = premiums.prepare(order(rich_buyer))

    send(chain, premium.approve, rich_buyer)
    send(chain, premium.pay, rich_buyer)

    assert balances(rich_buyer, treasury) == (9_000_000, PREMIUM, 0)
    assert usdc.allowance(rich_buyer, checkout) == 0
    (paid,) = checkout.PremiumPaid.range(chain.blocks.height, chain.blocks.height + 1)
    assert ("0x" + bytes(paid.orderId).hex(), paid.payer, paid.amount) == (
        ORDER_HASH,
        rich_buyer.address,
        PREMIUM,
    )


def test_prepare__signed_by_the_buyer__accepted_by_us_and_by_usdc(
    premiums: Web3Premiums,
    signatures: Web3SignatureCheck,
    order: Callable[[Any], Order],
    checkout: Any,
    rich_buyer: Any,
    relayer: Any,
    treasury: Any,
    balances: Any,
) -> None:
    bound = order(rich_buyer)
    premium = premiums.prepare(bound)
    signature = sign(premium, rich_buyer)

    accepted = signatures.authorized_by(bound.buyer, premium.digest, "0x" + signature.hex())
    tx = relay(checkout, bound, premium, signature, relayer)

    assert accepted
    assert balances(rich_buyer, treasury) == (9_000_000, PREMIUM, 0)
    (paid,) = [log for log in tx.events if log.event_name == "PremiumPaid"]
    assert "0x" + bytes(paid.orderId).hex() == ORDER_HASH
    assert "0x" + bytes(paid.quoteHash).hex() == QUOTE_HASH


def test_prepare__signed_by_a_stranger__refused_by_us_and_by_usdc(
    premiums: Web3Premiums,
    signatures: Web3SignatureCheck,
    order: Callable[[Any], Order],
    checkout: Any,
    rich_buyer: Any,
    stranger: Any,
    relayer: Any,
) -> None:
    bound = order(rich_buyer)
    premium = premiums.prepare(bound)
    signature = sign(premium, stranger)

    assert not signatures.authorized_by(bound.buyer, premium.digest, "0x" + signature.hex())
    with reverts_with_string(INVALID):
        relay(checkout, bound, premium, signature, relayer)


def test_prepare__contract_wallet__its_owners_signature_counts_and_no_others(
    premiums: Web3Premiums,
    signatures: Web3SignatureCheck,
    order: Callable[[Any], Order],
    checkout: Any,
    project: Any,
    wallet_owner: Any,
    stranger: Any,
    relayer: Any,
    mint: Any,
    treasury: Any,
    balances: Any,
) -> None:
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, PREMIUM)
    bound = order(wallet)
    premium = premiums.prepare(bound)
    good, bad = (sign(premium, key_of) for key_of in (wallet_owner, stranger))

    def accepted(signature: bytes) -> bool:
        return signatures.authorized_by(bound.buyer, premium.digest, "0x" + signature.hex())

    assert [accepted(good), accepted(bad), accepted(b"\x01")] == [True, False, False]
    with reverts_with_string(INVALID):
        relay(checkout, bound, premium, bad, relayer)
    relay(checkout, bound, premium, good, relayer)
    assert balances(wallet, treasury) == (0, PREMIUM, 0)


def test_authorized_by__contract_that_is_no_wallet__false(
    premiums: Web3Premiums,
    signatures: Web3SignatureCheck,
    order: Callable[[Any], Order],
    vault: Any,
    buyer: Any,
) -> None:
    premium = premiums.prepare(order(vault))

    signature = "0x" + sign(premium, buyer).hex()

    assert not signatures.authorized_by(vault.address.lower(), premium.digest, signature)


def test_authorized_by__second_form_of_the_signature__refused_by_us_and_by_usdc(
    premiums: Web3Premiums,
    signatures: Web3SignatureCheck,
    order: Callable[[Any], Order],
    checkout: Any,
    rich_buyer: Any,
    relayer: Any,
) -> None:
    bound = order(rich_buyer)
    premium = premiums.prepare(bound)
    raw = sign(premium, rich_buyer)
    curve_order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    other_s = (curve_order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    second = raw[:32] + other_s + bytes([27 + 28 - raw[64]])

    assert not signatures.authorized_by(bound.buyer, premium.digest, "0x" + second.hex())
    with reverts_with_string(INVALID):
        relay(checkout, bound, premium, second, relayer)


def test_prepare__quotes_last_second__still_pays_and_the_next_does_not(
    premiums: Web3Premiums,
    order: Callable[[Any], Order],
    checkout: Any,
    chain: Any,
    clock: Any,
    rich_buyer: Any,
    relayer: Any,
    treasury: Any,
    balances: Any,
) -> None:
    bound = order(rich_buyer)
    premium = premiums.prepare(bound)
    signature = sign(premium, rich_buyer)

    with chain.isolate():
        clock.next_block_at(bound.valid_until_s + 1)
        with reverts_with_string("FiatTokenV2: authorization is expired"):
            relay(checkout, bound, premium, signature, relayer)
    clock.next_block_at(bound.valid_until_s)
    relay(checkout, bound, premium, signature, relayer)

    assert balances(rich_buyer, treasury) == (9_000_000, PREMIUM, 0)


def _abi(contract: Any) -> list[dict[str, Any]]:
    return [entry.model_dump(mode="json", by_alias=True) for entry in contract.contract_type.abi]

"""Confirmations: the contract's digest, and signatures that only the signer's key makes."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.commitments import CommitmentError
from liqpass.domain.x402.confirmations import (
    confirmation_data,
    confirmation_digest,
    sign_service_confirmation,
)
from x402_terms import BASE, LOCAL, SETTLEMENTS, insurances, nonces

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
SETTLED = SETTLEMENTS[LOCAL]
REQUESTED = bytes([SETTLED[0] & 0x7F]) + SETTLED[1:]

accounts = st.integers(1, ORDER - 1).map(lambda key: Account.from_key(key.to_bytes(32, "big")))


@pytest.mark.parametrize(
    ("insurance", "commitment", "digest"),
    [
        (LOCAL, SETTLED, "1369672c10ae2d9a476d82a3494f5097e53cc31c74b1f7b89913a34a88ca96d5"),
        (LOCAL, REQUESTED, "34549736007c4866201cf4f0ec7e8baae490c6581e08c31ba6d0fe40fb90740a"),
        (
            BASE,
            SETTLEMENTS[BASE],
            "9be48bb84cc177986a668af4d4826cb449e540bd0fa831a49e67beee2f383f1c",
        ),
    ],
)
def test_confirmation_digest__known_commitment__the_contract_s(insurance, commitment, digest):
    assert confirmation_digest(insurance, commitment).hex() == digest


def test_confirmation_data__known_commitment__what_a_wallet_shows():
    assert confirmation_data(LOCAL, SETTLED) == {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "ServiceConfirmation": [{"name": "requestCommitment", "type": "bytes32"}],
        },
        "primaryType": "ServiceConfirmation",
        "domain": {
            "name": "X402InsuranceV2",
            "version": "1",
            "chainId": "31337",
            "verifyingContract": checksum_address(LOCAL.contract),
        },
        "message": {"requestCommitment": "0x" + SETTLED.hex()},
    }


def test_confirmation_data__changed_by_the_caller__the_next_is_not():
    confirmation_data(LOCAL, SETTLED)["types"]["ServiceConfirmation"].clear()

    assert confirmation_digest(LOCAL, SETTLED).hex().startswith("1369672c")


@given(accounts, insurances, nonces)
def test_sign_service_confirmation__any_commitment__65_bytes_low_s_of_the_signer(
    account, insurance, commitment
):
    signature = sign_service_confirmation(account, insurance, commitment)
    signable = encode_typed_data(full_message=confirmation_data(insurance, commitment))

    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
    assert Account.recover_message(signable, signature=signature) == account.address


@given(accounts, nonces)
def test_sign_service_confirmation__other_commitment_or_chain__another_signature(account, commitment):
    other = bytes([commitment[0] ^ 0x80]) + commitment[1:]
    signatures = {
        sign_service_confirmation(account, LOCAL, commitment),
        sign_service_confirmation(account, LOCAL, other),
        sign_service_confirmation(account, BASE, commitment),
    }

    assert len(signatures) == 3


@pytest.mark.parametrize("commitment", [b"", bytes(31), bytes(33), "0x" + "00" * 32])
def test_confirmations__not_32_bytes__refused(commitment):
    account = Account.from_key(b"\x01" * 32)

    for refused in (
        lambda: confirmation_data(LOCAL, commitment),
        lambda: confirmation_digest(LOCAL, commitment),
        lambda: sign_service_confirmation(account, LOCAL, commitment),
    ):
        with pytest.raises(CommitmentError, match="commitment"):
            refused()

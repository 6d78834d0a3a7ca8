"""Commitments: bit 255 tells the two ways apart, and each of the five words counts."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.identifiers import IdentifierError, checksum_address
from liqpass.domain.x402.commitments import (
    CommitmentError,
    calculate_commitment,
    is_settlement,
    request_commitment,
    settlement_commitment,
)
from liqpass.domain.x402.insurance import Insurance, X402Error
from x402_terms import BASE, CLIENT, LOCAL, NONCE, PROVIDER, SETTLEMENTS, addresses, insurances, nonces

BOTH = pytest.mark.parametrize("commit", [calculate_commitment, settlement_commitment])


def _cleared(commitment):
    return bytes([commitment[0] & 0x7F]) + commitment[1:]


@pytest.mark.parametrize("insurance", [LOCAL, BASE])
def test_settlement_commitment__known_terms__the_contract_s(insurance):
    made = settlement_commitment(insurance, provider=PROVIDER, client=CLIENT, nonce=NONCE)

    assert made == SETTLEMENTS[insurance]


@pytest.mark.parametrize("insurance", [LOCAL, BASE])
def test_calculate_commitment__known_terms__the_settlement_s_without_bit_255(insurance):
    made = calculate_commitment(insurance, provider=PROVIDER, client=CLIENT, nonce=NONCE)

    assert made == _cleared(SETTLEMENTS[insurance])


@given(insurances, addresses, addresses, nonces)
def test_commitments__any_terms__abi_encoded_words_hashed_and_told_apart_by_bit_255(
    insurance, provider, client, nonce
):
    words = encode(
        ["uint256", "address", "address", "address", "bytes32"],
        [insurance.chain_id, insurance.contract, provider, client, nonce],
    )
    requested = calculate_commitment(insurance, provider=provider, client=client, nonce=nonce)
    settled = settlement_commitment(insurance, provider=provider, client=client, nonce=nonce)

    assert requested == _cleared(keccak(words)) == _cleared(settled)
    assert (is_settlement(requested), is_settlement(settled)) == (False, True)
    assert request_commitment(requested) == requested


@BOTH
def test_commitments__checksummed_addresses__the_same(commit):
    lower = commit(LOCAL, provider=PROVIDER, client=CLIENT, nonce=NONCE)
    mixed = commit(LOCAL, provider=checksum_address(PROVIDER), client=checksum_address(CLIENT), nonce=NONCE)

    assert mixed == lower


@BOTH
def test_commitments__one_term_changed__another(commit):
    other = "0x" + "0d" * 20
    terms = {"insurance": LOCAL, "provider": PROVIDER, "client": CLIENT, "nonce": NONCE}
    changes = [
        {},
        {"insurance": BASE},
        {"insurance": Insurance(LOCAL.chain_id, other)},
        {"provider": other},
        {"client": other},
        {"provider": CLIENT, "client": PROVIDER},
        {"nonce": bytes(32)},
    ]

    assert len({commit(**(terms | change)) for change in changes}) == len(changes)


@BOTH
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"nonce": bytes(31)}, CommitmentError, "nonce of 31 bytes instead of 32"),
        ({"nonce": bytes(33)}, CommitmentError, "nonce of 33 bytes instead of 32"),
        ({"nonce": "0x" + "0e" * 32}, CommitmentError, "nonce is not bytes"),
        ({"provider": "0x" + "00" * 20}, IdentifierError, "the zero address is nobody's"),
        ({"client": "0x" + "00" * 20}, IdentifierError, "the zero address is nobody's"),
        ({"client": "0x" + "c2" * 19}, IdentifierError, "not an address"),
        ({"provider": "0x" + "aB" * 20}, IdentifierError, "address with a wrong checksum"),
    ],
)
def test_commitments__malformed_term__refused(commit, change, error, message):
    terms = {"provider": PROVIDER, "client": CLIENT, "nonce": NONCE} | change

    with pytest.raises(error, match=message):
        commit(LOCAL, **terms)


@pytest.mark.parametrize("commitment", [bytes(31) + b"\x01", b"\x7f" + b"\xff" * 31])
def test_request_commitment__bit_255_clear_and_not_zero__unchanged(commitment):
    assert request_commitment(commitment) == commitment


@pytest.mark.parametrize(
    ("commitment", "message"),
    [
        (bytes(32), "zero is no commitment"),
        (b"\x80" + bytes(31), "bit 255 is set, as only settleAndInsure does: 0x80" + "00" * 31),
        (bytes(31), "commitment of 31 bytes instead of 32"),
        (bytearray(32), "commitment is not bytes"),
    ],
)
def test_request_commitment__what_purchase_insurance_would_refuse__refused(commitment, message):
    with pytest.raises(CommitmentError, match=message):
        request_commitment(commitment)


@given(st.binary(max_size=40).filter(lambda value: len(value) != 32))
def test_is_settlement__not_32_bytes__refused(value):
    with pytest.raises(CommitmentError, match=f"commitment of {len(value)} bytes instead of 32"):
        is_settlement(value)


@pytest.mark.parametrize("chain_id", [0, -1, 2**256, True, "1", 1.0])
def test_insurance__not_a_chain_id__refused(chain_id):
    with pytest.raises(X402Error, match="not a chain id"):
        Insurance(chain_id, LOCAL.contract)


@pytest.mark.parametrize(
    ("contract", "error"),
    [
        (checksum_address(LOCAL.contract), X402Error),
        ("0x" + "00" * 20, IdentifierError),
        (LOCAL.contract[:-1], IdentifierError),
        (None, IdentifierError),
    ],
)
def test_insurance__not_an_address_in_lower_case__refused(contract, error):
    with pytest.raises(error):
        Insurance(31337, contract)

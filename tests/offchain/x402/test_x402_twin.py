"""Commitments, addresses, typed data, digests, signatures: byte for byte those that ethers makes."""

import json
import random
import subprocess
from pathlib import Path

import pytest
from eth_account import Account
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.commitments import calculate_commitment, settlement_commitment
from liqpass.domain.x402.confirmations import (
    confirmation_data,
    confirmation_digest,
    sign_service_confirmation,
)
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address

TWIN = Path(__file__).with_name("ethers_twin.cjs")
ROOT = Path(__file__).parents[3]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1: keys lie below it
LOWEST, HIGHEST = "0x" + "00" * 19 + "01", "0x" + "ff" * 20
EDGES = [
    (1, LOWEST, LOWEST, LOWEST, bytes(32), 1),
    (2**256 - 1, HIGHEST, HIGHEST, HIGHEST, b"\xff" * 32, ORDER - 1),
    (8453, LOWEST, HIGHEST, LOWEST, b"\x80" + bytes(31), 2),
    (84532, HIGHEST, LOWEST, HIGHEST, bytes(31) + b"\x01", ORDER // 2),
]


def _terms(rng):
    chain_id = rng.choice([8453, 84532, 31337, rng.getrandbits(64) | 1, rng.getrandbits(256) | 1])
    contract, provider, client = (f"0x{rng.getrandbits(160) | 1:040x}" for _ in range(3))
    return chain_id, contract, provider, client, rng.randbytes(32), rng.randrange(1, ORDER)


@pytest.fixture(scope="module")
def pool():
    rng = random.Random(402)
    return EDGES + [_terms(rng) for _ in range(250)]


@pytest.fixture(scope="module")
def twin(pool):
    """One node process answers for all terms."""
    question = [
        {
            "chainId": str(chain_id),
            "contract": contract,
            "provider": checksum_address(provider),
            "client": client,
            "nonce": "0x" + nonce.hex(),
            "key": f"0x{key:064x}",
            "data": [
                confirmation_data(Insurance(chain_id, contract), commitment)
                for commitment in _commitments(Insurance(chain_id, contract), provider, client, nonce)
            ],
        }
        for chain_id, contract, provider, client, nonce, key in pool
    ]
    done = subprocess.run(
        ["node", str(TWIN)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    return json.loads(done.stdout)


def _commitments(insurance, provider, client, nonce):
    parties = {"provider": provider, "client": client, "nonce": nonce}
    return [calculate_commitment(insurance, **parties), settlement_commitment(insurance, **parties)]


def _confirmations(pool, twin):
    """Insurance, commitment and key of every confirmation beside the twin's: two for each terms."""
    for (chain_id, contract, provider, client, nonce, key), answer in zip(pool, twin, strict=True):
        insurance = Insurance(chain_id, contract)
        commitments = _commitments(insurance, provider, client, nonce)
        for commitment, theirs in zip(commitments, answer["confirmations"], strict=True):
            yield insurance, commitment, Account.from_key(key.to_bytes(32, "big")), theirs


def test_commitments__edges_and_250_random_terms__those_of_ethers(pool, twin):
    ours = [
        ["0x" + each.hex() for each in _commitments(Insurance(chain_id, contract), provider, client, nonce)]
        for chain_id, contract, provider, client, nonce, _ in pool
    ]

    assert len(ours) == 254
    assert ours == [answer["commitments"] for answer in twin]


def test_payment_address__edges_and_250_random_terms__those_of_ethers(pool, twin):
    ours = [
        checksum_address(payment_address(Insurance(chain_id, contract), provider))
        for chain_id, contract, provider, *_ in pool
    ]

    assert ours == [answer["paymentAddress"] for answer in twin]


def test_confirmation_digest__edges_and_250_random_terms__those_of_ethers_from_the_terms_and_from_our_data(
    pool, twin
):
    found = [
        (
            ["0x" + confirmation_digest(insurance, commitment).hex()] * 2,
            [theirs["digest"], theirs["digestOfData"]],
        )
        for insurance, commitment, _, theirs in _confirmations(pool, twin)
    ]

    assert len(found) == 508
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]


def test_sign_service_confirmation__edges_and_250_random_terms__those_of_ethers_and_of_the_signer(pool, twin):
    found = []
    for insurance, commitment, account, theirs in _confirmations(pool, twin):
        signature = sign_service_confirmation(account, insurance, commitment)
        found.append((("0x" + signature.hex(), account.address), (theirs["signature"], theirs["signer"])))

    assert len(found) == 508
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]

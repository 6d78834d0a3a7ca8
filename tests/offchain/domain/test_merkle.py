"""Trees, proofs and multiproofs byte for byte those of @openzeppelin/merkle-tree, run as the oracle."""

import dataclasses
import json
import random
import subprocess
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.identifiers import IdentifierError
from liqpass.domain.merkle import (
    MerkleError,
    Multiproof,
    Payout,
    PayoutTree,
    leaf_hash,
    verify_proof,
)
from liqpass.domain.money import MoneyError

SIZES = range(1, 258)
STANDARD = [1, 2, 3, 5, 8, 17, 33, 100, 257]
ORACLE = Path(__file__).with_name("merkle_oracle.cjs")
ROOT = Path(__file__).parents[3]


def _payouts(count, rng):
    return [
        Payout(20261121, number, f"0x{rng.getrandbits(160):040x}", rng.getrandbits(96), rng.randbytes(32))
        for number in range(1, count + 1)
    ]


def _case(size, rng):
    some = sorted(rng.sample(range(size), rng.randint(1, size)), key=lambda _: rng.random())
    proofs = list(range(size)) if size <= 17 else rng.sample(range(size), 3)
    full = [list(range(size))] if size <= 17 or size in STANDARD else []
    return {"size": size, "proofs": proofs, "sets": [some, [], *full]}


def _words(payout):
    return [
        str(payout.batch_id),
        str(payout.policy_no),
        payout.recipient,
        str(payout.amount),
        "0x" + payout.evidence_hash.hex(),
    ]


def _verify_multiproof(root, multiproof):
    """As MerkleProof.multiProofVerify does on chain: any malformed proof is simply false."""
    hashes = [leaf_hash(payout) for payout in multiproof.payouts]
    leaves, flags = len(hashes), multiproof.flags
    if leaves + len(multiproof.proof) != len(flags) + 1:
        return False
    if not flags:
        return (hashes[0] if hashes else multiproof.proof[0]) == root
    proof = iter(multiproof.proof)
    head = 0
    try:
        for flag in flags:
            left = hashes[head]
            head += 1
            if flag:
                right = hashes[head]
                head += 1
            else:
                right = next(proof)
            hashes.append(keccak(min(left, right) + max(left, right)))
    except (IndexError, StopIteration):
        return False
    return next(proof, None) is None and hashes[-1] == root


@pytest.fixture(scope="module")
def pool():
    return _payouts(257, random.Random(8785))


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(3009)
    return [_case(size, rng) for size in SIZES]


@pytest.fixture(scope="module")
def oracle(pool, cases):
    """One node process answers for all sizes."""
    question = {"payouts": [_words(payout) for payout in pool], "standard": STANDARD, "cases": cases}
    done = subprocess.run(
        ["node", str(ORACLE)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def trees(pool):
    return [PayoutTree.of(pool[:size]) for size in SIZES]


def _hex(values):
    return ["0x" + value.hex() for value in values]


def _answers(oracle, cases, trees):
    """Tree, question and answer: every size once, those in STANDARD twice."""
    yield from zip(trees, cases, oracle["simple"], strict=True)
    for size, answer in zip(STANDARD, oracle["standard"], strict=True):
        yield trees[size - 1], cases[size - 1], answer


def test_leaf_hash__257_payouts__those_of_the_javascript_library(oracle, pool):
    assert _hex(map(leaf_hash, pool)) == oracle["leaves"]


def test_root__1_to_257_payouts__those_of_the_javascript_library(oracle, cases, trees):
    roots = [(_hex([tree.root])[0], answer["root"]) for tree, _, answer in _answers(oracle, cases, trees)]

    assert len(roots) == 257 + len(STANDARD)
    assert [ours for ours, _ in roots] == [theirs for _, theirs in roots]


def test_proof__1_to_257_payouts__those_of_the_javascript_library(oracle, cases, trees):
    checked = 0
    for tree, case, answer in _answers(oracle, cases, trees):
        for index, expected in zip(case["proofs"], answer["proofs"], strict=True):
            proof = tree.proof(index)
            assert _hex(proof) == expected
            assert verify_proof(tree.root, tree.payouts[index], proof)
            checked += 1
    assert checked > 17 * 18 // 2 + 3 * 240


def test_multiproof__random_empty_and_full_sets__those_of_the_javascript_library(oracle, cases, trees):
    checked = 0
    for tree, case, answer in _answers(oracle, cases, trees):
        for indices, expected in zip(case["sets"], answer["multiproofs"], strict=True):
            made = tree.multiproof(indices)
            assert [payout.policy_no - 1 for payout in made.payouts] == expected["indices"]
            assert _hex(made.proof) == expected["proof"]
            assert list(made.flags) == expected["flags"]
            assert _verify_multiproof(tree.root, made)
            checked += 1
    assert checked > 2 * 257


def test_tree__no_payouts__refused():
    with pytest.raises(MerkleError, match="at least one payout"):
        PayoutTree.of([])


@given(st.integers(0, 2**32), st.integers(2, 40), st.data())
def test_multiproof__one_change_anywhere__rejected(seed, size, data):
    tree = PayoutTree.of(_payouts(size, random.Random(seed)))
    indices = data.draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True))
    made = tree.multiproof(indices)
    victim = data.draw(st.integers(0, len(indices) - 1))
    payouts = list(made.payouts)
    payouts[victim] = dataclasses.replace(payouts[victim], amount=payouts[victim].amount ^ 1)

    assert _verify_multiproof(tree.root, made)
    assert not _verify_multiproof(tree.root, dataclasses.replace(made, payouts=tuple(payouts)))
    assert not _verify_multiproof(bytes(32), made)
    longer = dataclasses.replace(made, proof=(*made.proof, bytes(32)))
    assert not _verify_multiproof(tree.root, longer)
    assert not _verify_multiproof(tree.root, dataclasses.replace(made, flags=(*made.flags, True)))


def test_verify_multiproof__reordered_payouts__rejected():
    tree = PayoutTree.of(_payouts(5, random.Random(1)))
    made = tree.multiproof([0, 1, 2])
    swapped = dataclasses.replace(made, payouts=made.payouts[::-1])

    assert not _verify_multiproof(tree.root, swapped)


def test_verify_multiproof__flags_that_ask_for_more_than_there_is__false():
    payouts = tuple(_payouts(2, random.Random(2)))

    assert not _verify_multiproof(bytes(32), Multiproof(payouts, (), (False,)))
    assert not _verify_multiproof(bytes(32), Multiproof(payouts[:1], (bytes(32),), (True,)))
    assert not _verify_multiproof(bytes(32), Multiproof((), (), ()))


def test_verify_proof__another_payout_or_root__false():
    payouts = _payouts(4, random.Random(3))
    tree = PayoutTree.of(payouts)

    assert not verify_proof(tree.root, payouts[1], tree.proof(0))
    assert not verify_proof(bytes(32), payouts[0], tree.proof(0))


@pytest.mark.parametrize("indices", [[0, 0], [3], [-1]])
def test_multiproof__index_twice_or_outside__refused(indices):
    tree = PayoutTree.of(_payouts(3, random.Random(4)))

    with pytest.raises(MerkleError):
        tree.multiproof(indices)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"batch_id": -1}, MerkleError),
        ({"policy_no": 2**256}, MerkleError),
        ({"evidence_hash": b"\0" * 31}, MerkleError),
        ({"recipient": "0x" + "AB" * 20}, IdentifierError),
        ({"recipient": "0x" + "00" * 20}, IdentifierError),
        ({"recipient": "0x52908400098527886E0F7030069857D2E4169EE7"}, MerkleError),
        ({"amount": -1}, MoneyError),
        ({"amount": 2**96}, MoneyError),
    ],
)
def test_payout__field_out_of_range__refused(changes, error):
    with pytest.raises(error):
        dataclasses.replace(_payouts(1, random.Random(5))[0], **changes)

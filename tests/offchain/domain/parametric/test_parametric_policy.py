"""Names of policies, and how a policyholder is named on chain."""

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.identifiers import IdentifierError
from liqpass.domain.parametric.policy import format_policy_id, leader_of, parse_policy_id, policy_id
from liqpass.domain.parametric.policyholder import policyholder_ref

LEADER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
NAME = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8/12"
NUMBER = int(LEADER, 16) * 2**64 + 12


def test_policy_id__leader_and_sequence__the_contracts_number():
    assert policy_id(LEADER, 12) == NUMBER
    assert leader_of(NUMBER) == LEADER
    assert format_policy_id(NUMBER) == NAME


@pytest.mark.parametrize("text", [NAME, f"{LEADER}/12", str(NUMBER)])
def test_parse_policy_id__each_form__the_same_number(text):
    assert parse_policy_id(text) == NUMBER


@given(st.integers(1, 2**160 - 1), st.integers(1, 2**64 - 1))
def test_parse_policy_id__what_was_formatted__comes_back(leader, sequence):
    number = leader << 64 | sequence

    assert parse_policy_id(format_policy_id(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "1.0",
        LEADER,
        f"{LEADER}/0",
        f"{LEADER}/01",
        f"{LEADER}/{2**64}",
        f"{LEADER[:-1]}/1",
        f"{NAME.replace('c', 'C', 1)}",
        f" {NAME}",
        f"{NAME}\n",
        str(2**224),
        "٣",
    ],
)
def test_parse_policy_id__anything_else__refused(text):
    with pytest.raises(IdentifierError):
        parse_policy_id(text)


def test_policyholder_ref__salt_and_reference__keccak_of_both():
    salt = bytes(range(32))

    assert policyholder_ref(salt, "Müller") == keccak(salt + b"M\xc3\xbcller")
    assert policyholder_ref(salt, "Müller") != policyholder_ref(bytes(32), "Müller")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_policyholder_ref__salt_of_another_length__refused(length):
    with pytest.raises(ValueError, match=f"a salt has 32 bytes, not {length}"):
        policyholder_ref(bytes(length), "reference")

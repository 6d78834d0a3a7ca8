"""Payment addresses: the contract's, one for each provider and contract, the same on every chain."""

import pytest
from hypothesis import given
from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_address
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address
from x402_terms import BASE, LOCAL, PROVIDER, addresses, insurances


@pytest.mark.parametrize("insurance", [LOCAL, BASE])
@pytest.mark.parametrize("provider", [PROVIDER, checksum_address(PROVIDER)])
def test_payment_address__known_provider__the_contract_s(insurance, provider):
    assert payment_address(insurance, provider) == "0xff8399e6a6369ee86c6945c533d3d64dc053fdfa"


@given(insurances, addresses, addresses)
def test_payment_address__any_provider__its_own_and_the_contract_s_own(insurance, provider, other):
    made = payment_address(insurance, provider)

    assert parse_address(made) == made
    assert (payment_address(insurance, other) == made) == (other == provider)
    assert (payment_address(Insurance(insurance.chain_id, other), provider) == made) == (
        other == insurance.contract
    )


@pytest.mark.parametrize("provider", ["0x" + "00" * 20, PROVIDER[:-1], "0x" + "aB" * 20])
def test_payment_address__not_an_address__refused(provider):
    with pytest.raises(IdentifierError):
        payment_address(LOCAL, provider)

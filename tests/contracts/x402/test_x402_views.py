"""The document's getters with the document's numbers, and ours."""

import pytest
from amounts import USDC
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from insured_payments import (
    BOND,
    LOCK,
    NOBODY,
    NONCE,
    NOTICE_S,
    PENALTY,
    PRICE,
    REQUEST,
    Notice,
    Standing,
    Status,
    settlement_commitment,
)

MINIMUM = 100 * USDC


def test_protection_cost__ten_cents__locks_0_102(insurance):
    assert tuple(insurance.getProtectionCost(PRICE)) == (LOCK, PENALTY)


def test_protection_cost__the_largest_amount__does_not_overflow(insurance):
    amount = 2**96 - 1
    penalty = -(-amount * 200 // 10_000)

    assert tuple(insurance.getProtectionCost(amount)) == (amount + penalty, penalty)


def test_stats__thousand_deposited_and_ten_cents_locked__shows_999_898(
    insurance, provider, settle, set_minimum
):
    set_minimum(MINIMUM)
    settle()

    stats = insurance.getProviderStats(provider)

    assert tuple(stats) == (1_000_000_000, 102_000, 999_898_000, MINIMUM, True, False)
    assert [item.name for item in insurance.getProviderStats.abis[0].outputs[0].components] == [
        "totalBond",
        "lockedAmount",
        "availableBond",
        "minBond",
        "isHealthy",
        "isLiquidated",
    ]


def test_stats__liquidated__says_so(insurance, provider, bonded, set_minimum, config, delayed, clock):
    set_minimum(BOND + 1)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    clock.travel_to(insurance.accounts(provider).liquidatableAt)
    delayed(insurance, "liquidateProvider", provider, sender=config)

    assert tuple(insurance.getProviderStats(provider)) == (0, 0, 0, BOND + 1, False, True)


def test_stats__nobody__all_zero_and_healthy(insurance, stranger):
    assert tuple(insurance.getProviderStats(stranger)) == (0, 0, 0, 0, True, False)


def test_health__locked_down_to_the_minimum__flips_one_below(insurance, provider, set_minimum, settle):
    set_minimum(BOND - LOCK)

    settle(nonce=b"\x01" * 32)
    assert insurance.isProviderHealthy(provider)
    settle(nonce=b"\x02" * 32, amount=1)

    assert not insurance.isProviderHealthy(provider)


def test_accounts__all_of_a_provider__told(insurance, provider, set_minimum, settle, config, delayed):
    set_minimum(MINIMUM)
    locked_at = insurance.policies(settle()).deadline - 300
    raised = delayed(insurance, "setMinProviderBond", provider, 2 * MINIMUM, sender=config)

    assert tuple(insurance.accounts(provider)) == (
        BOND,
        LOCK,
        BOND - LOCK - MINIMUM,
        MINIMUM,
        2 * MINIMUM,
        raised.timestamp + NOTICE_S,
        locked_at,
        Standing.ACTIVE,
        Notice.NONE,
        0,
    )


def test_policies__unknown__all_zero(insurance):
    assert tuple(insurance.policies(REQUEST)) == (NOBODY, 0, 0, Status.NONE, NOBODY, 0)
    assert not insurance.canClaimInsurance(REQUEST)


@pytest.mark.parametrize(
    ("amount", "answer"),
    [(0, False), (1, True), (980_392_156, True), (980_392_157, False), (2**96 - 1, False)],
)
def test_can_insure__amount__as_a_lock_would_go(amount, answer, insurance, bonded):
    assert insurance.canInsure(bonded, amount) == answer


def test_can_insure__unhealthy__no(insurance, bonded, set_minimum):
    set_minimum(BOND + 1)

    assert not insurance.canInsure(bonded, 1)


def test_can_insure__stranger_without_bond__no(insurance, stranger):
    assert not insurance.canInsure(stranger, 1)


def test_withdrawable__locked_below_the_minimum__nothing(insurance, provider, set_minimum, settle):
    set_minimum(BOND)
    settle()

    assert insurance.withdrawableBond(provider) == 0


def test_settlement_commitment__terms__keccak_with_bit_255(insurance, provider, client):
    expected = settlement_commitment(insurance, provider, client, NONCE)

    assert insurance.settlementCommitment(provider, client, NONCE) == expected
    assert expected[0] & 0x80


def test_payment_address__before_and_after_its_code__is_the_clones(
    project, insurance, provider, other_provider, settle
):
    before = insurance.paymentAddress(provider)
    settle()

    code = bytes(insurance.provider.get_code(before))
    implementation = code[10:30]
    prefix = bytes.fromhex("3d602d80600a3d3981f3363d3d373d3d3d363d73")
    creation = prefix + implementation + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
    salt = bytes(12) + bytes.fromhex(provider.address[2:])
    insured = bytes.fromhex(insurance.address[2:])
    derived = keccak(b"\xff" + insured + salt + keccak(creation))[12:]
    assert bytes.fromhex(before[2:]) == derived
    assert code == creation[10:]
    assert insurance.paymentAddress(provider) == before
    assert insurance.paymentAddress(other_provider) != before


def test_confirmation_digest__commitment__is_eip_712(insurance, chain):
    typed = encode_typed_data(
        domain_data={
            "name": "X402InsuranceV2",
            "version": "1",
            "chainId": chain.chain_id,
            "verifyingContract": insurance.address,
        },
        message_types={"ServiceConfirmation": [{"name": "requestCommitment", "type": "bytes32"}]},
        message_data={"requestCommitment": REQUEST},
    )

    digest = insurance.confirmationDigest(REQUEST)

    assert digest == keccak(b"\x19\x01" + typed.header + typed.body)
    assert insurance.SERVICE_CONFIRMATION_TYPEHASH() == keccak(
        b"ServiceConfirmation(bytes32 requestCommitment)"
    )

"""USDC's denylist, its pause, and too little gas to reach it: nobody's trouble stops another's money."""

from insured_payments import BOND, CLIENT_FUNDS, LOCK, PENALTY, PRICE, Held, Status
from reverts import reverts_with_string
from web3.exceptions import Web3RPCError

DENIED = "Blacklistable: account is blacklisted"


def test_attack_denylisted_client__the_others_are_paid(
    insurance, usdc, circle, client, stranger, relayer, settle, overdue, mint, held
):
    mint(stranger, PRICE)
    requests = [settle(nonce=b"\x01" * 32), settle(nonce=b"\x02" * 32, by=stranger)]
    overdue(requests[1])
    usdc.blacklist(client, sender=circle)

    insurance.claimMany(requests, sender=relayer)

    assert usdc.balanceOf(stranger) == PRICE
    assert insurance.credit(client) == PRICE
    assert held() == Held(client=CLIENT_FUNDS - PRICE, provider=2 * PRICE, insurance=BOND - PRICE)
    assert insurance.liabilities() == BOND - PRICE


def test_attack_denylisted_client__provider_leaves_all_the_same(
    insurance, usdc, circle, provider, client, relayer, settle, overdue, held
):
    request = settle()
    usdc.blacklist(client, sender=circle)
    insurance.claimInsurance(overdue(request), sender=relayer)

    insurance.withdrawBond(BOND - LOCK, sender=provider)

    assert held() == Held(client=9_900_000, provider=PRICE + BOND - LOCK, insurance=LOCK)


def test_attack_denylisted_treasury__claims_go_on(
    insurance, usdc, circle, treasury, client, relayer, config, stranger, settle, overdue, delayed, held
):
    request = settle()
    usdc.blacklist(treasury, sender=circle)

    insurance.claimInsurance(overdue(request), sender=client)

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    with reverts_with_string(DENIED):
        insurance.collect(sender=relayer)
    delayed(insurance, "setTreasury", stranger, sender=config)
    insurance.collect(sender=relayer)
    assert usdc.balanceOf(stranger) == PENALTY


def test_attack_denylisted_payout_address__client_keeps_its_money(
    insurance, usdc, circle, bonded, rich_client, relayer, settler, settlement, held
):
    insurance.setPayoutAddress(relayer, sender=bonded)
    usdc.blacklist(relayer, sender=circle)

    with reverts_with_string(DENIED):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held()
    assert insurance.lockedBond(bonded) == 0


def test_attack_denylisted_provider__its_client_is_paid(
    insurance, usdc, circle, provider, client, settle, overdue, held
):
    request = settle()
    usdc.blacklist(provider, sender=circle)

    insurance.claimInsurance(overdue(request), sender=client)

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_attack_usdc_paused__time_runs_on_and_nothing_is_lost(
    insurance, usdc, circle, provider, client, relayer, settle, overdue, held
):
    claimed, confirmed = settle(nonce=b"\x01" * 32), settle(nonce=b"\x02" * 32)
    usdc.pause(sender=circle)
    insurance.confirmService(confirmed, b"", sender=provider)
    insurance.claimInsurance(overdue(claimed), sender=relayer)
    usdc.unpause(sender=circle)

    insurance.withdrawCredit(client, sender=client)

    assert held() == Held(client=9_900_000, provider=2 * PRICE, insurance=BOND - PRICE)
    assert insurance.lockedBond(provider) == 0


def test_attack_claim_with_too_little_gas__client_is_paid_or_nothing_happens(
    insurance, usdc, client, stranger, settle, overdue, held
):
    request = overdue(settle())
    call = {
        "from": stranger.address,
        "to": insurance.address,
        "data": insurance.claimInsurance.encode_input(request),
    }

    def goes(gas):
        try:
            usdc.provider.web3.eth.call({**call, "gas": gas})
        except Web3RPCError:
            return False
        return True

    least = next(gas for gas in range(21_000, 300_000, 250) if goes(gas))
    insurance.claimInsurance(request, sender=stranger, gas_limit=least)

    assert insurance.policies(request).status == Status.CLAIMED
    assert insurance.credit(client) == 0
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)

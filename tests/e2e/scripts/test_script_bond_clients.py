"""`ape run bond cover`, `claims`, `withdraw-credit` and `pay-credit`."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from bond_world import CLIENT, COVERED, PAYMENT, BondWorld
from click.testing import Result
from liqpass.domain.x402.commitments import calculate_commitment
from liqpass.domain.x402.insurance import Insurance
from operator_world import DEPLOYER, ONE_USDC, STRANGER, transaction_in
from web3.logs import DISCARD

MINUTES_5_S = 300
GIVEN = "0x" + "5a" * 32


def cover(bonds: BondWorld, amount: str, *options: str, account: int = CLIENT) -> Result:
    return bonds.ape("cover", bonds.provider, amount, "--timeout", "5", *options, account=account)


def test_cover__approved_client__locks_under_the_commitment_of_its_nonce(bonds: BondWorld) -> None:
    before = bonds.held()

    result = cover(bonds, "0.10")

    receipt = bonds.world.web3.eth.get_transaction_receipt(transaction_in(result))
    (event,) = bonds.insurance.events.InsurancePurchased().process_receipt(receipt, errors=DISCARD)
    nonce, commitment = (
        bytes.fromhex(re.findall(rf"^{name} +0x([0-9a-f]{{64}})", result.output, re.MULTILINE)[0])
        for name in ("nonce", "commitment")
    )
    insurance = Insurance(31337, bonds.insurance.address.lower())
    assert commitment == calculate_commitment(
        insurance, provider=bonds.provider, client=bonds.client, nonce=nonce
    )
    assert dict(event["args"]) == {
        "commitment": commitment,
        "provider": bonds.provider,
        "client": bonds.client,
        "amount": PAYMENT,
        "penalty": 2_000,
        "deadline": bonds.now_s + MINUTES_5_S,
    }
    until = datetime.fromtimestamp(bonds.now_s + MINUTES_5_S, tz=UTC)
    assert f"locked until {until:%Y-%m-%d %H:%M:%S} UTC: pay {bonds.provider} now" in result.output
    assert bonds.stats[1] == 102_000
    assert bonds.held() == before


def test_cover__twice__locks_two_payments(bonds: BondWorld) -> None:
    first, second = cover(bonds, "0.10"), cover(bonds, "0.10")

    assert transaction_in(first) != transaction_in(second)
    assert bonds.stats[1] == 204_000


def test_cover__given_commitment__locks_it_once(bonds: BondWorld) -> None:
    result = cover(bonds, "0.10", "--commitment", GIVEN)

    assert transaction_in(result)
    assert bonds.status_of(GIVEN) == 1
    assert "nonce      0x" not in result.output
    again = ("cover", bonds.provider, "0.10", "--timeout", "5", "--commitment", GIVEN)
    bonds.refused(f"{GIVEN} is taken already: open, of client {bonds.client}", *again, account=CLIENT)


@pytest.mark.parametrize(
    ("commitment", "words"),
    [
        ("0x" + "ff" * 32, "bit 255 is set, as only settleAndInsure does"),
        ("0x" + "0" * 64, "zero is no commitment"),
    ],
    ids=["settled", "zero"],
)
def test_cover__commitment_of_another_kind__is_refused(bonds: BondWorld, commitment: str, words: str) -> None:
    arguments = ("cover", bonds.provider, "0.10", "--timeout", "5", "--commitment", commitment)

    bonds.refused(words, *arguments, account=CLIENT)


@pytest.mark.parametrize(
    ("arguments", "account", "words"),
    [
        (["0.10", "--timeout", "5"], STRANGER, "USDC more, not 0.10"),
        (["90.01", "--timeout", "5"], CLIENT, "lock 90.00 USDC more, not 90.01"),
        (["0.10", "--timeout", "61"], CLIENT, "lock for 60 minutes at most, not 61"),
    ],
    ids=["stranger", "amount", "time-out"],
)
def test_cover__beyond_what_was_approved__is_refused(
    bonds: BondWorld, arguments: list[str], account: int, words: str
) -> None:
    bonds.refused(words, "cover", bonds.provider, *arguments, account=account)


def test_cover__bond_too_small__is_refused(bonds: BondWorld) -> None:
    bonds.ape("withdraw", "99.90")

    words = "the bond has 0.10 USDC available, the payment would lock 0.102"
    bonds.refused(words, "cover", bonds.provider, "0.10", "--timeout", "5", account=CLIENT)


def test_cover__provider_without_a_bond__is_refused(bonds: BondWorld) -> None:
    stranger = bonds.world.address(STRANGER)

    arguments = ("cover", stranger, "0.10", "--timeout", "5")
    bonds.refused(f"{stranger} has no bond", *arguments, account=CLIENT)


def test_cover__paused__is_refused(bonds: BondWorld) -> None:
    bonds.pause()

    arguments = ("cover", bonds.provider, "0.10", "--timeout", "5")
    bonds.refused("X402InsuranceV2 is paused", *arguments, account=CLIENT)


def test_cover__provider_leaving__is_refused(bonds: BondWorld) -> None:
    bonds.ape("exit")

    arguments = ("cover", bonds.provider, "0.10", "--timeout", "5")
    bonds.refused(f"{bonds.provider} has announced its exit", *arguments, account=CLIENT)


def test_cover__dry_run__sends_nothing(bonds: BondWorld) -> None:
    before = bonds.world.nonces(), bonds.stats

    result = cover(bonds, "0.10", "--dry-run")

    assert result.exit_code == 0, result.output
    assert "0.10 USDC: would send" in result.output
    assert (bonds.world.nonces(), bonds.stats) == before


@pytest.mark.parametrize("minutes", ["0", "10081"])
def test_cover__time_out_out_of_range__is_refused(bonds: BondWorld, minutes: str) -> None:
    result = bonds.ape("cover", bonds.provider, "0.10", "--timeout", minutes, account=CLIENT)

    assert result.exit_code == 2


def test_claims__each_state__with_deadline_and_what_is_due(bonds: BondWorld) -> None:
    confirmed, overdue = bonds.cover(1), bonds.cover(2)
    bonds.ape("confirm", confirmed)
    bonds.pass_time(MINUTES_5_S + 1)
    later = bonds.cover(3, minutes=60)

    result = bonds.ape("claims", bonds.client, "--json", account=None)

    assert result.exit_code == 0, result.output
    answer = json.loads(result.output[result.output.index("{") :])
    assert (answer["client"], answer["creditUsdc"]) == (bonds.client, "0.00")
    deadlines = [
        bonds.insurance.functions.policies(bytes.fromhex(each[2:])).call()[2]
        for each in (confirmed, overdue, later)
    ]
    terms = {"provider": bonds.provider, "amountUsdc": "0.10"}
    assert answer["payments"] == [
        {"commitment": confirmed, "status": "confirmed", "deadline": deadlines[0], "claimable": False}
        | terms,
        {"commitment": overdue, "status": "open", "deadline": deadlines[1], "claimable": True} | terms,
        {"commitment": later, "status": "open", "deadline": deadlines[2], "claimable": False} | terms,
    ]


def test_claims__for_people__whole_commitments(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)

    result = bonds.ape("claims", account=CLIENT)

    assert result.exit_code == 0, result.output
    assert commitment in result.output
    assert "to be claimed" in result.output
    assert "payments 1, to be claimed 1, credit 0.00 USDC" in result.output


def test_claims__nobody_or_two__are_refused(bonds: BondWorld) -> None:
    nobody, two = bonds.ape("claims", account=None), bonds.ape("claims", bonds.client, account=CLIENT)

    assert [each.exit_code for each in (nobody, two)] == [2, 2]


def credit(bonds: BondWorld) -> None:
    """A claim that USDC would not pay: the client is denied, and 0.10 waits for it."""
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)
    bonds.deny(bonds.client)
    assert transaction_in(bonds.ape("claim", commitment, account=STRANGER))


def test_withdraw_credit__to_another_address__sends_it_there(bonds: BondWorld) -> None:
    credit(bonds)
    receiver = bonds.world.address(STRANGER)

    result = bonds.ape("withdraw-credit", "--to", receiver, account=CLIENT)

    assert transaction_in(result)
    assert f"sent 0.10 USDC to {receiver}" in result.output
    assert bonds.world.balance(receiver) == PAYMENT
    assert bonds.insurance.functions.credit(bonds.client).call() == 0


def test_withdraw_credit__to_the_client_again__once_it_is_no_longer_denied(bonds: BondWorld) -> None:
    credit(bonds)
    bonds.refused(f"USDC's issuer has denied {bonds.client}", "withdraw-credit", account=CLIENT)
    before = bonds.world.balance(bonds.client)
    bonds.world.send(bonds.world.usdc.functions.unBlacklist(bonds.client), DEPLOYER)

    result = bonds.ape("withdraw-credit", account=CLIENT)

    assert transaction_in(result)
    assert bonds.world.balance(bonds.client) - before == PAYMENT


def test_withdraw_credit__none__is_refused(bonds: BondWorld) -> None:
    bonds.refused(f"{bonds.client} has no credit", "withdraw-credit", account=CLIENT)


def test_pay_credit__by_a_stranger__client_alone_has_it(bonds: BondWorld) -> None:
    credit(bonds)
    bonds.world.send(bonds.world.usdc.functions.unBlacklist(bonds.client), DEPLOYER)
    before = bonds.held()

    result = bonds.ape("pay-credit", bonds.client, account=STRANGER)

    receipt = bonds.world.web3.eth.get_transaction_receipt(transaction_in(result))
    (event,) = bonds.insurance.events.CreditWithdrawn().process_receipt(receipt, errors=DISCARD)
    assert dict(event["args"]) == {"client": bonds.client, "to": bonds.client, "amount": PAYMENT}
    assert f"the credit of {bonds.client} is paid" in result.output
    moved = {account: held - before[account] for account, held in bonds.held().items()}
    changes = {bonds.client: PAYMENT, bonds.insurance.address: -PAYMENT}
    assert moved == dict.fromkeys(before, 0) | changes
    bonds.refused(f"{bonds.client} has no credit", "pay-credit", bonds.client, account=STRANGER)


def test_pay_credit__second_one_of_the_same_client__is_paid_too(bonds: BondWorld) -> None:
    transactions = set()
    for number in (1, 2):
        commitment = bonds.cover(number)
        bonds.pass_time(MINUTES_5_S + 1)
        bonds.deny(bonds.client)
        bonds.ape("claim", commitment, account=STRANGER)
        bonds.world.send(bonds.world.usdc.functions.unBlacklist(bonds.client), DEPLOYER)
        transactions.add(transaction_in(bonds.ape("pay-credit", bonds.client, account=STRANGER)))

    assert len(transactions) == 2
    assert bonds.insurance.functions.credit(bonds.client).call() == 0


def test_pay_credit__client_still_denied__is_refused(bonds: BondWorld) -> None:
    credit(bonds)

    words = f"USDC's issuer has denied {bonds.client}"
    bonds.refused(words, "pay-credit", bonds.client, account=STRANGER)

    assert bonds.insurance.functions.credit(bonds.client).call() == PAYMENT


def test_pay_credit__dry_run__sends_nothing(bonds: BondWorld) -> None:
    credit(bonds)
    bonds.world.send(bonds.world.usdc.functions.unBlacklist(bonds.client), DEPLOYER)
    before = bonds.world.nonces()

    result = bonds.ape("pay-credit", bonds.client, "--dry-run", account=STRANGER)

    assert f"pay a credit of 0.10 USDC to its client {bonds.client}: would send" in result.output
    assert bonds.world.nonces() == before


def test_cover__all_that_was_approved__is_spent(bonds: BondWorld) -> None:
    result = cover(bonds, "90.00")

    assert transaction_in(result)
    assert bonds.insurance.functions.coverage(bonds.provider, bonds.client).call() == [0, 60]
    assert bonds.stats[1] == COVERED + COVERED // 50
    assert bonds.stats[2] == 100 * ONE_USDC - bonds.stats[1]

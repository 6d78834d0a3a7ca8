"""`settleClaim`: the payout goes to the beneficiary, whoever calls."""

import pytest
from flight_policies import PAYOUT
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def policy(scene):
    return scene.reach("Approved")


def test_settle_claim__approved__pays_the_beneficiary_and_empties_the_pool(
    parametric, scene, usdc, stranger, beneficiary, policy, balances
):
    tx = parametric.settleClaim(policy, sender=stranger)

    assert events_of(tx) == [
        event(usdc, "Transfer", **{"from": parametric, "to": beneficiary, "value": PAYOUT}),
        event(parametric, "ClaimSettled", id=policy, beneficiary=beneficiary, amount=PAYOUT),
    ]
    assert balances(beneficiary, stranger) == (PAYOUT, 0, 0)
    assert parametric.credit(beneficiary) == 0
    assert scene.state(policy) == "Settled"


def stop(usdc, circle, beneficiary, reason):
    if reason == "paused":
        usdc.pause(sender=circle)
    else:
        usdc.blacklist(beneficiary, sender=circle)


@pytest.mark.parametrize("reason", ["paused", "denylisted"])
def test_settle_claim__usdc_refuses__credits_the_beneficiary(
    parametric, scene, usdc, circle, stranger, beneficiary, policy, balances, reason
):
    stop(usdc, circle, beneficiary, reason)

    tx = parametric.settleClaim(policy, sender=stranger)

    assert events_of(tx) == [
        event(parametric, "ClaimCredited", id=policy, beneficiary=beneficiary, amount=PAYOUT)
    ]
    assert balances(beneficiary) == (0, PAYOUT)
    assert parametric.credit(beneficiary) == PAYOUT
    assert scene.state(policy) == "Settled"


def test_settle_claim__too_little_gas__neither_pays_nor_credits(parametric, stranger, policy):
    """Else anyone could make a payment a credit, which a beneficiary that only receives cannot withdraw."""
    call = {
        "from": stranger.address,
        "to": parametric.address,
        "data": parametric.settleClaim.encode_input(policy),
    }
    request = parametric.provider.make_request

    calls = [{**call, "gas": hex(gas)} for gas in range(22_000, 142_000, 2_000)]
    answers = [
        request("eth_simulateV1", [{"blockStateCalls": [{"calls": [limited]}]}, "latest"])[0]["calls"][0]
        for limited in calls
    ]

    assert {(answer["status"], len(answer["logs"])) for answer in answers} == {("0x0", 0), ("0x1", 2)}


def test_settle_claim__twice__reverts(parametric, stranger, policy):
    parametric.settleClaim(policy, sender=stranger)

    with reverts_with(parametric.InvalidState, id=policy, state=7):
        parametric.settleClaim(policy, sender=stranger)


def test_settle_claim__not_approved__reverts(parametric, scene, leader):
    policy = scene.reach("Claimable")

    with reverts_with(parametric.InvalidState, id=policy, state=5):
        parametric.settleClaim(policy, sender=leader)


def test_settle_claim__another_policy_beside_it__keeps_its_escrows(
    parametric, scene, stranger, beneficiary, balances
):
    other = scene.reach("Funded")
    policy = scene.reach("Approved")

    parametric.settleClaim(policy, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, PAYOUT)
    assert scene.state(other) == "Funded"

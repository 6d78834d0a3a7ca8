"""`refund`: each insurer takes its own escrow, once, to where it wants."""

import pytest
from flight_policies import ESCROWS, PAYOUT, ZERO, shared
from logs import event, events_of
from reverts import reverts_with, reverts_with_string


@pytest.fixture
def policy(scene):
    return scene.reach("Expired")


def test_refund__expired__sends_the_exact_escrow_to_another_address(
    parametric, scene, usdc, participant, elsewhere, policy, balances
):
    tx = parametric.refund(policy, 1, elsewhere, sender=participant)

    assert events_of(tx) == [
        event(
            parametric,
            "ShareRefunded",
            id=policy,
            index=1,
            insurer=participant,
            to=elsewhere,
            escrow=350_000,
        ),
        event(usdc, "Transfer", **{"from": parametric, "to": elsewhere, "value": 350_000}),
    ]
    assert balances(participant, elsewhere) == (0, 350_000, 650_000)
    assert [scene.share_status(policy, index) for index in range(3)] == ["Accepted", "Refunded", "Accepted"]


def test_refund__dust__goes_back_to_share_0(parametric, scene, insurers, terms, balances):
    policy = scene.reach("Expired", terms.but(payout=7), shared(insurers, (5_000, 3_000, 2_000)))

    for index, insurer in enumerate(insurers):
        parametric.refund(policy, index, insurer, sender=insurer)

    assert balances(*insurers) == (4, 2, 1, 0)


def test_refund__twice__reverts(parametric, participant, policy):
    parametric.refund(policy, 1, participant, sender=participant)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=3):
        parametric.refund(policy, 1, participant, sender=participant)


@pytest.mark.parametrize(("answer", "status"), [("none", 0), ("rejected", 2)])
def test_refund__not_accepted__reverts(parametric, scene, leader, participant, answer, status):
    policy = scene.reach("Open")
    if answer == "rejected":
        parametric.rejectShare(policy, 1, sender=participant)
    parametric.failUnderwriting(policy, sender=leader)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=status):
        parametric.refund(policy, 1, participant, sender=participant)


@pytest.mark.parametrize("role", ["leader", "second_participant", "policy_operator", "beneficiary"])
def test_refund__anothers_share__reverts(parametric, request, policy, role):
    caller = request.getfixturevalue(role)

    with reverts_with(parametric.Unauthorized, id=policy, caller=caller):
        parametric.refund(policy, 1, caller, sender=caller)


def test_refund__no_such_share__reverts(parametric, participant, policy):
    with reverts_with(parametric.InvalidInput, field="share", value=3):
        parametric.refund(policy, 3, participant, sender=participant)


@pytest.mark.parametrize("place", ["nowhere", "usdc", "parametric"])
def test_refund__to_where_it_would_be_lost__reverts(parametric, usdc, participant, policy, place):
    to = {"nowhere": ZERO, "usdc": usdc.address, "parametric": parametric.address}[place]

    with reverts_with(parametric.InvalidInput, field="to", value=int(to, 16)):
        parametric.refund(policy, 1, to, sender=participant)


def test_refund__denylisted_insurer__takes_it_elsewhere_and_stops_nobody(
    parametric, usdc, circle, participant, second_participant, elsewhere, policy, balances
):
    usdc.blacklist(participant, sender=circle)
    with reverts_with_string("Blacklistable: account is blacklisted"):
        parametric.refund(policy, 1, participant, sender=participant)

    parametric.refund(policy, 2, second_participant, sender=second_participant)
    parametric.refund(policy, 1, elsewhere, sender=participant)

    assert balances(elsewhere, second_participant) == (350_000, 250_000, 400_000)


def test_refund__usdc_paused__reverts_and_works_afterwards(
    parametric, scene, usdc, circle, participant, policy, balances
):
    usdc.pause(sender=circle)
    with reverts_with_string("Pausable: paused"):
        parametric.refund(policy, 1, participant, sender=participant)
    assert scene.share_status(policy, 1) == "Accepted"
    usdc.unpause(sender=circle)

    parametric.refund(policy, 1, participant, sender=participant)

    assert balances(participant) == (350_000, 650_000)


def test_refund__settled__reverts(parametric, scene, participant, mint):
    policy = scene.reach("Settled")
    mint(parametric, PAYOUT)

    with reverts_with(parametric.InvalidState, id=policy, state=7):
        parametric.refund(policy, 1, participant, sender=participant)


def test_refund__two_policies_on_one_balance__each_pays_its_own(parametric, scene, insurers, balances):
    policy = scene.reach("Failed")
    other = scene.reach("Expired")

    for index, insurer in enumerate(insurers):
        with reverts_with(parametric.InvalidShareStatus, id=policy, index=index, status=0):
            parametric.refund(policy, index, insurer, sender=insurer)
        parametric.refund(other, index, insurer, sender=insurer)

    assert balances(*insurers) == (*ESCROWS, 0)

"""`replaceShare`: the leader gives an open share to another insurer."""

import pytest
from flight_policies import PAYOUT, ZERO
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def policy(scene):
    return scene.reach("Open")


@pytest.fixture
def newcomer(stranger):
    return stranger


@pytest.fixture
def new_shares(shares, newcomer):
    return [shares[0], (newcomer.address, 3_500), shares[2]]


@pytest.mark.parametrize("state", ["Draft", "Open"])
def test_replace_share__not_accepted__is_reassigned(
    parametric, scene, leader, participant, newcomer, new_shares, state
):
    policy = scene.reach(state)

    tx = parametric.replaceShare(policy, 1, newcomer, sender=leader)

    assert events_of(tx) == [
        event(
            parametric,
            "ShareReplaced",
            id=policy,
            index=1,
            insurer=newcomer,
            previous=participant,
            termsHash=scene.expected_hash(new_shares),
        )
    ]
    assert [tuple(share) for share in parametric.shares(policy)] == new_shares
    assert scene.hash_of(policy) == scene.expected_hash(new_shares)
    assert (scene.share_status(policy, 1), scene.state(policy)) == ("Pending", state)


def test_replace_share__rejected__the_newcomer_completes_the_policy(
    parametric, scene, leader, insurers, newcomer, new_shares, policy, balances
):
    parametric.rejectShare(policy, 1, sender=insurers[1])
    scene.accept(policy, 0, insurers[0])
    parametric.replaceShare(policy, 1, newcomer, sender=leader)
    scene.accept(policy, 2, insurers[2])

    scene.accept(policy, 1, newcomer)

    assert scene.state(policy) == "Funded"
    assert balances(newcomer) == (0, PAYOUT)


def test_replace_share__same_insurer_after_it_rejected__may_answer_again(
    parametric, scene, leader, participant, policy
):
    parametric.rejectShare(policy, 1, sender=participant)

    parametric.replaceShare(policy, 1, participant, sender=leader)

    assert scene.share_status(policy, 1) == "Pending"
    assert scene.hash_of(policy) == scene.expected_hash(scene.shares)


def test_replace_share__who_was_replaced__cannot_accept(
    parametric, scene, leader, participant, newcomer, policy
):
    parametric.replaceShare(policy, 1, newcomer, sender=leader)

    with reverts_with(parametric.Unauthorized, id=policy, caller=participant):
        parametric.acceptShare(policy, 1, scene.hash_of(policy), sender=participant)


def test_replace_share__others_who_agreed_to_the_old_hash__must_look_again(
    parametric, scene, leader, second_participant, newcomer, new_shares, policy
):
    parametric.replaceShare(policy, 1, newcomer, sender=leader)

    with reverts_with(
        parametric.TermsMismatch,
        id=policy,
        termsHash=scene.expected_hash(scene.shares),
        expectedHash=scene.expected_hash(new_shares),
    ):
        parametric.acceptShare(policy, 2, scene.expected_hash(scene.shares), sender=second_participant)


@pytest.mark.parametrize("taken", [0, 2])
def test_replace_share__insurer_of_another_share__reverts(parametric, leader, insurers, policy, taken):
    with reverts_with(parametric.InvalidInput, field="insurer", value=int(insurers[taken].address, 16)):
        parametric.replaceShare(policy, 1, insurers[taken], sender=leader)


def test_replace_share__nobody__reverts(parametric, leader, policy):
    with reverts_with(parametric.InvalidInput, field="insurer", value=0):
        parametric.replaceShare(policy, 1, ZERO, sender=leader)


def test_replace_share__accepted__reverts(parametric, scene, leader, participant, newcomer, policy):
    scene.accept(policy, 1, participant)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=1):
        parametric.replaceShare(policy, 1, newcomer, sender=leader)


def test_replace_share__no_such_share__reverts(parametric, leader, newcomer, policy):
    with reverts_with(parametric.InvalidInput, field="share", value=3):
        parametric.replaceShare(policy, 3, newcomer, sender=leader)


def test_replace_share__by_its_insurer__reverts(parametric, participant, newcomer, policy):
    with reverts_with(parametric.Unauthorized, id=policy, caller=participant):
        parametric.replaceShare(policy, 1, newcomer, sender=participant)

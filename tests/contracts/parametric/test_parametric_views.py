"""The document's two statuses, derived from the one state."""

import pytest
from reverts import reverts_with

UNDERWRITING = ("None", "Proposed", "Open", "Finalized", "Failed")
CLAIM = ("None", "PendingOracle", "Claimable", "Approved", "Settled", "Rejected")


@pytest.mark.parametrize(
    ("state", "underwriting", "claim"),
    [
        ("Draft", "Proposed", "None"),
        ("Open", "Open", "None"),
        ("Funded", "Finalized", "None"),
        ("Active", "Finalized", "PendingOracle"),
        ("Claimable", "Finalized", "Claimable"),
        ("Approved", "Finalized", "Approved"),
        ("Settled", "Finalized", "Settled"),
        ("Expired", "Finalized", "None"),
        ("Failed", "Failed", "None"),
    ],
)
def test_statuses__each_state__are_the_documents(parametric, scene, state, underwriting, claim):
    policy = scene.reach(state)

    assert UNDERWRITING[parametric.underwritingStatus(policy)] == underwriting
    assert CLAIM[parametric.claimStatus(policy)] == claim


def test_statuses__unknown_policy__are_none(parametric):
    assert (parametric.state(7), parametric.underwritingStatus(7), parametric.claimStatus(7)) == (0, 0, 0)
    assert parametric.shares(7) == []
    assert parametric.claimDeadline(7) == 0


def test_claim_status__rejected__stays_so_until_a_newer_claim(parametric, scene, leader, stranger):
    policy = scene.reach("Claimable")
    parametric.rejectClaim(policy, sender=leader)
    assert CLAIM[parametric.claimStatus(policy)] == "Rejected"

    scene.push(140)
    parametric.checkOracle(policy, sender=stranger)

    assert CLAIM[parametric.claimStatus(policy)] == "Claimable"


def test_claim_status__rejected_and_expired__stays_rejected(parametric, scene, leader, stranger, clock):
    policy = scene.reach("Claimable")
    parametric.rejectClaim(policy, sender=leader)
    clock.next_block_at(parametric.claimDeadline(policy) + 1)

    parametric.expirePolicy(policy, sender=stranger)

    assert CLAIM[parametric.claimStatus(policy)] == "Rejected"


def test_share_views__unknown_policy__revert(parametric, stranger):
    for view in (parametric.shareStatus, parametric.escrowOf):
        with reverts_with(parametric.InvalidInput, field="share", value=0):
            view.transact(7, 0, sender=stranger)

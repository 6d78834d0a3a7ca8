"""What an insurer could try against the other insurers and policies, and a feed against all of them."""

import pytest
from flight_policies import CLAIM_DEADLINE, ESCROWS, PAYOUT
from reverts import reverts_with

FEEDS = {
    "no instruction": "fe",
    "never ends": "5b5f56",
    # While more than 3,000,000 gas are left, burn them; then answer with 2^20 bytes: too much to take.
    "burns and floods": "5b622dc6c05a115f57621000005ff3",
}


def test_refund__again_after_another_insurers__reverts_and_takes_nothing_of_the_next_policy(
    parametric, scene, insurers, balances
):
    scene.reach("Funded")
    policy = scene.reach("Expired")
    for index, insurer in enumerate(insurers):
        parametric.refund(policy, index, insurer, sender=insurer)

    for index, insurer in enumerate(insurers):
        with reverts_with(parametric.InvalidShareStatus, id=policy, index=index, status=3):
            parametric.refund(policy, index, insurer, sender=insurer)

    assert balances(*insurers) == (*ESCROWS, PAYOUT)
    assert [scene.share_status(policy, index) for index in range(3)] == ["Refunded"] * 3


def test_rejected__another_insurer_rejects_too__neither_can_accept_any_more(
    parametric, scene, participant, second_participant, balances
):
    policy = scene.reach("Open")
    insurers = {1: participant, 2: second_participant}
    for index, insurer in insurers.items():
        scene.provide(policy, index, insurer)
        parametric.rejectShare(policy, index, sender=insurer)

    for index, insurer in insurers.items():
        with reverts_with(parametric.InvalidShareStatus, id=policy, index=index, status=2):
            parametric.acceptShare(policy, index, scene.hash_of(policy), sender=insurer)

    assert balances(participant, second_participant) == (*ESCROWS[1:], 0)


def test_replaced__share_of_one_who_rejected__the_others_rejection_stays(
    parametric, scene, leader, participant, second_participant, stranger
):
    policy = scene.reach("Open")
    parametric.rejectShare(policy, 1, sender=participant)
    parametric.rejectShare(policy, 2, sender=second_participant)

    parametric.replaceShare(policy, 1, stranger, sender=leader)

    assert [scene.share_status(policy, index) for index in range(3)] == ["Pending", "Pending", "Rejected"]


@pytest.mark.parametrize("code", FEEDS.values(), ids=FEEDS)
def test_feed_that_no_check_survives__anyone_ends_the_policy_and_every_insurer_refunds(
    parametric, scene, feed, chain, stranger, insurers, clock, balances, code
):
    policy = scene.reach("Active")
    chain.provider.set_code(feed.address, bytes.fromhex(code))
    data = parametric.checkOracle.encode_input(policy)
    call = {"from": stranger.address, "to": parametric.address, "data": data, "gas": hex(16_000_000)}
    (block,) = parametric.provider.make_request(
        "eth_simulateV1", [{"blockStateCalls": [{"calls": [call]}]}, "latest"]
    )
    assert block["calls"][0]["status"] == "0x0"
    clock.next_block_at(CLAIM_DEADLINE + 1)

    parametric.expirePolicy(policy, sender=stranger)
    for index, insurer in enumerate(insurers):
        parametric.refund(policy, index, insurer, sender=insurer)

    assert balances(*insurers) == (*ESCROWS, 0)

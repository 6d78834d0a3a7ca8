"""A token or a feed that calls back: USDC is upgradeable, and a feed is whatever the leader bound."""

import pytest
from calling_back import calling_back
from clock import DAY_S
from flight_policies import LATE, PAYOUT, UNDERWRITING_DEADLINE
from logs import event, events_of
from reverts import reverts_with, reverts_without_reason

INNER = ("acceptShare", "acceptShareWithPermit", "settleClaim", "refund", "withdraw", "payCredit")
OUTER = ("acceptShare", "acceptShareWithPermit", "refund", "withdraw", "payCredit")


@pytest.fixture
def calls(parametric, scene, usdc, circle, leader, participant, beneficiary, elsewhere, terms):
    """Of each function, arguments and who may call it so, each about a policy of its own."""
    dates = ("underwritingDeadline", "activeFrom", "departure", "activeTo")
    later = terms.but(**{date: getattr(terms, date) + 30 * DAY_S for date in dates})
    failed = scene.reach("Open")
    scene.accept(failed, 1, participant)
    parametric.failUnderwriting(failed, sender=leader)
    credited, approved = scene.reach("Funded"), scene.reach("Funded")
    usdc.blacklist(beneficiary, sender=circle)
    scene.advance(credited, "Settled")
    scene.advance(approved, "Claimable")
    scene.advance(approved, "Approved")
    answered = scene.reach("Open", later)
    scene.provide(answered, 1, participant)
    agreed = scene.hash_of(answered)
    return {
        "acceptShare": ((answered, 1, agreed), participant),
        "acceptShareWithPermit": ((answered, 1, agreed, 0, b""), participant),
        "settleClaim": ((approved,), leader),
        "refund": ((failed, 1, elsewhere), participant),
        "withdraw": ((elsewhere,), beneficiary),
        "payCredit": ((beneficiary,), leader),
    }


@pytest.fixture
def reentered(parametric, usdc, chain, calls):
    """reentered(function): from now on the token calls it whenever it is called."""

    def run(function):
        data = getattr(parametric, function).encode_input(*calls[function][0])
        chain.provider.set_code(usdc.address, calling_back(parametric, data))

    return run


@pytest.mark.parametrize("outer", OUTER)
def test_token_calls_back__each_guarded_function__reverts(outer, parametric, calls, reentered):
    arguments, sender = calls[outer]

    for inner in INNER:
        reentered(inner)
        with reverts_with(parametric.ReentrancyGuardReentrantCall):
            getattr(parametric, outer)(*arguments, sender=sender)


@pytest.mark.parametrize("inner", INNER)
def test_token_calls_back_from_a_payout__is_credited_once(inner, parametric, beneficiary, calls, reentered):
    """A transfer that fails, for this reason too, is a payout that USDC refuses."""
    (policy,), sender = calls["settleClaim"]
    owed = parametric.credit(beneficiary)
    reentered(inner)

    tx = parametric.settleClaim(policy, sender=sender)

    assert events_of(tx) == [
        event(parametric, "ClaimCredited", id=policy, beneficiary=beneficiary, amount=PAYOUT)
    ]
    assert parametric.credit(beneficiary) == owed + PAYOUT


def test_token_fails_another_underwriting_during_a_refund__each_policy_keeps_to_itself(
    parametric, scene, usdc, chain, leader, participant, elsewhere, clock
):
    refunded, other = scene.reach("Open"), scene.reach("Open")
    scene.accept(refunded, 1, participant)
    parametric.failUnderwriting(refunded, sender=leader)
    data = parametric.failUnderwriting.encode_input(other)
    chain.provider.set_code(usdc.address, calling_back(parametric, data))
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)

    tx = parametric.refund(refunded, 1, elsewhere, sender=participant)

    parties = {"insurer": participant, "to": elsewhere}
    assert events_of(tx) == [
        event(parametric, "ShareRefunded", id=refunded, index=1, **parties, escrow=350_000),
        event(parametric, "UnderwritingFailed", id=other, by=usdc),
    ]
    assert (scene.share_status(refunded, 1), scene.share_status(other, 1)) == ("Refunded", "Pending")


def test_feed_calls_back__cannot_change_anything(parametric, scene, feed, chain, stranger, clock):
    """It is only read: what it calls may not write."""
    other, policy = scene.reach("Open"), scene.reach("Active")
    data = parametric.failUnderwriting.encode_input(other)
    chain.provider.set_code(feed.address, calling_back(parametric, data))
    clock.travel_to(LATE)

    with reverts_without_reason():
        parametric.checkOracle(policy, sender=stranger)

    assert (scene.state(policy), scene.state(other)) == ("Active", "Open")

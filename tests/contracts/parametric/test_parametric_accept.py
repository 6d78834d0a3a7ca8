"""`acceptShare` and `acceptShareWithPermit`: an insurer agrees to the terms and escrows its share."""

import pytest
from flight_policies import ESCROWS, FOREVER, PAYOUT, UNDERWRITING_DEADLINE, shared
from logs import event, events_of
from reverts import reverts_with, reverts_with_string
from signing import sign_permit

SHORT_ALLOWANCE = "ERC20: transfer amount exceeds allowance"


@pytest.fixture
def policy(scene):
    return scene.reach("Open")


@pytest.fixture
def agreed(scene, policy):
    """The hash of what was created."""
    return scene.expected_hash(scene.shares)


def test_accept_share__first__escrows_its_part(
    parametric, scene, usdc, participant, policy, agreed, balances
):
    scene.provide(policy, 1, participant)

    tx = parametric.acceptShare(policy, 1, agreed, sender=participant)

    assert events_of(tx) == [
        event(parametric, "ShareAccepted", id=policy, index=1, insurer=participant, escrow=350_000),
        event(usdc, "Transfer", **{"from": participant, "to": parametric, "value": 350_000}),
    ]
    assert balances(participant) == (0, 350_000)
    assert usdc.allowance(participant, parametric) == 0
    assert [scene.share_status(policy, index) for index in range(3)] == ["Pending", "Accepted", "Pending"]
    assert scene.state(policy) == "Open"


def test_accept_share__last__funds_the_policy(parametric, scene, usdc, insurers, policy, agreed, balances):
    scene.accept(policy, 2, insurers[2])
    scene.accept(policy, 0, insurers[0])
    scene.provide(policy, 1, insurers[1])

    tx = parametric.acceptShare(policy, 1, agreed, sender=insurers[1])

    assert events_of(tx) == [
        event(parametric, "ShareAccepted", id=policy, index=1, insurer=insurers[1], escrow=350_000),
        event(parametric, "UnderwritingFinalized", id=policy),
        event(usdc, "Transfer", **{"from": insurers[1], "to": parametric, "value": 350_000}),
    ]
    assert balances(*insurers) == (0, 0, 0, PAYOUT)
    assert scene.state(policy) == "Funded"


def test_accept_share__sixteen_insurers_with_dust__hold_exactly_the_payout(
    parametric, scene, accounts, terms, balances
):
    insurers = [accounts.generate_test_account() for _ in range(16)]
    policy = scene.create(terms.but(payout=1_000_003), shared(insurers, (625,) * 16))
    parametric.openUnderwriting(policy, sender=scene.leader)

    for index, insurer in enumerate(insurers):
        insurer.balance = 10**20
        scene.accept(policy, index, insurer)

    assert balances() == (1_000_003,)
    assert scene.state(policy) == "Funded"


def test_accept_share__escrow_rounded_to_nothing__pulls_nothing(parametric, scene, usdc, insurers, terms):
    policy = scene.create(terms.but(payout=1), shared(insurers, (5_000, 3_000, 2_000)))
    parametric.openUnderwriting(policy, sender=scene.leader)

    tx = scene.accept(policy, 2, insurers[2])

    assert events_of(tx) == [
        event(parametric, "ShareAccepted", id=policy, index=2, insurer=insurers[2], escrow=0),
        event(usdc, "Transfer", **{"from": insurers[2], "to": parametric, "value": 0}),
    ]


def test_accept_share__larger_allowance__pulls_exactly_the_escrow(
    parametric, scene, usdc, participant, mint, policy, agreed, balances
):
    mint(participant, PAYOUT)
    usdc.approve(parametric, FOREVER, sender=participant)

    parametric.acceptShare(policy, 1, agreed, sender=participant)

    assert balances(participant) == (650_000, 350_000)


def test_accept_share__at_the_deadline__is_accepted(scene, participant, parametric, clock, policy, agreed):
    scene.provide(policy, 1, participant)
    clock.next_block_at(UNDERWRITING_DEADLINE)

    parametric.acceptShare(policy, 1, agreed, sender=participant)

    assert scene.share_status(policy, 1) == "Accepted"


def test_accept_share__after_the_deadline__reverts(scene, participant, parametric, clock, policy, agreed):
    scene.provide(policy, 1, participant)
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)

    with reverts_with(
        parametric.InvalidTimeWindow,
        time=UNDERWRITING_DEADLINE + 1,
        earliest=0,
        latest=UNDERWRITING_DEADLINE,
    ):
        parametric.acceptShare(policy, 1, agreed, sender=participant)


def test_accept_share__another_insurer__reverts(parametric, second_participant, policy, agreed):
    with reverts_with(parametric.Unauthorized, id=policy, caller=second_participant):
        parametric.acceptShare(policy, 1, agreed, sender=second_participant)


@pytest.mark.parametrize("index", [3, 255, 2**256 - 1])
def test_accept_share__no_such_share__reverts(parametric, participant, policy, agreed, index):
    with reverts_with(parametric.InvalidInput, field="share", value=index):
        parametric.acceptShare(policy, index, agreed, sender=participant)


def test_accept_share__twice__reverts(parametric, scene, participant, policy, agreed):
    scene.accept(policy, 1, participant)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=1):
        parametric.acceptShare(policy, 1, agreed, sender=participant)


def test_accept_share__rejected_before__reverts(parametric, participant, policy, agreed):
    parametric.rejectShare(policy, 1, sender=participant)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=2):
        parametric.acceptShare(policy, 1, agreed, sender=participant)


def test_accept_share__other_terms__reverts(parametric, scene, participant, terms, policy, agreed):
    other = scene.create(terms.but(payout=PAYOUT + 1))
    parametric.openUnderwriting(other, sender=scene.leader)

    with reverts_with(
        parametric.TermsMismatch, id=other, termsHash=agreed, expectedHash=scene.hash_of(other)
    ):
        parametric.acceptShare(other, 1, agreed, sender=participant)


def test_accept_share__no_allowance__reverts(parametric, participant, mint, policy, agreed):
    mint(participant, ESCROWS[1])

    with reverts_with_string(SHORT_ALLOWANCE):
        parametric.acceptShare(policy, 1, agreed, sender=participant)


def test_accept_share__usdc_paused__reverts(parametric, scene, usdc, circle, participant, policy, agreed):
    scene.provide(policy, 1, participant)
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        parametric.acceptShare(policy, 1, agreed, sender=participant)


@pytest.fixture
def deadline(clock):
    return clock.now + 3_600


@pytest.fixture
def permit(usdc, parametric, participant, mint, deadline):
    """Signed for exactly the escrow, which the participant holds."""
    mint(participant, ESCROWS[1])
    return sign_permit(usdc, participant, parametric, ESCROWS[1], deadline)


def test_accept_share_with_permit__valid__escrows_its_part(
    parametric, scene, usdc, participant, policy, agreed, deadline, permit, balances
):
    tx = parametric.acceptShareWithPermit(policy, 1, agreed, deadline, permit, sender=participant)

    assert events_of(tx) == [
        event(usdc, "Approval", owner=participant, spender=parametric, value=350_000),
        event(parametric, "ShareAccepted", id=policy, index=1, insurer=participant, escrow=350_000),
        event(usdc, "Transfer", **{"from": participant, "to": parametric, "value": 350_000}),
    ]
    assert balances(participant) == (0, 350_000)
    assert usdc.allowance(participant, parametric) == 0
    assert scene.share_status(policy, 1) == "Accepted"


def test_accept_share_with_permit__share_0__permits_its_dust_too(
    parametric, scene, usdc, leader, mint, terms, deadline, balances
):
    policy = scene.create(terms.but(payout=1_000_001))
    parametric.openUnderwriting(policy, sender=leader)
    mint(leader, 400_001)
    permit = sign_permit(usdc, leader, parametric, 400_001, deadline)

    parametric.acceptShareWithPermit(policy, 0, scene.hash_of(policy), deadline, permit, sender=leader)

    assert balances(leader) == (0, 400_001)


def test_accept_share_with_permit__sent_ahead_by_somebody__still_accepts(
    parametric, usdc, participant, stranger, policy, agreed, deadline, permit, balances
):
    usdc.permit(participant, parametric, ESCROWS[1], deadline, permit, sender=stranger)

    parametric.acceptShareWithPermit(policy, 1, agreed, deadline, permit, sender=participant)

    assert balances(participant) == (0, 350_000)


def test_accept_share_with_permit__standing_allowance_and_no_permit__accepts(
    parametric, scene, participant, policy, agreed, balances
):
    scene.provide(policy, 1, participant)

    parametric.acceptShareWithPermit(policy, 1, agreed, 0, b"", sender=participant)

    assert balances(participant) == (0, 350_000)


@pytest.mark.parametrize("fault", ["late", "forged", "short"])
def test_accept_share_with_permit__permit_that_does_not_hold__reverts(
    parametric, usdc, participant, stranger, mint, clock, policy, agreed, deadline, fault
):
    mint(participant, ESCROWS[1])
    permit = sign_permit(
        usdc,
        participant,
        parametric,
        ESCROWS[1] - (fault == "short"),
        deadline,
        key_of=stranger if fault == "forged" else None,
    )
    if fault == "late":
        clock.next_block_at(deadline + 1)

    with reverts_with_string(SHORT_ALLOWANCE):
        parametric.acceptShareWithPermit(policy, 1, agreed, deadline, permit, sender=participant)


def test_accept_share_with_permit__anothers_permit__reverts(
    parametric, second_participant, policy, agreed, deadline, permit, balances
):
    with reverts_with(parametric.Unauthorized, id=policy, caller=second_participant):
        parametric.acceptShareWithPermit(policy, 1, agreed, deadline, permit, sender=second_participant)

    assert balances() == (0,)


def test_accept_share_with_permit__other_terms__reverts(
    parametric, participant, policy, agreed, deadline, permit
):
    with reverts_with(parametric.TermsMismatch, id=policy, termsHash=bytes(32), expectedHash=agreed):
        parametric.acceptShareWithPermit(policy, 1, bytes(32), deadline, permit, sender=participant)


def test_accept_share_with_permit__smart_wallet__its_owner_signs(
    parametric, scene, usdc, project, wallet_owner, mint, deadline, balances
):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, PAYOUT)
    policy = scene.create(shares=[(wallet.address, 10_000)])
    parametric.openUnderwriting(policy, sender=scene.leader)
    permit = sign_permit(usdc, wallet, parametric, PAYOUT, deadline, key_of=wallet_owner)
    call = parametric.acceptShareWithPermit.encode_input(policy, 0, scene.hash_of(policy), deadline, permit)

    wallet.execute(parametric, call, sender=wallet_owner)

    assert balances(wallet) == (0, PAYOUT)
    assert scene.state(policy) == "Funded"

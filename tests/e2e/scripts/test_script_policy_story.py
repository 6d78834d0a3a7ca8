"""`ape run policy`: the document's policy from its terms to everybody's money, by the commands alone."""

from __future__ import annotations

from operator_world import DEPLOYER
from policy_world import (
    ACTIVE_FROM_S,
    ANYONE,
    BENEFICIARY,
    CLAIM_DEADLINE_S,
    DEADLINE_S,
    ESCROWS,
    INSURERS,
    LATE_S,
    LEADER,
    OTHER_INSURER,
    PAYOUT,
    POLICY_OPERATOR,
    PolicyWorld,
)


def test_policy__reading_130__pays_the_beneficiary_and_the_pool_is_empty(policies: PolicyWorld) -> None:
    before = policies.held()
    name = policies.drafted()
    policies.done("open", name)
    ways = (["--permit"], [], ["--terms", policies.terms()])
    for way, insurer in zip(ways, INSURERS, strict=True):
        policies.done("accept", name, *way, account=insurer)
    assert policies.state == "Funded"
    escrowed = {policies.world.address(who): -part for who, part in zip(INSURERS, ESCROWS, strict=True)}
    assert policies.moved(before) == escrowed | {policies.contract.address: PAYOUT}

    policies.at(ACTIVE_FROM_S)
    policies.done("activate", name, account=ANYONE)
    policies.push(130, LATE_S)
    checked = policies.done("check", name, account=ANYONE)
    assert "round 1: 130 minutes" in checked
    assert "reaches the threshold of 120 minutes" in checked
    policies.done("approve", name, account=POLICY_OPERATOR)
    settled = policies.done("settle", name, account=ANYONE)

    assert f"1.00 USDC to beneficiary {policies.world.address(BENEFICIARY)}" in settled
    assert f"{name} is Settled" in settled
    assert policies.moved(before) == escrowed | {policies.world.address(BENEFICIARY): PAYOUT}


def test_policy__reading_110__expires_and_refunds_each_escrow(policies: PolicyWorld) -> None:
    before = policies.held()
    name = policies.active()
    policies.push(110, LATE_S)

    checked = policies.done("check", name, account=ANYONE)
    assert "110 minutes" in checked
    assert "is below the threshold of 120 minutes" in checked
    assert policies.event("OracleChecked", checked) == {
        "id": policies.number,
        "roundId": 1,
        "delayMinutes": 110,
        "updatedAt": LATE_S,
    }
    policies.at(CLAIM_DEADLINE_S + 1)
    policies.done("expire", name, account=ANYONE)
    for index, insurer in enumerate(INSURERS):
        output = policies.done("refund", name, account=insurer)
        assert policies.event("ShareRefunded", output) == {
            "id": policies.number,
            "index": index,
            "insurer": policies.world.address(insurer),
            "to": policies.world.address(insurer),
            "escrow": ESCROWS[index],
        }

    assert policies.moved(before) == {}


def test_policy__underwriting_fails_after_a_replacement__gives_the_escrow_back(policies: PolicyWorld) -> None:
    before = policies.held()
    name = policies.opened()
    policies.done("accept", name, account=INSURERS[0])
    policies.done("reject", name, account=INSURERS[1])
    replacement = policies.world.address(OTHER_INSURER)
    output = policies.done("replace", name, "--share", "1", "--insurer", replacement)
    event = policies.event("ShareReplaced", output)
    assert event == {
        "id": policies.number,
        "index": 1,
        "insurer": replacement,
        "previous": policies.world.address(INSURERS[1]),
        "termsHash": policies.contract.functions.policies(policies.number).call()[0],
    }
    assert f"terms hash 0x{event['termsHash'].hex()}" in output
    policies.done("accept", name, account=OTHER_INSURER)
    policies.refused("too early to fail", "fail", name, account=ANYONE)

    policies.at(DEADLINE_S + 1)
    failed = policies.done("fail", name, account=ANYONE)
    assert policies.event("UnderwritingFailed", failed) == {
        "id": policies.number,
        "by": policies.world.address(ANYONE),
    }
    policies.done("refund", name, account=INSURERS[0])
    policies.done("refund", name, "--to", policies.world.address(ANYONE), account=OTHER_INSURER)

    assert policies.moved(before) == {replacement: -ESCROWS[1], policies.world.address(ANYONE): ESCROWS[1]}


def test_policy__claim_rejected__a_newer_round_makes_it_again_and_anyone_approves(
    policies: PolicyWorld,
) -> None:
    name = policies.claimable()

    rejected = policies.done("reject-claim", name, account=LEADER)
    assert policies.event("ClaimRejected", rejected) == {
        "id": policies.number,
        "by": policies.world.address(LEADER),
        "roundId": 1,
        "claimDeadline": CLAIM_DEADLINE_S,
    }
    policies.refused("round 1 is not newer than round 1, which made a claim", "check", name, account=ANYONE)
    policies.push(140, LATE_S + 600)
    policies.done("check", name, account=ANYONE)
    policies.refused("it can be done once", "reject-claim", name, account=POLICY_OPERATOR)
    policies.refused("too early to approve", "approve", name, account=ANYONE)
    policies.at(policies.now_s + 259_200 + 1)
    policies.done("approve", name, account=ANYONE)
    policies.done("settle", name, account=ANYONE)

    assert policies.state == "Settled"


def test_settle__beneficiary_denied_by_usdc__credited_and_withdrawn_elsewhere(policies: PolicyWorld) -> None:
    name = policies.approved()
    beneficiary, stranger = (policies.world.address(who) for who in (BENEFICIARY, ANYONE))
    policies.world.send(policies.world.usdc.functions.blacklist(beneficiary), DEPLOYER)
    before = policies.held()

    output = policies.done("settle", name, account=ANYONE)
    assert "it will wait as a credit, for `ape run policy withdraw` or `pay-credit`" in output
    assert policies.event("ClaimCredited", output) == {
        "id": policies.number,
        "beneficiary": beneficiary,
        "amount": PAYOUT,
    }
    assert policies.moved(before) == {}
    policies.refused("has denied", "withdraw", account=BENEFICIARY)
    withdrawn = policies.done("withdraw", "--to", stranger, account=BENEFICIARY)

    assert f"sent 1.00 USDC to {stranger}" in withdrawn
    assert policies.moved(before) == {policies.contract.address: -PAYOUT, stranger: PAYOUT}
    policies.refused("has no credit", "withdraw", account=BENEFICIARY)


def test_pay_credit__by_anyone_once_usdc_takes_it__beneficiary_alone_has_it(policies: PolicyWorld) -> None:
    name, usdc = policies.approved(), policies.world.usdc.functions
    beneficiary = policies.world.address(BENEFICIARY)
    policies.world.send(usdc.blacklist(beneficiary), DEPLOYER)
    policies.done("settle", name, account=ANYONE)
    before = policies.held()
    policies.refused("has denied", "pay-credit", beneficiary, account=ANYONE)
    policies.world.send(usdc.unBlacklist(beneficiary), DEPLOYER)

    output = policies.done("pay-credit", beneficiary, account=ANYONE)

    assert f"the credit of {beneficiary} is paid" in output
    assert policies.event("CreditWithdrawn", output) == {
        "account": beneficiary,
        "to": beneficiary,
        "amount": PAYOUT,
    }
    assert policies.moved(before) == {policies.contract.address: -PAYOUT, beneficiary: PAYOUT}
    policies.refused("has no credit", "pay-credit", beneficiary, account=ANYONE)

"""OpenParametric against `parametric_model.py`; the invariants are numbered in README.md."""

from functools import partial
from types import SimpleNamespace

import pytest
from campaigns import Length, run_machines
from eth_utils import to_checksum_address
from parametric_machine import ParametricMachine
from parametric_openings import OPENINGS
from parametric_state import State

LENGTH = Length.of(runs=9, depth=15)
RICH = 10**15
DESCRIPTIONS = (
    "KE081 ICN 2035-05-20 departure delay, minutes",
    "KE081 ICN 2035-05-21 departure delay, minutes",
)

OFTEN = ("create_policy", "open_underwriting")
SOMETIMES = (
    "accept_share",
    "accept_share_with_permit",
    "dust_escrowed",
    "reject_share",
    "replace_share",
    "fail_by_anyone",
    "fail_by_leader",
    "register_policyholder",
    "activate_policy",
    "claim",
    "check_without_claim",
    "refused_FeedMismatch",
    "refused_RoundReused",
    "refused_OracleStale",
    "refused_OracleFormat",
    "approve_by_anyone",
    "approve_by_decider",
    "reject_claim",
    "settle_claim",
    "credited",
    "expire_active",
    "expire_funded",
    "refund",
    "withdraw",
    "pay_credit",
    "donate",
    "report",
    "report_anything",
    "describe_another_flight",
    "stop_usdc",
    "resume_usdc",
    "deny",
    "undeny",
    "pass_time",
    "pass_date",
    *(f"alone_from_{state.name}" for state in State if state is not State.NONE),
)
LEAST_SUCCESSES = dict.fromkeys(OFTEN, LENGTH.runs) | dict.fromkeys(SOMETIMES, LENGTH.runs // 50 or 1)
PEOPLE = (
    "leader",
    "other_leader",
    "participant",
    "second_participant",
    "third_participant",
    "operator",
    "beneficiary",
    "feed_owner",
    "stranger",
)


@pytest.fixture
def world(project, chain, clock, accounts, deployer, circle, usdc, mint, recipients):
    """Contracts by name, people by address. A leader insures, too; a beneficiary may be an insurer."""
    signers = {}
    people = {}
    for name in PEOPLE:
        account = accounts.generate_test_account()
        account.balance = 10**22
        people[name], signers[account.address] = account.address, account
    signers[circle.address] = circle
    leaders = [people["leader"], people["other_leader"]]
    insurers = [people[name] for name in ("leader", "participant", "second_participant", "third_participant")]
    rich = [*insurers, people["stranger"]]
    for account in rich:
        mint(account, RICH)
    parametric = deployer.deploy(project.OpenParametric, usdc)
    elsewhere, haven = (to_checksum_address(address) for address in recipients[:2])
    beneficiaries = [people["beneficiary"], people["third_participant"]]
    return SimpleNamespace(
        chain=chain,
        clock=clock,
        usdc=usdc,
        parametric=parametric,
        feeds=[deployer.deploy(project.MockFeed, people["feed_owner"], DESCRIPTIONS[0]) for _ in range(2)],
        description=DESCRIPTIONS[0],
        descriptions=DESCRIPTIONS,
        signers=signers,
        leaders=leaders,
        insurers=insurers,
        operator=people["operator"],
        beneficiaries=beneficiaries,
        stranger=people["stranger"],
        feed_owner=people["feed_owner"],
        circle=circle.address,
        elsewhere=elsewhere,
        haven=haven,
        rich=dict.fromkeys(rich, RICH),
        deniable=[*insurers, people["beneficiary"], elsewhere, parametric.address],
    )


def test_parametric__any_sequence_of_actions__keeps_the_invariants(world):
    run_machines(
        [partial(ParametricMachine, world, opening=opening) for opening in OPENINGS], LENGTH, LEAST_SUCCESSES
    )

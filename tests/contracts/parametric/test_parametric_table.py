"""Every function, from every state, at telling times, by every kind of caller, against `function_table`.

The leader holds no share here, so that each caller has one role.
"""

import pytest
from flight_policies import policy_id, shared
from function_table import BPS, CALLERS, CELLS, INDEX, MOMENTS, TABLE, Effect, Situation
from reverts import reverts_with

REF = bytes(range(32))


@pytest.fixture
def people(leader, participant, second_participant, policy_operator, beneficiary, stranger):
    """Accounts by the table's names for callers."""
    return dict(
        zip(
            CALLERS,
            (leader, participant, second_participant, policy_operator, beneficiary, stranger),
            strict=True,
        )
    )


@pytest.fixture
def shares_apart(people):
    return shared((people["other_insurer"], people["insurer"]), BPS)


@pytest.fixture
def reached(scene, usdc, circle, people, shares_apart):
    """reached(state): a policy in this state, its insurer able to accept where it has not."""

    def reach(state):
        if state == "None":
            return policy_id(people["leader"], 99)
        policy = scene.create(shares=shares_apart)
        if state in {"Draft", "Open"}:
            scene.advance(policy, state)
            scene.provide(policy, INDEX, people["insurer"])
        elif state == "Failed":
            scene.advance(policy, "Open")
            scene.accept(policy, INDEX, people["insurer"])
            scene.advance(policy, state)
        elif state == "Settled":
            scene.advance(policy, "Approved")
            usdc.blacklist(people["beneficiary"], sender=circle)
            scene.advance(policy, state)
            usdc.unBlacklist(people["beneficiary"], sender=circle)
        else:
            scene.advance(policy, state)
        return policy

    return reach


@pytest.fixture
def arguments(scene, terms, people, shares_apart, elsewhere):
    """arguments(policy): those of each function, right in everything but who calls, and when."""

    def build(policy):
        agreed = scene.hash_of(policy)
        return {
            "createPolicy": (terms.values, shares_apart),
            "acceptShare": (policy, INDEX, agreed),
            "acceptShareWithPermit": (policy, INDEX, agreed, 0, b""),
            "rejectShare": (policy, INDEX),
            "replaceShare": (policy, INDEX, elsewhere),
            "registerPolicyholder": (policy, REF, 0, 1),
            "refund": (policy, INDEX, elsewhere),
            "withdraw": (elsewhere,),
            "payCredit": (people["beneficiary"],),
        }

    return build


@pytest.mark.parametrize(("state", "moment"), CELLS)
def test_table__every_function_and_caller__does_or_is_refused_as_listed(
    parametric, scene, usdc, chain, feed, people, elsewhere, reached, arguments, state, moment
):
    now = MOMENTS[moment]
    policy = reached(state)
    round_id = feed.latestRoundData()[0] + 1
    feed.pushRound(round_id, 130, now, sender=scene.feed_owner)
    scene.clock.travel_to(now)
    window_end = sum(getattr(parametric.policies(policy), name) for name in ("verifiedAt", "approvalWindow"))
    given = arguments(policy)
    holders = {**people, "elsewhere": elsewhere, "contract": parametric}

    for function, expected in TABLE.items():
        for caller, account in people.items():
            at = Situation(policy, state, now, caller, account.address, feed.address, window_end)
            outcome = expected(at)
            data = getattr(parametric, function).encode_input(*given.get(function, (policy,)))
            call = {"from": account.address, "to": parametric.address, "data": data}

            if not isinstance(outcome, Effect):
                with reverts_with(getattr(parametric, outcome.error), **outcome.inputs):
                    parametric.provider.web3.eth.call(call)
                continue

            with chain.isolate():
                before = {name: usdc.balanceOf(holder) for name, holder in holders.items()}
                account.transfer(parametric, 0, data=data)
                moves = {name: usdc.balanceOf(holder) - before[name] for name, holder in holders.items()}
                assert scene.state(policy) == outcome.state, (function, caller)
                assert {name: moved for name, moved in moves.items() if moved} == outcome.moves, (
                    function,
                    caller,
                )


def test_table__functions__are_those_of_the_contract(parametric):
    assert set(TABLE) == {method.name for method in parametric.contract_type.mutable_methods}


def test_table__each_function__is_allowed_somewhere_and_refused_somewhere():
    outcomes = {
        function: {
            type(expected(Situation(1, state, MOMENTS[moment], caller, "", "", MOMENTS["undecided"] - 3_600)))
            for state, moment in CELLS
            for caller in CALLERS
        }
        for function, expected in TABLE.items()
    }

    assert {function for function, kinds in outcomes.items() if len(kinds) != 2} == set()

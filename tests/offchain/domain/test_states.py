"""The three machines: exactly the edges of design §3.2."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from liqpass.domain import batch_state, claim_state, policy_state
from liqpass.domain.batch_state import BatchAction, BatchState
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.policy_state import PolicyAction, PolicyState, PolicyView, view
from liqpass.domain.window import Window

POLICY = """
DRAFT BIND BOUND
BOUND AWAIT_PAYMENT AWAITING_PAYMENT
AWAITING_PAYMENT COVER COVERED
COVERED REQUEST_CLAIM CLAIM_REQUESTED
CLAIM_REQUESTED APPROVE APPROVED
CLAIM_REQUESTED RELEASE_CLAIM COVERED
CLAIM_REQUESTED REJECT REJECTED
APPROVED REOPEN_CLAIM CLAIM_REQUESTED
APPROVED RELEASE_CLAIM COVERED
APPROVED REJECT REJECTED
APPROVED PAY PAID
DRAFT CANCEL CANCELLED
BOUND CANCEL CANCELLED
AWAITING_PAYMENT CANCEL CANCELLED
"""
CLAIM = """
VERIFYING VERIFY PENDING
VERIFYING FAIL FAILED
VERIFYING KEEP PENDING
FAILED REFETCH VERIFYING
FAILED REJECT REJECTED
PENDING APPROVE APPROVED
PENDING REJECT REJECTED
PENDING REFETCH VERIFYING
APPROVED REJECT REJECTED
APPROVED REOPEN PENDING
APPROVED BATCH BATCHED
BATCHED UNBATCH APPROVED
BATCHED PAY PAID
BATCHED HOLD HELD
HELD RELEASE APPROVED
"""
BATCH = """
PLANNED APPROVE APPROVED
PLANNED REVOKE REVOKED
PLANNED EXPIRE EXPIRED
APPROVED EXECUTE EXECUTING
APPROVED REVOKE REVOKED
APPROVED EXPIRE EXPIRED
EXECUTING CLOSE CLOSED
EXECUTING REVOKE REVOKED
EXECUTING EXPIRE EXPIRED
"""
MACHINES = {
    "policy": (policy_state, PolicyState, PolicyAction, POLICY),
    "claim": (claim_state, ClaimState, ClaimAction, CLAIM),
    "batch": (batch_state, BatchState, BatchAction, BATCH),
}


def _edges(text):
    return {tuple(line.split()) for line in text.strip().splitlines()}


@pytest.mark.parametrize(("module", "states", "actions", "table"), MACHINES.values(), ids=MACHINES)
def test_advance__every_state_and_action__only_the_edges_of_the_design(module, states, actions, table):
    reached = set()
    for state in states:
        for action in actions:
            try:
                reached.add((state.value, action.value, module.advance(state, action).value))
            except IllegalTransition as error:
                assert (error.state, error.action) == (state, action)

    assert reached == _edges(table)


@pytest.mark.parametrize(("module", "states", "actions", "table"), MACHINES.values(), ids=MACHINES)
def test_advance__random_walks__never_leave_the_table(module, states, actions, table):
    edges = _edges(table)
    finals = {state.value for state in states} - {edge[0] for edge in edges}
    taken = set()

    class Walk(RuleBasedStateMachine):
        @initialize(start=st.sampled_from(list(states)))
        def begin(self, start):
            self.state = start

        @rule(action=st.sampled_from(list(actions)))
        def act(self, action):
            before = self.state
            try:
                self.state = module.advance(before, action)
            except IllegalTransition:
                assert not any(edge[:2] == (before, action) for edge in edges)
                return
            assert (before, action, self.state) in edges
            assert before not in finals
            taken.add(before)

    run_state_machine_as_test(Walk, settings=settings(max_examples=40, stateful_step_count=12, deadline=None))
    assert taken


def test_advance__illegal__says_what_is_allowed():
    with pytest.raises(
        IllegalTransition, match=r"claim is PENDING, PAY is not allowed \(allowed: APPROVE, REJECT, REFETCH\)"
    ):
        claim_state.advance(ClaimState.PENDING, ClaimAction.PAY)
    with pytest.raises(IllegalTransition, match="none: the state is final"):
        policy_state.advance(PolicyState.PAID, PolicyAction.PAY)


def test_open_states__each_machine__those_that_can_still_move():
    assert set(ClaimState) - {ClaimState.PAID, ClaimState.REJECTED} == claim_state.OPEN_STATES
    assert {BatchState.PLANNED, BatchState.APPROVED, BatchState.EXECUTING} == batch_state.OPEN_STATES
    assert set(PolicyState) - policy_state.OPEN_STATES == {
        PolicyState.DRAFT,
        PolicyState.PAID,
        PolicyState.REJECTED,
        PolicyState.CANCELLED,
    }


def test_legacy_names__older_clients__as_in_the_documents():
    assert claim_state.LEGACY_NAMES == {
        "PENDING": "VERIFIED_PENDING_REVIEW",
        "APPROVED": "APPROVED_PENDING_MULTISIG",
    }


@pytest.mark.parametrize(
    ("now_ms", "seen"),
    [
        (999, PolicyView.SCHEDULED),
        (1000, PolicyView.ACTIVE),
        (1999, PolicyView.ACTIVE),
        (2000, PolicyView.EXPIRED),
    ],
)
def test_view__covered__by_the_clock(now_ms, seen):
    assert view(PolicyState.COVERED, Window(1000, 2000), now_ms) is seen


@pytest.mark.parametrize("state", set(PolicyState) - {PolicyState.COVERED})
def test_view__any_other_state__itself(state):
    assert view(state, Window(1000, 2000), 1500) is state


def test_view__covered_without_window__itself():
    assert view(PolicyState.COVERED, None, 0) is PolicyState.COVERED

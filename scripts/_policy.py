"""What every `ape run policy` command reads: contract, one policy, and why something cannot be done now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
from eth_utils.crypto import keccak
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import IdentifierError, checksum_address
from liqpass.domain.parametric.feed_check import FeedAnswer, FeedRule
from liqpass.domain.parametric.life import Action, Actor, PolicyState, Step, possible, steps
from liqpass.domain.parametric.policy import Policy, format_policy_id, parse_policy_id
from liqpass.ports import BlockRef, ChainError
from web3.contract import Contract

from scripts import _sending
from scripts._moments import moment
from scripts._operator import Operator, RefusedError, Site, refuse


class PolicyName(click.ParamType):
    """What names a policy: `0xLeader…/1` or the contract's number, to that number."""

    name = "policy"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_policy_id(value)
        except IdentifierError as error:
            self.fail(str(error), param, ctx)


_LONGEST_SHOWN = 200
POLICY = click.argument("number", metavar="POLICY", type=PolicyName())


@dataclass(frozen=True)
class Policies:
    """OpenParametric as of one block, `head`."""

    site: Site
    reader: ParametricReader
    head: BlockRef

    @classmethod
    def of(cls, site: Site) -> Policies:
        """Raises RefusedError where the contract is not deployed."""
        contract = site.parametric
        first_block = site.record.contracts["OpenParametric"].block
        reader = ParametricReader(site.connection.web3, contract.address, first_block=first_block)
        return cls(site, reader, reader.head())

    @property
    def contract(self) -> Contract:
        return self.site.parametric

    def policy(self, number: int) -> Policy:
        """Raises RefusedError where there is none of that number."""
        found = self.reader.policy(number, self.head)
        if found is None:
            raise RefusedError(f"there is no policy {format_policy_id(number)} on this chain")
        return found

    def feed(self, policy: Policy) -> tuple[FeedRule, FeedAnswer | None]:
        """What the policy asks of its feed, and what the feed says."""
        last_round = 0 if policy.claim is None else policy.claim.round_id
        rule = FeedRule.of(policy.life, description_hash=policy.feed_description_hash, last_round=last_round)
        return rule, self.reader.feed_answer(policy.feed, self.head.number)

    def feed_in_words(self, policy: Policy) -> str:
        """What the feed says that it reports, escaped; and if that is not what was agreed to."""
        try:
            itself = self.reader.feed_itself(policy.feed, self.head.number)
        except ChainError as error:
            return unread(error)
        if itself is None:
            return "does not answer as a feed"
        description = itself[1]
        # ASCII: other letters look like these. Cut: a long one would push the other terms off the screen.
        shown = ascii(description[:_LONGEST_SHOWN])
        if len(description) > _LONGEST_SHOWN:
            shown += f"… of {len(description)} characters"
        if keccak(description.encode()) != policy.feed_description_hash:
            return f"{shown}: NOT the one that was agreed to"
        return shown

    def key(self, policy: Policy, *parts: object) -> str:
        """Names an effect in the journal. Ids begin anew in another contract, so its address is in it."""
        return "/".join(["policy", self.contract.address, policy.name, *map(str, parts)])

    def refusals(
        self, policy: Policy, action: Action, account: str, share: int | None = None
    ) -> Iterator[str]:
        """Why `account` cannot do it in the newest block, in words: state, caller or time is wrong."""
        wanted = [
            step
            for step in steps(policy.life)
            if step.action is action and (share is None or step.share == share)
        ]
        if not wanted:
            yield f"{policy.name} is {policy.life.state}: {action} is not possible, {_instead(policy, self)}"
            return
        mine = [step for step in wanted if _may(policy, step, account)]
        if not mine:
            yield f"{account} may not {action}: only {' or '.join(who(policy, step) for step in wanted)} may"
            return
        now_s = self.head.time_s
        if any(step.is_open(now_s) for step in mine):
            return
        for step in mine:
            if step.from_s is not None and now_s < step.from_s:
                others = _may_at_once(policy, wanted, now_s)
                yield f"too early to {action}: {account} may from {moment(step.from_s)} on{others}"
            elif step.until_s is not None:
                yield f"too late to {action}: it was possible until {moment(step.until_s)}"


def unread(error: ChainError) -> str:
    """What is said of a feed that no node can read: anybody writes feeds, and none may hide its policy."""
    return f"cannot be read ({error})"


def who(policy: Policy, step: Step) -> str:
    """Who may take a step, by name and address."""
    leader = f"leader {checksum_address(policy.leader)}"
    match step.by:
        case Actor.LEADER:
            return leader
        case Actor.INSURER:
            assert step.share is not None  # noqa: S101 - an insurer's step is of its share
            return f"insurer {checksum_address(policy.shares[step.share].share.insurer)}"
        case Actor.DECIDER:
            return leader + (
                f" or policy operator {checksum_address(policy.operator)}" if policy.operator else ""
            )
        case Actor.ANYONE:
            return "anyone"


def share_of(policy: Policy, account: str) -> int:
    """The share of an account. Raises RefusedError where it has none."""
    index = policy.share_of(account)
    if index is None:
        raise RefusedError(f"{account} insures no share of {policy.name}; nothing was sent")
    return index


def change_state(
    policies: Policies, operator: Operator, policy: Policy, action: Action, function: str, *key: object
) -> None:
    """Check, send and tell the call of `function(id)` that takes the policy to another state."""
    refuse(list(policies.refusals(policy, action, operator.address)))
    before = policy.life.state
    send(
        policies,
        operator,
        policy,
        [
            _sending.Step(
                policies.key(policy, action, *key),
                policies.contract.address,
                _sending.calldata(policies.contract, function, policy.number),
                f"{action} {policy.name}",
                left(policies, policy.number, before),
            )
        ],
    )


def left(policies: Policies, number: int, *states: PolicyState) -> Callable[[BlockId], bool]:
    """Whether the policy has left all of these states: a state that was left does not come back by itself."""
    return lambda block: policies.reader.state(number, block) not in states


def send(
    policies: Policies,
    operator: Operator,
    policy: Policy,
    sent: Sequence[_sending.Step],
    before_sending: Callable[[], None] = lambda: None,
) -> bool:
    """Perform the steps, and say where the policy is then. False where nothing was to be sent."""
    outcomes = _sending.perform(operator, f"Open Parametric policy {policy.name}", sent, before_sending)
    if not outcomes:
        return False
    click.echo(f"{policy.name} is {policies.reader.state(policy.number, 'latest')}")
    _sending.tell_transaction(outcomes[-1])
    return True


def _may(policy: Policy, step: Step, account: str) -> bool:
    match step.by:
        case Actor.LEADER:
            return account.lower() == policy.leader
        case Actor.INSURER:
            return step.share == policy.share_of(account)
        case Actor.DECIDER:
            return policy.decides(account)
        case Actor.ANYONE:
            return True


def _may_at_once(policy: Policy, wanted: Sequence[Step], now_s: int) -> str:
    """Others who need not wait, in words."""
    others = [who(policy, step) for step in wanted if step.is_open(now_s)]
    return f"; {' or '.join(others)} may now" if others else ""


def _instead(policy: Policy, policies: Policies) -> str:
    names = dict.fromkeys(step.action for step in possible(policy.life, policies.head.time_s))
    return f"only {', '.join(names)}" if names else "and nothing else is now"

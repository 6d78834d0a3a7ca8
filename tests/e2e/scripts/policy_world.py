"""OpenParametric in the operator's world: KE081 ICN-JFK, three insurers, and a feed that we push."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml
from batch_builder import NOW_S
from click.testing import Result
from liqpass.adapters.chain.contracts import abi_of
from liqpass.domain.parametric.life import STATES
from operator_world import (
    APPROVER,
    BUYER,
    DEPLOYER,
    GUARDIAN,
    ONE_USDC,
    PAYER,
    RELAYER,
    RULERS,
    STRANGER,
    TREASURY,
    World,
)
from web3.contract import Contract
from web3.logs import DISCARD

LEADER, POLICY_OPERATOR, BENEFICIARY = RULERS, GUARDIAN, TREASURY
INSURERS = (APPROVER, PAYER, BUYER)
OTHER_INSURER, ANYONE = RELAYER, STRANGER
ESCROWS = (400_000, 350_000, 250_000)
PAYOUT = ONE_USDC
DAY_S = 86_400
_LATER_S = (NOW_S // DAY_S + 5) * DAY_S - 1_773_532_800  # whole days, to the world's own time
DEPARTURE_S = 1_773_568_800 + _LATER_S
ACTIVE_FROM_S, ACTIVE_TO_S = 1_773_532_800 + _LATER_S, 1_773_619_200 + _LATER_S
DEADLINE_S = ACTIVE_FROM_S - DAY_S
CLAIM_DEADLINE_S = ACTIVE_TO_S + DAY_S
LATE_S = DEPARTURE_S + 130 * 60
WINDOW_S, GRACE_S = 3 * DAY_S, DAY_S
_OWNERS = (LEADER, POLICY_OPERATOR, BENEFICIARY, *INSURERS, OTHER_INSURER, ANYONE)


@dataclass(frozen=True)
class PolicyWorld:
    """The three insurers hold 1.00 more than before; nothing is created yet."""

    world: World

    @classmethod
    def of(cls, world: World) -> PolicyWorld:
        for insurer in (*INSURERS, OTHER_INSURER):
            world.send(world.usdc.functions.mint(world.address(insurer), ONE_USDC), DEPLOYER)
        return cls(world)

    def ape(self, *arguments: str, account: int | None = LEADER, **where: Any) -> Result:
        """`ape run policy <arguments>` by a test account."""
        signer = [] if account is None else ["--account", f"TEST::{account}"]
        return self.world.ape("policy", *arguments, *signer, **where)

    def done(self, *arguments: str, account: int | None = LEADER, **where: Any) -> str:
        """The same, which must end well; its output."""
        result = self.ape(*arguments, account=account, **where)
        assert result.exit_code == 0, result.output
        return str(result.output)

    def refused(self, words: str, *arguments: str, account: int | None = LEADER, **where: Any) -> str:
        """The command must end with 1 and these words, and neither send nor move anything."""
        before = self.world.nonces(), self.held()
        result = self.ape(*arguments, account=account, **where)
        assert result.exit_code == 1, result.output
        assert words in result.output, result.output
        assert (self.world.nonces(), self.held()) == before
        return str(result.output)

    @cached_property
    def contract(self) -> Contract:
        return self._contract("OpenParametric", "OpenParametric")

    @cached_property
    def feed(self) -> Contract:
        return self._contract("MockFeed", "MockFeed")

    @property
    def name(self) -> str:
        """The leader's first policy."""
        return f"{self.world.address(LEADER)}/1"

    @property
    def number(self) -> int:
        return int(self.world.address(LEADER), 16) << 64 | 1

    @property
    def state(self) -> str:
        return str(STATES[self.contract.functions.state(self.number).call()])

    def held(self) -> dict[str, int]:
        """USDC of everybody whose money could move, and of the contract."""
        accounts = [*(self.world.address(owner) for owner in _OWNERS), self.contract.address]
        return self.world.balances(accounts)

    def moved(self, before: dict[str, int]) -> dict[str, int]:
        """What changed, by account."""
        now = self.held()
        return {account: now[account] - was for account, was in before.items() if now[account] != was}

    def terms(self, **changes: Any) -> str:
        """A leader's file; its path."""
        address = self.world.address
        document: dict[str, Any] = {
            "flight": "KE081",
            "route": "ICN-JFK",
            "departure": DEPARTURE_S,
            "threshold_minutes": 120,
            "payout": "1.00",
            "beneficiary": address(BENEFICIARY),
            "operator": address(POLICY_OPERATOR),
            "feed": self.feed.address,
            "feed_description": "KE081 2026-03-15 ICN departure delay, minutes",
            "underwriting_deadline": DEADLINE_S,
            "active_from": ACTIVE_FROM_S,
            "active_to": ACTIVE_TO_S,
            "approval_window_s": WINDOW_S,
            "claim_grace_s": GRACE_S,
            "shares": [
                {"insurer": address(insurer), "bps": bps}
                for insurer, bps in zip(INSURERS, (4000, 3500, 2500), strict=True)
            ],
        }
        path = self.world.folder / "terms.yaml"
        path.write_text(yaml.safe_dump(document | changes))
        return str(path)

    def drafted(self, **changes: Any) -> str:
        """Created by the command; the policy's name."""
        output = self.done("create", self.terms(**changes))
        return output.splitlines()[-1].removeprefix("policy ")

    def opened(self) -> str:
        name = self.drafted()
        self.done("open", name)
        return name

    def funded(self) -> str:
        """All three have accepted, sent past the command: it has tests of its own."""
        name = self.opened()
        for index, insurer in enumerate(INSURERS):
            self.accept(index, insurer)
        assert self.state == "Funded"
        return name

    def accept(self, index: int, insurer: int) -> None:
        contract = self.contract
        agreed = contract.functions.policies(self.number).call()[0]
        escrow = contract.functions.escrowOf(self.number, index).call()
        self.world.send(self.world.usdc.functions.approve(contract.address, escrow), insurer)
        self.world.send(contract.functions.acceptShare(self.number, index, agreed), insurer)

    def active(self) -> str:
        name = self.funded()
        self.at(ACTIVE_FROM_S)
        self.world.send(self.contract.functions.activatePolicy(self.number), ANYONE)
        return name

    def claimable(self) -> str:
        name = self.active()
        self.push(130, LATE_S)
        self.world.send(self.contract.functions.checkOracle(self.number), ANYONE)
        assert self.state == "Claimable"
        return name

    def approved(self) -> str:
        name = self.claimable()
        self.world.send(self.contract.functions.approveClaim(self.number), LEADER)
        return name

    def failed(self) -> str:
        """One share is accepted, then the leader gives up."""
        name = self.opened()
        self.accept(0, INSURERS[0])
        self.world.send(self.contract.functions.failUnderwriting(self.number), LEADER)
        return name

    def push(self, minutes: int, time_s: int) -> None:
        """The feed reports a delay at that time, which is the newest block's then."""
        self.world.node.set_next_timestamp(time_s)
        self.world.send(self.feed.functions.push(minutes), DEPLOYER)

    @property
    def now_s(self) -> int:
        return int(self.world.web3.eth.get_block("latest")["timestamp"])

    def at(self, time_s: int) -> None:
        """Until a block of that time."""
        self.world.node.set_next_timestamp(time_s)
        self.world.node.mine()

    def event(self, name: str, output: str) -> dict[str, Any]:
        """The arguments of the only event of that name in the transaction that a command names last."""
        line = next(line for line in reversed(output.splitlines()) if line.startswith("transaction 0x"))
        receipt = self.world.web3.eth.get_transaction_receipt(line.split()[1])
        (found,) = self.contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return dict(found["args"])

    def _contract(self, name: str, abi: str) -> Contract:
        record = json.loads((self.world.folder / "deployments" / "local.json").read_text())["contracts"]
        return self.world.web3.eth.contract(record[name]["address"], abi=abi_of(abi))

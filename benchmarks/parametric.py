"""Gas of each function of a parametric policy, and of the whole life of one with four insurers that pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from benchmarks.artifacts import built
from benchmarks.figures import Figure
from benchmarks.signing import FOREVER, signed
from benchmarks.stage import PAYOUT, Stage

BPS = (4_000, 3_000, 2_000, 1_000)
THREE_BPS = (4_000, 3_500, 2_500)
MOST_SHARES = 16
DAY_S = 86_400
UNDERWRITING_S, COVER_S, DEPARTURE_S, COVER_END_S = DAY_S, 2 * DAY_S, 2 * DAY_S + 36_000, 3 * DAY_S
"""Seconds from the creation of a policy."""
THRESHOLD_MINUTES = 120
LATE_S = DEPARTURE_S + 60 * 130
GRACE_S = DAY_S
WINDOW_S = 3 * DAY_S
DESCRIPTION = "KE081 ICN 2035-05-20 departure delay, minutes"

MOST_GAS_TO_CREATE = 360_000
ETHERISC_LIFE = 4_372_044
"""What a policy's whole life costs on Etherisc's GIF v3, with a mock token: a heavier framework."""
GOAL_LIFE = 0.21


def measure(stage: Stage) -> list[Figure]:
    """Every function in the order of a policy's life, then the life."""
    with stage.as_before():
        return _Flight(stage).figures()


class _Flight:
    """A leader, four insurers (the leader is none of them), and a feed that anybody of them believes."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        actors = stage.actors
        self.leader, self.anybody, self.beneficiary = actors.approver, actors.relayer, actors.guardian
        self.insurers = (actors.buyer, actors.payee, actors.payer, actors.treasury)
        self.bare = {
            name: self._bare(name, arguments)
            for name, arguments in {
                "approve": (actors.relayer.address, PAYOUT),
                "transfer": (actors.treasury.address, PAYOUT),
                "transfer, new holder": (self.beneficiary.address, PAYOUT),
                "transferFrom": (actors.payee.address, actors.treasury.address, PAYOUT),
            }.items()
        }
        self.contract = stage.deploy(built("OpenParametric"), stage.usdc.address)
        self.feed = stage.deploy(built("MockFeed"), self.anybody.address, DESCRIPTION)
        for insurer in self.insurers:
            stage.transact(stage.usdc.functions.mint(insurer.address, PAYOUT), actors.deployer)
        # A little more than every escrow: an allowance that falls to zero would earn a refund.
        for insurer in self.insurers:
            self._send(stage.usdc, "approve", insurer, self.contract.address, 2 * PAYOUT)
        self.created_at = int(stage.web3.eth.get_block("latest")["timestamp"]) + 60
        self.life = 0
        self.measured: list[Figure] = []

    def figures(self) -> list[Figure]:
        policy = self._create()
        self._underwrite(policy)
        self._cover(policy)
        self._claim(policy)
        life = Figure(
            "a life with 4 insurers, paid", self.life, "Etherisc GIF v3", ETHERISC_LIFE, goal=GOAL_LIFE
        )
        return [*self.measured, life]

    # the life, with its side paths, each of which is undone

    def _create(self) -> int:
        with self.stage.as_before():
            gas = self._call("createPolicy", self.leader, *self._drafted(THREE_BPS))
            self._note("createPolicy, a leader's first, 3 shares", gas, limit=MOST_GAS_TO_CREATE)
            self._aside("createPolicy, 3 shares", "createPolicy", self.leader, *self._drafted(THREE_BPS))
            most = self._drafted((10_000 // MOST_SHARES,) * MOST_SHARES)
            self._aside(f"createPolicy, {MOST_SHARES} shares", "createPolicy", self.leader, *most)
        self._step(
            "createPolicy, a leader's first, 4 shares", "createPolicy", self.leader, *self._drafted(BPS)
        )
        return int(self.leader.address, 16) << 64 | 1

    def _underwrite(self, policy: int) -> None:
        self._step("openUnderwriting", "openUnderwriting", self.leader, policy)
        first = self.insurers[0]
        self._aside("rejectShare", "rejectShare", first, policy, 0)
        self._aside("replaceShare, 4 shares", "replaceShare", self.leader, policy, 0, self.anybody.address)
        signature = self._permit(first, PAYOUT * BPS[0] // 10_000)
        agreed = self._terms_hash(policy)
        permitted = (policy, 0, agreed, FOREVER, signature)
        self._aside(
            "acceptShareWithPermit", "acceptShareWithPermit", first, *permitted, beside="transferFrom"
        )
        for index, insurer in enumerate(self.insurers):
            name = f"acceptShare, {('first', 'second', 'third', 'last')[index]} of 4"
            self._step(name, "acceptShare", insurer, policy, index, agreed, beside="transferFrom")
            if index == 0:
                self._aside("failUnderwriting", "failUnderwriting", self.leader, policy)
        entry = (policy, Web3.keccak(text="a salted reference"), PAYOUT // 10, PAYOUT // 2)
        self._aside("registerPolicyholder", "registerPolicyholder", self.leader, *entry)

    def _cover(self, policy: int) -> None:
        with self.stage.as_before():
            self._report(130)
            self._aside("checkOracle, activates and makes the claim", "checkOracle", self.anybody, policy)
        self._next_block_after(COVER_S)
        self._step("activatePolicy", "activatePolicy", self.anybody, policy)
        with self.stage.as_before():
            self._report(110)
            self._aside("checkOracle, no claim", "checkOracle", self.anybody, policy)
        with self.stage.as_before():
            self._next_block_after(COVER_END_S + GRACE_S + 1)
            self._note("expirePolicy", self._call("expirePolicy", self.anybody, policy))
            refund = (policy, 1, self.insurers[1].address)
            self._aside("refund", "refund", self.insurers[1], *refund, beside="transfer")

    def _claim(self, policy: int) -> None:
        self._report(130)
        self._step("checkOracle, makes the claim", "checkOracle", self.anybody, policy)
        self._aside("rejectClaim", "rejectClaim", self.leader, policy)
        self._step("approveClaim", "approveClaim", self.leader, policy)
        with self.stage.as_before():
            usdc, deployer, beneficiary = self.stage.usdc, self.stage.actors.deployer, self.beneficiary
            self._send(usdc, "blacklist", deployer, beneficiary.address)
            gas = self._call("settleClaim", self.anybody, policy)
            self._note("settleClaim, credited: USDC refuses", gas, beside="transfer, new holder")
            self._send(usdc, "unBlacklist", deployer, beneficiary.address)
            self._aside(
                "withdraw", "withdraw", beneficiary, beneficiary.address, beside="transfer, new holder"
            )
        self._step("settleClaim", "settleClaim", self.anybody, policy, beside="transfer, new holder")

    # how a figure is made

    def _step(
        self, name: str, function: str, sender: LocalAccount, *arguments: Any, beside: str = "approve"
    ) -> None:
        """A call that is part of the life."""
        gas = self._call(function, sender, *arguments)
        self.life += gas
        self._note(name, gas, beside=beside)

    def _aside(
        self, name: str, function: str, sender: LocalAccount, *arguments: Any, beside: str = "approve"
    ) -> None:
        """A call that is undone."""
        with self.stage.as_before():
            self._note(name, self._call(function, sender, *arguments), beside=beside)

    def _note(self, name: str, gas: int, *, beside: str = "approve", limit: int | None = None) -> None:
        self.measured.append(Figure(name, gas, beside, self.bare[beside], limit=limit))

    def _call(self, function: str, sender: LocalAccount, *arguments: Any) -> int:
        return self._send(self.contract, function, sender, *arguments)

    def _send(self, contract: Contract, function: str, sender: LocalAccount, *arguments: Any) -> int:
        call: Callable[..., Any] = contract.functions[function]
        return self.stage.transact(call(*arguments), sender)["gasUsed"]

    def _bare(self, name: str, arguments: tuple[Any, ...]) -> int:
        actors, usdc = self.stage.actors, self.stage.usdc
        with self.stage.as_before():
            self._send(usdc, "approve", actors.payee, actors.payee.address, 2 * PAYOUT)
            return self._send(usdc, name.partition(",")[0], actors.payee, *arguments)

    # terms, time and readings

    def _drafted(self, bps: tuple[int, ...]) -> tuple[tuple[Any, ...], list[tuple[str, int]]]:
        """Terms and shares."""
        insurers = [account.address for account in self.insurers]
        insurers += [Web3.to_checksum_address(address) for address in self.stage.recipients(MOST_SHARES)]
        start = self.created_at
        terms = (
            b"ICN-JFK".ljust(16, b"\0"),
            b"KE081".ljust(16, b"\0"),
            start + DEPARTURE_S,
            THRESHOLD_MINUTES,
            PAYOUT,
            self.beneficiary.address,
            self.anybody.address,
            self.feed.address,
            Web3.keccak(text=DESCRIPTION),
            start + UNDERWRITING_S,
            start + COVER_S,
            start + COVER_END_S,
            WINDOW_S,
            GRACE_S,
        )
        return terms, list(zip(insurers, bps, strict=False))

    def _terms_hash(self, policy: int) -> bytes:
        return bytes(self.contract.functions.policies(policy).call()[0])

    def _next_block_after(self, seconds: int) -> None:
        self.stage.node.set_next_timestamp(self.created_at + seconds)

    def _report(self, delay_minutes: int) -> None:
        """The feed reports in round 1 when the flight is late, a second before the next block."""
        self._next_block_after(LATE_S)
        late = self.created_at + LATE_S
        self._send(self.feed, "pushRound", self.anybody, 1, delay_minutes, late)
        self._next_block_after(LATE_S + 1)

    def _permit(self, owner: LocalAccount, value: int) -> bytes:
        message = {
            "owner": owner.address,
            "spender": self.contract.address,
            "value": value,
            "nonce": 0,
            "deadline": FOREVER,
        }
        return signed(self.stage, owner, "Permit", message)

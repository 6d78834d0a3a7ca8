"""`ape run policy` killed at a broadcast and run again, or written for a Safe: each effect is had once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest
from liqpass.adapters.chain.rpc import Web3Rpc
from operator_world import World
from policy_world import ANYONE, ESCROWS, INSURERS, LEADER, PAYOUT, PolicyWorld

Kill = Callable[..., None]


@pytest.fixture
def killed(policies: PolicyWorld, monkeypatch: pytest.MonkeyPatch) -> Kill:
    """killed(at, after, *command): in a process that dies by SIGKILL at its `at`-th broadcast."""
    send = Web3Rpc.send_raw

    def run(at: int, after: bool, *command: str, account: int = LEADER) -> None:
        left = at

        def dying(rpc: Web3Rpc, raw: bytes) -> None:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            send(rpc, raw)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        child = os.fork()
        if child == 0:
            monkeypatch.setattr(Web3Rpc, "send_raw", dying)
            policies.ape(*command, account=account)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    return run


@pytest.mark.parametrize("after", [False, True])
def test_create__killed_at_the_broadcast_and_run_again__one_policy(
    policies: PolicyWorld, killed: Kill, after: bool
) -> None:
    killed(1, after, "create", policies.terms())

    output = policies.done("create", policies.terms())

    assert output.endswith(f"policy {policies.name}\n")
    assert policies.contract.functions.sequences(policies.world.address(LEADER)).call() == 1


@pytest.mark.parametrize(("at", "after"), [(1, False), (1, True), (2, False)])
def test_accept__killed_at_a_broadcast_and_run_again__escrowed_once(
    policies: PolicyWorld, killed: Kill, at: int, after: bool
) -> None:
    name = policies.opened()
    before = policies.held()
    killed(at, after, "accept", name, account=INSURERS[0])

    policies.done("accept", name, account=INSURERS[0])

    insurer = policies.world.address(INSURERS[0])
    assert policies.moved(before) == {insurer: -ESCROWS[0], policies.contract.address: ESCROWS[0]}
    assert policies.world.usdc.functions.allowance(insurer, policies.contract.address).call() == 0


@pytest.mark.parametrize("after", [False, True])
def test_accept__permit_killed_at_the_broadcast__escrowed_once(
    policies: PolicyWorld, killed: Kill, after: bool
) -> None:
    name = policies.opened()
    before = policies.held()
    killed(1, after, "accept", name, "--permit", account=INSURERS[0])

    again = policies.ape("accept", name, "--permit", account=INSURERS[0])

    # Where the killed run's transaction was mined, the share is accepted and there is nothing left to do.
    assert after is ("accept is not possible" in again.output)
    insurer = policies.world.address(INSURERS[0])
    assert policies.moved(before) == {insurer: -ESCROWS[0], policies.contract.address: ESCROWS[0]}


def test_settle__killed_after_signing__paid_once(policies: PolicyWorld, killed: Kill) -> None:
    name = policies.approved()
    before = policies.held()
    killed(1, False, "settle", name, account=ANYONE)

    policies.done("settle", name, account=ANYONE)

    beneficiary = policies.contract.functions.policies(policies.number).call()[6]
    assert policies.moved(before) == {policies.contract.address: -PAYOUT, beneficiary: PAYOUT}


def test_refund__killed_after_signing__another_receiver_is_not_told_that_it_got_it(
    policies: PolicyWorld, killed: Kill
) -> None:
    name = policies.failed()
    first, second = policies.world.address(ANYONE), policies.world.address(LEADER)
    before = policies.held()
    killed(1, False, "refund", name, "--to", first, account=INSURERS[0])

    result = policies.ape("refund", name, "--to", second, account=INSURERS[0])

    assert result.exit_code == 1
    assert f"of share 0 to {first}" in result.output
    assert policies.moved(before) == {}
    policies.done("refund", name, "--to", first, account=INSURERS[0])
    assert policies.moved(before) == {policies.contract.address: -ESCROWS[0], first: ESCROWS[0]}


def test_safe__open_and_accept__the_calls_that_would_be_sent(policies: PolicyWorld) -> None:
    name = policies.drafted()
    opening = written(policies.world, LEADER, "open", name)
    policies.done("open", name)
    acceptance = written(policies.world, INSURERS[1], "accept", name)

    contract, usdc = policies.contract, policies.world.usdc
    assert opening == [(contract.address, contract.encode_abi("openUnderwriting", args=[policies.number]))]
    agreed = contract.functions.policies(policies.number).call()[0]
    assert acceptance == [
        (usdc.address, usdc.encode_abi("approve", args=[contract.address, ESCROWS[1]])),
        (contract.address, contract.encode_abi("acceptShare", args=[policies.number, 1, agreed])),
    ]


def written(world: World, account: int, *command: str) -> list[tuple[str, str]]:
    """Receiver and calldata of what the command writes for a Safe at that account's address."""
    path = world.folder / "safe.json"
    before = world.nonces()
    result = world.ape("policy", *command, "--safe", str(path), "--safe-address", world.address(account))
    assert result.exit_code == 0, result.output
    assert world.nonces() == before
    return [(each["to"], each["data"]) for each in json.loads(path.read_text())["transactions"]]

"""Open Parametric, its feed, and the people of a policy: the leader insures, too, as share 0."""

from collections.abc import Callable
from typing import Any

import pytest
from clock import Clock
from flight_policies import DESCRIPTION, Shares, Terms, ke081, shared
from policy_scenes import Scene


def _person(role: str) -> Any:
    @pytest.fixture(scope="session", name=role)
    def fixture(accounts: Any, actors: dict[str, Any]) -> Any:
        account = accounts.generate_test_account()
        account.balance = 10**22
        return account

    return fixture


leader = _person("leader")
participant = _person("participant")
second_participant = _person("second_participant")
policy_operator = _person("policy_operator")
beneficiary = _person("beneficiary")
feed_owner = _person("feed_owner")
elsewhere = _person("elsewhere")


@pytest.fixture(scope="session")
def insurers(leader: Any, participant: Any, second_participant: Any) -> tuple[Any, ...]:
    """In the order of their shares."""
    return leader, participant, second_participant


@pytest.fixture(scope="session")
def parametric(project: Any, deployer: Any, usdc: Any) -> Any:
    return deployer.deploy(project.OpenParametric, usdc)


@pytest.fixture(scope="session")
def feed(project: Any, deployer: Any, feed_owner: Any, clock: Clock) -> Any:
    """KE081's feed, which has not reported yet."""
    return deployer.deploy(project.MockFeed, feed_owner, DESCRIPTION)


@pytest.fixture(scope="session")
def terms(beneficiary: Any, policy_operator: Any, feed: Any) -> Terms:
    return ke081(beneficiary, policy_operator, feed)


@pytest.fixture(scope="session")
def shares(insurers: tuple[Any, ...]) -> Shares:
    return shared(insurers)


@pytest.fixture(scope="session")
def scene(
    parametric: Any,
    usdc: Any,
    circle: Any,
    feed: Any,
    feed_owner: Any,
    clock: Clock,
    leader: Any,
    insurers: tuple[Any, ...],
    relayer: Any,
    terms: Terms,
    shares: Shares,
) -> Scene:
    return Scene(parametric, usdc, circle, feed, feed_owner, clock, leader, insurers, relayer, terms, shares)


@pytest.fixture
def balances(usdc: Any, parametric: Any) -> Callable[..., tuple[int, ...]]:
    """balances(account, …): USDC of each, and at last of the contract."""

    def read(*accounts: Any) -> tuple[int, ...]:
        return tuple(usdc.balanceOf(account) for account in (*accounts, parametric))

    return read

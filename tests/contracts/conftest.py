"""Actors by role and the deployed system, as design §2.0 hands it over: the deployer holds nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from amounts import DAILY_CAP, DEFAULT_TIMEOUT_MINUTES, HOT_WALLET_MAX, PENALTY_RATE, USDC
from batches import Batch, batch_of
from clock import NOON, Clock
from governance import (
    ADMIN,
    APPROVER,
    CONFIG,
    DELAY_S,
    GUARDIAN,
    PAYER,
    UNPAUSER,
    assign_functions,
)

NO_PREDECESSOR = "0x" + "00" * 20
ROLES = (
    "deployer",
    "admin",
    "config",
    "unpauser",
    "guardian",
    "approver",
    "payer",
    "treasury",
    "buyer",
    "relayer",
    "stranger",
    "funder",
    "circle",
    "wallet_owner",
    "provider",
    "other_provider",
    "client",
    "settler",
    "delivery",
)


@pytest.fixture(scope="session")
def actors(accounts: Any) -> dict[str, Any]:
    """One account a role."""
    chosen = {}
    for index, role in enumerate(ROLES):
        known = index < len(accounts)
        account = accounts[index] if known else accounts.generate_test_account()
        account.balance = 10**22
        chosen[role] = account
    return chosen


def _actor(role: str) -> Callable[[dict[str, Any]], Any]:
    @pytest.fixture(scope="session", name=role)
    def fixture(actors: dict[str, Any]) -> Any:
        return actors[role]

    return fixture


deployer = _actor("deployer")
admin = _actor("admin")
config = _actor("config")
unpauser = _actor("unpauser")
guardian = _actor("guardian")
approver = _actor("approver")
payer = _actor("payer")
treasury = _actor("treasury")
buyer = _actor("buyer")
relayer = _actor("relayer")
stranger = _actor("stranger")
funder = _actor("funder")
circle = _actor("circle")
wallet_owner = _actor("wallet_owner")
provider = _actor("provider")
other_provider = _actor("other_provider")
client = _actor("client")
settler = _actor("settler")
delivery = _actor("delivery")


@pytest.fixture(scope="session")
def recipients() -> list[str]:
    """Addresses that only receive."""
    return [f"0x{0xBEEF0000 + index:040x}" for index in range(1, 17)]


@pytest.fixture(scope="session")
def clock(chain: Any) -> Clock:
    clock = Clock(chain)
    clock.travel_to(NOON)
    return clock


@pytest.fixture(scope="session")
def usdc(project: Any, deployer: Any, circle: Any, clock: Clock) -> Any:
    """MockUSDC behind its proxy; `circle` mints, pauses and denylists."""
    implementation = deployer.deploy(project.MockUSDC)
    proxy = deployer.deploy(project.MockUSDCProxy, implementation, "USDC", circle)
    return project.MockUSDC.at(proxy.address)


@pytest.fixture(scope="session")
def manager(project: Any, deployer: Any, clock: Clock) -> Any:
    """The AccessManager; `governed` fills it."""
    return deployer.deploy(project.LiqPassAccessManager, deployer)


@pytest.fixture(scope="session")
def governed(
    project: Any, actors: dict[str, Any], deployer: Any, treasury: Any, manager: Any, usdc: Any
) -> tuple[Any, Any, Any]:
    """(Checkout, PayoutVault, X402InsuranceV2) with every role handed over."""
    checkout = deployer.deploy(project.Checkout, usdc, treasury, manager)
    vault = deployer.deploy(
        project.PayoutVault, usdc, treasury, manager, DAILY_CAP, HOT_WALLET_MAX, NO_PREDECESSOR
    )
    insurance = deployer.deploy(
        project.X402InsuranceV2, usdc, treasury, manager, PENALTY_RATE, DEFAULT_TIMEOUT_MINUTES
    )
    assign_functions(manager, checkout, "Checkout", deployer)
    assign_functions(manager, vault, "PayoutVault", deployer)
    assign_functions(manager, insurance, "X402InsuranceV2", deployer)
    manager.setRoleGuardian(CONFIG, GUARDIAN, sender=deployer)
    manager.grantRole(CONFIG, actors["config"], DELAY_S, sender=deployer)
    manager.grantRole(UNPAUSER, actors["unpauser"], 0, sender=deployer)
    manager.grantRole(GUARDIAN, actors["guardian"], 0, sender=deployer)
    manager.grantRole(APPROVER, actors["approver"], 0, sender=deployer)
    manager.grantRole(PAYER, actors["payer"], 0, sender=deployer)
    manager.grantRole(ADMIN, actors["admin"], DELAY_S, sender=deployer)
    manager.renounceRole(ADMIN, deployer, sender=deployer)
    return checkout, vault, insurance


@pytest.fixture(scope="session")
def checkout(governed: tuple[Any, Any, Any]) -> Any:
    return governed[0]


@pytest.fixture(scope="session")
def vault(governed: tuple[Any, Any, Any]) -> Any:
    return governed[1]


@pytest.fixture(scope="session")
def insurance(governed: tuple[Any, Any, Any]) -> Any:
    return governed[2]


@pytest.fixture
def other_token(project: Any, deployer: Any, circle: Any) -> Any:
    """A token that LiqPass does not settle in; `circle` mints it."""
    implementation = deployer.deploy(project.MockUSDC)
    proxy = deployer.deploy(project.MockUSDCProxy, implementation, "Other", circle)
    return project.MockUSDC.at(proxy.address)


@pytest.fixture
def mint(usdc: Any, circle: Any) -> Callable[[Any, int], None]:
    """mint(account, base units)"""

    def give(to: Any, amount: int) -> None:
        usdc.mint(to, amount, sender=circle)

    return give


@pytest.fixture
def filled_vault(vault: Any, usdc: Any, funder: Any, mint: Callable[[Any, int], None]) -> Any:
    """The vault, funded up to its maximum."""
    mint(funder, HOT_WALLET_MAX)
    usdc.approve(vault, HOT_WALLET_MAX, sender=funder)
    vault.fund(HOT_WALLET_MAX, sender=funder)
    return vault


@pytest.fixture
def today_batch(clock: Clock) -> Callable[..., Batch]:
    """today_batch((policy number, recipient, amount), …): a batch with today's id, not yet approved."""

    def build(*items: tuple[int, Any, int]) -> Batch:
        return batch_of(clock.today, *items)

    return build


@pytest.fixture
def approved_batch(
    filled_vault: Any, approver: Any, today_batch: Callable[..., Batch], recipients: list[str]
) -> Batch:
    """Three payouts of 10, 20 and 30 USDC, approved today in a filled vault."""
    batch = today_batch(
        (1, recipients[0], 10 * USDC), (2, recipients[1], 20 * USDC), (3, recipients[2], 30 * USDC)
    )
    filled_vault.approveBatch(*batch.terms, sender=approver)
    return batch


@pytest.fixture
def delayed(manager: Any, clock: Clock) -> Callable[..., Any]:
    """delayed(target, function name, *arguments, sender=…): schedules, waits 48 h, executes; the receipt."""

    def run(target: Any, function: str, *arguments: Any, sender: Any) -> Any:
        data = getattr(target, function).encode_input(*arguments)
        manager.schedule(target, data, 0, sender=sender)
        clock.travel_to(clock.now + DELAY_S)
        return manager.execute(target, data, sender=sender)

    return run

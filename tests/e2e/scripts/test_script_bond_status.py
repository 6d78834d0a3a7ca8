"""`ape run bond status`: how a bond stands, for people and machines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bond_world import BOND, CLIENT, DAYS_7_S, PROVIDER, BondWorld
from operator_world import ONE_USDC, STRANGER

MINUTES_5_S = 300


def status(bonds: BondWorld) -> dict[str, Any]:
    result = bonds.ape("status", bonds.provider, "--json", account=None)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output[result.output.index("{") :]))


def test_status__json__every_figure(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)

    answer = status(bonds)

    assert answer == {
        "provider": bonds.provider,
        "block": bonds.world.web3.eth.block_number,
        "time": bonds.now_s,
        "totalUsdc": "100.00",
        "lockedUsdc": "0.102",
        "availableUsdc": "99.898",
        "withdrawableUsdc": "99.898",
        "lockedBps": 10,
        "minimumUsdc": "0.00",
        "nextMinimumUsdc": "0.00",
        "nextMinimumAt": None,
        "healthy": True,
        "standing": "active",
        "notice": "none",
        "liquidatableAt": None,
        "paymentAddress": bonds.insurance.functions.paymentAddress(bonds.provider).call(),
        "payoutAddress": bonds.provider,
        "warnings": [],
        "open": [
            {
                "commitment": commitment,
                "client": bonds.client,
                "amountUsdc": "0.10",
                "lockUsdc": "0.102",
                "deadline": bonds.now_s + MINUTES_5_S,
                "overdue": False,
            }
        ],
    }


def test_status__for_people__figures_bar_and_open_payments(bonds: BondWorld) -> None:
    commitment = bonds.cover(1, amount=40 * ONE_USDC)

    result = bonds.ape("status")

    assert result.exit_code == 0, result.output
    for words in ("100.00 USDC", "40.80 USDC", "59.20 USDC", "healthy", commitment, bonds.client):
        assert words in result.output
    assert "█" * 16 + "░" * 24 + " 40.80 % locked" in result.output
    assert "5 min 0 s" in result.output


def test_status__others_payments__are_not_shown(bonds: BondWorld) -> None:
    bonds.cover(1)

    result = bonds.ape("status", bonds.world.address(STRANGER), account=None)

    assert result.exit_code == 0, result.output
    assert "no open payments" in result.output


def test_status__ended_payments__are_not_shown(bonds: BondWorld) -> None:
    ended, open_one = bonds.cover(1), bonds.cover(2)
    bonds.ape("confirm", ended)

    assert [each["commitment"] for each in status(bonds)["open"]] == [open_one]


@pytest.mark.parametrize(("amount", "warned"), [(68_627_450, False), (68_627_451, True)])
def test_status__70_percent_locked__warns(bonds: BondWorld, amount: int, *, warned: bool) -> None:
    bonds.cover(1, amount=amount)

    answer = status(bonds)

    assert (answer["lockedBps"] >= 7_000) is warned
    assert answer["warnings"] == (
        ["70.00 % of the bond is locked: top up, or confirm what was served"] if warned else []
    )


def test_status__overdue__warns(bonds: BondWorld) -> None:
    bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)

    answer = status(bonds)

    assert [each["overdue"] for each in answer["open"]] == [True]
    assert answer["warnings"] == ["past their deadlines: 1; anyone may claim them, with the penalty"]


def test_status__rising_minimum__from_when_it_holds(bonds: BondWorld) -> None:
    executed = bonds.execute_delayed("set-min", bonds.provider, "150.00")
    assert executed.exit_code == 0, executed.output
    holds_at_s = bonds.now_s + DAYS_7_S

    before = status(bonds)
    shown = bonds.ape("status").output
    bonds.pass_time(DAYS_7_S)
    after = status(bonds)

    assert (before["minimumUsdc"], before["nextMinimumUsdc"], before["nextMinimumAt"], before["healthy"]) == (
        "0.00",
        "150.00",
        holds_at_s,
        True,
    )
    assert "0.00 USDC, 150.00 USDC from 20" in shown
    assert (after["minimumUsdc"], after["healthy"]) == ("150.00", False)
    assert after["warnings"] == ["unhealthy: 50.00 USDC more must be available for new locks"]


def test_status__exit_announced__says_so(bonds: BondWorld) -> None:
    bonds.ape("exit")

    answer = status(bonds)

    assert answer["standing"] == "exiting"
    assert answer["warnings"] == [f"{bonds.provider} has announced its exit"]
    assert answer["withdrawableUsdc"] == f"{BOND // ONE_USDC}.00"


def test_status__no_bond__says_so(bonds: BondWorld) -> None:
    result = bonds.ape("status", account=CLIENT)

    assert result.exit_code == 0
    assert "! it has no bond: no payment can be insured" in result.output


def test_status__nobody_or_two__are_refused(bonds: BondWorld) -> None:
    nobody = bonds.ape("status", account=None)
    two = bonds.ape("status", bonds.provider, account=PROVIDER)

    assert [each.exit_code for each in (nobody, two)] == [2, 2]


def test_status__sends_nothing(bonds: BondWorld) -> None:
    before = bonds.world.nonces()

    bonds.ape("status", account=CLIENT)

    assert bonds.world.nonces() == before

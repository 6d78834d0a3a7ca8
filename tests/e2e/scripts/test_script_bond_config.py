"""`ape run bond set-min` and what else CONFIG announces 48 hours before it does it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bond_world import BOND, CLIENT, CONFIG, DAYS_7_S, HOURS_48_S, PAYMENT, PROVIDER, BondWorld
from liqpass.adapters.chain.contracts import abi_of
from operator_world import DEPLOYER, GUARDIAN, ONE_USDC, STRANGER, TREASURY, transaction_in
from web3.contract import Contract
from web3.logs import DISCARD

DAYS_180_S = 180 * 86_400


def event_of(bonds: BondWorld, transaction: str, name: str) -> dict[str, Any]:
    """The fields of the transaction's only event of that name."""
    receipt = bonds.world.web3.eth.get_transaction_receipt(transaction)
    (event,) = bonds.insurance.events[name]().process_receipt(receipt, errors=DISCARD)
    return dict(event["args"])


def manager_of(bonds: BondWorld) -> Contract:
    record = json.loads((bonds.world.folder / "deployments" / "local.json").read_text())["contracts"]
    return bonds.world.web3.eth.contract(
        record["AccessManager"]["address"], abi=abi_of("LiqPassAccessManager")
    )


def notice(bonds: BondWorld) -> int:
    return int(bonds.insurance.functions.accounts(bonds.provider).call()[8])


def announced_idle(bonds: BondWorld) -> None:
    """The provider is idle and its liquidation announced."""
    bonds.pass_time(DAYS_180_S + 1)
    assert transaction_in(bonds.execute_delayed("announce-liquidation", bonds.provider))


def test_set_penalty__three_runs__announces_waits_executes(bonds: BondWorld) -> None:
    first = bonds.ape("set-penalty", "300", account=CONFIG)
    ready_at_s = bonds.now_s + HOURS_48_S
    rate_before = bonds.insurance.functions.platformPenaltyRate().call()
    bonds.refused("announced already: set the penalty", "set-penalty", "300", account=CONFIG)
    bonds.pass_time(ready_at_s - bonds.now_s)
    third = bonds.ape("set-penalty", "300", account=CONFIG)

    receipt = bonds.world.web3.eth.get_transaction_receipt(transaction_in(first))
    (event,) = manager_of(bonds).events.OperationScheduled().process_receipt(receipt, errors=DISCARD)
    assert {name: event["args"][name] for name in ("schedule", "caller", "target", "data")} == {
        "schedule": ready_at_s,
        "caller": bonds.world.address(CONFIG),
        "target": bonds.insurance.address,
        "data": bytes.fromhex(bonds.insurance.encode_abi("setPlatformPenaltyRate", args=[300])[2:]),
    }
    assert "run this again from 20" in first.output
    assert rate_before == 200
    assert event_of(bonds, transaction_in(third), "PlatformPenaltyRateSet") == {"penaltyRate": 300}
    bonds.refused("it is 300 already", "set-penalty", "300", account=CONFIG)


def test_set_penalty__one_second_early__is_refused(bonds: BondWorld) -> None:
    bonds.ape("set-penalty", "300", account=CONFIG)
    bonds.pass_time(HOURS_48_S - 1)

    bonds.refused("announced already", "set-penalty", "300", account=CONFIG)


def test_set_penalty__lapsed__is_announced_anew(bonds: BondWorld) -> None:
    bonds.ape("set-penalty", "300", account=CONFIG)
    bonds.pass_time(HOURS_48_S + DAYS_7_S)

    again = bonds.ape("set-penalty", "300", account=CONFIG)

    assert transaction_in(again)
    assert "announced: set the penalty" in again.output
    assert bonds.insurance.functions.platformPenaltyRate().call() == 200


def test_set_penalty__cancelled_by_the_guardian__is_announced_anew(bonds: BondWorld) -> None:
    bonds.ape("set-penalty", "300", account=CONFIG)
    data = bonds.insurance.encode_abi("setPlatformPenaltyRate", args=[300])
    manager = manager_of(bonds)
    cancel = manager.functions.cancel(bonds.world.address(CONFIG), bonds.insurance.address, data)
    bonds.world.send(cancel, GUARDIAN)

    again = bonds.execute_delayed("set-penalty", "300")

    assert transaction_in(again)
    assert bonds.insurance.functions.platformPenaltyRate().call() == 300


def test_set_penalty__there_and_back_and_there__each_is_executed(bonds: BondWorld) -> None:
    for rate in ("300", "200", "300"):
        assert transaction_in(bonds.execute_delayed("set-penalty", rate))

    assert bonds.insurance.functions.platformPenaltyRate().call() == 300


@pytest.mark.parametrize("rate", ["-1", "1001"])
def test_set_penalty__out_of_range__is_refused(bonds: BondWorld, rate: str) -> None:
    assert bonds.ape("set-penalty", "--", rate, account=CONFIG).exit_code == 2


def test_set_timeout__default__of_new_locks(bonds: BondWorld) -> None:
    result = bonds.execute_delayed("set-timeout", "10")

    assert event_of(bonds, transaction_in(result), "DefaultTimeoutSet") == {"timeoutMinutes": 10}
    bonds.refused("it is 10 already", "set-timeout", "10", account=CONFIG)


def test_set_min__raised__holds_in_seven_days(bonds: BondWorld) -> None:
    result = bonds.execute_delayed("set-min", bonds.provider, "10.00")

    assert event_of(bonds, transaction_in(result), "MinProviderBondSet") == {
        "provider": bonds.provider,
        "minimum": 10 * ONE_USDC,
        "effectiveAt": bonds.now_s + DAYS_7_S,
    }
    words = f"the minimum of {bonds.provider} is 10.00 USDC already, or will be"
    bonds.refused(words, "set-min", bonds.provider, "10.00", account=CONFIG)


def test_set_min__lowered_to_zero__holds_at_once(bonds: BondWorld) -> None:
    bonds.execute_delayed("set-min", bonds.provider, "10.00")
    bonds.pass_time(DAYS_7_S)

    result = bonds.execute_delayed("set-min", bonds.provider, "0")

    assert transaction_in(result)
    assert bonds.insurance.functions.minProviderBond(bonds.provider).call() == 0


def test_set_min__beyond_what_it_can_be__is_refused(bonds: BondWorld) -> None:
    words = "a minimum can be 18446744073709.551615 USDC at most"

    bonds.refused(words, "set-min", bonds.provider, "18446744073709.551616", account=CONFIG)


def test_liquidation__unhealthy__announced_then_ended_then_collected(bonds: BondWorld) -> None:
    bonds.execute_delayed("set-min", bonds.provider, "150.00")
    bonds.pass_time(DAYS_7_S)

    announced = bonds.execute_delayed("announce-liquidation", bonds.provider)
    liquidatable_at_s = bonds.now_s + DAYS_7_S
    bonds.ape("liquidate", bonds.provider, account=CONFIG)
    bonds.pass_time(HOURS_48_S)
    bonds.refused(f"{bonds.provider} can be liquidated from 20", "liquidate", bonds.provider, account=CONFIG)
    bonds.pass_time(liquidatable_at_s - bonds.now_s)
    ended = bonds.ape("liquidate", bonds.provider, account=CONFIG)
    before = bonds.world.balance(bonds.world.address(TREASURY))
    collected = bonds.ape("collect", account=STRANGER)

    assert event_of(bonds, transaction_in(announced), "LiquidationAnnounced") == {
        "provider": bonds.provider,
        "notice": 1,
        "liquidatableAt": liquidatable_at_s,
    }
    assert event_of(bonds, transaction_in(ended), "ProviderLiquidated") == {
        "provider": bonds.provider,
        "amount": BOND,
    }
    assert transaction_in(collected)
    assert bonds.world.balance(bonds.world.address(TREASURY)) - before == BOND
    for command in ("announce-liquidation", "call-off-liquidation", "liquidate"):
        bonds.refused(f"{bonds.provider} is liquidated already", command, bonds.provider, account=CONFIG)
    bonds.refused(f"{bonds.provider} is liquidated", "deposit", "1.00")
    bonds.refused(f"{bonds.provider} is liquidated", "exit")


def test_announce_liquidation__idle__and_called_off(bonds: BondWorld) -> None:
    announced_idle(bonds)
    noticed = notice(bonds)
    bonds.refused("it is announced already", "announce-liquidation", bonds.provider, account=CONFIG)

    result = bonds.execute_delayed("call-off-liquidation", bonds.provider)

    assert event_of(bonds, transaction_in(result), "LiquidationCalledOff") == {"provider": bonds.provider}
    assert (noticed, notice(bonds)) == (2, 0)


def test_announce_liquidation__healthy_and_active__is_refused(bonds: BondWorld) -> None:
    words = f"{bonds.provider} is healthy, and not idle before 20"

    bonds.refused(words, "announce-liquidation", bonds.provider, account=CONFIG)


def test_announce_liquidation__without_a_bond__is_refused(bonds: BondWorld) -> None:
    stranger = bonds.world.address(STRANGER)

    bonds.refused(f"{stranger} has no bond", "announce-liquidation", stranger, account=CONFIG)


@pytest.mark.parametrize("command", ["call-off-liquidation", "liquidate"])
def test_liquidation__not_announced__is_refused(bonds: BondWorld, command: str) -> None:
    words = f"no liquidation of {bonds.provider} is announced"

    bonds.refused(words, command, bonds.provider, account=CONFIG)


def test_liquidate__something_locked__is_refused(bonds: BondWorld) -> None:
    bonds.execute_delayed("set-min", bonds.provider, "150.00")
    bonds.cover(1)
    bonds.pass_time(DAYS_7_S)
    bonds.execute_delayed("announce-liquidation", bonds.provider)
    bonds.pass_time(DAYS_7_S - HOURS_48_S)
    bonds.ape("liquidate", bonds.provider, account=CONFIG)
    bonds.pass_time(HOURS_48_S)

    words = "0.102 USDC of its bond is locked"
    bonds.refused(words, "liquidate", bonds.provider, account=CONFIG)


def stray(bonds: BondWorld) -> str:
    """0.10 of the client's lies in the provider's payment address; that address."""
    address = bonds.insurance.functions.paymentAddress(bonds.provider).call()
    bonds.world.send(bonds.world.usdc.functions.mint(address, PAYMENT), DEPLOYER)
    return str(address)


def test_return_stray__paid_around_the_lock__goes_back(bonds: BondWorld) -> None:
    address = stray(bonds)
    before = bonds.world.balance(bonds.client)

    result = bonds.execute_delayed("return-stray", bonds.provider, bonds.client, "0.10")

    assert event_of(bonds, transaction_in(result), "StrayReturned") == {
        "provider": bonds.provider,
        "client": bonds.client,
        "amount": PAYMENT,
    }
    assert bonds.world.balance(bonds.client) - before == PAYMENT
    assert bonds.world.balance(address) == 0
    words = f"payment address {address} holds 0.00 USDC, not 0.10"
    bonds.refused(words, "return-stray", bonds.provider, bonds.client, "0.10", account=CONFIG)


def test_return_stray__to_the_provider__is_refused(bonds: BondWorld) -> None:
    stray(bonds)

    words = f"{bonds.provider} is the provider or its payout address"
    bonds.refused(words, "return-stray", bonds.provider, bonds.provider, "0.10", account=CONFIG)


def test_return_stray__client_that_usdc_refuses__waits(bonds: BondWorld) -> None:
    stray(bonds)
    bonds.ape("return-stray", bonds.provider, bonds.client, "0.10", account=CONFIG)
    bonds.pass_time(HOURS_48_S)
    bonds.deny(bonds.client)

    words = f"USDC's issuer has denied {bonds.client}"
    bonds.refused(words, "return-stray", bonds.provider, bonds.client, "0.10", account=CONFIG)


COMMANDS = {
    "set-min": ["9" + "0" * 9 + ".00"],
    "announce-liquidation": [],
    "call-off-liquidation": [],
    "liquidate": [],
    "return-stray": ["0x" + "c1" * 20, "0.10"],
}


@pytest.mark.parametrize("account", [PROVIDER, CLIENT, GUARDIAN, TREASURY, STRANGER])
@pytest.mark.parametrize("command", [*COMMANDS, "set-penalty", "set-timeout"])
def test_config__other_account__is_refused(bonds: BondWorld, command: str, account: int) -> None:
    arguments = [bonds.provider, *COMMANDS[command]] if command in COMMANDS else ["300"]

    bonds.refused(f"{bonds.world.address(account)} may not ", command, *arguments, account=account)


def test_config__dry_run__sends_nothing(bonds: BondWorld) -> None:
    before = bonds.world.nonces()

    announce = bonds.ape("set-penalty", "300", "--dry-run", account=CONFIG)
    bonds.ape("set-penalty", "300", account=CONFIG)
    bonds.pass_time(HOURS_48_S)
    after = bonds.world.nonces()
    execute = bonds.ape("set-penalty", "300", "--dry-run", account=CONFIG)

    assert "announce: set the penalty of new locks to 300 basis points: would send" in announce.output
    assert "set the penalty of new locks to 300 basis points: would send" in execute.output
    assert sum(after) - sum(before) == 1
    assert bonds.world.nonces() == after


def test_config__safe__writes_announcement_then_execution(bonds: BondWorld) -> None:
    path = bonds.world.folder / "safe.json"
    safe = ["--safe", str(path), "--safe-address", bonds.world.address(CONFIG)]
    manager = manager_of(bonds)
    data = bonds.insurance.encode_abi("setDefaultTimeout", args=[10])

    first = bonds.ape("set-timeout", "10", *safe, account=None)
    announcement = json.loads(path.read_text())["transactions"]
    bonds.ape("set-timeout", "10", account=CONFIG)
    bonds.pass_time(HOURS_48_S)
    before = bonds.world.nonces()
    second = bonds.ape("set-timeout", "10", *safe, account=None)
    execution = json.loads(path.read_text())["transactions"]

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert bonds.world.nonces() == before
    target = bonds.insurance.address
    schedule = manager.encode_abi("schedule", args=[target, data, 0])
    assert [(each["to"], each["data"]) for each in announcement] == [(manager.address, schedule)]
    execute = manager.encode_abi("execute", args=[target, data])
    assert [(each["to"], each["data"]) for each in execution] == [(manager.address, execute)]

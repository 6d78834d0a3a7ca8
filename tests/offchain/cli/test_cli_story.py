"""From quote to report by commands only; each refusal is one clear line and exit code 1."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_lines import Cli
from liqpass.domain.batch_json import parse_batch_file
from liqpass.payouts.building import payouts_of
from paper_chain import BUYER, hash32
from worlds import World


def answer(cli: Cli, *arguments: str, stdin: str | None = None) -> Any:
    result = cli(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def credentials_json(world: World, name: str) -> str:
    value = world.credentials(name)
    return json.dumps({"apiKey": value.api_key, "secret": value.secret, "passphrase": value.passphrase})


def test_story__quote_to_report__every_state_on_the_way(cli: Cli, world: World, tmp_path: Path) -> None:
    world.trader("alice")
    assert answer(cli, "order", "quote")["payoutUpToUsdc"] == "50.00"
    order = answer(cli, "order", "create", "--buyer", BUYER, "--premium", "1.00", "--payout", "50")
    (position,) = answer(
        cli, "order", "positions", "--credentials", "-", stdin=credentials_json(world, "alice")
    )
    bound = answer(
        cli,
        *("order", "bind", order["orderId"], "--credentials", "-"),
        *("--inst-id", position["instId"], "--pos-id", position["posId"]),
        stdin=credentials_json(world, "alice"),
    )
    assert (bound["state"], bound["premiumBaseUnits"]) == ("BOUND", "1000000")
    world.chain.pay(world.do.selling.show(order["orderId"]))
    world.chain.mine(5)
    assert answer(cli, "sync")["covered"] == [order["orderId"]]
    assert answer(cli, "order", "show", order["orderId"])["state"] == "SCHEDULED"
    world.chain.mine(seconds=700)
    assert answer(cli, "order", "show", order["orderId"])["state"] == "ACTIVE"
    world.liquidate("alice")
    claim = answer(cli, "claims", "submit", order["orderId"])
    assert (claim["state"], claim["legacyState"], claim["verdict"]) == (
        "PENDING",
        "VERIFIED_PENDING_REVIEW",
        "ELIGIBLE",
    )
    assert answer(cli, "claims", "replay", claim["claimId"])["differences"] == []
    assert answer(cli, "claims", "approve", claim["claimId"], "--reviewer", "rita")["state"] == "APPROVED"
    assert len(answer(cli, "batch", "build", "--dry-run")["payouts"]) == 1
    batch = answer(cli, "batch", "build")
    out = tmp_path / "batch.json"
    assert cli("batch", "export", str(batch["batchId"]), "--out", str(out)).exit_code == 0
    assert "0x" + parse_batch_file(out.read_bytes()).payout_root.hex() == batch["payoutRoot"]
    row, items = world.do.building.show(batch["batchId"])
    world.chain.approve(row.id, row.payout_root, row.total)
    world.chain.execute(payouts_of(row, items))
    world.chain.settle()
    assert answer(cli, "reconcile")["paidPolicyNos"] == [1]
    assert answer(cli, "order", "show", order["orderId"])["state"] == "PAID"
    assert cli("evidence", "export", claim["claimId"], "--out", str(tmp_path)).exit_code == 0
    verified = cli(
        *("evidence", "verify", str(tmp_path / f"evidence-{claim['claimId']}.json")),
        *("--proof", str(tmp_path / f"proof-{claim['claimId']}.json")),
    )
    assert (verified.exit_code, verified.stdout.count("  ok   "), verified.stdout.count("FAIL")) == (0, 7, 0)
    report = json.loads(cli("report", str(row.id), "--format", "json").stdout)
    anchor = f"{report['audit']['count']}:{report['audit']['head']}"
    assert report["payouts"][0]["outcome"] == "paid"
    assert cli("report", str(row.id)).stdout.startswith("batchId,policyNo,")
    assert cli("audit", "verify", "--anchor", anchor).exit_code == 0
    for listing in (("order", "list"), ("claims", "list"), ("batch", "list"), ("order", "unmatched")):
        assert cli(*listing).exit_code == 0


def test_evidence_verify__one_byte_changed__fails_with_exit_code_1(
    cli: Cli, world: World, tmp_path: Path
) -> None:
    claim = world.claimed("alice")
    file = tmp_path / "bundle.json"
    before, found, after = world.do.replaying.bundle(claim.id).rpartition(b"full_liquidation")
    file.write_bytes(before + found.replace(b"n", b"m") + after)

    result = cli("evidence", "verify", str(file))

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("order", "show", "nothing"), "no order nothing (PURCHASE_ORDER_NOT_FOUND)"),
        (("claims", "show", "nothing"), "no claim nothing"),
        (("batch", "show", "20200101"), "no batch 20200101"),
        (("report", "20200101"), "no batch 20200101"),
        (("order", "create", "--buyer", "0x12"), "not an address: '0x12'"),
        (("order", "create", "--buyer", BUYER, "--premium", "9"), "MONEY_DIFFERS_FROM_QUOTE"),
        (("batch", "build"), "nothing to pay today"),
        (("blocklist", "add", "wallet", "zero", "--reason", "x"), "not an address"),
        (
            ("order", "resolve-unmatched", hash32("x"), "--log-index", "0", "--resolution", "y"),
            "no unmatched",
        ),
    ],
)
def test_command__refused__one_line_and_exit_code_1(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    result = cli(*arguments)

    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr + result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("order", "create"),
        ("order", "create", "--buyer", BUYER, "--premium", "1.0000001"),
        ("order", "list", "--state", "UNHEARD_OF"),
        ("order", "bind", "x", "--credentials", "-", "--inst-id", "BTC-USDT-SWAP"),
        ("batch", "show", "today"),
        ("batch", "release-held", "x"),
        ("audit", "verify", "--anchor", "5"),
        ("claims", "reject", "x", "--reviewer", "rita"),
    ],
)
def test_command__wrong_usage__exit_code_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)

    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_pay__too_shallow__refused_then_listed_as_unmatched(cli: Cli, world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)

    result = cli("order", "pay", order.id, "--tx", tx_hash)

    assert (result.exit_code, "PAYMENT_TOO_SHALLOW" in result.stderr) == (1, True)
    (listed,) = answer(cli, "order", "unmatched")
    assert (listed["transaction"], listed["reason"]) == (tx_hash, "PAYMENT_TOO_SHALLOW")


def test_approve__needs_review__says_that_a_second_reviewer_must(cli: Cli, world: World) -> None:
    from liqpass.adapters.okx.simulator.closes import Close  # noqa: PLC0415

    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)

    result = cli("claims", "approve", claim.id, "--reviewer", "rita", "--reason", "half")

    assert result.exit_code == 0
    assert "a second, different reviewer must approve it too" in result.stderr


def test_batch_build__one_that_the_signers_refuse__left_out_then_reopened_and_rejected(
    cli: Cli, world: World
) -> None:
    bad = world.approved("alice")
    del world.chain.transactions[world.do.selling.show(bad.order_id).payment_tx or ""]
    good = world.approved("bob", "0x" + "b2" * 20)

    draft = answer(cli, "batch", "build", "--dry-run")
    built = answer(cli, "batch", "build")
    reopened = answer(cli, "claims", "reopen", bad.id, "--reviewer", "olga", "--reason", "no premium")
    rejected = answer(cli, "claims", "reject", bad.id, "--reviewer", "olga", "--reason", "no premium")

    assert draft["leftOut"] == built["leftOut"]
    assert [(each["policyNo"], each["reasons"]) for each in built["leftOut"]] == [(1, ["PAYMENT_NOT_FOUND"])]
    assert [each["claimId"] for each in built["payouts"]] == [good.id]
    assert (reopened["state"], reopened["approvedAt"]) == ("PENDING", None)
    assert [(each["reviewer"], each["counts"]) for each in reopened["reviews"]] == [("rita", False)]
    assert rejected["state"] == "REJECTED"


def test_batch_build__text__names_who_is_left_out_and_why(cli: Cli, world: World) -> None:
    bad = world.approved("alice")
    del world.chain.transactions[world.do.selling.show(bad.order_id).payment_tx or ""]

    shown = cli("batch", "build", "--dry-run").stdout

    assert bad.id in shown
    assert "no PremiumPaid of order" in shown


def test_refetch__pending__fetched_again(cli: Cli, world: World) -> None:
    claim = world.claimed("alice")

    again = answer(cli, "claims", "refetch", claim.id)

    assert (again["state"], again["attempt"]) == ("PENDING", 2)
    assert again["evidenceHash"] != claim.evidence_hash


def test_cancel__order_that_may_be_paid__says_what_to_wait_for(cli: Cli, world: World) -> None:
    order = world.bound("alice")

    result = cli("order", "cancel", order.id, "--reason", "changed my mind")

    assert result.exit_code == 1
    assert "`liqpass sync` has read every block" in result.stderr
    assert "PAYMENT_STILL_POSSIBLE" in result.stderr


def test_reconcile__alarm__exit_code_1(cli: Cli, world: World) -> None:
    world.approved("alice")
    batch = world.do.building.build(actor="op").batch
    world.chain.approve(batch.id, hash32("foreign"), batch.total)
    world.chain.settle()

    result = cli("reconcile")

    assert (result.exit_code, "contradict" in result.stderr) == (1, True)


def test_audit_verify__tampered__exit_code_1_with_the_entry(cli: Cli, world: World) -> None:
    world.bound("alice")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_refuses_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE seq = 2")

    result = cli("audit", "verify")

    assert (result.exit_code, "entry 2: was changed" in result.stderr) == (1, True)


def test_pause__on_and_off__quote_stops_and_goes_on(cli: Cli) -> None:
    cli("pause", "on", "--reason", "incident 7")
    stopped = cli("order", "quote")
    cli("pause", "off", "--reason", "over")

    assert (stopped.exit_code, "incident 7" in stopped.stderr) == (1, True)
    assert cli("order", "quote").exit_code == 0
    assert cli("pause", "show").stdout == "selling\n"


def test_blocklist__add_list_remove__shown(cli: Cli) -> None:
    cli("blocklist", "add", "wallet", BUYER, "--reason", "fraud")
    (entry,) = answer(cli, "blocklist", "list")
    cli("blocklist", "remove", "wallet", BUYER, "--reason", "cleared")

    assert (entry["value"], entry["reason"]) == (BUYER, "fraud")
    assert answer(cli, "blocklist", "list") == []


def test_bind__credentials_file_readable_by_others__refused(cli: Cli, world: World, tmp_path: Path) -> None:
    world.trader("alice")
    file = tmp_path / "okx.json"
    file.write_text(credentials_json(world, "alice"))
    file.chmod(0o644)

    result = cli("order", "positions", "--credentials", str(file))

    assert (result.exit_code, "chmod 600" in result.stderr) == (1, True)


@pytest.mark.parametrize("text", ["", "[]", '{"apiKey": 1, "secret": "s", "passphrase": "p"}', "canary{"])
def test_bind__malformed_credentials__refused_without_quoting(cli: Cli, text: str) -> None:
    result = cli("order", "positions", "--credentials", "-", stdin=text)

    assert (result.exit_code, "credentials must be a JSON object" in result.stderr) == (1, True)
    assert "canary" not in result.stderr


def test_params__text__amounts_in_usdc_and_version(cli: Cli, world: World) -> None:
    shown = cli("params").stdout

    assert world.parameters.params_version in shown
    assert "50.00 USDC" in shown
    assert answer(cli, "params")["parameters"]["payout_cap"] == "50000000"


def test_help__every_command__says_something(cli: Cli) -> None:
    import click  # noqa: PLC0415
    from liqpass.entrypoints.cli import main  # noqa: PLC0415

    def walk(command: click.Command, path: tuple[str, ...]) -> list[str]:
        missing = [] if command.help else [" ".join(path)]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.help:
                missing.append(f"{' '.join(path)} {parameter.opts[0]}")
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                missing += walk(child, (*path, name))
        return missing

    assert walk(main, ("liqpass",)) == []

"""The story, chapter by chapter: each step is what a user would type, each claim about it is checked."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from liqpass.adapters.chain.anvil import AnvilError
from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.money import Usdc, format_usdc, parse_usdc
from rich.console import Console

from demo import bond_story, policy_story
from demo.narrator import Narrator
from demo.stage import APPROVER, BUYERS, GUARDIAN, KEPT, PAYER, RELAYER, TREASURY, DemoError, Stage

PREMIUM = parse_usdc("1.00")
PAYOUT = parse_usdc("50.00")
HOT_WALLET = parse_usdc("550.00")
TRADERS = ("trader-1", "trader-2", "trader-3")
INSTRUMENTS = ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP")
WAYS_TO_PAY = ((), ("--permit",), ("--gasless", "--relayer", f"TEST::{RELAYER}"))
WAITING_S = 600
AN_HOUR_S = 3600
NEXT_CUT_OFF_S = 1_769_133_600 + 300  # five minutes past 10:00 in Shanghai, 2026-01-23
BATCH = "20260123"


@dataclass(slots=True)
class Policy:
    """One of the three policies as the story goes on."""

    trader: str
    buyer: int
    order: str
    pos_id: str
    claim: str = ""


def tell(stage: Stage) -> None:
    """The whole story. Raises DemoError at the first thing that is not as it should be."""
    narrator = stage.narrator
    open_for_business(stage)
    policies = sell(stage)
    trade(stage, policies)
    claim_and_review(stage, policies)
    batch = build_and_sign(stage)
    prove(stage, policies[0], batch)
    report(stage)
    bond_story.serve(stage)
    bond_story.stay_silent(stage)
    policy_story.tell(stage)
    put_away(stage)
    vault, treasury = stage.contract("PayoutVault").address, stage.address(TREASURY)
    narrator.summary(
        [
            ("policies sold", str(len(policies))),
            ("premiums in", f"{format_usdc(Usdc(3 * PREMIUM))} USDC"),
            ("claims: paid / rejected", "1 / 2"),
            ("payouts out", f"{format_usdc(PAYOUT)} USDC"),
            ("x402 payments: confirmed / claimed", "1 / 1"),
            ("flight policies: paid / expired / not insured", "1 / 1 / 1"),
            ("left in the vault", f"{format_usdc(stage.balance(vault))} USDC"),
            ("treasury", f"{format_usdc(stage.balance(treasury))} USDC"),
            ("report, batch, evidence", f"{KEPT.relative_to(KEPT.parents[1])}/"),
        ]
    )


def open_for_business(stage: Stage) -> None:
    stage.narrator.chapter("1  A chain, an exchange, five contracts")
    stage.narrator.say(
        f"anvil listens at {stage.node.url}, the OKX simulator at {stage.simulator.url}; one clock for both,"
        f" it shows 2026-01-22 03:00 UTC. Each `ape run` below also has --network {stage.network}."
    )
    stage.ape("deploy", lines=8)
    stage.ape("status", lines=1)
    stage.mint(TREASURY, HOT_WALLET)
    for buyer in BUYERS:
        stage.mint(buyer, Usdc(10 * PREMIUM))
    stage.liqpass("db", "upgrade", lines=1)
    stage.liqpass("params", lines=6)


def sell(stage: Stage) -> list[Policy]:
    stage.narrator.chapter("2  Three policies, paid in three ways")
    treasury_before = stage.balance(stage.address(TREASURY))
    stage.liqpass("order", "quote", lines=5)
    policies = [
        _sell_one(stage, trader, instrument, buyer=buyer, way=way)
        for trader, buyer, instrument, way in zip(TRADERS, BUYERS, INSTRUMENTS, WAYS_TO_PAY, strict=True)
    ]
    stage.confirm()
    stage.liqpass("sync", lines=8)
    for policy in policies:
        order = stage.liqpass_json("order", "show", policy.order)
        if order["state"] != "SCHEDULED":
            raise DemoError(f"order {policy.order} is {order['state']}, not SCHEDULED")
    stage.narrator.fact("all three are covered; the cover starts ten minutes after each payment's block")
    received = stage.balance(stage.address(TREASURY)) - treasury_before
    stage.check(received == 3 * PREMIUM, "three premiums of 1.00 USDC went straight to the treasury")
    stage.check(stage.balance(stage.contract("Checkout").address) == 0, "the Checkout contract holds no USDC")
    return policies


def _sell_one(stage: Stage, trader: str, instrument: str, *, buyer: int, way: tuple[str, ...]) -> Policy:
    with stage.simulator.simulation.lock:
        position = stage.simulator.exchange.open_position(
            trader, instrument, contracts=Decimal(10), age_ms=2 * AN_HOUR_S * 1000
        )
    order = str(stage.liqpass_json("order", "create", "--buyer", stage.address(buyer))["orderId"])
    bound = stage.liqpass(
        "order", "bind", order, "--credentials", str(stage.credentials(trader)),
        "--inst-id", instrument, "--ord-id", position.ord_id, "--json",
    )  # fmt: skip
    quote = stage.folder / f"{trader}-quote.json"
    quote.write_text(bound)
    stage.ape("checkout", "pay", "--quote", str(quote), "--account", f"TEST::{buyer}", *way, lines=2)
    return Policy(trader, buyer, order, position.pos_id)


def trade(stage: Stage, policies: list[Policy]) -> None:
    stage.narrator.chapter("3  Eight hours on OKX")
    stage.pass_time(WAITING_S + 8 * AN_HOUR_S)
    exchange = stage.simulator.exchange
    try:
        with stage.simulator.simulation.lock:
            exchange.close_position(policies[0].trader, policies[0].pos_id, Close.FULL_LIQUIDATION)
            exchange.close_position(policies[1].trader, policies[1].pos_id, Close.PARTIAL_LIQUIDATION)
    except SimulatorError as error:
        raise DemoError(str(error)) from error
    stage.narrator.say("trader-1 is liquidated, trader-2 partially, trader-3 not at all.")
    stage.pass_time(60)


def claim_and_review(stage: Stage, policies: list[Policy]) -> None:
    stage.narrator.chapter("4  Claims, evidence, a person decides")
    verdicts = []
    for policy in policies:
        claim = stage.liqpass_json("claims", "submit", policy.order)
        policy.claim = str(claim["claimId"])
        verdicts.append(claim["verdict"])
    stage.check(
        verdicts == ["ELIGIBLE", "NEEDS_REVIEW", "NOT_ELIGIBLE"],
        "the rules say: liquidated ELIGIBLE, partially NEEDS_REVIEW, untouched NOT_ELIGIBLE",
    )
    again = stage.liqpass_json("claims", "submit", policies[0].order)
    stage.check(again["claimId"] == policies[0].claim, "pressing again returns the same claim")
    stage.liqpass("claims", "list", lines=5)
    stage.liqpass("claims", "approve", policies[0].claim, "--reviewer", "reviewer-1", lines=3)
    stage.liqpass(
        "claims", "reject", policies[1].claim, "--reviewer", "reviewer-1",
        "--reason", "only part of the position was liquidated", lines=3,
    )  # fmt: skip
    stage.liqpass("claims", "approve", policies[2].claim, "--reviewer", "reviewer-1", lines=2, fails=True)
    stage.narrator.fact("a claim that the rules call NOT_ELIGIBLE cannot be approved")
    stage.liqpass(
        "claims", "reject", policies[2].claim, "--reviewer", "reviewer-1",
        "--reason", "no liquidation", "--final", lines=1,
    )  # fmt: skip


def build_and_sign(stage: Stage) -> Path:
    stage.narrator.chapter("5  The day's batch: export, approve, fund, execute")
    stage.pass_time_until(NEXT_CUT_OFF_S)
    stage.liqpass("batch", "build", lines=6)
    batch = stage.folder / f"batch-{BATCH}.json"
    stage.liqpass("batch", "export", BATCH, "--out", str(batch), lines=2)

    forged = stage.folder / "forged.json"
    forged.write_bytes(_with_another_recipient(batch, stage.address(RELAYER)))
    approver, payer, treasury = (f"TEST::{account}" for account in (APPROVER, PAYER, TREASURY))
    stage.ape("payout", "approve", "--file", str(forged), "--account", approver, lines=4, fails=True)
    stage.narrator.fact("the approver's own check refuses a file with another recipient")

    buyer = stage.address(BUYERS[0])
    before = stage.balance(buyer)
    stage.ape("payout", "approve", "--file", str(batch), "--account", approver, lines=12)
    stage.ape("payout", "fund", "--amount", format_usdc(HOT_WALLET), "--account", treasury, lines=2)
    stage.ape("payout", "execute", "--file", str(batch), "--account", payer, lines=6)
    stage.check(stage.balance(buyer) - before == PAYOUT, "the liquidated trader received 50.00 USDC")
    stage.ape("payout", "execute", "--file", str(batch), "--account", payer, lines=2)
    stage.check(stage.balance(buyer) - before == PAYOUT, "executing again pays nobody twice")
    stage.confirm()
    stage.liqpass("reconcile", lines=4)
    return batch


def prove(stage: Stage, policy: Policy, batch: Path) -> None:
    stage.narrator.chapter("6  Proof, from the bundle and the chain alone")
    order = stage.liqpass_json("order", "show", policy.order)
    stage.check(order["state"] == "PAID", "the policy is PAID, because the vault's paid bit says so")
    folder = stage.folder / "evidence"
    folder.mkdir()
    stage.liqpass("evidence", "export", policy.claim, "--out", str(folder), lines=2)
    bundle, proof = folder / f"evidence-{policy.claim}.json", folder / f"proof-{policy.claim}.json"
    stage.liqpass("evidence", "verify", str(bundle), "--proof", str(proof), lines=8)
    stage.narrator.fact("bundle, hash, leaf and proof agree with the approved root on chain")
    changed = folder / "changed.json"
    changed.write_bytes(bundle.read_bytes().replace(b"full_liquidation", b"full_liquidatiom", 1))
    stage.liqpass("evidence", "verify", str(changed), "--proof", str(proof), lines=2, fails=True)
    stage.narrator.fact("one changed byte is found")
    _keep([batch, bundle, proof])


def report(stage: Stage) -> None:
    stage.narrator.chapter("7  The day's report and the audit log")
    reports = [stage.folder / f"report-{BATCH}.{form}" for form in ("csv", "json")]
    for path in reports:
        stage.liqpass("report", BATCH, "--format", path.suffix[1:], "--out", str(path))
    _keep(reports)
    anchor = json.loads(reports[1].read_bytes())["audit"]
    stage.liqpass("audit", "verify", "--anchor", f"{anchor['count']}:{anchor['head']}", lines=2)
    stage.narrator.fact("the audit log is whole and holds the entry that the report names")


def put_away(stage: Stage) -> None:
    stage.narrator.chapter("14  Sweep, and the brake")
    stage.ape("sweep", "--account", f"TEST::{PAYER}", lines=3)
    vault, treasury = stage.contract("PayoutVault"), stage.address(TREASURY)
    stage.check(stage.balance(vault.address) == 0, "the vault is empty overnight")
    wanted = Usdc(HOT_WALLET + 3 * PREMIUM - PAYOUT + bond_story.PENALTY)
    stage.check(stage.balance(treasury) == wanted, f"the treasury holds {format_usdc(wanted)} USDC")
    stage.ape("pause", "--all", "--account", f"TEST::{GUARDIAN}", lines=5)
    names = ("Checkout", "PayoutVault", "X402InsuranceV2")
    paused = [stage.contract(name).functions.paused().call() for name in names]
    stage.check(paused == [True, True, True], f"one transaction paused {', '.join(names)}")
    stage.ape("payout", "fund", "--amount", "1.00", "--account", f"TEST::{TREASURY}", lines=2, fails=True)
    stage.narrator.fact("while paused nothing is funded, approved, paid, sold or insured")


def _with_another_recipient(batch: Path, recipient: str) -> bytes:
    document: Any = json.loads(batch.read_bytes())
    document["items"][0]["recipient"] = recipient
    return json.dumps(document).encode()


def _keep(files: list[Path]) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, KEPT)


def perform() -> int:
    """Opens the stage, tells the story, closes the stage; the exit code."""
    narrator = Narrator(Console(width=None if sys.stdout.isatty() else 160, highlight=False))
    shutil.rmtree(KEPT, ignore_errors=True)
    try:
        with Stage.open(narrator) as stage:
            tell(stage)
    except (DemoError, AnvilError, SimulatorError) as error:
        narrator.failure(str(error))
        return 1
    return 0

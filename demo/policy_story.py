"""Open Parametric's story: of three flight policies one pays, one expires, one is never fully insured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.parametric.flight_status import SCHEMA, feed_description
from liqpass.domain.parametric.life import STATES, PolicyState
from liqpass.domain.parametric.policy import parse_policy_id
from liqpass.domain.parametric.times import format_time, parse_moment, parse_time

from demo.stage import BUYERS, DEPLOYER, GUARDIAN, RELAYER, REORG_MARGIN_S, REPOSITORY, RULERS, Stage

TERMS = REPOSITORY / "docs" / "examples" / "ke081.yaml"
INSURERS, BENEFICIARY = BUYERS, RELAYER  # as the terms name them
LEADER, ANYONE, FEEDER = RULERS, GUARDIAN, DEPLOYER
PAYOUT = Usdc(1_000_000)
ESCROWS = (Usdc(400_000), Usdc(350_000), Usdc(250_000))
AIRPORT = "ICN"
_ASKED_AFTER_S = 135 * 60  # of the scheduled departure, when either flight is in the air
_MOMENTS = ("departure", "underwriting_deadline", "active_from", "active_to")


@dataclass(frozen=True, slots=True)
class Flight:
    """One day's KE081: the terms of the example, moved to that day and to the feed that reports on it."""

    terms: dict[str, Any]

    @classmethod
    def of(cls, feed: str, days_later: int) -> Flight:
        terms: dict[str, Any] = yaml.safe_load(TERMS.read_text("utf-8"))
        later = timedelta(days=days_later)
        moved = {name: (parse_moment(terms[name]) + later).isoformat() for name in _MOMENTS}
        description = feed_description(terms["flight"], _date(moved["departure"]), AIRPORT)
        return cls(terms | moved | {"feed": feed, "feed_description": description})


@dataclass(frozen=True, slots=True)
class Insured:
    """A policy, `0xLeader…/N`, and its flight."""

    name: str
    flight: Flight


def tell(stage: Stage) -> None:
    """The four chapters, in the order of their dates. Raises DemoError."""
    before = _held(stage)
    late, nearly, unfilled = underwrite(stage)
    give_up(stage, unfilled)
    escrowed = Usdc(2 * PAYOUT)
    stage.check(_pool(stage) == escrowed, f"the contract holds two payouts, {format_usdc(escrowed)} USDC")
    depart(stage, late, nearly)
    end(stage, late, nearly)
    stage.check(
        _moved(stage, before) == [-escrow for escrow in ESCROWS],
        "over all three policies each insurer lost its part of the one payout: 0.40, 0.35 and 0.25 USDC",
    )
    stage.check(_pool(stage) == 0, "the contract holds nothing any more")


def underwrite(stage: Stage) -> tuple[Insured, Insured, Insured]:
    """Three policies of 1.00 USDC; two are insured in full, the third by its first insurer only."""
    stage.narrator.chapter("10  Flights: three policies on KE081, insured 40, 35 and 25 percent")
    first_feed = str(stage.contract("MockFeed").address)
    description = feed_description("KE081", "2026-03-16", AIRPORT)
    second_feed = stage.deploy("MockFeed", stage.address(FEEDER), description, account=FEEDER)
    first, second = Flight.of(first_feed, 0), Flight.of(second_feed, 1)
    stage.narrator.say(f"The day after has a feed of its own, {second_feed}: one for each flight and date.")
    late = _open(stage, first, "late.yaml", lines=10)
    nearly = _open(stage, second, "nearly.yaml")
    unfilled = _open(stage, first, "unfilled.yaml", threshold_minutes=180)
    ways = (("--terms", str(stage.folder / "late.yaml")), ("--permit",), ("--permit",))
    for way, insurer in zip(ways, INSURERS, strict=True):
        _ape(stage, insurer, "accept", late.name, *way)
    for insurer in INSURERS:
        _ape(stage, insurer, "accept", nearly.name, "--permit")
    _ape(stage, INSURERS[0], "accept", unfilled.name, "--permit")
    states = [_state(stage, policy) for policy in (late, nearly, unfilled)]
    stage.check(
        states == [PolicyState.FUNDED, PolicyState.FUNDED, PolicyState.OPEN],
        "two policies are insured in full, the third is not",
    )
    return late, nearly, unfilled


def give_up(stage: Stage, unfilled: Insured) -> None:
    """An insurer declines, nobody takes its place, and the deadline passes."""
    stage.narrator.chapter("11  Flights: the third is never insured in full, and its escrow goes back")
    _ape(stage, INSURERS[1], "reject", unfilled.name)
    stage.pass_time_until(parse_time(unfilled.flight.terms["underwriting_deadline"]) + 1)
    stage.narrator.say("The underwriting deadline has passed: whoever wants the escrow back ends it.")
    before = _held(stage)
    _ape(stage, INSURERS[0], "fail", unfilled.name)
    _ape(stage, INSURERS[0], "refund", unfilled.name)
    stage.check(
        _moved(stage, before) == [ESCROWS[0], 0, 0], "the one who had accepted has its 0.40 USDC back"
    )


def depart(stage: Stage, late: Insured, nearly: Insured) -> None:
    """One leaves 134 minutes late and makes a claim; the day after one leaves 119 minutes late."""
    stage.narrator.chapter("12  Flights: 134 minutes late, and 119 minutes the day after")
    _report(stage, late.flight, "late.json", minutes_late=134)
    _keep(stage)
    stage.check(
        _state(stage, late) is PolicyState.CLAIMABLE,
        "a reading of 130 reaches the threshold of 120: there is a claim",
    )
    _report(stage, nearly.flight, "nearly.json", minutes_late=119)
    _ape(stage, ANYONE, "check", nearly.name, lines=4)
    stage.check(_state(stage, nearly) is PolicyState.ACTIVE, "a reading of 110 does not: there is no claim")


def end(stage: Stage, late: Insured, nearly: Insured) -> None:
    """Neither leader nor operator does anything: time and a keeper end both policies."""
    stage.narrator.chapter("13  Flights: nobody decides, and still one is paid and one refunded")
    window_s = int(late.flight.terms["approval_window_s"])
    stage.pass_time(window_s + REORG_MARGIN_S + 1)
    stage.narrator.say("72 hours later leader and operator have been silent: anyone may approve.")
    beneficiary = stage.address(BENEFICIARY)
    before = stage.balance(beneficiary)
    _keep(stage)
    stage.check(
        [_state(stage, policy) for policy in (late, nearly)] == [PolicyState.SETTLED, PolicyState.EXPIRED],
        "the keeper approved and settled the one, and let the other expire",
    )
    paid = stage.balance(beneficiary) - before
    stage.check(paid == PAYOUT, f"the beneficiary received {format_usdc(PAYOUT)} USDC")
    held = _held(stage)
    for insurer in INSURERS:
        _ape(stage, insurer, "refund", nearly.name)
    stage.check(
        _moved(stage, held) == list(ESCROWS),
        "0.40, 0.35 and 0.25 USDC of the other went back to its insurers",
    )
    stage.ape("policy", "list", lines=7)


def _open(stage: Stage, flight: Flight, file: str, *, lines: int = 1, **changes: object) -> Insured:
    """A policy that is drafted from a file of terms and open to its insurers."""
    path = stage.folder / file
    path.write_text(yaml.safe_dump(flight.terms | changes, sort_keys=False))
    told = _ape(stage, LEADER, "create", str(path), lines=lines)
    policy = Insured(told.splitlines()[-1].removeprefix("policy "), flight)
    _ape(stage, LEADER, "open", policy.name)
    return policy


def _report(stage: Stage, flight: Flight, file: str, *, minutes_late: int) -> None:
    """What the airport says once the flight has left, as a reading of its feed."""
    scheduled = flight.terms["departure"]
    departed = parse_moment(scheduled) + timedelta(minutes=minutes_late)
    asked_s = parse_time(scheduled) + _ASKED_AFTER_S
    stage.pass_time_until(asked_s)
    record = {
        "schema": SCHEMA,
        "flight": flight.terms["flight"],
        "date": _date(scheduled),
        "airport": AIRPORT,
        "status": "departed",
        "scheduledDeparture": scheduled,
        "actualDeparture": departed.isoformat(),
        "observedAt": format_time(asked_s),
    }
    path = stage.folder / file
    path.write_text(json.dumps(record))
    signer = ("--keyfile", str(stage.keyfile(FEEDER)), "--passphrase-file", str(stage.passphrase_file()))
    stage.liqpass("feed", "push", str(path), "--feed", flight.terms["feed"], *signer, lines=2)


def _keep(stage: Stage) -> None:
    """One round of a keeper, who has no part in any policy."""
    stage.liqpass_process("keeper", "parametric", "--keyfile", str(stage.keyfile(ANYONE)), "--once", lines=1)


def _ape(stage: Stage, account: int, *words: str, lines: int = 2) -> str:
    return stage.ape("policy", *words, "--account", f"TEST::{account}", lines=lines)


def _state(stage: Stage, policy: Insured) -> PolicyState:
    state: int = stage.contract("OpenParametric").functions.state(parse_policy_id(policy.name)).call()
    return STATES[state]


def _held(stage: Stage) -> list[int]:
    """What the insurers have, in USDC base units."""
    return [stage.balance(stage.address(insurer)) for insurer in INSURERS]


def _moved(stage: Stage, before: list[int]) -> list[int]:
    """What the insurers have more than then."""
    return [now - was for now, was in zip(_held(stage), before, strict=True)]


def _pool(stage: Stage) -> Usdc:
    return stage.balance(stage.contract("OpenParametric").address)


def _date(moment: str) -> str:
    """The day in the zone that the moment is written in, as airports name it."""
    return parse_moment(moment).date().isoformat()

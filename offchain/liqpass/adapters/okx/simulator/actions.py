"""Instructions to the simulated exchange, as JSON: one list of them is a scenario file.

`{"action": "open", "account": "trader-1", "instId": "BTC-USDT-SWAP", "contracts": "10"}` and so on. Amounts
and prices are decimal strings, times and durations milliseconds.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.faults import Damage, Fault
from liqpass.adapters.okx.simulator.rows import position_row
from liqpass.adapters.okx.simulator.simulation import Simulation

Result = dict[str, object]
Positive = Annotated[Decimal, Field(gt=0)]


class _Action(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class AddAccount(_Action):
    """A new account; `keys` gives further keys as label → permissions."""

    action: Literal["account"]
    account: str
    position_mode: Literal["long_short_mode", "net_mode"] = "long_short_mode"
    main_account: str | None = None
    keys: dict[str, str] = {}

    def apply(self, simulation: Simulation) -> Result:
        exchange = simulation.exchange
        made = exchange.add_account(
            self.account, position_mode=self.position_mode, main_account=self.main_account
        )
        for label, permissions in self.keys.items():
            exchange.add_key(self.account, label, permissions)
        return {"uid": made.uid}


class Open(_Action):
    """Opens a position at market; closed before, it gets its old posId and a new cTime."""

    action: Literal["open"]
    account: str
    inst_id: str
    contracts: Positive
    direction: Literal["long", "short"] = "long"
    lever: Positive = Decimal(5)
    mgn_mode: Literal["isolated", "cross"] = "isolated"
    avg_px: Positive | None = None
    extra_margin: Decimal = Decimal(0)
    funding_fee: Decimal = Decimal(0)
    age_ms: int = Field(0, ge=0)

    def apply(self, simulation: Simulation) -> Result:
        terms = self.model_dump(exclude={"action", "account", "inst_id"})
        position = simulation.exchange.open_position(self.account, self.inst_id, **terms)
        return {**position_row(position), "ordId": position.ord_id}


class Increase(_Action):
    """Adds contracts to an open position."""

    action: Literal["increase"]
    account: str
    pos_id: str
    contracts: Positive
    price: Positive | None = None

    def apply(self, simulation: Simulation) -> Result:
        exchange = simulation.exchange
        return position_row(exchange.increase(self.account, self.pos_id, self.contracts, self.price))


class Adjust(_Action):
    """Changes leverage, margin (negative: withdraws) or the mark price of an open position."""

    action: Literal["adjust"]
    account: str
    pos_id: str
    lever: Positive | None = None
    margin_change: Decimal = Decimal(0)
    mark_px: Positive | None = None

    def apply(self, simulation: Simulation) -> Result:
        terms = self.model_dump(exclude={"action", "account", "pos_id"})
        return position_row(simulation.exchange.adjust(self.account, self.pos_id, **terms))


class ClosePosition(_Action):
    """Liquidates, deleverages, delivers or closes; `atMs` moves the event out of a window."""

    action: Literal["close"]
    account: str
    pos_id: str
    kind: Close
    contracts: Positive | None = None
    price: Positive | None = None
    at_ms: int | None = None
    new_row: bool = False

    def apply(self, simulation: Simulation) -> Result:
        terms = self.model_dump(exclude={"action", "account", "pos_id", "kind"})
        return simulation.exchange.close_position(self.account, self.pos_id, self.kind, **terms)


class Filler(_Action):
    """Rows that make lists long; with `stepMs` 0 they all tie."""

    action: Literal["filler"]
    account: str
    rows: Literal["positions", "orders"]
    inst_id: str
    count: int = Field(gt=0, le=10_000)
    newest_ms: int | None = None
    step_ms: int = Field(1000, ge=0)
    pos_id: str | None = None

    def apply(self, simulation: Simulation) -> Result:
        newest_ms = simulation.exchange.now_ms() if self.newest_ms is None else self.newest_ms
        simulation.exchange.add_filler(
            self.account,
            self.rows,
            self.inst_id,
            self.count,
            newest_ms=newest_ms,
            step_ms=self.step_ms,
            pos_id=self.pos_id,
        )
        return {"rows": self.count}


class Fail(_Action):
    """The next `count` requests whose path ends with `path` fail or come back damaged (see Damage)."""

    action: Literal["fail"]
    damage: Damage = Damage.CODE
    path: str = ""
    count: int = Field(1, gt=0)
    code: str = "50001"
    status: int = Field(200, ge=200, le=599)
    column: str = "uTime"

    def apply(self, simulation: Simulation) -> Result:
        simulation.faults.armed.append(Fault(**self.model_dump(exclude={"action"})))
        return {"armed": len(simulation.faults.armed)}


class ClockSkew(_Action):
    """Sets OKX's clock against the world's."""

    action: Literal["clock_skew"]
    ms: int

    def apply(self, simulation: Simulation) -> Result:
        simulation.exchange.skew_ms = self.ms
        return {"nowMs": str(simulation.exchange.now_ms())}


class Reset(_Action):
    """Back to the demo accounts, with nothing open and nothing armed."""

    action: Literal["reset"]

    def apply(self, simulation: Simulation) -> Result:
        simulation.reset()
        return {"accounts": list(simulation.exchange.accounts)}


Action = Annotated[
    AddAccount | Open | Increase | Adjust | ClosePosition | Filler | Fail | ClockSkew | Reset,
    Field(discriminator="action"),
]
_ONE: TypeAdapter[Action] = TypeAdapter(Action)
_MANY: TypeAdapter[list[Action]] = TypeAdapter(list[Action])


def read_action(document: bytes) -> Action:
    """One action from JSON. Raises SimulatorError that says what is wrong."""
    try:
        return _ONE.validate_json(document)
    except ValidationError as error:
        raise SimulatorError(_faults_of(error)) from None


def read_scenario(path: Path) -> list[Action]:
    """The actions of a YAML or JSON file. Raises SimulatorError."""
    try:
        return _MANY.validate_python(yaml.safe_load(path.read_text()))
    except yaml.YAMLError as error:
        raise SimulatorError(f"{path} is neither YAML nor JSON: {error}") from None
    except ValidationError as error:
        raise SimulatorError(f"{path}: {_faults_of(error)}") from None


def _faults_of(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'action'}: {fault['msg']}" for fault in error.errors()
    )

"""The linear swaps that the simulated exchange lists, and its fees."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

TAKER_FEE = Decimal("0.0005")
LIQUIDATION_PENALTY = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Instrument:
    """`contract_value` is in coins a contract; `maintenance` the maintenance margin rate of the notional."""

    inst_id: str
    settle: str
    contract_value: Decimal
    maintenance: Decimal
    price: Decimal

    @property
    def underlying(self) -> str:
        return self.inst_id.removesuffix("-SWAP")


INSTRUMENTS = {
    instrument.inst_id: instrument
    for instrument in (
        Instrument("BTC-USDT-SWAP", "USDT", Decimal("0.01"), Decimal("0.004"), Decimal(100000)),
        Instrument("BTC-USDC-SWAP", "USDC", Decimal("0.0001"), Decimal("0.004"), Decimal(100000)),
        Instrument("ETH-USDT-SWAP", "USDT", Decimal("0.1"), Decimal("0.004"), Decimal(4000)),
        Instrument("SOL-USDT-SWAP", "USDT", Decimal(1), Decimal("0.0065"), Decimal(200)),
        Instrument("ZEC-USDT-SWAP", "USDT", Decimal("0.01"), Decimal("0.01"), Decimal(1500)),
    )
}

"""Whether a step was tried and reverted: what keeps a relayer from paying for the same revert again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from liqpass.adapters.chain.records import IntentState

from scripts._sending import Sender

KEY = "checkout/pay/0x01/0x02/0xBuyer"


@dataclass
class Told:
    """An intent as far as it is looked at."""

    key: str
    state: IntentState


@dataclass
class Journal:
    """What a signer's journal lists."""

    told: list[Told]

    def intents(self) -> list[Told]:
        return self.told


@dataclass
class Engine:
    """An engine as far as it is looked at."""

    journal: Journal


@pytest.mark.parametrize(
    ("key", "state", "failed"),
    [
        (KEY, IntentState.FAILED, True),
        (f"{KEY}/1", IntentState.FAILED, True),
        (KEY, IntentState.FINAL, False),
        (f"{KEY}x", IntentState.FAILED, False),
        ("checkout/pay/0x03/0x02/0xBuyer", IntentState.FAILED, False),
    ],
)
def test_has_failed__of_this_step_or_a_later_number_of_it__only_reverts_count(
    key: str, state: IntentState, failed: bool
) -> None:
    engine: Any = Engine(Journal([Told("checkout/allow/0x01/0x02", IntentState.FAILED), Told(key, state)]))

    assert Sender(engine).has_failed(KEY) is failed

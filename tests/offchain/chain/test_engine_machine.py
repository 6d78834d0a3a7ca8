"""Hypothesis against the engine: whatever the chain does and wherever the process dies, one effect a key."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from eth_account import Account
from eth_utils.address import to_checksum_address
from fake_chain import CrashError, FakeChain, Weather
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import AnotherInFlightError, ChainError, NonceLostError
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.outcome import Outcome
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import BlockId, chain_identity
from liqpass.adapters.chain.signer import LocalSigner
from seeded_rounds import run_rounds

SIGNER = Account.from_key("0x" + "11" * 32)
VALUE = 7
POLICY = Policy(
    max_fee_wei=100_000,
    confirmations=2,
    timeout_s=40,
    bump_after_s=5,
    rebroadcast_after_s=4,
    lock_timeout_s=0,
)
# Drawn by seed, because lists that Hypothesis draws itself are mostly short, and short bad weather is soon
# over. A calm beginning lets some runs come as far as signing: before that, any fault just ends them.
WEATHER = st.integers(0, 2**32 - 1).map(
    lambda seed: [
        *[Weather.CALM] * Random(seed).randrange(20),
        *Random(seed).choices([*Weather], [60, *[2] * (len(Weather) - 1)], k=80),
    ]
)
BLIND = 3  # the key that has no `done`: at most once, and after a foreign transaction perhaps never


# How often each thing happened over all rounds: a machine that never gets anywhere proves nothing.
HAPPENED: Counter[str] = Counter()

EVENTS = ["reorg", "mine", "drop", "revive", "foreign", "market"]
FREQUENT = (EventKind.RESUMED, EventKind.SEEN, EventKind.BUMPED, EventKind.FINAL, "CrashError")


def recipient(number: int) -> str:
    return to_checksum_address(f"0x{number + 1:040x}")


class EngineMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.chain = FakeChain()
        self.chain.foreign_sender = SIGNER.address
        self.chain.minimum_fee = 215  # more than the first offer, so that most transactions are bumped once
        self.folder = Path(tempfile.mkdtemp(prefix="liqpass-journal-"))
        self.crash_at_event: int | None = None

    def submit(self, number: int) -> Outcome:
        signer = LocalSigner(SIGNER)
        identity = chain_identity(self.chain, 8453)
        with Journal.open(
            self.folder / "journal.sqlite3", identity, SIGNER.address, now_ms=lambda: 0
        ) as journal:
            engine = Engine(
                self.chain,
                journal,
                signer,
                POLICY,
                on_event=self.event,
                clock=self.chain.clock,
                sleep=self.chain.sleep,
            )
            to = recipient(number)

            def done(block: BlockId) -> bool:
                return self.chain.received(to, block) >= VALUE

            return engine.submit(
                f"pay:{number}", to, b"", value=VALUE, describe="", done=None if number == BLIND else done
            )

    def event(self, event: Event) -> None:
        HAPPENED[event.kind] += 1
        if self.crash_at_event is not None:
            self.crash_at_event -= 1
            if self.crash_at_event < 0:
                raise CrashError

    @rule(
        number=st.integers(0, BLIND),
        weather=WEATHER,
        crash_at_event=st.none() | st.integers(min_value=0, max_value=9),
    )
    def submit_in_bad_weather(self, number: int, weather: list[Weather], crash_at_event: int | None) -> None:
        self.chain.weather, self.crash_at_event = list(weather), crash_at_event
        try:
            self.submit(number)
        except (ChainError, CrashError) as error:
            HAPPENED[type(error).__name__] += 1
        finally:
            self.chain.weather, self.crash_at_event = [], None

    @rule(event=st.sampled_from(EVENTS), size=st.integers(1, 3))
    def between_runs(self, event: str, size: int) -> None:
        if event == "reorg":
            self.chain.reorg(size)
        elif event == "mine":
            self.chain.mine()
        elif event == "drop":
            self.chain.mempool.clear()
        elif event == "revive":
            self.chain.revive()
        elif event == "foreign":
            self.chain.foreign()
        else:
            self.chain.minimum_fee = (0, 215, 300)[size - 1]

    @invariant()
    def at_most_one_effect_a_key(self) -> None:
        for number in range(BLIND + 1):
            assert self.chain.on_chain(recipient(number)) in (0, VALUE)

    def teardown(self) -> None:
        try:
            self.chain.minimum_fee = 0
            waiting = set(range(BLIND + 1))
            for _ in range(6):
                for number in sorted(waiting):
                    try:
                        self.submit(number)
                        waiting.discard(number)
                    except AnotherInFlightError:
                        continue
                    except NonceLostError:
                        assert number == BLIND
                        waiting.discard(number)
            assert waiting == set()
            for number in range(BLIND):
                assert self.chain.on_chain(recipient(number)) == VALUE
            self.at_most_one_effect_a_key()
        finally:
            shutil.rmtree(self.folder)


def test_engine__any_weather_and_any_crash__exactly_one_effect_a_key() -> None:
    HAPPENED.clear()

    run_rounds(
        [EngineMachine],
        settings(
            max_examples=25, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
        lambda: all(HAPPENED[wanted] for wanted in FREQUENT),
    )

    for wanted in FREQUENT:
        assert HAPPENED[wanted] > 0, f"{wanted} never happened: {HAPPENED}"

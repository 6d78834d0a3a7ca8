"""ReorgWatch: what was confirmed is reported when its block is gone, and forgotten when it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from fake_chain import SAFE_DISTANCE, FakeChain
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.reorg_watch import ReorgWatch
from liqpass.adapters.chain.rpc import Block, BlockId, chain_identity
from liqpass.adapters.chain.signer import LocalSigner

SIGNER = Account.from_key("0x" + "11" * 32)
POLICY = Policy(max_fee_wei=100_000, confirmations=1)
RECIPIENT = "0x000000000000000000000000000000000000dEaD"


class LaggingChain(FakeChain):
    """Some of its answers come from a node that has only the blocks up to `lags_at`."""

    lags_at: int | None = None
    asked: list[BlockId]

    def block(self, block: BlockId) -> Block | None:
        self.asked = [*getattr(self, "asked", []), block]
        if self.lags_at is not None and isinstance(block, int) and block > self.lags_at:
            return None
        return super().block(block)


@pytest.fixture
def chain() -> LaggingChain:
    return LaggingChain()


@pytest.fixture
def engine(chain: LaggingChain, tmp_path: Path) -> Iterator[Engine]:
    with Journal.open(tmp_path / "journal.sqlite3", chain_identity(chain, 8453), SIGNER.address) as journal:
        yield Engine(chain, journal, LocalSigner(SIGNER), POLICY, clock=chain.clock, sleep=chain.sleep)


def pay(engine: Engine, key: str) -> None:
    engine.submit(key, RECIPIENT, b"", value=1, describe="")


def test_taken_back__block_stands__nothing(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    pay(engine, "pay/1")
    watch.add("pay/1")

    assert (watch.taken_back(), watch.watched()) == ([], ["pay/1"])


def test_taken_back__blocks_gone__their_keys_until_they_are_back(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    for key in ("pay/1", "pay/2"):
        pay(engine, key)
        watch.add(key)
    assert watch.taken_back() == []
    chain.reorg(3)

    assert watch.taken_back() == watch.taken_back() == ["pay/1", "pay/2"]
    pay(engine, "pay/1")
    watch.add("pay/1")
    assert watch.taken_back() == ["pay/2"]
    pay(engine, "pay/2")
    watch.add("pay/2")
    assert watch.taken_back() == []
    assert chain.on_chain(RECIPIENT) == 2


def test_taken_back__settled__forgotten(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    pay(engine, "pay/1")
    watch.add("pay/1")
    for _ in range(SAFE_DISTANCE):
        chain.mine()

    assert (watch.taken_back(), watch.watched()) == ([], [])


def test_taken_back__gone_and_buried_since__still_reported(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    pay(engine, "pay/1")
    watch.add("pay/1")
    chain.reorg(2)
    for _ in range(2 * SAFE_DISTANCE):
        chain.mine()

    assert watch.taken_back() == ["pay/1"]


def test_taken_back__node_lags__nothing_and_still_on_watch(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    pay(engine, "pay/1")
    watch.add("pay/1")
    chain.lags_at = 0

    assert (watch.taken_back(), watch.watched()) == ([], ["pay/1"])


def test_taken_back__again__asks_for_the_newest_block_only(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    for key in ("pay/1", "pay/2", "pay/3"):
        pay(engine, key)
        watch.add(key)
    watch.taken_back()
    chain.asked = []

    watch.taken_back()

    newest = engine.journal.intent("pay/3")
    assert newest is not None
    assert chain.asked == [newest.block_number, "safe"]


def test_watch__made_anew__the_same_transactions_and_no_others(chain: LaggingChain, engine: Engine) -> None:
    pay(engine, "pay/settled")
    for _ in range(SAFE_DISTANCE):
        chain.mine()
    pay(engine, "other/1")
    pay(engine, "pay/1")

    watch = ReorgWatch(chain, engine, ("pay/",))
    chain.reorg(1)

    assert (watch.watched(), watch.taken_back()) == (["pay/1"], ["pay/1"])


def test_add__no_success_of_ours__not_on_watch(chain: LaggingChain, engine: Engine) -> None:
    watch = ReorgWatch(chain, engine, ("pay/",))
    engine.submit("pay/1", RECIPIENT, b"", value=1, describe="", done=lambda _: True)

    watch.add("pay/1")
    watch.add("pay/never")

    assert watch.watched() == []

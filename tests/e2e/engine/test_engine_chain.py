"""What a chain does to transactions: it drops, reorganises, outbids or replaces them, or does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kill import TEN, Payer
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import (
    AnotherInFlightError,
    CallRevertedError,
    FeeTooHighError,
    GasTooHighError,
    IntentMismatchError,
    NoContractError,
    NonceLostError,
    RpcUnavailableError,
    SimulationRevertedError,
    StillPendingError,
    TransactionRevertedError,
    WrongChainError,
)
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Call, Web3Rpc, view
from liqpass.adapters.chain.signer import LocalSigner

CREATE = "600a600c600039600a6000f3"  # returns the ten bytes that follow
COUNTER = bytes.fromhex(CREATE + "60005460010160005500")  # storage slot 0 += 1
ONCE = bytes.fromhex(  # sets slot 0, and reverts with 0xdeadbeef from then on: the guard of a vault
    "601d600c600039601d6000f3600054600c576001600055005b63deadbeef60e01b60005260046000fd"
)


def send_from_elsewhere(node: Anvil) -> None:
    """Another program with the same key uses the signer's next nonce."""
    sender = node.account(1).address
    node.rpc("eth_sendTransaction", {"from": sender, "to": node.account(2).address, "value": "0x1"})


@pytest.fixture
def policy() -> Policy:
    return Policy.local()


@pytest.fixture
def engine(node: Anvil, policy: Policy, tmp_path: Path) -> Iterator[Engine]:
    rpc = Web3Rpc.connect(node.url)
    with Engine.open(
        rpc,
        LocalSigner(node.account(1)),
        policy,
        chain_id=31337,
        journal_folder=tmp_path / "journal",
        decode_revert=lambda data: "DeadBeef()" if data[:4] == bytes.fromhex("deadbeef") else None,
    ) as opened:
        yield opened


def test_submit__dropped_by_the_node__is_sent_again(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    node.set_automine(False)
    dropped = []

    def drop_once(event: Event) -> None:
        if event.kind == EventKind.ANSWERED and event.tx_hash is not None:
            dropped.append(event.tx_hash)
            if len(dropped) == 1:
                node.drop(event.tx_hash)
            else:
                node.set_automine(True)
                node.mine()

    payer.pay(on_event=drop_once)

    assert received() == TEN
    assert len(set(dropped)) == 1  # the same bytes each time


def test_submit__reorganised_away_before_confirmation__is_sent_again(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    payer.with_policy(confirmations=3)
    kinds: list[EventKind] = []

    def reorg_once(event: Event) -> None:
        kinds.append(event.kind)
        if event.kind == EventKind.SEEN and EventKind.REORGED not in kinds:
            node.reorg(1)
        elif event.kind == EventKind.SEEN:
            node.mine(3)

    outcome = payer.pay(on_event=reorg_once)

    assert received() == TEN
    assert EventKind.REORGED in kinds
    assert outcome.receipt is not None
    assert node.rpc("eth_getBlockByHash", outcome.receipt.block_hash, False) is not None


def test_submit__reorganised_away_after_confirmation_and_run_again__is_restored_once(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    payer.settle_in()
    first = payer.pay()
    node.mine(1)
    node.reorg(2)
    assert received() == 0

    second = payer.pay()

    assert received() == TEN
    assert first.tx_hash == second.tx_hash


def test_submit__earlier_payment_reorganised_away__it_comes_before_the_next(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    payer.settle_in()
    payer.has_done = False
    payer.pay(key="first")
    node.reorg(1)

    payer.pay(key="second")

    assert received() == 2 * TEN


def test_submit__base_fee_rises__bumps_fee_with_the_same_nonce(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    node.set_automine(False)
    payer.with_policy(bump_after_s=0.2)
    hashes: list[str] = []

    def make_expensive(event: Event) -> None:
        if event.kind == EventKind.SIGNED and event.tx_hash is not None:
            hashes.append(event.tx_hash)
        if event.kind == EventKind.SIGNED and len(hashes) == 1:
            node.set_next_base_fee(10**11)
            node.mine()
        elif event.kind == EventKind.ANSWERED and len(hashes) > 1:
            node.mine()

    outcome = payer.pay(on_event=make_expensive)

    assert received() == TEN
    assert outcome.tx_hash == hashes[-1]
    assert len(hashes) >= 2
    assert int(node.rpc("eth_getTransactionCount", node.account(1).address, "latest"), 16) == 1


def test_submit__fee_cap_reached__waits_and_can_be_resumed(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    node.set_automine(False)
    payer.with_policy(bump_after_s=0.1, timeout_s=0.5, max_fee_wei=31 * 10**8)

    with pytest.raises(StillPendingError, match="run the same command again"):
        payer.pay()
    assert EventKind.FEE_CAP_REACHED in [event.kind for event in payer.events]
    node.set_automine(True)
    node.mine()
    payer.pay()

    assert received() == TEN


def test_submit__nonce_used_by_a_foreign_transaction__pays_with_a_new_nonce(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    used: list[EventKind] = []

    def steal_nonce(event: Event) -> None:
        used.append(event.kind)
        if used.count(EventKind.SIGNED) == 1 and event.kind == EventKind.SIGNED:
            send_from_elsewhere(node)

    payer.pay(on_event=steal_nonce)

    assert received() == TEN
    assert EventKind.NONCE_LOST in used


def test_submit__nonce_used_by_a_foreign_transaction_that_did_it__does_not_pay_again(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    used: list[EventKind] = []

    def pay_from_elsewhere(event: Event) -> None:
        used.append(event.kind)
        if used.count(EventKind.SIGNED) == 1 and event.kind == EventKind.SIGNED:
            sender = node.account(1).address
            node.rpc("eth_sendTransaction", {"from": sender, "to": payer.recipient, "value": hex(TEN)})

    outcome = payer.pay(on_event=pay_from_elsewhere)

    assert outcome.already_done
    assert received() == TEN


def test_submit__nonce_lost_and_nothing_to_ask__refuses_to_guess(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    payer.has_done = False

    def steal_nonce(event: Event) -> None:
        if event.kind == EventKind.SIGNED:
            send_from_elsewhere(node)

    with pytest.raises(NonceLostError, match="nonce 0"):
        payer.pay(on_event=steal_nonce)
    with pytest.raises(NonceLostError, match="nonce 0"):
        payer.pay()

    assert received() == 0


def test_submit__another_key_in_flight__refuses_and_names_it(
    node: Anvil, payer: Payer, received: Callable[[], int]
) -> None:
    payer.has_done = False
    node.set_automine(False)
    payer.with_policy(timeout_s=0.2)
    with pytest.raises(StillPendingError):
        payer.pay(key="first")

    with pytest.raises(AnotherInFlightError, match=r"first \(ten wei\)"):
        payer.pay(key="second")
    node.set_automine(True)
    node.mine()
    payer.pay(key="second")

    assert received() == 2 * TEN


def test_submit__done_before_the_first_time__sends_nothing(node: Anvil, payer: Payer) -> None:
    sender = node.account(5).address
    node.rpc("eth_sendTransaction", {"from": sender, "to": payer.recipient, "value": hex(TEN)})

    outcome = payer.pay()

    assert outcome.already_done
    assert int(node.rpc("eth_getTransactionCount", node.account(1).address, "pending"), 16) == 0


def test_submit__node_dead__says_so_and_goes_on_later(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    node = Anvil(state_file=state, no_mining=True)
    node.start()
    payer = Payer(node, tmp_path / "journal")
    payer.with_policy(timeout_s=0.2)

    def stop_node(event: Event) -> None:
        if event.kind == EventKind.SIGNED:
            node.stop()

    rpc = payer.rpc()
    with pytest.raises(StillPendingError):
        payer.pay(rpc=rpc, on_event=stop_node)
    with pytest.raises(RpcUnavailableError):
        rpc.chain_id()

    with Anvil(state_file=state) as again:
        payer.node = again
        payer.policy = Policy.local()
        payer.pay()
        assert int(again.rpc("eth_getBalance", payer.recipient, "latest"), 16) == TEN


def test_open__development_chain_started_anew__old_journal_is_put_aside(tmp_path: Path) -> None:
    for genesis in (1_900_000_000, 1_900_000_000, 1_900_000_001):  # the second has the very same genesis hash
        with Anvil(genesis_timestamp_s=genesis) as node:
            node.set_next_timestamp(genesis + 1 + len(list(tmp_path.rglob("*.dead-*"))))
            payer = Payer(node, tmp_path / "journal")
            payer.pay()
            assert int(node.rpc("eth_getBalance", payer.recipient, "latest"), 16) == TEN

    folder = tmp_path / "journal"
    assert len([path for path in folder.glob("*.dead-*") if path.suffix != "-wal"]) == 2


def test_open__wrong_chain__refused(node: Anvil, tmp_path: Path) -> None:
    with (
        pytest.raises(WrongChainError, match="chain 31337, not 8453"),
        Engine.open(
            Web3Rpc.connect(node.url),
            LocalSigner(node.account(1)),
            Policy.local(),
            chain_id=8453,
            journal_folder=tmp_path,
        ),
    ):
        pass


def test_submit__creation_then_call_twice_by_key__counts_once_a_key(node: Anvil, engine: Engine) -> None:
    created = engine.submit("deploy", None, COUNTER, describe="counter").receipt
    assert created is not None
    assert created.contract_address is not None
    for key in ("one", "one", "two"):
        engine.submit(key, created.contract_address, b"\x01", describe="count")

    assert int(node.rpc("eth_getStorageAt", created.contract_address, "0x0", "latest"), 16) == 2


def test_submit__would_revert__tells_the_decoded_reason_and_sends_nothing(
    node: Anvil, engine: Engine
) -> None:
    created = engine.submit("deploy", None, ONCE, describe="once").receipt
    assert created is not None
    engine.submit("first", created.contract_address, b"\x01", describe="call")

    with pytest.raises(SimulationRevertedError, match=r"second: would revert: DeadBeef\(\)"):
        engine.submit("second", created.contract_address, b"\x01", describe="call")

    assert int(node.rpc("eth_getTransactionCount", node.account(1).address, "pending"), 16) == 2


def test_submit__reverts_on_chain__reports_reason_and_may_be_tried_anew(
    node: Anvil, payer: Payer, tmp_path: Path
) -> None:
    def take_the_turn(event: Event) -> None:
        if event.kind == EventKind.SIGNED:  # simulated already: from here on only the chain can refuse
            node.set_automine(False)
            turn = {"from": node.account(2).address, "to": contract, "data": "0x01", "gas": "0x186a0"}
            node.rpc(
                "eth_sendTransaction",
                turn | {"maxPriorityFeePerGas": hex(2 * 10**9), "maxFeePerGas": hex(10**10)},
            )
        if event.kind == EventKind.ANSWERED:
            node.mine()
            node.set_automine(True)

    with Engine.open(
        Web3Rpc.connect(node.url),
        LocalSigner(node.account(1)),
        Policy.local(),
        chain_id=31337,
        journal_folder=tmp_path / "journal",
        on_event=lambda event: take_the_turn(event) if event.key == "mine" else None,
        decode_revert=lambda data: f"error {data[:4].hex()}",
    ) as engine:
        created = engine.submit("deploy", None, ONCE, describe="once").receipt
        assert created is not None
        contract = created.contract_address

        with pytest.raises(TransactionRevertedError, match=r"^mine: transaction 0x[0-9a-f]{64} reverted: "):
            engine.submit("mine", contract, b"\x01", describe="call")
        with pytest.raises(SimulationRevertedError, match="error deadbeef"):
            engine.submit("mine", contract, b"\x01", describe="call")


@pytest.mark.parametrize("policy", [replace(Policy.local(), max_gas=40_000)])
def test_submit__more_gas_than_a_transaction_may_use__refused(engine: Engine) -> None:
    with pytest.raises(GasTooHighError, match="40000"):
        engine.submit("deploy", None, COUNTER, describe="counter")


def test_submit__base_fee_above_the_cap__refused(node: Anvil, payer: Payer) -> None:
    payer.with_policy(max_fee_wei=10)

    with pytest.raises(FeeTooHighError, match="the policy allows 10"):
        payer.pay()


def test_submit__no_contract_there__refused(engine: Engine) -> None:
    with pytest.raises(NoContractError, match=r"no contract at 0x00000000000000000000000000000000000A11cE"):
        engine.submit("call", "0x00000000000000000000000000000000000A11cE", b"\x01", describe="call")


def test_submit__same_key_for_another_transaction__refused(engine: Engine) -> None:
    recipient = "0x00000000000000000000000000000000000A11cE"
    engine.submit("pay", recipient, b"", value=1, describe="")

    with pytest.raises(IntentMismatchError, match=r"value 1, calldata .*; now to .*, value 2"):
        engine.submit("pay", recipient, b"", value=2, describe="")


def test_preview__then_submit__sent_what_was_shown(node: Anvil, engine: Engine) -> None:
    shown = engine.preview("deploy", None, COUNTER)
    assert int(node.rpc("eth_getTransactionCount", node.account(1).address, "pending"), 16) == 0

    receipt = engine.submit("deploy", None, COUNTER, describe="counter").receipt

    assert receipt is not None
    assert (shown.nonce, shown.creates, shown.journal_state) == (0, receipt.contract_address, None)
    sent = node.rpc("eth_getTransactionByHash", receipt.tx_hash)
    assert int(sent["gas"], 16) == shown.gas
    assert int(sent["maxFeePerGas"], 16) == shown.fees.max_fee


def test_view__no_contract__is_an_error_and_never_zero(node: Anvil) -> None:
    rpc = Web3Rpc.connect(node.url)
    someone = node.account(0).address
    with pytest.raises(NoContractError):
        view(rpc, someone, "0x00000000000000000000000000000000000A11cE", b"\x01", "latest")


def test_call__reverts__carries_its_data(node: Anvil) -> None:
    rpc = Web3Rpc.connect(node.url)
    creation = bytes.fromhex("63deadbeef60e01b60005260046000fd")
    with pytest.raises(CallRevertedError) as caught:
        rpc.call(Call(node.account(0).address, None, creation, 0), "latest")
    assert caught.value.data == bytes.fromhex("deadbeef")

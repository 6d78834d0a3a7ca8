"""A private anvil: the development chain of tests and of the demo.

The native binary is started directly: npm's `anvil` is a Node wrapper, and a signal sent to it leaves the
real node running. The port is chosen by the kernel, so two runs on one machine never meet.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import ctypes
import functools
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.types import Nonce, RPCEndpoint, TxParams, Wei

from liqpass.domain import chains

REPOSITORY = Path(__file__).resolve().parents[4]
MNEMONIC = "test test test test test test test test test test test junk"
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal this process gets when its parent dies
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0


class AnvilError(Exception):
    """Root of the errors of the development chain."""


class AnvilMissingError(AnvilError):
    """The native anvil binary is not installed."""


class AnvilStartError(AnvilError):
    """anvil ended, or did not listen in time. The message carries its last lines."""


class AnvilRefusedError(AnvilError):
    """anvil answered a control call with an error."""


def find_anvil(repository: Path = REPOSITORY) -> Path:
    """Path of the native binary inside `node_modules/@foundry-rs/anvil-<platform>/bin`.

    Raises AnvilMissingError when npm has not installed it.
    """
    for binary in sorted(repository.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*")):
        if binary.is_file():
            return binary
    raise AnvilMissingError(
        f"no anvil under {repository / 'node_modules/@foundry-rs'}: run `make setup` first"
    )


def die_with_parent() -> None:
    """For a child between fork and exec: SIGTERM when the thread that started it ends."""
    # Linux only. Elsewhere atexit covers an orderly end, and a node that outlives its parent ends at its next
    # line of output, because the pipe it writes to is closed.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@functools.cache  # deriving a key takes some 50 ms
def _account(index: int) -> LocalAccount:
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


class Anvil:
    """A context manager that runs one anvil; `.url` is set while it runs.

    The thread that starts it must live as long as the node is wanted: on Linux the kernel ends anvil with it.

    `block_time_s`: a block every so many seconds; None mines each transaction at once.
    `no_mining`: nothing is mined but by `mine()`.
    `slots_in_an_epoch`: 2 makes `safe` head − 2 and `finalized` head − 4; None leaves both at 0.
    `genesis_timestamp_s`: unix seconds of block 0; None is the present.
    `state_file`: read at start if it exists, written every second and at the end.
    `port`: 0 lets the kernel choose.
    """

    def __init__(
        self,
        *,
        block_time_s: int | None = None,
        no_mining: bool = False,
        slots_in_an_epoch: int | None = None,
        accounts: int = 10,
        genesis_timestamp_s: int | None = None,
        state_file: Path | None = None,
        chain_id: int = chains.LOCAL,
        tx_gas_limit: bool = True,
        port: int = 0,
        binary: Path | None = None,
    ) -> None:
        self.chain_id = chain_id
        self._binary = binary
        self._arguments = ["--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)]
        self._arguments += ["--accounts", str(accounts), "--mnemonic", MNEMONIC]
        if tx_gas_limit:  # EIP-7825, as on Base: 2^24 gas a transaction
            self._arguments.append("--enable-tx-gas-limit")
        if block_time_s is not None:
            self._arguments += ["--block-time", str(block_time_s)]
        if no_mining:
            self._arguments.append("--no-mining")
        if slots_in_an_epoch is not None:
            self._arguments += ["--slots-in-an-epoch", str(slots_in_an_epoch)]
        if genesis_timestamp_s is not None:
            self._arguments += ["--timestamp", str(genesis_timestamp_s)]
        if state_file is not None:
            self._arguments += ["--state", str(state_file.absolute()), "--state-interval", "1"]
        self._process: subprocess.Popen[str] | None = None
        self._provider: HTTPProvider | None = None
        self._last_lines: collections.deque[str] = collections.deque(maxlen=40)
        self._port = port
        self._output_ready = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`. Raises AnvilError when the node is not running."""
        if self._process is None:
            raise AnvilError("anvil is not running")
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the node itself. Raises AnvilError when it is not running."""
        if self._process is None:
            raise AnvilError("anvil is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the node and wait until it listens. Raises AnvilMissingError or AnvilStartError."""
        if self._process is not None:
            raise AnvilError("anvil is running already")
        binary = (self._binary or find_anvil()).absolute()
        self._output_ready.clear()
        # A session of its own: Ctrl-C reaches the parent only, which then ends the node in its own order.
        self._process = subprocess.Popen(  # noqa: S603 - our own binary, no shell
            [str(binary), *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",  # below a foundry.toml it runs the compiler that is named there: half a second each time
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one prctl call, safe beside threads
        )
        atexit.register(self.stop)
        threading.Thread(target=self._read_output, args=(self._process,), daemon=True).start()
        if not self._output_ready.wait(_START_TIMEOUT_S) or self._process.poll() is not None:
            self.stop()
            tail = "".join(self._last_lines).strip()
            raise AnvilStartError(f"anvil did not start within {_START_TIMEOUT_S:.0f} s; it said:\n{tail}")
        self._provider = HTTPProvider(self.url, request_kwargs={"timeout": 30})

    def _read_output(self, process: subprocess.Popen[str]) -> None:
        # Reads to the end, because a full pipe would stop the node.
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        with process.stdout:
            for line in process.stdout:
                self._last_lines.append(line)
                if found := _LISTENING.search(line):
                    self._port = int(found.group(1))
                    self._output_ready.set()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_S)
        self._output_ready.set()  # ended without listening: do not let start() wait for its deadline

    def stop(self) -> None:
        """End the node and wait for its end; does nothing when it is not running."""
        process, self._process, self._provider = self._process, None, None
        atexit.unregister(self.stop)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def rpc(self, method: str, *parameters: Any) -> Any:
        """One raw call to the node. Raises AnvilRefusedError when it answers with an error."""
        if self._provider is None:
            raise AnvilError("anvil is not running")
        answer = self._provider.make_request(RPCEndpoint(method), list(parameters))
        if "error" in answer:
            raise AnvilRefusedError(f"{method}: {answer['error']}")
        return answer["result"]

    def account(self, index: int) -> LocalAccount:
        """The funded development account of that index (a public mnemonic: never with real money)."""
        return _account(index)

    def transact(
        self, call: ContractFunction | ContractConstructor, sender: str, *, gas: int
    ) -> dict[str, Any]:
        """Mine a transaction of one of the node's accounts; its receipt as the node writes it.

        One request, where `call.transact` and the wait for its receipt make five. Raises AnvilRefusedError.
        """
        # With all of this named nothing is asked of the node, which fills in fee and nonce itself.
        named: TxParams = {"gas": gas, "gasPrice": Wei(0), "chainId": self.chain_id, "nonce": Nonce(0)}
        built = call.build_transaction(named)
        sent = {"from": sender, "data": built["data"], "gas": hex(gas)}
        receipt: dict[str, Any] = self.rpc(
            "eth_sendTransactionSync", sent | ({"to": built["to"]} if built.get("to") else {})
        )
        return receipt

    def mine(self, blocks: int = 1) -> None:
        """Mine so many blocks now, one second apart."""
        self.rpc("anvil_mine", hex(blocks), hex(1))

    def set_next_timestamp(self, timestamp_s: int) -> None:
        """The next block carries this unix time; it must be later than the head's."""
        self.rpc("evm_setNextBlockTimestamp", timestamp_s)

    def increase_time(self, seconds: int) -> None:
        """Move the node's clock forward and mine one block there."""
        self.rpc("evm_increaseTime", seconds)
        self.mine()

    def set_automine(self, on: bool) -> None:
        """Mine each transaction at once, or only on `mine()`."""
        self.rpc("evm_setAutomine", on)

    def set_next_base_fee(self, wei: int) -> None:
        """Base fee of the next block, in wei per gas."""
        self.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))

    def drop(self, tx_hash: str) -> None:
        """Forget a waiting transaction, as a node under pressure does."""
        self.rpc("anvil_dropTransaction", tx_hash)

    def reorg(self, depth: int) -> None:
        """Replace the last `depth` blocks by empty ones; their transactions vanish and nonces fall back."""
        self.rpc("anvil_reorg", depth, [])

    def snapshot(self) -> str:
        """Id of the present state. Do not mix with `reorg`: in the end anvil 1.7.1 loses contract code."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot_id: str) -> None:
        """Go back to a snapshot, which is used up by that. Raises AnvilRefusedError when it is unknown."""
        if self.rpc("evm_revert", snapshot_id) is not True:
            raise AnvilRefusedError(f"evm_revert: unknown snapshot {snapshot_id}")

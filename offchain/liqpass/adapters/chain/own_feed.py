"""A feed that we run on a test network: what it reports, and the call that makes it report something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3 import Web3

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.errors import NoContractError
from liqpass.adapters.chain.rpc import BlockId, Call, Rpc, view
from liqpass.domain.parametric.reading import Reading


@dataclass(frozen=True, slots=True)
class Report:
    """What a feed answers; round 0 before its first report. `updated_at_s` in unix seconds."""

    round_id: int
    answer: int
    updated_at_s: int


class OwnFeed:
    """A MockFeed. Every read raises RpcError, NoContractError where no feed answers."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        self._rpc = rpc
        self.address = Web3.to_checksum_address(address)
        self._encoder = Web3().eth.contract(abi=abi_of("MockFeed"))

    def description(self) -> str:
        """What the feed says that it reports."""
        return str(self._read("description", ("string",))[0])

    def decimals(self) -> int:
        """0 for a feed of minutes."""
        return int(self._read("decimals", ("uint8",))[0])

    def latest(self, block: BlockId = "latest") -> Report:
        """The report that stands in that block."""
        kinds = ("uint80", "int256", "uint256", "uint256", "uint80")
        round_id, answer, _, updated_at_s, _ = self._read("latestRoundData", kinds, block)
        return Report(round_id, answer, updated_at_s)

    def shows(self, reading: Reading, since_s: int, block: BlockId) -> bool:
        """Whether it reports `reading` as of a time that is not before `since_s`."""
        report = self.latest(block)
        return report.round_id != 0 and report.answer == reading and report.updated_at_s >= since_s

    def push_data(self, reading: Reading) -> bytes:
        """The call that reports `reading` in a new round, as of its block; only the owner's is taken."""
        return bytes.fromhex(self._encoder.encode_abi("push", args=[reading])[2:])

    def simulate_push(self, reading: Reading) -> str:
        """The owner, in whose name the call was tried. Raises CallRevertedError."""
        owner = Web3.to_checksum_address(self._read("owner", ("address",))[0])
        self._rpc.call(Call(owner, self.address, self.push_data(reading), 0), "latest")
        return owner

    def _read(self, function: str, kinds: tuple[str, ...], block: BlockId = "latest") -> tuple[Any, ...]:
        data = bytes.fromhex(self._encoder.encode_abi(function, args=[])[2:])
        answer = view(self._rpc, self.address, self.address, data, block)
        try:
            return decode(kinds, answer)
        except DecodingError:
            raise NoContractError(f"{self.address} does not answer {function} as a feed does") from None

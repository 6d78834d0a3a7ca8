"""Reading what came to payment addresses without a lock, out of the logs of USDC and of X402InsuranceV2."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import TransactionNotFound
from web3.types import LogReceipt

from liqpass.adapters.chain.asking import LOG_RANGE, ask, first_block_at, logs_of
from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.settled_blocks import pieces
from liqpass.domain.money import Usdc
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.domain.x402.strays import (
    Arrival,
    Holding,
    Lock,
    Place,
    Return,
    Stray,
    ambiguous,
    holding,
    named,
    unlocked,
)
from liqpass.ports import BlockRef, ChainError

_READ = ("BondDeposited", "InsurancePurchased", "StrayReturned", "payoutAddress")
_TRANSFER = to_hex(Web3.keccak(text="Transfer(address,address,uint256)"))
_AUTHORIZATION_USED = to_hex(Web3.keccak(text="AuthorizationUsed(address,bytes32)"))
_AUTHORIZATION_CANCELED = to_hex(Web3.keccak(text="AuthorizationCanceled(address,bytes32)"))
_CLOCKS_S = 3_600  # that a machine's clock may be ahead of the chain's
_BLOCKS = 100_000  # that are looked through for the end of one authorization: more than two days of Base's
_PARTIES = 100  # that one question names; nodes limit them


class StrayReader:
    """The payment addresses of one X402InsuranceV2. Every method may raise ChainError.

    `progress(block, last)` after each piece of blocks.
    """

    def __init__(
        self,
        web3: Web3,
        insurance: Insurance,
        usdc: str,
        *,
        first_block: int,
        progress: Callable[[int, int], None] = lambda _block, _last: None,
        log_range: int = LOG_RANGE,
    ) -> None:
        """No log of the contract is in a block before `first_block`."""
        self._web3, self._terms, self.first_block = web3, insurance, first_block
        self._progress, self._log_range = progress, log_range
        self._insurance: Contract = web3.eth.contract(
            address=to_checksum_address(insurance.contract), abi=abi_of("X402InsuranceV2", *_READ)
        )
        self._usdc: Contract = web3.eth.contract(
            address=to_checksum_address(usdc), abi=abi_of("IUSDC", "balanceOf")
        )

    def bonded(self, at: BlockRef) -> tuple[str, ...]:
        """Providers that ever deposited a bond, in lower case, in the order of their first deposit."""
        topics, found = [self._insurance.events.BondDeposited().topic], dict[str, None]()
        for start, end in pieces(self.first_block, at.number):
            logs = self._logs(self._insurance.address, topics, start, end)
            found.update(dict.fromkeys(_address(log["topics"][1]) for log in logs))
            self._progress(end, at.number)
        return tuple(found)

    def holdings(self, providers: Sequence[str], first: int, at: BlockRef) -> tuple[Holding, ...]:
        """What lies at the payment address of each, by the logs of the blocks `first` to `at`.

        Raises ChainError too where the chain changed meanwhile.
        """
        arrivals: defaultdict[str, list[Arrival]] = defaultdict(list)
        returns: defaultdict[str, list[Return]] = defaultdict(list)
        for start, end in pieces(max(first, self.first_block), at.number):
            for some in _some(providers):
                for arrival in self._unlocked(some, start, end):
                    arrivals[arrival.provider].append(arrival)
                for given in self._returns(some, start, end):
                    returns[given.provider].append(given)
            self._progress(end, at.number)
        if self._block(at.number).hash != at.hash:
            raise ChainError(f"block {at.number} was reorganised while it was read: run again")
        return tuple(holding(each, arrivals[each], returns[each]) for each in providers)

    def balance(self, provider: str, at: BlockRef) -> Usdc:
        """What the payment address of a provider holds as of a block."""
        address = to_checksum_address(payment_address(self._terms, provider))
        call = self._usdc.functions.balanceOf(address)
        return Usdc(ask(lambda: call.call(block_identifier=at.number)))

    def payout_address(self, provider: str, at: BlockRef) -> str:
        """Where settled payments to a provider go, in lower case."""
        call = self._insurance.functions.payoutAddress(to_checksum_address(provider))
        return str(ask(lambda: call.call(block_identifier=at.number))).lower()

    def with_nonces(self, strays: Sequence[Stray]) -> tuple[Stray, ...]:
        """The same with the nonces of their authorizations; one question for each transaction."""
        nonces = {
            tx_hash: self._nonces(tx_hash)
            for tx_hash in dict.fromkeys(stray.arrival.place.tx_hash for stray in strays)
        }
        return tuple(named(stray, nonces[stray.arrival.place.tx_hash]) for stray in strays)

    def cancelled(self, client: str, nonce: bytes, signed_at_s: int, at: BlockRef) -> bool:
        """Whether USDC shows that the client cancelled an authorization; False where it shows it used.

        And where neither is found in the two days after it was signed.
        """
        first = first_block_at(signed_at_s - _CLOCKS_S, at.number, lambda number: self._block(number).time_s)
        first = max(first, self.first_block)
        last = min(at.number, first + _BLOCKS - 1)
        topics = [[_AUTHORIZATION_USED, _AUTHORIZATION_CANCELED], _topic(client), to_hex(nonce)]
        for start in range(first, last + 1, self._log_range):
            end = min(start + self._log_range - 1, last)
            for log in self._logs(self._usdc.address, topics, start, end):
                return to_hex(log["topics"][0]) == _AUTHORIZATION_CANCELED
        return False

    def times_s(self, strays: Sequence[Stray]) -> Mapping[int, int]:
        """Unix seconds of the blocks in which they arrived."""
        numbers = dict.fromkeys(stray.arrival.place.block for stray in strays)
        return {number: self._block(number).time_s for number in numbers}

    def block(self, tag: str) -> BlockRef:
        """The block of a tag: `latest`, `safe`."""
        return self._block(tag)

    def _unlocked(self, providers: Sequence[str], first: int, last: int) -> tuple[Arrival, ...]:
        arrivals = self._arrivals(providers, first, last)
        if not arrivals:
            return ()
        locks = self._locks(providers, first, last)
        nonces = {tx_hash: self._nonces(tx_hash) for tx_hash in ambiguous(arrivals, locks)}
        return unlocked(self._terms, arrivals, locks, nonces)

    def _arrivals(self, providers: Sequence[str], first: int, last: int) -> list[Arrival]:
        provider_at = {payment_address(self._terms, provider): provider for provider in providers}
        topics = [_TRANSFER, None, [_topic(address) for address in provider_at]]
        return [
            Arrival(
                provider=provider_at[_address(log["topics"][2])],
                client=_address(log["topics"][1]),
                amount=Usdc(int.from_bytes(log["data"], "big")),
                place=_place(log),
            )
            for log in self._logs(self._usdc.address, topics, first, last)
        ]

    def _locks(self, providers: Sequence[str], first: int, last: int) -> list[Lock]:
        event = self._insurance.events.InsurancePurchased()
        found = []
        for raw, given in self._decoded(event, [None, [_topic(each) for each in providers]], first, last):
            provider, client = given["provider"].lower(), given["client"].lower()
            tx_hash = to_hex(raw["transactionHash"])
            found.append(Lock(bytes(given["commitment"]), provider, client, Usdc(given["amount"]), tx_hash))
        return found

    def _returns(self, providers: Sequence[str], first: int, last: int) -> list[Return]:
        event = self._insurance.events.StrayReturned()
        return [
            Return(given["provider"].lower(), given["client"].lower(), Usdc(given["amount"]), _place(raw))
            for raw, given in self._decoded(event, [[_topic(each) for each in providers]], first, last)
        ]

    def _nonces(self, tx_hash: str) -> dict[int, bytes]:
        """Nonces of the authorizations used in a transaction, by the index of the log that moved the money.

        USDC says which authorization is used, and in its next log what that moved.
        """
        try:
            receipt = ask(lambda: self._web3.eth.get_transaction_receipt(tx_hash))  # type: ignore[arg-type]
        except TransactionNotFound:
            raise ChainError(f"transaction {tx_hash} is gone: the chain changed; run again") from None
        logs = [log for log in receipt["logs"] if log["address"] == self._usdc.address]
        nonces = {}
        for used, moved in pairwise(logs):
            kinds = to_hex(used["topics"][0]), to_hex(moved["topics"][0])
            adjacent = moved["logIndex"] == used["logIndex"] + 1 and used["topics"][1] == moved["topics"][1]
            if kinds == (_AUTHORIZATION_USED, _TRANSFER) and adjacent:
                nonces[moved["logIndex"]] = bytes(used["topics"][2])
        return nonces

    def _decoded(
        self, event: Any, indexed: list[Any], first: int, last: int
    ) -> Iterator[tuple[LogReceipt, Mapping[str, Any]]]:
        for raw in self._logs(self._insurance.address, [event.topic, *indexed], first, last):
            yield raw, ask(lambda raw=raw: event.process_log(raw))["args"]  # type: ignore[misc]

    def _logs(self, address: str, topics: list[Any], first: int, last: int) -> list[LogReceipt]:
        return logs_of(self._web3, address, topics, first, last, log_range=self._log_range)

    def _block(self, block: Any) -> BlockRef:
        found = ask(lambda: self._web3.eth.get_block(block))
        return BlockRef(found["number"], to_hex(found["hash"]), found["timestamp"])


def _some(providers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(providers), _PARTIES):
        yield providers[start : start + _PARTIES]


def _place(log: LogReceipt) -> Place:
    return Place(log["blockNumber"], log["logIndex"], to_hex(log["transactionHash"]))


def _address(topic: bytes) -> str:
    return "0x" + bytes(topic)[12:].hex()


def _topic(account: str) -> str:
    return "0x" + account[2:].rjust(64, "0")

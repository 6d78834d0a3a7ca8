"""Reading X402InsuranceV2: which payments are insured, and what has become of them. Needs no key.

The logs say which commitments there are; what each is worth and how it stands is asked of the contract, as of
one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from web3 import Web3
from web3.contract import Contract

from liqpass.adapters.chain.asking import LOG_RANGE, ask, logs_of
from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.money import Usdc
from liqpass.domain.x402.bond import Bond
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from liqpass.ports import BlockRef

_READ = (
    "InsuranceClaimed",
    "InsurancePurchased",
    "ServiceConfirmed",
    "ServiceRefunded",
    "accounts",
    "canInsure",
    "defaultTimeout",
    "deliveryKey",
    "getProviderStats",
    "isSettler",
    "paused",
    "platformPenaltyRate",
    "policies",
    "usdc",
)


@dataclass(frozen=True, slots=True)
class Openness:
    """Whether a settlement can be locked: enough bond, which settlers are named, the commitment not used."""

    insurable: bool
    named: frozenset[str]
    unused: bool


@dataclass(frozen=True, slots=True)
class LockLog:
    """An InsurancePurchased log: addresses in lower case, `deadline_s` in unix seconds."""

    commitment: bytes
    provider: str
    client: str
    amount: Usdc
    penalty: Usdc
    deadline_s: int
    block_number: int
    tx_hash: str


class BondReader:
    """X402InsuranceV2 at `insurance` over JSON-RPC. Every method may raise ChainError."""

    def __init__(self, web3: Web3, insurance: str, *, first_block: int, log_range: int = LOG_RANGE) -> None:
        """No log of the contract is in a block before `first_block`."""
        self._web3, self._first_block, self._log_range = web3, first_block, log_range
        self._insurance: Contract = web3.eth.contract(
            address=to_checksum_address(insurance), abi=abi_of("X402InsuranceV2", *_READ)
        )

    def head(self) -> BlockRef:
        """The newest block."""
        block = ask(lambda: self._web3.eth.get_block("latest"))
        return BlockRef(block["number"], to_hex(block["hash"]), block["timestamp"])

    def usdc(self) -> str:
        """The only token that is insured, in lower case."""
        return str(ask(lambda: self._insurance.functions.usdc().call())).lower()

    def openness(self, provider: str, settlers: Sequence[str], commitment: bytes, amount: Usdc) -> Openness:
        """What stands in the way of a settlement of `amount` by one of `settlers` now, a pause aside."""
        calls, provider = self._insurance.functions, to_checksum_address(provider)
        named = [calls.isSettler(provider, to_checksum_address(settler)) for settler in settlers]

        def together() -> list[Any]:
            # One request: a node that is far away is asked once.
            with self._web3.batch_requests() as batch:
                for call in (calls.canInsure(provider, amount), calls.policies(commitment), *named):
                    batch.add(call)
                return list(batch.execute())

        insurable, policy, *are_named = ask(together)
        return Openness(
            insurable=bool(insurable),
            named=frozenset(
                settler for settler, is_named in zip(settlers, are_named, strict=True) if is_named
            ),
            unused=_insured_payment(commitment, policy).status is PaymentStatus.NONE,
        )

    def bond(self, provider: str) -> Bond:
        """A provider's bond now."""
        call = self._insurance.functions.getProviderStats(to_checksum_address(provider))
        total, locked, _, minimum, _, liquidated = ask(call.call)
        return Bond(Usdc(total), Usdc(locked), Usdc(minimum), liquidated)

    def names_one_of(self, provider: str, settlers: Sequence[str]) -> bool:
        """Whether one of `settlers` at least may settle payments to the provider now."""
        calls, provider = self._insurance.functions, to_checksum_address(provider)
        named = [calls.isSettler(provider, to_checksum_address(settler)) for settler in settlers]
        return ask(lambda: any(call.call() for call in named))

    def can_insure(self, provider: str, amount: Usdc) -> bool:
        """Whether a payment of `amount` could be locked now, a pause aside."""
        call = self._insurance.functions.canInsure(to_checksum_address(provider), amount)
        return ask(lambda: bool(call.call()))

    def is_leaving(self, provider: str) -> bool:
        """Whether it exits, was liquidated, or its liquidation is announced: nothing new is locked."""
        account = ask(self._insurance.functions.accounts(to_checksum_address(provider)).call)
        standing, notice = account[7], account[8]
        return bool(standing or notice)

    def is_paused(self) -> bool:
        """Whether nothing new is locked at all."""
        return ask(lambda: bool(self._insurance.functions.paused().call()))

    def penalty_bps(self) -> int:
        """Of new locks, in basis points of the payment."""
        return int(ask(lambda: self._insurance.functions.platformPenaltyRate().call()))

    def default_timeout_minutes(self) -> int:
        """Of new locks that name no time-out."""
        return int(ask(lambda: self._insurance.functions.defaultTimeout().call()))

    def may_deliver(self, provider: str, account: str) -> bool:
        """Whether `account` may confirm and refund for the provider by sending it."""
        provider, account = to_checksum_address(provider), to_checksum_address(account)
        calls = self._insurance.functions
        if account == provider:
            return True
        delivery_key = ask(lambda: str(calls.deliveryKey(provider).call()))
        return delivery_key == account and ask(lambda: bool(calls.isSettler(provider, account).call()))

    def locks(
        self,
        first: int,
        last: int,
        *,
        provider: str | None = None,
        client: str | None = None,
        commitment: bytes | None = None,
    ) -> list[LockLog]:
        """Locks made in the blocks first..last, oldest first; of one provider, client or commitment only."""
        event = self._insurance.events.InsurancePurchased()
        named = None if commitment is None else to_hex(commitment)
        parties = [None if account is None else _topic(account) for account in (provider, client)]
        topics = [event.topic, named, *parties]
        found = []
        for raw in logs_of(
            self._web3,
            self._insurance.address,
            topics,
            max(first, self._first_block),
            last,
            log_range=self._log_range,
        ):
            log = ask(lambda raw=raw: event.process_log(raw))  # type: ignore[misc]
            arguments = log["args"]
            found.append(
                LockLog(
                    commitment=bytes(arguments["commitment"]),
                    provider=arguments["provider"].lower(),
                    client=arguments["client"].lower(),
                    amount=Usdc(arguments["amount"]),
                    penalty=Usdc(arguments["penalty"]),
                    deadline_s=arguments["deadline"],
                    block_number=log["blockNumber"],
                    tx_hash=to_hex(log["transactionHash"]),
                )
            )
        return found

    def ends(self, first: int, last: int, *, provider: str | None = None) -> frozenset[bytes]:
        """Commitments that were confirmed, claimed or refunded in the blocks first..last."""
        events = self._insurance.events
        kinds = [events.ServiceConfirmed(), events.InsuranceClaimed(), events.ServiceRefunded()]
        topics = [[kind.topic for kind in kinds], None, None if provider is None else _topic(provider)]
        logs = logs_of(
            self._web3,
            self._insurance.address,
            topics,
            max(first, self._first_block),
            last,
            log_range=self._log_range,
        )
        return frozenset(bytes(log["topics"][1]) for log in logs)

    def is_open(self, commitment: bytes, block: BlockId) -> bool:
        """Whether it is locked and has no end, as of a block."""
        return self.policy(commitment, block).is_open

    def has_ended(self, commitment: bytes, block: BlockId) -> bool:
        """Whether it was confirmed, refunded or claimed, as of a block."""
        return self.policy(commitment, block).status.is_end

    def is_used(self, commitment: bytes, block: BlockId) -> bool:
        """Whether it was ever locked, as of a block."""
        return self.policy(commitment, block).status is not PaymentStatus.NONE

    def payment(self, commitment: bytes, at: BlockRef) -> InsuredPayment | None:
        """What the contract holds under a commitment as of a block, None where it was never locked."""
        policy = self.policy(commitment, at.number)
        return None if policy.status is PaymentStatus.NONE else policy

    def policy(self, commitment: bytes, block: BlockId) -> InsuredPayment:
        """What the contract holds under a commitment as of a block; all zero where it was never locked."""
        call = self._insurance.functions.policies(commitment)
        return _insured_payment(commitment, ask(lambda: call.call(block_identifier=block)))

    def policies(self, commitments: Sequence[bytes], block: BlockId) -> list[InsuredPayment]:
        """As `policy`, in their order, with one request for all of them."""
        calls = [self._insurance.functions.policies(commitment) for commitment in commitments]

        def together() -> list[Any]:
            with self._web3.batch_requests() as batch:
                for call in calls:
                    batch.add(call.call(block_identifier=block))
                return list(batch.execute())

        found = ask(together)
        return [_insured_payment(*each) for each in zip(commitments, found, strict=True)]

    def payments(self, commitments: Iterable[bytes], at: BlockRef) -> list[InsuredPayment]:
        """Those of these that were ever locked, in their order, as of a block."""
        found = (self.payment(commitment, at) for commitment in commitments)
        return [payment for payment in found if payment is not None]

    def payments_of(
        self, at: BlockRef, *, provider: str | None = None, client: str | None = None
    ) -> list[InsuredPayment]:
        """All payments ever insured, oldest lock first, as of a block; of one provider or client only."""
        locks = self.locks(self._first_block, at.number, provider=provider, client=client)
        return self.payments((lock.commitment for lock in locks), at)


def _insured_payment(commitment: bytes, policy: Sequence[Any]) -> InsuredPayment:
    """The contract's own struct, whose order is known here only."""
    provider, lock, deadline_s, status, client, amount = policy
    return InsuredPayment(
        commitment=commitment,
        provider=provider.lower(),
        client=client.lower(),
        amount=Usdc(amount),
        lock=Usdc(lock),
        deadline_s=deadline_s,
        status=PaymentStatus(status),
    )


def _topic(account: str) -> str:
    return "0x" + account.lower().removeprefix("0x").rjust(64, "0")

"""Reading the chain: premiums in, payouts out. Needs no database and no key.

Nothing here trusts an empty answer: `0x` from a call means that no contract is there, and is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractEvent
from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.types import BlockData, EventData, LogReceipt, TxReceipt

from liqpass.adapters.chain.asking import LOG_RANGE, ask, first_block_at, logs_of
from liqpass.adapters.chain.contracts import Contracts, abi_of
from liqpass.domain import chains
from liqpass.ports import (
    BatchOnChain,
    BlockRef,
    ChainError,
    PayoutLog,
    PayoutTransaction,
    PremiumLog,
    TransactionSeen,
)

RPC_TIMEOUT_S = 20.0


class Web3ChainReader:
    """A ChainReader over JSON-RPC. On 31337 a block is final `local_final_depth` below the head."""

    def __init__(
        self, web3: Web3, contracts: Contracts, *, local_final_depth: int, log_range: int = LOG_RANGE
    ) -> None:
        self._web3 = web3
        self._contracts = contracts
        self._local_final_depth = local_final_depth
        self._log_range = log_range
        self._genesis_seen = False
        self._checkout: Contract = _contract(web3, contracts.checkout, "Checkout")
        self._vault: Contract = _contract(web3, contracts.vault, "PayoutVault")

    @property
    def contracts(self) -> Contracts:
        """The addresses that are read."""
        return self._contracts

    def chain_id(self) -> int:
        """The chain id that the node answers. Raises ChainError on another chain of the same id.

        Every local chain has the same id: read from the wrong one, each payment would look reorganised.
        """
        chain_id = ask(lambda: self._web3.eth.chain_id)
        expected = self._contracts.genesis_hash
        if chain_id == self._contracts.chain_id and expected is not None and not self._genesis_seen:
            genesis = self.block(0)
            if genesis is None or genesis.hash != expected:
                raise ChainError(
                    f"the node is of another chain {chain_id} than the deployment record: its genesis block "
                    f"is {None if genesis is None else genesis.hash}, the record's {expected}"
                )
            self._genesis_seen = True
        return chain_id

    def vault(self) -> str:
        """The vault's address, lower case."""
        return self._contracts.vault

    def usdc(self) -> str:
        """The token that the vault pays, lower case."""
        return str(ask(lambda: self._vault.functions.usdc().call())).lower()

    def head(self) -> BlockRef:
        """The newest block."""
        return _block_ref(ask(lambda: self._web3.eth.get_block("latest")))

    def final_block(self) -> BlockRef:
        """The finalized block; on the development chain `local_final_depth` below the head."""
        if self._contracts.chain_id != chains.LOCAL:
            return _block_ref(ask(lambda: self._web3.eth.get_block("finalized")))
        number = max(self.head().number - self._local_final_depth, 0)
        block = self.block(number)
        if block is None:
            raise ChainError(f"the chain lost block {number} while it was read")
        return block

    def block(self, number: int) -> BlockRef | None:
        """A block by number, None above the head."""
        try:
            return _block_ref(ask(lambda: self._web3.eth.get_block(number)))
        except BlockNotFound:
            return None

    def transaction(self, tx_hash: str) -> TransactionSeen | None:
        """A mined transaction with our Checkout's PremiumPaid logs, None where the chain has none such.

        Any contract may emit a log that looks like ours, even one that cannot be decoded: passed over.
        """
        mined = self._mined(tx_hash)
        if mined is None:
            return None
        receipt, block = mined
        topic = self._checkout.events.PremiumPaid().topic
        premiums = tuple(
            self._premium(log, block)
            for log in receipt["logs"]
            if _is_of(log, self._contracts.checkout) and to_hex(log["topics"][0]) == topic
        )
        return TransactionSeen(to_hex(receipt["transactionHash"]), receipt["status"] == 1, block, premiums)

    def first_block_at(self, time_s: int) -> int:
        """Number of the first block whose time is at or after `time_s`; one above the head if none is."""

        def time_of(number: int) -> int | None:
            block = self.block(number)
            return None if block is None else block.time_s

        return first_block_at(time_s, self.head().number, time_of)

    def premium_logs(
        self, first: int, last: int, *, order_hashes: Sequence[str] | None = None
    ) -> list[PremiumLog]:
        """Our Checkout's PremiumPaid logs in the blocks first..last, oldest first; of these orders only."""
        topics: list[Any] = [self._checkout.events.PremiumPaid().topic]
        if order_hashes is not None:
            topics.append(list(order_hashes))
        blocks: dict[int, BlockRef] = {}
        found = []
        for log in self._logs(
            self._contracts.checkout, topics, max(first, self._contracts.first_block), last
        ):
            number = log["blockNumber"]
            block = blocks.get(number) or self.block(number)
            if block is None or block.hash != to_hex(log["blockHash"]):
                raise ChainError(f"block {number} was reorganised while it was read: run again")
            blocks[number] = block
            found.append(self._premium(log, block))
        return found

    def paid_policies(self, policy_nos: Sequence[int], at: BlockRef) -> frozenset[int]:
        """Which of these policies the vault (or a predecessor) has paid, as of a block."""
        return frozenset(
            policy_no
            for policy_no in policy_nos
            if ask(
                lambda policy_no=policy_no: self._vault.functions.isPaid(policy_no).call(  # type: ignore[misc]
                    block_identifier=at.number
                )
            )
        )

    def batch(self, batch_id: int, at: BlockRef) -> BatchOnChain | None:
        """A batch as of a block, None where it was never approved."""
        values = ask(lambda: self._vault.functions.batches(batch_id).call(block_identifier=at.number))
        fields = values if isinstance(values, dict) else self._named(values)
        if not fields["approvedAt"]:
            return None
        validity_s = ask(lambda: self._vault.functions.APPROVAL_VALIDITY().call(block_identifier=at.number))
        return BatchOnChain(
            payout_root=to_hex(fields["payoutRoot"]),
            approver=fields["approver"].lower(),
            total=fields["total"],
            paid=fields["paid"],
            approved_at_s=fields["approvedAt"],
            expires_at_s=fields["approvedAt"] + validity_s,
            revoked=fields["revoked"],
        )

    def payout_logs(self, batch_id: int, last: int) -> list[PayoutLog]:
        """Our vault's payout logs of a batch up to a block, oldest first.

        A batch's id is the UTC date of its first approval, so no log of it can be older than that day.
        """
        executed, failed = self._payout_events()
        topics: list[Any] = [[executed.topic, failed.topic], "0x" + batch_id.to_bytes(32, "big").hex()]
        first = max(self._contracts.first_block, self.first_block_at(_midnight_s(batch_id)))
        return [
            _payout(executed if to_hex(log["topics"][0]) == executed.topic else failed, log)
            for log in self._logs(self._contracts.vault, topics, first, last)
        ]

    def payout_transaction(self, tx_hash: str) -> PayoutTransaction | None:
        """A mined transaction with our vault's payout logs, None where the chain has none of this hash."""
        mined = self._mined(tx_hash)
        if mined is None:
            return None
        receipt, block = mined
        kinds = {event.topic: event for event in self._payout_events()}
        payouts = tuple(
            _payout(kinds[to_hex(log["topics"][0])], log)
            for log in receipt["logs"]
            if _is_of(log, self._contracts.vault) and to_hex(log["topics"][0]) in kinds
        )
        return PayoutTransaction(to_hex(receipt["transactionHash"]), receipt["status"] == 1, block, payouts)

    def vault_balance(self) -> int:
        """USDC that the vault holds at the newest block, base units."""
        token = _contract(self._web3, self.usdc(), "MockUSDC")  # of USDC's functions it has the same ones
        holder = to_checksum_address(self._contracts.vault)
        return int(ask(lambda: token.functions.balanceOf(holder).call()))

    def _payout_events(self) -> tuple[ContractEvent, ContractEvent]:
        return self._vault.events.PayoutExecuted(), self._vault.events.PayoutFailed()

    def _mined(self, tx_hash: str) -> tuple[TxReceipt, BlockRef] | None:
        try:
            receipt = ask(lambda: self._web3.eth.get_transaction_receipt(tx_hash))  # type: ignore[arg-type]
        except TransactionNotFound:
            return None
        block = self.block(receipt["blockNumber"])
        if block is None or block.hash != to_hex(receipt["blockHash"]):
            return None  # reorganised between the two calls: not mined, as far as anybody can tell
        return receipt, block

    def _logs(self, address: str, topics: list[Any], first: int, last: int) -> list[LogReceipt]:
        return logs_of(self._web3, address, topics, first, last, log_range=self._log_range)

    def _premium(self, log: LogReceipt, block: BlockRef) -> PremiumLog:
        event = ask(lambda: self._checkout.events.PremiumPaid().process_log(log))
        return PremiumLog(
            contract=event["address"].lower(),
            tx_hash=to_hex(event["transactionHash"]),
            log_index=event["logIndex"],
            block=block,
            order_hash=to_hex(event["args"]["orderId"]),
            payer=event["args"]["payer"].lower(),
            amount=event["args"]["amount"],
            quote_hash=to_hex(event["args"]["quoteHash"]),
        )

    def _named(self, values: Sequence[Any]) -> dict[str, Any]:
        outputs = self._vault.get_function_by_name("batches").abi["outputs"]
        components = outputs[0].get("components", outputs) if len(outputs) == 1 else outputs
        return {part["name"]: value for part, value in zip(components, values, strict=True)}


def _is_of(log: LogReceipt, contract: str) -> bool:
    return log["address"].lower() == contract and len(log["topics"]) > 0


def _contract(web3: Web3, address: str, name: str) -> Contract:
    return web3.eth.contract(address=to_checksum_address(address), abi=abi_of(name))


def _midnight_s(batch_id: int) -> int:
    try:
        day = datetime(batch_id // 10_000, batch_id // 100 % 100, batch_id % 100, tzinfo=UTC)
    except ValueError:
        return 0  # the vault approves no such id; nothing is skipped for it
    return int(day.timestamp())


def _block_ref(block: BlockData) -> BlockRef:
    return BlockRef(block["number"], to_hex(block["hash"]), block["timestamp"])


def _payout(kind: ContractEvent, log: LogReceipt) -> PayoutLog:
    event: EventData = ask(lambda: kind.process_log(log))
    args = event["args"]
    return PayoutLog(
        failed=event["event"] == "PayoutFailed",
        tx_hash=to_hex(event["transactionHash"]),
        log_index=event["logIndex"],
        block_number=event["blockNumber"],
        batch_id=args["batchId"],
        policy_no=args["policyNo"],
        recipient=args["recipient"].lower(),
        amount=args["amount"],
        evidence_hash=to_hex(args["evidenceHash"]),
    )

"""Executing a batch: as few transactions as the gas limit allows, each once, going on after any death.

What is paid is asked of the vault every time. A transaction is all or nothing but for recipients that USDC
refuses, so one paid policy of a transaction means that its bytes are over: run again they would revert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
from eth_abi.abi import decode
from eth_utils.crypto import keccak
from liqpass.adapters.chain.errors import CallRevertedError, RpcAnswerError
from liqpass.adapters.chain.outcome import Outcome
from liqpass.adapters.chain.revert_words import reason_of
from liqpass.adapters.chain.rpc import BlockId, Call, Receipt
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.merkle import PayoutTree
from liqpass.domain.money import Usdc, format_usdc

from scripts._batch import Case, is_paid
from scripts._operator import Operator, RefusedError
from scripts._sending import Sender, Step, calldata

_GAS_SLACK_BPS = 100  # kept free below the limit: an estimate is exact for one state only
_PAYOUTS = "(uint256,uint256,address,uint256,bytes32)[]"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Payouts of one transaction, by policy number, and its calldata."""

    policies: tuple[int, ...]
    data: bytes


class Execution:
    """The payouts of one case that are open and not known to be held."""

    def __init__(self, operator: Operator, case: Case) -> None:
        self._operator, self._case, self._site = operator, case, operator.site
        self._tree: PayoutTree = case.batch.tree()
        self._index = {item.policy_no: index for index, item in enumerate(case.batch.items)}
        self._amount = {item.policy_no: item.amount for item in case.batch.items}

    @property
    def key_prefix(self) -> str:
        """All intents of this batch and root."""
        return f"payout/execute/{self._case.batch.batch_id}/0x{self._case.batch.payout_root.hex()}/"

    def open_policies(self) -> list[int]:
        """What is to be sent, in the order of the tree, in which proofs of neighbours are short."""
        wanted = [item.policy_no for item in self._case.to_send]
        return sorted(wanted, key=lambda policy: self._tree.places[self._index[policy]], reverse=True)

    def plan(self) -> list[Chunk]:
        """All transactions, each as large as its estimated gas allows. Raises RefusedError."""
        rest, chunks = self.open_policies(), []
        while rest:
            count = self._largest(rest)
            chunks.append(self._chunk(rest[:count]))
            rest = rest[count:]
        return chunks

    def step(self, chunk: Chunk) -> Step:
        """The chunk as a step; its key is made of batch, payout root and policy numbers."""
        policies = b"".join(policy.to_bytes(32, "big") for policy in sorted(chunk.policies))
        return Step(
            key=f"{self.key_prefix}{keccak(policies).hex()}",
            to=self._site.vault.address,
            data=chunk.data,
            describe=f"pay {len(chunk.policies)} policies, {format_usdc(self._sum(chunk.policies))} USDC",
            done=self._over(chunk),
            again=True,
        )

    def run(self, sender: Sender) -> dict[int, str]:
        """Pay everybody who can be paid; the policies that USDC refused meanwhile, with the transaction."""
        rest = self.open_policies()
        earlier, failed = self._finish_earlier(sender)
        rest = [policy for policy in rest if policy not in earlier and policy not in failed]
        total, number = len(rest), 0
        while rest:
            chunk = self._chunk(rest[: self._largest(rest)])
            number += 1
            done = f"{total - len(rest)} of {total} done"
            click.echo(f"transaction {number}: {len(chunk.policies)} payouts, {done}")
            outcome = sender.send(self.step(chunk))
            paid, refused = self._ends(chunk, outcome)
            failed |= dict.fromkeys(refused, outcome.tx_hash or "")
            left = [policy for policy in chunk.policies if policy not in paid | refused]
            if len(left) == len(chunk.policies):
                by = outcome.tx_hash or "another transaction"
                raise RefusedError(f"none of the policies {left} was paid by {by}: run it again")
            rest = left + rest[len(chunk.policies) :]
        return failed

    def _finish_earlier(self, sender: Sender) -> tuple[frozenset[int], dict[int, str]]:
        """What an earlier run left in flight comes first, whatever would be planned now; whom it paid, and
        whom USDC refused."""
        found = sender.unfinished(self.key_prefix)
        if found is None:
            return frozenset(), {}
        key, data = found
        payouts = decode(["uint64", _PAYOUTS, "bytes32[]", "bool[]"], data[4:])[1]
        chunk = Chunk(tuple(int(payout[1]) for payout in payouts), data)
        click.echo(f"going on with an earlier run's transaction of {len(chunk.policies)} payouts")
        outcome = sender.resume(key, data, self.step(chunk))
        paid, refused = self._ends(chunk, outcome)
        return paid, dict.fromkeys(refused, outcome.tx_hash or "")

    def _ends(self, chunk: Chunk, outcome: Outcome) -> tuple[frozenset[int], frozenset[int]]:
        """Policies of the chunk that are paid, and those that USDC refused."""
        receipt = outcome.receipt
        if receipt is None:
            click.echo("  the chain shows payouts of it already")
            paid = {policy for policy in chunk.policies if is_paid(self._site, policy, "latest")}
            return frozenset(paid), frozenset()
        click.echo(f"  {receipt.tx_hash} in block {receipt.block_number}, {receipt.gas_used} gas")
        events = self._site.vault.events
        executed = _policies_in(receipt, events.PayoutExecuted().topic)
        return executed, _policies_in(receipt, events.PayoutFailed().topic) - executed

    def _over(self, chunk: Chunk) -> Callable[[BlockId], bool]:
        def over(block: BlockId) -> bool:
            return any(is_paid(self._site, policy, block) for policy in chunk.policies)

        return over

    def _largest(self, policies: Sequence[int]) -> int:
        """How many of the first policies fit. Raises RefusedError when not even one does."""
        limit = self._operator.policy.max_gas * (10_000 - _GAS_SLACK_BPS) // 10_000
        fits, fails, count = 0, len(policies) + 1, len(policies)
        while fails - fits > 1:
            gas = self._estimate(policies[:count])
            if gas is not None and gas <= limit:
                fits = count
            else:
                fails = count
            guess = (fits + fails) // 2 if gas is None else count * limit // gas
            count = min(max(guess, fits + 1), fails - 1)
        if fits == 0:
            raise RefusedError(f"one payout needs more than {limit} gas; nothing was sent")
        return fits

    def _estimate(self, policies: Sequence[int]) -> int | None:
        """Gas of the transaction; None when the node will not even estimate so much."""
        call = Call(self._operator.address, self._site.vault.address, self._chunk(policies).data, 0)
        try:
            return self._site.connection.rpc.estimate_gas(call)
        except CallRevertedError as error:
            if len(policies) > 1 and not error.data:
                return None  # out of gas has no data; a revert of ours always has
            reason = reason_of(error.data, error.message)
            raise RefusedError(f"the vault would refuse: {reason}; nothing was sent") from None
        except RpcAnswerError:
            if len(policies) == 1:
                raise
            return None

    def _chunk(self, policies: Sequence[int]) -> Chunk:
        proof = self._tree.multiproof([self._index[policy] for policy in policies])
        payouts = [
            (each.batch_id, each.policy_no, checksum_address(each.recipient), each.amount, each.evidence_hash)
            for each in proof.payouts
        ]
        data = calldata(
            self._site.vault,
            "executeBatch",
            self._case.batch.batch_id,
            payouts,
            list(proof.proof),
            list(proof.flags),
        )
        return Chunk(tuple(policies), data)

    def _sum(self, policies: Sequence[int]) -> Usdc:
        return Usdc(sum(self._amount[policy] for policy in policies))


def _policies_in(receipt: Receipt, topic: str) -> frozenset[int]:
    """Policy numbers of the receipt's logs of that event."""
    return frozenset(
        int(log["topics"][2], 16) for log in receipt.logs if log["topics"] and log["topics"][0] == topic
    )

"""An exported batch before it is signed: checked against chain and the signer's memory, shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import click
from liqpass.adapters.chain.errors import CallRevertedError
from liqpass.adapters.chain.facts import read_chain_facts
from liqpass.adapters.chain.revert_words import reason_of
from liqpass.adapters.chain.rpc import BlockId, Call
from liqpass.adapters.chain.signatures import Web3SignatureCheck
from liqpass.adapters.chain.signed_history import SignedHistory
from liqpass.domain.batch_check import check, manual_policies
from liqpass.domain.batch_file import BatchFile, BatchItem
from liqpass.domain.batch_json import parse_batch_file
from liqpass.domain.chain_facts import ChainFacts
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.payment_check import stray_payments
from liqpass.ports import BatchOnChain, BlockRef

from scripts._operator import Operator, Site
from scripts._parameters import load_parameters
from scripts._sending import calldata


@dataclass(frozen=True)
class Case:
    """A batch file beside what the chain held of it at `head`.

    `paid`: policies that the vault paid under this very batch, as the file says; `held`: words of USDC's
    refusal for recipients that it would not pay now; `failed`: policies whose refusal the vault has logged.
    """

    site: Site
    batch: BatchFile
    head: BlockRef
    approval: BatchOnChain | None
    paid: frozenset[int]
    held: dict[int, str]
    failed: frozenset[int]

    @classmethod
    def read(cls, site: Site, path: Path) -> Case:
        """Raises BatchFileError for a malformed file, ChainError when the chain cannot be read."""
        batch = parse_batch_file(path.read_bytes())
        head = site.reader.head()
        approval = site.reader.batch(batch.batch_id, head)
        paid = _logged(site, batch, head, failed=False)
        failed = _logged(site, batch, head, failed=True) - paid
        case = cls(site, batch, head, approval, paid, {}, failed)
        return replace(case, held={item.policy_no: words for item, words in _held(site, case.open_items)})

    @property
    def is_approved(self) -> bool:
        """Whether the chain's approval, alive or expired, is of this file's root."""
        approval = self.approval
        root = format_bytes32(self.batch.payout_root)
        return approval is not None and not approval.revoked and approval.payout_root == root

    @cached_property
    def open_items(self) -> tuple[BatchItem, ...]:
        return tuple(item for item in self.batch.items if item.policy_no not in self.paid)

    @property
    def to_send(self) -> tuple[BatchItem, ...]:
        """What is open, but for recipients that USDC refuses and whose refusal is on chain already.

        A refused one is sent once: the vault skips it, and its PayoutFailed is the only word by which the
        service learns that the claim is held.
        """
        return tuple(
            item
            for item in self.open_items
            if item.policy_no not in self.held or item.policy_no not in self.failed
        )

    @property
    def due(self) -> Usdc:
        """What the vault must hold and may pay today: it asks that before it finds out whom USDC refuses."""
        return Usdc(sum(item.amount for item in self.to_send))

    def facts(self, history: SignedHistory) -> ChainFacts:
        """What the chain and this signer's history say of the file. Raises ChainError."""
        before = history.before(self.batch)
        facts = read_chain_facts(
            self.site.reader,
            Web3SignatureCheck(self.site.connection.web3),
            self.batch,
            orders_paid_before=before.orders,
            liquidations_paid_before=before.liquidations,
        )
        facts = replace(facts, paid_policies=facts.paid_policies - self.paid)
        if self.is_approved:
            # Approved on its own day: it may be executed, and approved again, on the days after.
            facts = replace(facts, batch_id=self.batch.batch_id)
        return facts

    def refusals(self, facts: ChainFacts, versions: Collection[str], allow_manual: int) -> list[str]:
        """Every reason of the check of file against chain, one line each; empty: nothing differs."""
        found = check(self.batch, facts, params_versions=versions, allow_manual=allow_manual)
        return [f"{_subject(each.policy_no)}: {each.reason}: {each.message}" for each in found]

    def show(self, facts: ChainFacts | None = None) -> None:
        """The file's summary, its rules, a table of its payouts, and the orders marked by hand apart.

        With `facts` also the payments of orders marked by hand that fit no terms: perhaps what was meant.
        """
        batch = self.batch
        click.echo(f"batch {batch.batch_id}, chain {batch.chain_id}, vault {checksum_address(batch.vault)}")
        click.echo(f"payout root {format_bytes32(batch.payout_root)}")
        click.echo(f"total       {format_usdc(batch.total)} USDC in {len(batch.items)} payouts")
        for version, rules in batch.parameters.items():
            click.echo(f"rules       {version}: {_rules(rules)}")
        rows = [_HEADINGS, *(self._row(item) for item in batch.items)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        for row, item in zip(rows, [None, *batch.items], strict=True):
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            if item is not None:  # two hashes beside the rest would be wider than any screen
                click.echo(f"    evidence {format_bytes32(item.evidence_hash)}")
                click.echo(f"    premium  {getattr(item.payment, 'transaction', 'BY HAND')}")
        manual = manual_policies(batch)
        if manual:
            click.echo(f"\n{len(manual)} orders were MARKED PAID BY HAND, no chain vouches for them:")
        for item in batch.items:
            if item.policy_no in manual:
                by_hand = item.payment
                click.echo(
                    f"  policy {item.policy_no}: by {getattr(by_hand, 'actor', '')!r}, "
                    f"reason {getattr(by_hand, 'reason', '')!r}, order {item.order_uuid}"
                )
                for stray in stray_payments(item, facts) if facts is not None else ():
                    paid = f"{format_usdc(stray.amount)} USDC of {checksum_address(stray.payer)}"
                    click.echo(f"    on chain, on other terms: {paid} in {stray.transaction}")

    def _row(self, item: BatchItem) -> tuple[str, ...]:
        review, decision = item.review, item.decision
        state = "paid" if item.policy_no in self.paid else "HELD" if item.policy_no in self.held else "open"
        return (
            str(item.policy_no),
            checksum_address(item.recipient),
            format_usdc(item.amount),
            state,
            str(decision.verdict),
            ",".join(map(str, decision.reasons)) or "-",
            "+".join(repr(name) for name in (review.reviewer, review.second_reviewer) if name),
        )


_HEADINGS = (
    "policy",
    "recipient",
    "USDC",
    "state",
    "verdict",
    "reasons",
    "reviewers",
)


def _rules(rules: Parameters) -> str:
    return (
        f"premium {format_usdc(rules.premium)}, payout up to {format_usdc(rules.payout_cap)} USDC, "
        f"leverage at most {rules.max_leverage}, waiting {rules.waiting_s} s, cover {rules.cover_s} s"
    )


def allowed_versions(site: Site, deployments: Path) -> tuple[str, ...]:
    """The rules that this signer's own file allows. Raises ParametersError."""
    return load_parameters(site.connection.parameters_path(deployments)).params_versions


def _subject(policy_no: int | None) -> str:
    return "batch" if policy_no is None else f"policy {policy_no}"


def history_of(operator: Operator) -> SignedHistory:
    """What this signer has signed before, beside its journal."""
    connection = operator.site.connection
    return SignedHistory.of(operator.journal, connection.chain_id, operator.address, connection.genesis_hash)


def is_paid(site: Site, policy_no: int, block: BlockId) -> bool:
    """The vault's paid bit, its predecessors' included."""
    return bool(site.vault.functions.isPaid(policy_no).call(block_identifier=block))


def paid_now(site: Site, batch: BatchFile) -> frozenset[int]:
    """Policies that the vault has paid under this batch, exactly as the file says."""
    return _logged(site, batch, site.reader.head(), failed=False)


def _logged(site: Site, batch: BatchFile, head: BlockRef, *, failed: bool) -> frozenset[int]:
    """Policies with a PayoutExecuted, or a PayoutFailed, log that says what the file says."""
    logged = {
        (log.policy_no, log.recipient, log.amount, log.evidence_hash)
        for log in site.reader.payout_logs(batch.batch_id, head.number)
        if log.failed == failed
    }
    return frozenset(
        item.policy_no
        for item in batch.items
        if (item.policy_no, item.recipient, item.amount, format_bytes32(item.evidence_hash)) in logged
    )


def _held(site: Site, items: Sequence[BatchItem]) -> Iterator[tuple[BatchItem, str]]:
    """Recipients whom USDC refuses now, found by simulating the vault's transfer. Nothing is concluded where
    the vault could not pay anybody: short balance and a pause have checks of their own."""
    usdc, vault = site.usdc, site.vault.address
    if usdc.functions.paused().call() or usdc.functions.isBlacklisted(vault).call():
        return
    balance = usdc.functions.balanceOf(vault).call()
    for item in items:
        # The amount does not decide whether USDC knows the recipient; more than the balance would.
        transfer = calldata(usdc, "transfer", checksum_address(item.recipient), min(item.amount, balance))
        try:
            site.connection.rpc.call(Call(vault, usdc.address, transfer, 0), "latest")
        except CallRevertedError as error:
            yield item, reason_of(error.data, error.message)

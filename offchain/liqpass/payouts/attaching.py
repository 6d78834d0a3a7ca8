"""Somebody names the transaction that paid a claim: checked log by log, then the chain decides as always."""

from __future__ import annotations

from liqpass.domain.claim_state import ClaimState
from liqpass.domain.identifiers import IdentifierError, format_bytes32, parse_bytes32
from liqpass.domain.reasons import Reason
from liqpass.lookups import existing_claim
from liqpass.payouts.reconciling import Reconciling, agrees
from liqpass.ports import ChainReader, Clock, PayoutLog, PayoutTransaction, Store, UnitOfWork
from liqpass.records import Act, Claim, Site
from liqpass.refusals import ConflictError, InvalidInputError, RefusedError

ATTACHED = "PAYOUT_ATTACHED"


class Attaching:
    """Attaching proves nothing by itself: PAID comes from the vault's paid bit at a final block only."""

    def __init__(
        self, store: Store, clock: Clock, chain: ChainReader, site: Site, reconciling: Reconciling
    ) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain
        self._site = site
        self._reconciling = reconciling

    def attach(self, claim_id: str, tx_hash: str, *, actor: str) -> Claim:
        """The claim, PAID by this transaction. Attaching the same one again answers the same.

        Raises NotFoundError, InvalidInputError (no hash), ConflictError (POLICY_ALREADY_PAID by another one;
        another chain), ChainError, RefusedError: PAYOUT_NOT_FOUND, PAYOUT_REVERTED, PAYOUT_WRONG_CONTRACT,
        PAYOUT_WRONG_POLICY, PAYOUT_DIFFERS, PAYOUT_NOT_FINAL (the last: try again later).
        """
        wanted = _hash(tx_hash)
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
            if self._is_paid_by(unit, claim, wanted):
                return claim
        chain_id = self._chain.chain_id()
        if chain_id != self._site.chain_id:
            raise ConflictError(f"the node is of chain {chain_id}, not {self._site.chain_id}")
        seen = self._chain.payout_transaction(wanted)
        with self._store.read() as unit:
            log = self._ours(unit, claim, wanted, seen)
        final = self._chain.final_block()
        if log.block_number > final.number:
            raise RefusedError(
                f"block {log.block_number} of the transaction is not final yet, block {final.number} is: "
                "attach it again later",
                Reason.PAYOUT_NOT_FINAL,
            )
        self._note(claim, log, actor)
        self._reconciling.reconcile(batch=log.batch_id)
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
            if self._is_paid_by(unit, claim, wanted):
                return claim
        raise RefusedError(
            f"the vault's paid bit does not confirm policy {claim.policy_no} at a final block: "
            "attach it again later",
            Reason.PAYOUT_NOT_FINAL,
        )

    @staticmethod
    def _is_paid_by(unit: UnitOfWork, claim: Claim, tx_hash: str) -> bool:
        payout = unit.batches.payout_of(claim.policy_no)
        if payout is None:
            return False
        if payout.claim_id != claim.id or payout.tx_hash != tx_hash:
            raise ConflictError(
                f"policy {claim.policy_no} was paid by transaction {payout.tx_hash}",
                Reason.POLICY_ALREADY_PAID,
            )
        if claim.state != ClaimState.PAID:  # a payout that people had taken back: reconcile alarms about it
            raise ConflictError(
                f"policy {claim.policy_no} was paid though its claim is {claim.state}",
                Reason.POLICY_ALREADY_PAID,
            )
        return True

    @staticmethod
    def _ours(unit: UnitOfWork, claim: Claim, tx_hash: str, seen: PayoutTransaction | None) -> PayoutLog:
        if seen is None:
            raise RefusedError(f"no block holds transaction {tx_hash}", Reason.PAYOUT_NOT_FOUND)
        if not seen.succeeded:
            raise RefusedError(f"transaction {tx_hash} was reverted", Reason.PAYOUT_REVERTED)
        executed = [log for log in seen.payouts if not log.failed]
        if not executed:
            raise RefusedError(
                f"transaction {tx_hash} has no PayoutExecuted log of our vault", Reason.PAYOUT_WRONG_CONTRACT
            )
        of_policy = [log for log in executed if log.policy_no == claim.policy_no]
        if not of_policy:
            paid = ", ".join(str(log.policy_no) for log in executed)
            raise RefusedError(
                f"transaction {tx_hash} pays policy {paid}, not {claim.policy_no}", Reason.PAYOUT_WRONG_POLICY
            )
        for log in of_policy:
            for item in unit.batches.items(log.batch_id):
                if item.claim_id == claim.id and agrees(log, item):
                    return log
        raise RefusedError(
            f"transaction {tx_hash} pays policy {claim.policy_no} otherwise than its batch says: recipient, "
            "amount or evidence hash differs",
            Reason.PAYOUT_DIFFERS,
        )

    def _note(self, claim: Claim, log: PayoutLog, actor: str) -> None:
        subject = f"claim/{claim.id}"
        details = {"transaction": log.tx_hash, "batch": str(log.batch_id), "block": str(log.block_number)}
        with self._store.write() as unit:
            noted = any(
                entry.action == ATTACHED and entry.details.get("transaction") == log.tx_hash
                for entry in unit.audit.entries(subject=subject)
            )
            if not noted:
                unit.controls.note(subject, Act(actor, ATTACHED, self._clock.now_ms(), details))


def _hash(text: str) -> str:
    try:
        return format_bytes32(parse_bytes32(text.strip().lower()))
    except IdentifierError as error:
        raise InvalidInputError(f"the transaction's hash: {error}") from None

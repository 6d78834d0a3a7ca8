"""Asking before the batch is frozen what the signers will ask after it: what they refuse stays out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from liqpass.domain.batch_check import check, manual_policies
from liqpass.domain.batch_file import BatchFile
from liqpass.domain.batch_file import BatchItem as FileItem
from liqpass.domain.chain_facts import Refusal, liquidation_id
from liqpass.domain.evidence import Event, EvidenceError
from liqpass.domain.okx_pages import EvidenceIncompleteError
from liqpass.domain.parameters import Parameters
from liqpass.domain.reasons import Reason
from liqpass.lookups import existing_claim, existing_order, parameters_of
from liqpass.payouts.file_items import file_item, item_of
from liqpass.ports import Signers, Store, UnitOfWork
from liqpass.records import Claim, RecordError, Site
from liqpass.refusals import ConflictError

UNREADABLE = (RecordError, EvidenceError, EvidenceIncompleteError)

Refusals = Mapping[str, tuple[Refusal, ...]]


class Checking:
    """The approver's and payer's check, run by the service on what it is about to propose."""

    def __init__(self, store: Store, signers: Signers, site: Site) -> None:
        self._store = store
        self._signers = signers
        self._site = site

    def refused(self, batch_id: int, claims: Sequence[Claim], *, now_ms: int) -> Refusals:
        """Claims that the signers would refuse, by id, with every reason; changes nothing.

        Raises ConflictError for what they would refuse in any batch of today, ChainError.
        """
        refused: dict[str, tuple[Refusal, ...]] = {}
        items: list[FileItem] = []
        parameters: list[Parameters] = []
        paid_before: set[str] = set()
        with self._store.read() as unit:
            for claim in claims:
                try:
                    item = file_item(unit, item_of(batch_id, claim))
                except UNREADABLE as error:
                    refusal = Refusal(claim.policy_no, Reason.EVIDENCE_UNREADABLE, str(error))
                    refused[claim.id] = (refusal,)
                    continue
                items.append(item)
                parameters.append(parameters_of(unit, existing_order(unit, claim.order_id)))
                paid_before |= _paid_before(unit, item)
        if not items:
            return refused
        file = BatchFile.build(
            batch_id=batch_id,
            chain_id=self._site.chain_id,
            vault=self._site.vault,
            checkout=self._site.checkout,
            created_at_ms=now_ms,
            parameters=parameters,
            items=items,
        )
        facts = self._signers.facts(file, liquidations_paid_before=frozenset(paid_before))
        # Which parameters and how many orders marked by hand may be paid is for the signers to say.
        found = check(
            file, facts, params_versions=file.parameters.keys(), allow_manual=len(manual_policies(file))
        )
        whole = [f"{each.reason}: {each.message}" for each in found if each.policy_no is None]
        if whole:
            raise ConflictError("the signers would refuse any batch built now: " + "; ".join(whole))
        for item in items:
            reasons = tuple(each for each in found if each.policy_no == item.policy_no)
            if reasons:
                refused[item.claim_id] = reasons
        return refused


def _paid_before(unit: UnitOfWork, item: FileItem) -> set[str]:
    """Liquidations of the item's position that other policies were paid for: the vault knows numbers only."""
    key = item.binding.key
    paid: set[str] = set()
    for order in unit.orders.of_okx_position(inst_id=key.inst_id, pos_id=key.pos_id, c_time_ms=key.c_time_ms):
        if order.policy_no is None or order.policy_no == item.policy_no:
            continue
        payout = unit.batches.payout_of(order.policy_no)
        if payout is not None:
            event = existing_claim(unit, payout.claim_id).event
            paid.add(liquidation_id(key, None if event is None else Event.from_json(json.loads(event))))
    return paid

"""Replaying a decision from the stored bytes, with the parameters that the policy was sold under."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from liqpass.domain.eligibility import Decision, decide
from liqpass.domain.evidence import Bundle, parse_bundle
from liqpass.domain.identifiers import format_bytes32
from liqpass.lookups import existing_claim, existing_order, parameters_of
from liqpass.ports import Store
from liqpass.records import Claim
from liqpass.refusals import ConflictError


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision made anew. `differences` names what no longer agrees with the stored claim; empty: same."""

    claim: Claim
    decision: Decision
    differences: tuple[str, ...]


class Replaying:
    """Re-runs decisions; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def bundle(self, claim_id: str) -> bytes:
        """The claim's bundle, canonical bytes. Raises NotFoundError, ConflictError without evidence."""
        with self._store.read() as unit:
            return _bundle_bytes(existing_claim(unit, claim_id))

    def replay(self, claim_id: str) -> Replay:
        """Decide again. Raises NotFoundError, ConflictError, EvidenceError for changed bytes."""
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
            order = existing_order(unit, claim.order_id)
            parameters = parameters_of(unit, order)
        bundle = parse_bundle(_bundle_bytes(claim))
        window = order.window
        if window is None:
            raise ConflictError(f"order {order.id} has no cover")
        decision = decide(replace(bundle, event=None), window, order.bound().subject, parameters)
        return Replay(claim, decision, _differences(claim, bundle, decision))


def _bundle_bytes(claim: Claim) -> bytes:
    if claim.bundle is None:
        raise ConflictError(f"claim {claim.id} is {claim.state} and has no evidence yet")
    return claim.bundle


def _differences(claim: Claim, bundle: Bundle, decision: Decision) -> tuple[str, ...]:
    event = None if decision.event is None else json.dumps(decision.event.as_json())
    pairs = {
        "evidence hash": (claim.evidence_hash, format_bytes32(bundle.evidence_hash)),
        "verdict": (claim.verdict, str(decision.verdict)),
        "reasons": (claim.reasons, json.dumps([str(reason) for reason in decision.reasons])),
        "event": (claim.event, event),
        "event in the bundle": (bundle.event, decision.event),
        "realised loss": (claim.realised_loss, decision.realised_loss),
        "payout": (claim.payout, decision.payout),
        "rules": (claim.rules_version, decision.rules_version),
    }
    return tuple(name for name, (stored, anew) in pairs.items() if stored != anew)

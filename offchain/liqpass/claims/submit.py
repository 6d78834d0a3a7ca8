"""Submitting a claim: one open claim a policy, evidence fetched from OKX, judged, frozen in a bundle."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import replace
from typing import Any

from liqpass.credentials import hash_uid, open_credentials
from liqpass.domain import claim_state, policy_state
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.eligibility import Decision, Verdict, decide
from liqpass.domain.evidence import Bundle, Env, EvidenceError, Venue, parse_bundle
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.money import format_usdc
from liqpass.domain.okx_pages import EvidenceIncompleteError
from liqpass.domain.okx_records import OPENING_FILL_TOLERANCE_MS
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.position import Subject
from liqpass.domain.reasons import Reason
from liqpass.domain.window import may_claim
from liqpass.lookups import existing_claim, existing_order, parameters_of
from liqpass.own_claim import refuse_own_claim
from liqpass.ports import Clock, OkxAccounts, OkxCredentials, OkxFetchError, Store, UnitOfWork, Vault
from liqpass.records import Act, Claim, OkxResponse, Order, StaleStateError
from liqpass.refusals import ConflictError, RefusedError

LEASE_MS = 300_000  # a fetch that has not ended by then died with its process and may be started again
READ_ONLY = frozenset({"read_only"})


class Claiming:
    """Submit and refetch. The fetch runs outside any transaction; a claim never stays VERIFYING.

    A fetch has a lease of LEASE_MS. One that outlives it may find that the claim has gone on without it: then
    its result counts for nothing, and the claim is answered as it is.
    """

    def __init__(self, store: Store, clock: Clock, okx: OkxAccounts, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._okx = okx
        self._vault = vault

    def submit(self, order_uuid: str, *, actor: str) -> Claim:
        """The order's claim: a new one, fetched and judged, or the one that it has.

        A FAILED one is fetched again, and so are one whose fetch died and a PENDING one whose verdict is
        NOT_ELIGIBLE: pressed before the liquidation, it must not stand in the way of the same claim after it.
        Raises NotFoundError, ConflictError (PURCHASE_ORDER_NOT_PAID), RefusedError (CLAIM_TOO_LATE,
        CLAIM_BEFORE_COVER), IllegalTransition for a policy that is over.
        """
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            claim = unit.claims.live_of(order.id)
            # Decided and begun in one transaction: of many who press at once, one fetches.
            if claim is None:
                claim = self._open(unit, order, actor, now_ms)
            elif _is_worth_again(claim, now_ms):
                claim = _begin_again(unit, claim, actor, now_ms)
            else:
                return claim
        return self._verify(order, claim)

    def refetch(self, claim_id: str, *, actor: str) -> Claim:
        """Fetch again: PENDING, FAILED, or a fetch that died. Earlier reviews of the claim become void.

        Where OKX cannot be read now, evidence that a PENDING claim had stays. Raises NotFoundError,
        IllegalTransition, ConflictError (OWN_CLAIM: its buyer submits it again instead).
        """
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            order = existing_order(unit, claim.order_id)
            refuse_own_claim(actor, order, claim)
            claim = _begin_again(unit, claim, actor, now_ms)
        return self._verify(order, claim)

    def fail_dead_fetches(self) -> list[Claim]:
        """End every fetch whose lease is over, so that no claim stays VERIFYING; the claims as they are now.

        FAILED, or PENDING where there was evidence before: retryable either way.
        """
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            return [_end_dead(unit, claim, now_ms) for claim in unit.claims.fetching_since(now_ms - LEASE_MS)]

    def _open(self, unit: UnitOfWork, order: Order, actor: str, now_ms: int) -> Claim:
        window = order.window
        if window is None or order.policy_no is None:
            raise ConflictError(f"order {order.id} is {order.state}", Reason.PURCHASE_ORDER_NOT_PAID)
        to = policy_state.advance(PolicyState(order.state), PolicyAction.REQUEST_CLAIM)
        # An earlier claim, if there was one, was rejected: the time that its review took is not the trader's.
        asked_at_ms = min(
            [now_ms, *(claim.requested_at_ms for claim in unit.claims.listed(order_id=order.id))]
        )
        if not may_claim(window, asked_at_ms, parameters_of(unit, order)):
            if now_ms < window.start_ms:
                raise RefusedError("the cover has not begun", Reason.CLAIM_BEFORE_COVER)
            raise RefusedError("the time to claim is over", Reason.CLAIM_TOO_LATE)
        claim = Claim(
            id=str(uuid.uuid4()),
            order_id=order.id,
            policy_no=order.policy_no,
            state=ClaimState.VERIFYING,
            attempt=1,
            requested_at_ms=now_ms,
            attempted_at_ms=now_ms,
            proof_token=secrets.token_urlsafe(24),
        )
        act = Act(actor, "CLAIM_REQUESTED", now_ms, {"order": order.id, "policyNo": str(order.policy_no)})
        unit.orders.advance(order, to, act)
        unit.claims.add(claim, act)
        return claim

    def _verify(self, order: Order, claim: Claim) -> Claim:
        responses: list[OkxResponse] = []
        try:
            bundle, decision = self._judge(order, claim, responses)
        except OkxFetchError as error:
            return self._fail(claim, responses, error.code, str(error))
        except EvidenceIncompleteError as error:
            return self._fail(claim, responses, error.reason, str(error))
        except EvidenceError as error:
            return self._fail(claim, responses, Reason.EVIDENCE_UNREADABLE, str(error))
        except Exception as error:
            # Whatever it was, the claim must stay retryable; the fault itself goes up to whoever watches.
            self._fail(claim, responses, Reason.FETCH_FAILED, f"internal fault: {type(error).__name__}")
            raise
        now_ms = self._clock.now_ms()
        details = {
            "verdict": str(decision.verdict),
            "reasons": " ".join(decision.reasons),
            "evidenceHash": format_bytes32(bundle.evidence_hash),
            "payout": format_usdc(decision.payout),
        }
        return self._end(
            claim,
            responses,
            ClaimAction.VERIFY,
            Act("service", "CLAIM_VERIFIED", now_ms, details),
            fetched_at_ms=now_ms,
            rules_version=decision.rules_version,
            verdict=str(decision.verdict),
            reasons=json.dumps([str(reason) for reason in decision.reasons]),
            event=None if decision.event is None else json.dumps(decision.event.as_json()),
            realised_loss=decision.realised_loss,
            payout=decision.payout,
            bundle=bundle.canonical(),
            evidence_hash=format_bytes32(bundle.evidence_hash),
            failure=None,
            failure_code=None,
        )

    def _judge(self, order: Order, claim: Claim, responses: list[OkxResponse]) -> tuple[Bundle, Decision]:
        bound, window = order.bound(), order.window
        if window is None:
            raise ConflictError(f"order {order.id} has no cover", Reason.PURCHASE_ORDER_NOT_PAID)
        with self._store.read() as unit:
            credentials = open_credentials(unit, self._vault, order.id)
            parameters = parameters_of(unit, order)
            binding = unit.claims.responses(order.id, 0)[0]
        if credentials is None:
            raise OkxFetchError(
                Reason.MISSING_OKX_META, "no OKX key is stored: bind one again", key_broken=True
            )
        uid, permissions = self._fetch(credentials, order, responses)
        with self._store.write() as unit:
            uid_hmac = hash_uid(unit, self._vault, uid)
        bundle = Bundle(
            claim_id=claim.id,
            policy_no=claim.policy_no,
            venue=Venue.OKX,
            env=Env(order.okx_env or ""),
            subject=Subject(bound.key, uid_hmac),
            window=window,
            event=None,
            perm_ok=permissions == READ_ONLY,
            requests=(binding.stored(), *(response.stored() for response in responses)),
            salt=secrets.token_hex(32),
        )
        decision = decide(bundle, window, bound.subject, parameters)
        complete = replace(bundle, event=decision.event)
        parse_bundle(complete.canonical())  # what is stored must be readable: export and check begin with it
        return complete, decision

    def _fetch(
        self, credentials: OkxCredentials, order: Order, responses: list[OkxResponse]
    ) -> tuple[str, frozenset[str]]:
        key = order.bound().key
        begin_ms = key.c_time_ms - OPENING_FILL_TOLERANCE_MS  # no older order can bear on the position
        with self._okx.open(credentials) as account:
            identity = account.identity()
            responses.extend(account.claim_responses(key.inst_id, key.pos_id, begin_ms))
        return identity.uid, identity.permissions

    def _fail(self, claim: Claim, responses: list[OkxResponse], code: str, message: str) -> Claim:
        name = "CLAIM_FAILED" if claim.bundle is None else "CLAIM_EVIDENCE_KEPT"
        act = Act("service", name, self._clock.now_ms(), {"code": str(code), "failure": message})
        changes = {"failure_code": str(code), "failure": message}
        return self._end(claim, responses, _without_result(claim), act, **changes)

    def _end(
        self, claim: Claim, responses: list[OkxResponse], action: ClaimAction, act: Act, **changes: Any
    ) -> Claim:
        to = claim_state.advance(ClaimState(claim.state), action)
        try:
            with self._store.write() as unit:
                unit.claims.store_responses(claim.id, claim.attempt, responses)
                return unit.claims.advance(claim, to, act, **changes)
        except StaleStateError:
            return self._as_it_is(claim)

    def _as_it_is(self, claim: Claim) -> Claim:
        with self._store.read() as unit:
            return existing_claim(unit, claim.id)


def _is_dead(claim: Claim, now_ms: int) -> bool:
    return claim.state == ClaimState.VERIFYING and now_ms - claim.attempted_at_ms >= LEASE_MS


def _is_worth_again(claim: Claim, now_ms: int) -> bool:
    return (
        claim.state == ClaimState.FAILED
        or _is_dead(claim, now_ms)
        or (claim.state == ClaimState.PENDING and claim.verdict == Verdict.NOT_ELIGIBLE)
    )


def _begin_again(unit: UnitOfWork, claim: Claim, actor: str, now_ms: int) -> Claim:
    if _is_dead(claim, now_ms):
        claim = _end_dead(unit, claim, now_ms)
    return unit.claims.advance(
        claim,
        claim_state.advance(ClaimState(claim.state), ClaimAction.REFETCH),
        Act(actor, "CLAIM_REFETCH", now_ms, {"attempt": str(claim.attempt + 1)}),
        attempt=claim.attempt + 1,
        attempted_at_ms=now_ms,
        failure=None,
        failure_code=None,
        void_reviews=len(unit.claims.reviews_of(claim.id)),
    )


def _end_dead(unit: UnitOfWork, claim: Claim, now_ms: int) -> Claim:
    to = claim_state.advance(ClaimState(claim.state), _without_result(claim))
    return unit.claims.advance(
        claim,
        to,
        Act("service", "FETCH_DIED", now_ms, {"attempt": str(claim.attempt)}),
        failure_code=str(Reason.FETCH_DIED),
        failure="the service stopped while it fetched: fetch again",
    )


def _without_result(claim: Claim) -> ClaimAction:
    # Evidence that was there before is worth no less because OKX cannot be read now.
    return ClaimAction.FAIL if claim.bundle is None else ClaimAction.KEEP

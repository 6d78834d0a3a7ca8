"""Payouts that USDC refused: released to be tried again, to the same address or one that the buyer signed."""

from __future__ import annotations

from liqpass.domain import claim_state
from liqpass.domain.chain_facts import redirect_message
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.identifiers import IdentifierError, parse_address
from liqpass.domain.reasons import Reason
from liqpass.domain.recipient import refused_recipient
from liqpass.free_text import required_text
from liqpass.lookups import existing_claim, existing_order
from liqpass.own_claim import refuse_own_claim
from liqpass.ports import ChainReader, Clock, SignatureCheck, Store
from liqpass.records import Act, Claim, Site
from liqpass.refusals import ConflictError, InvalidInputError, RefusedError


class Releasing:
    """HELD back to APPROVED."""

    def __init__(
        self, store: Store, clock: Clock, chain: ChainReader, site: Site, signatures: SignatureCheck
    ) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain
        self._site = site
        self._signatures = signatures

    def message(self, claim_id: str, recipient: str) -> str:
        """The text that the buyer signs (EIP-191) to be paid at `recipient`.

        Raises InvalidInputError, RefusedError (RECIPIENT_REFUSED), NotFoundError, ChainError.
        """
        address = self._payable(recipient)
        with self._store.read() as unit:
            return self._message(existing_claim(unit, claim_id), address)

    def release(self, claim_id: str, *, actor: str, reason: str) -> Claim:
        """Try the same address again (USDC unblocked it).

        Raises InvalidInputError, IllegalTransition, ConflictError (OWN_CLAIM).
        """
        why = required_text(reason, "the reason for releasing the payout")
        return self._release(claim_id, actor, {"reason": why})

    def redirect(self, claim_id: str, *, actor: str, recipient: str, signature: str) -> Claim:
        """Pay to the address that the buyer signed for.

        Raises InvalidInputError, RefusedError (another's signature, RECIPIENT_REFUSED), IllegalTransition,
        ConflictError (OWN_CLAIM), ChainError.
        """
        address = self._payable(recipient)
        if actor.strip().lower() == address:
            raise ConflictError(f"nobody sends a payout to themselves: {address}", Reason.OWN_CLAIM)
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
            buyer = existing_order(unit, claim.order_id).buyer
        if not self._signatures.signed_by(buyer, self._message(claim, address), signature):
            raise RefusedError(f"the new address is not signed by the buyer {buyer}")
        return self._release(
            claim_id, actor, {"recipient": address}, recipient=address, redirect_signature=signature
        )

    def _payable(self, recipient: str) -> str:
        """The address in lower case, one that a payout can reach."""
        address = _address(recipient)
        site = self._site
        refused = refused_recipient(
            address, vault=site.vault, checkout=site.checkout, usdc=self._chain.usdc()
        )
        if refused is not None:
            raise RefusedError(f"no payout may go to {address}: it is one of our own contracts", refused)
        return address

    def _message(self, claim: Claim, recipient: str) -> str:
        return redirect_message(
            chain_id=self._site.chain_id,
            vault=self._site.vault,
            policy_no=claim.policy_no,
            recipient=recipient,
        )

    def _release(self, claim_id: str, actor: str, details: dict[str, str], **changes: str) -> Claim:
        act = Act(actor, "PAYOUT_RELEASED", self._clock.now_ms(), details)
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            refuse_own_claim(actor, existing_order(unit, claim.order_id), claim)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.RELEASE)
            return unit.claims.advance(claim, to, act, hold_reason=None, batch_id=None, **changes)


def _address(text: str) -> str:
    try:
        return parse_address(text)
    except IdentifierError as error:
        raise InvalidInputError(str(error)) from None

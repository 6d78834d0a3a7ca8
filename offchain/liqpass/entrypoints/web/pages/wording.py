"""What every reason code means, in plain words; one sentence each, for buyers and reviewers alike."""

from __future__ import annotations

from collections.abc import Iterable

from liqpass.domain.reasons import Reason

R = Reason
SENTENCES: dict[Reason, str] = {
    # order and payment
    R.PURCHASE_ORDER_NOT_PAID: "The premium of this order has not arrived yet, so there is no cover.",
    R.PURCHASE_ORDER_NOT_FOUND: "There is no such order.",
    R.PURCHASE_ORDER_ALREADY_PAID: "This order is paid for already, or over: it cannot be changed.",
    R.MISSING_OKX_META: "No OKX position is bound to this order, or its key is gone: bind one first.",
    R.QUOTE_EXPIRED: "The quote is over: start a new order for a fresh one.",
    R.MONEY_DIFFERS_FROM_QUOTE: "The amounts differ from our quote.",
    R.SALES_PAUSED: "New cover is paused for the moment. Claims on existing policies stay open.",
    R.PAYMENT_NOT_FOUND: "The network does not show this payment yet.",
    R.PAYMENT_REVERTED: "The payment's transaction failed: nothing was paid.",
    R.PAYMENT_WRONG_CHAIN: "The payment was made on another network.",
    R.PAYMENT_WRONG_CONTRACT: "The payment went to another contract than ours.",
    R.PAYMENT_WRONG_ORDER: "The payment names another order.",
    R.PAYMENT_WRONG_QUOTE: "The payment names other terms than this order's quote.",
    R.PAYMENT_WRONG_PAYER: "The payment came from another wallet than the buyer's.",
    R.PAYMENT_WRONG_AMOUNT: "The payment is not exactly the premium.",
    R.PAYMENT_TOO_LATE: "The payment arrived after the quote was over.",
    R.PAYMENT_TOO_SHALLOW: "The payment is there and waits for more confirmations.",
    R.PAYMENT_DUPLICATE: "This order was paid for before.",
    R.PAYMENT_OF_CANCELLED_ORDER: "The payment is for an order that was cancelled: it will be refunded.",
    R.PAYMENT_STILL_POSSIBLE: "A payment may still be on its way, so the order cannot be cancelled yet.",
    R.AUTHORIZATION_WRONG_TIMES: "The signature is for other times than this quote's: sign again.",
    R.AUTHORIZATION_WRONG_SIGNATURE: "The signature is not the buyer's under this premium.",
    # underwriting
    R.KEY_NOT_STORED: "No OKX key is stored: store a read-only key first.",
    R.KEY_NOT_READ_ONLY: "The OKX key can do more than read. Delete it at OKX and make one with Read only.",
    R.NOT_A_LINEAR_SWAP: "Only USDT- or USDC-margined perpetual swaps are insured.",
    R.SETTLEMENT_NOT_USDT_OR_USDC: "The position settles in something else than USDT or USDC.",
    R.LEVERAGE_TOO_HIGH: "The position's leverage is higher than we insure.",
    R.LIQUIDATION_TOO_CLOSE: "The liquidation price is too close to the market price.",
    R.LIQUIDATION_PRICE_UNKNOWN: "OKX states no liquidation price for this position.",
    R.POSITION_TOO_YOUNG: "The position was opened too recently: come back when it is older.",
    R.POSITION_NOT_FOUND: "OKX shows no such open position on this account.",
    R.POSITION_ALREADY_INSURED: "This position has cover already.",
    R.POSITION_UNREADABLE: "OKX's answer about this position could not be read.",
    R.POSITION_HEDGED: "The account also holds the opposite side of this coin, so the position is hedged.",
    R.ORDER_DOES_NOT_OPEN_POSITION: "This OKX order does not belong to an open position.",
    R.PERSON_HAS_ACTIVE_POLICY: "You have as many active policies as one person may have.",
    R.PERSON_BOUGHT_TOO_OFTEN: "You have bought as many policies lately as one person may buy.",
    R.PERSON_BLOCKED: "This wallet or OKX account may not buy cover.",
    R.EXPOSURE_EXHAUSTED: "We have sold as much cover as we can carry now: try again later.",
    # claim
    R.CLAIM_TOO_LATE: "The time to claim on this policy is over.",
    R.CLAIM_BEFORE_COVER: "The cover has not begun.",
    R.POLICY_ALREADY_PAID: "This policy was paid out before, and each pays once.",
    R.ACCOUNT_DIFFERS_FROM_BOUND: "The key belongs to another OKX account than the insured position.",
    R.EVIDENCE_CHANGED: "The evidence was fetched again after this page was opened: look at it anew.",
    R.OWN_CLAIM: "The claim is your own, or pays you: somebody else has to decide about it.",
    # verdict: what the evidence shows
    R.LIQUIDATED_IN_WINDOW: "OKX's records show that the position was liquidated during the cover.",
    R.OUT_OF_COVERAGE_WINDOW: "The liquidation lies outside the time of the cover.",
    R.LIQUIDATION_ORDER_MISSING: "OKX shows a liquidated position but no liquidation order with it.",
    R.LIQUIDATION_ROW_MISSING: "OKX shows a liquidation order but no closed position with it.",
    R.LIQUIDATION_MISMATCH: "OKX's records of order and position do not agree with each other.",
    R.PARTIAL_LIQUIDATION: "Only a part of the position was liquidated.",
    R.LIQUIDATION_PENALTY_ON_CLOSE: "OKX charged a liquidation penalty on a position closed otherwise.",
    R.IDENTITY_MISMATCH: "The records are of another account or position than the insured one.",
    R.UNKNOWN_CATEGORY: "OKX names an order category that our rules do not know.",
    R.UNKNOWN_CLOSE_TYPE: "OKX names a way of closing that our rules do not know.",
    R.NOT_A_STRING: "OKX's answer is not in its documented form.",
    R.UNREADABLE_RECORD: "One of OKX's records could not be read.",
    R.CONTRADICTORY_RECORDS: "OKX's records contradict each other.",
    R.FIGURES_DO_NOT_ADD_UP: "The figures in OKX's records do not add up.",
    R.CURRENCY_MISMATCH: "The records are in another currency than expected.",
    R.MARGIN_WITHDRAWN: "The position was liquidated earlier than announced: margin was probably taken out.",
    R.LEVERAGE_RAISED: "The leverage was raised after the cover was bought.",
    R.SIZE_RAISED: "The position was made larger after the cover was bought.",
    R.NO_REALISED_LOSS: "The liquidation realised no loss, so there is nothing to pay.",
    R.AUTO_DELEVERAGED: "OKX reduced the position by auto-deleveraging, which is not insured.",
    R.DELIVERED: "The contract was delivered, which is not insured.",
    R.CLOSED_BY_TRADER: "The position was closed by its trader, not by a liquidation.",
    R.POSITION_STILL_OPEN: "The position is still open. If it is liquidated later, claim again.",
    R.NO_LIQUIDATION_FOUND: "OKX's records show no liquidation of this position.",
    # evidence that cannot be judged
    R.FETCH_FAILED: "OKX could not be read. Nothing is lost: try again in some minutes.",
    R.EVIDENCE_INCOMPLETE: "OKX's answer was incomplete. Nothing is lost: try again in some minutes.",
    R.EVIDENCE_UNREADABLE: "OKX's answer could not be read. Nothing is lost: try again later.",
    R.FETCH_DIED: "Reading OKX was interrupted on our side. Nothing is lost: try again.",
    # signing in
    R.SIGN_IN_MALFORMED: "The signed message is not one of ours.",
    R.SIGN_IN_WRONG_DOMAIN: "The message was made for another site.",
    R.SIGN_IN_WRONG_CHAIN: "The message was made for another network.",
    R.SIGN_IN_EXPIRED: "The message is too old: sign in again.",
    R.SIGN_IN_WRONG_SIGNATURE: "The signature is not from this wallet.",
    R.SIGN_IN_NONCE_UNKNOWN: "This message was used before, or is too old: sign in again.",
    # a transaction attached to a claim
    R.PAYOUT_NOT_FOUND: "The network does not show this transaction yet.",
    R.PAYOUT_REVERTED: "The transaction failed: it paid nothing.",
    R.PAYOUT_WRONG_CONTRACT: "The transaction pays from another contract than our vault.",
    R.PAYOUT_WRONG_POLICY: "The transaction pays other policies than this one.",
    R.PAYOUT_DIFFERS: "The transaction pays this policy with another amount, wallet or evidence.",
    R.PAYOUT_NOT_FINAL: "The payout is not final on chain yet: attach it again in some minutes.",
    # the signers' check of a batch file
    R.BATCH_EMPTY: "The batch pays nobody.",
    R.BATCH_WRONG_CHAIN: "The batch is for another network.",
    R.BATCH_WRONG_VAULT: "The batch is for another vault.",
    R.BATCH_WRONG_CHECKOUT: "The batch is for another checkout contract.",
    R.BATCH_WRONG_DATE: "The batch is of another day.",
    R.BATCH_WRONG_ROOT: "The batch's payout root does not follow from its payouts.",
    R.BATCH_WRONG_TOTAL: "The batch's total is not the sum of its payouts.",
    R.DUPLICATE_POLICY: "A policy is in the batch twice.",
    R.DUPLICATE_ORDER: "An order is in the batch twice.",
    R.DUPLICATE_CLAIM: "A claim is in the batch twice.",
    R.DUPLICATE_EVIDENCE: "The same evidence is used twice.",
    R.DUPLICATE_LIQUIDATION: "The same liquidation is claimed twice.",
    R.ORDER_PAID_BEFORE: "The order was paid out before, under another policy number.",
    R.LIQUIDATION_PAID_BEFORE: "This liquidation was paid for before.",
    R.WRONG_RECIPIENT: "The payout would go to another wallet than the one that paid the premium.",
    R.RECIPIENT_REFUSED: "No payout may go to this address: it is one of our contracts or nobody's.",
    R.WRONG_AMOUNT: "The amount is not what the rules give.",
    R.WRONG_EVIDENCE_HASH: "The evidence does not have the hash that the payout names.",
    R.WRONG_DECISION: "Deciding again from the evidence gives another decision.",
    R.WRONG_CLAIM: "The evidence belongs to another claim.",
    R.WRONG_POLICY_NUMBER: "The evidence belongs to another policy.",
    R.WRONG_ORDER_ID: "The order id does not follow from the order.",
    R.WRONG_QUOTE: "The quote does not fit the payment on chain.",
    R.WRONG_POSITION: "The evidence is about another position than the bound one.",
    R.WRONG_WINDOW: "The time of the cover does not follow from the payment.",
    R.WRONG_PARAMETERS: "The rules that the policy was sold under are missing or differ.",
    R.PARAMETERS_NOT_ALLOWED: "The signers do not accept the rules that the policy was sold under.",
    R.WRONG_ENVIRONMENT: "Evidence of a test environment counts for nothing on this network.",
    R.NOT_ELIGIBLE: "By the rules this claim pays nothing, so it cannot be approved.",
    R.REVIEWER_MISSING: "Nobody is named as the reviewer.",
    R.REVIEW_REASON_MISSING: "This decision needs a reason.",
    R.SECOND_REVIEWER_MISSING: "A second, different reviewer has to approve this claim too.",
    R.UNDERWRITING_BREACHED: "The position should not have been insured under the rules.",
    R.MANUAL_NOT_ALLOWED: "Orders marked paid by hand must be allowed by number.",
    R.MANUAL_BUT_PAID_ON_CHAIN: "The order is marked paid by hand although the network shows its payment.",
}


def sentence(code: str) -> str:
    """The sentence of a reason code; the code itself where it is none of ours (OKX's own, for example)."""
    try:
        return SENTENCES[Reason(code)]
    except ValueError:
        return code


def sentences(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of code and sentence, in order."""
    return [(code, sentence(code)) for code in codes]

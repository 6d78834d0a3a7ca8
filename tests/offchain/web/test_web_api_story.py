"""From a wallet to a paid policy and its public proof, through the API alone."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from typing import Any

from eth_account import Account
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.batch_json import parse_batch_file
from liqpass.domain.identifiers import format_bytes32, parse_bytes32
from liqpass.domain.merkle import leaf_hash, verify_proof
from liqpass.entrypoints.web.app import create_app
from liqpass.entrypoints.web.service import Realm
from liqpass.payouts.building import payouts_of
from paper_chain import STRANGER as SAFE
from payout_steps import next_morning
from scenes import lower
from starlette.testclient import TestClient
from web_world import BUYER, OPERATOR, REVIEWER, SECOND_REVIEWER, Browser, WebWorld

# Word for word from the document that older clients were written by.
SPEC_ORDER = """
{
  "policyType": "OKX_24H",
  "chainId": 8453,
  "premiumAmountUsdc": "1.00",
  "policyParams": { "payout_fixed_usdc": "50", "payout_cap_usdc": "50" },
  "coverageStartAt": "2026-01-22T12:00:00Z",
  "coverageEndAt": "2026-01-23T12:00:00Z"
}
"""


def good(answer: Any) -> Any:
    """The body of an answer that must be 200."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def state_of(buyer: Browser) -> str:
    (policy,) = good(buyer.get("/api/me/policies"))["policies"]
    return str(policy["state"])


def bound(web: WebWorld, buyer: Browser) -> str:
    """The id of an order that is bound to the stored key's only position."""
    pos_id = web.trader("alice")
    key = web.credentials("alice")
    given = {"apiKey": key.api_key, "secret": key.secret, "passphrase": key.passphrase}
    good(buyer.post("/api/me/okx-key", given, method="PUT"))
    (position,) = good(buyer.get("/api/me/okx-positions"))["positions"]
    assert (position["posId"], position["reasons"]) == (pos_id, [])
    order = good(buyer.post("/api/purchase-orders", {"premiumAmountUsdc": "1.00"}))
    wanted = {"instId": position["instId"], "posId": position["posId"]}
    done = good(buyer.post(f"/api/purchase-orders/{order['orderId']}/bind-okx", wanted))
    assert (done["state"], done["quoteHash"] is not None) == ("BOUND", True)
    return str(order["orderId"])


def covered(web: WebWorld, buyer: Browser) -> str:
    """The id of an order that a relayer paid for with the buyer's signature."""
    order = bound(web, buyer)
    at = f"/api/purchase-orders/{order}"
    prepared = good(buyer.get(f"{at}/payment"))
    signed = Account.sign_typed_data(BUYER.key, full_message=prepared["typedData"])
    signature = "0x" + bytes(signed.signature).hex()
    given = {"validBefore": prepared["validBefore"], "signature": signature}
    assert good(buyer.post(f"{at}/authorize-payment", given))["state"] == "AWAITING_PAYMENT"
    (relayed,) = good(web.internal().get("/internal/payment-authorizations"))["authorizations"]
    assert (relayed["orderId"], relayed["signature"]) == (order, signature)

    tx_hash = web.chain.pay(web.do.selling.show(order))
    too_soon = buyer.post(f"{at}/submit-payment", {"transactionHash": tx_hash})
    assert refused(too_soon) == (422, "PAYMENT_TOO_SHALLOW")
    web.chain.mine(web.parameters.confirmations)
    assert good(buyer.post(f"{at}/submit-payment", {"transactionHash": tx_hash}))["policyNo"] == 1
    assert good(web.internal().get("/internal/payment-authorizations")) == {"authorizations": []}
    return order


def test_story__gasless_premium_to_public_proof(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    order = covered(web, buyer)
    assert state_of(buyer) == "SCHEDULED"
    web.chain.mine(seconds=web.parameters.waiting_s + 1)
    assert state_of(buyer) == "ACTIVE"

    web.liquidate("alice")
    claim = good(buyer.post(f"/api/purchase-orders/{order}/claim"))
    claim_id = claim["claimId"]
    assert (claim["state"], claim["legacyState"]) == ("PENDING", "VERIFIED_PENDING_REVIEW")
    assert (claim["verdict"], claim["payoutUsdc"]) == ("ELIGIBLE", "50.00")
    assert good(buyer.post(f"/api/purchase-orders/{order}/claim")) == claim
    evidence = buyer.get(f"/api/claims/{claim_id}/evidence").content
    assert "0x" + hashlib.sha256(evidence).hexdigest() == claim["evidenceHash"]

    desk = web.desk(REVIEWER)
    older = good(desk.get("/admin/claims?status=VERIFIED_PENDING_REVIEW"))
    assert [row["claimId"] for row in older["claims"]] == [claim_id]
    assert older == good(desk.get("/admin/claims?status=PENDING"))
    reviewed = good(desk.post(f"/admin/claims/{claim_id}/approve"))
    assert (reviewed["claim"]["legacyState"], reviewed["needsSecondReviewer"]) == (
        "APPROVED_PENDING_MULTISIG",
        False,
    )

    next_morning(web)
    batch_id = exported(web, claim_id)
    tx_hash = paid(web, batch_id)
    attached = good(
        web.desk(REVIEWER).post(f"/admin/claims/{claim_id}/mark-paid", {"multisigTxHash": tx_hash})
    )
    assert attached["state"] == "PAID"
    assert state_of(web.browser(BUYER)) == "PAID"
    proof_holds(web, claim_id, tx_hash)


def exported(web: WebWorld, claim_id: str) -> int:
    """Plan, build and export; the batch's id."""
    operator = web.desk(OPERATOR)
    plan = good(operator.get("/admin/payout/plan"))
    built = good(operator.post("/admin/payout/batch"))
    assert [payout["claimId"] for payout in built["payouts"]] == [claim_id]
    assert {**built, "payoutRoot": None} == plan
    at = f"/admin/payout/batches/{built['batchId']}"
    file = parse_batch_file(operator.get(f"{at}/export.json").content)
    assert "0x" + file.payout_root.hex() == built["payoutRoot"]
    safe = good(operator.get(f"{at}/safe.json?safe={SAFE}"))
    assert built["payoutRoot"].removeprefix("0x") in json.dumps(safe)
    report = good(operator.get(f"{at}/report.json"))
    table = list(csv.reader(io.StringIO(operator.get(f"{at}/report.csv").text)))
    assert report["payouts"] == [dict(zip(table[0], table[1], strict=True))]
    return int(built["batchId"])


def paid(web: WebWorld, batch_id: int) -> str:
    """The transaction that approver and payer bring about on the paper chain, final."""
    batch, items = web.do.building.show(batch_id)
    web.chain.approve(batch.id, batch.payout_root, batch.total)
    tx_hash = web.chain.execute(payouts_of(batch, items))
    web.chain.settle()
    web.do.reconciling.reconcile()
    return tx_hash


def proof_holds(web: WebWorld, claim_id: str, tx_hash: str) -> None:
    """A stranger verifies the proof, and learns nothing about trader, amount or position."""
    claim = web.do.reviewing.show(claim_id)[0]
    answer = web.browser().get(f"/api/proof/{claim.proof_token}")
    proof = good(answer)
    assert (proof["state"], proof["transaction"]) == ("PAID", tx_hash)
    batch, items = web.do.building.show(proof["batchId"])
    (payout,) = payouts_of(batch, items)
    assert proof["leaf"] == format_bytes32(leaf_hash(payout))
    path = [parse_bytes32(node) for node in proof["proof"]]
    assert verify_proof(parse_bytes32(proof["payoutRoot"]), payout, path)
    for hidden in (BUYER.address.lower()[2:], claim_id, claim.order_id, "50.00", "50000000", "BTC"):
        assert hidden not in answer.text.lower()


def test_policy__a_day_later_without_a_claim__expired(web: WebWorld) -> None:
    covered(web, web.browser(BUYER))
    web.chain.mine(seconds=web.parameters.waiting_s + web.parameters.cover_s + 1)

    assert state_of(web.browser(BUYER)) == "EXPIRED"


def test_approve__needs_review__reason_and_second_reviewer(web: WebWorld) -> None:
    claim = web.claimed("alice", lower(BUYER), Close.PARTIAL_LIQUIDATION)
    first, second = web.desk(REVIEWER), web.desk(SECOND_REVIEWER)
    at = f"/admin/claims/{claim.id}/approve"

    assert refused(first.post(at)) == (422, "REVIEW_REASON_MISSING")
    assert good(first.post(at, {"reason": "seen"}))["needsSecondReviewer"] is True
    assert refused(first.post(at, {"reason": "again"})) == (409, "SECOND_REVIEWER_MISSING")
    done = good(second.post(at, {"reason": "seen too"}))
    assert (done["needsSecondReviewer"], done["claim"]["state"]) == (False, "APPROVED")


def test_order__body_of_the_older_document__taken_as_it_stands_on_its_chain(web: WebWorld) -> None:
    on_base = replace(web.service, site=replace(web.service.site, chain_id=8453))
    client = TestClient(create_app(on_base), base_url=on_base.access.public_origin)
    buyer = Browser(client, Realm.PUBLIC).sign_in(BUYER)

    order = good(buyer.post("/api/purchase-orders", json.loads(SPEC_ORDER)))

    assert order["purchaseOrderId"] == order["orderId"]
    assert (order["premiumUsdc"], order["payoutUpToUsdc"]) == ("1.00", "50.00")
    assert order["coverageStartAt"] is None  # the server sets it once the premium is paid
    assert refused(web.browser(BUYER).post("/purchase", json.loads(SPEC_ORDER))) == (
        422,
        "PAYMENT_WRONG_CHAIN",
    )


def test_bind_and_mark_paid__bodies_of_the_older_document__covered(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    web.trader("alice")
    key = web.credentials("alice")
    good(
        buyer.post(
            "/api/me/okx-key",
            {"apiKey": key.api_key, "secret": key.secret, "passphrase": key.passphrase},
            method="PUT",
        )
    )
    (opening,) = web.okx.exchange.account("alice").orders
    order = good(buyer.post("/api/purchase-orders", {}))["purchaseOrderId"]

    body = {"ordId": opening["ordId"], "instId": "BTC-USDT-SWAP"}
    assert (
        good(buyer.post(f"/api/purchase-orders/{order}/bind-okx", body))["position"]["ordId"]
        == opening["ordId"]
    )
    marked = web.internal().post(
        f"/internal/purchase-orders/{order}/mark-paid", {"paidAt": "2026-01-22T12:00:00Z"}
    )
    assert good(marked)["paidAt"] != "2026-01-22T12:00:00Z"
    assert refused(buyer.post(f"/api/purchase-orders/{order}/bind-okx", body))[0] == 409
    web.chain.mine(seconds=web.parameters.waiting_s + 1)
    web.liquidate("alice")
    claim = good(web.internal().post("/internal/claims/onchain-trigger", {"purchaseOrderId": order}))
    assert claim["legacyState"] == "VERIFIED_PENDING_REVIEW"


def test_short_paths__same_as_the_long_ones(web: WebWorld) -> None:
    order = web.covered("alice", lower(BUYER))
    web.liquidate("alice")
    buyer = web.browser(BUYER)

    assert good(buyer.post("/quote")) == good(buyer.post("/api/quote"))
    short, long = good(buyer.post("/purchase", {})), good(buyer.post("/api/purchase-orders", {}))
    differing = {"purchaseOrderId", "orderId", "orderHash"}
    assert {key for key in short if short[key] != long[key]} <= differing
    claim = good(buyer.post("/claim", {"orderId": order.id}))
    assert claim == good(buyer.post("/claim", {"policyId": order.id}))
    assert claim == good(buyer.post(f"/api/purchase-orders/{order.id}/claim"))

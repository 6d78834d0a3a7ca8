"""The batch file as JSON, schema `liqpass.batch/1`: written canonically, read strictly."""

from collections.abc import Mapping
from typing import Any

from liqpass.domain.batch_file import (
    BatchFile,
    BatchFileError,
    BatchItem,
    ChainPayment,
    ManualPayment,
    Redirect,
    Review,
)
from liqpass.domain.canonical import canonical_json
from liqpass.domain.decision import Decision, Verdict
from liqpass.domain.evidence import Bundle, Event, EvidenceError
from liqpass.domain.identifiers import (
    IdentifierError,
    format_bytes32,
    parse_address,
    parse_bytes32,
    parse_number,
    parse_uuid,
)
from liqpass.domain.money import MoneyError, parse_base_units
from liqpass.domain.parameters import Parameters, ParametersError
from liqpass.domain.position import BoundPosition, PositionError
from liqpass.domain.quote import QuoteError, QuoteTerms
from liqpass.domain.reasons import Reason
from liqpass.domain.strict_json import StrictJsonError, parse_strict

SCHEMA = "liqpass.batch/1"
MAX_BYTES = 512 * 1024 * 1024
MAX_DEPTH = 12


def write_batch_file(batch: BatchFile) -> bytes:
    """The file in RFC 8785 form, strings, booleans and null only: the same batch gives the same bytes."""
    return canonical_json(
        {
            "schema": SCHEMA,
            "batchId": str(batch.batch_id),
            "chainId": str(batch.chain_id),
            "vault": batch.vault,
            "checkout": batch.checkout,
            "payoutRoot": format_bytes32(batch.payout_root),
            "total": str(batch.total),
            "createdAtMs": str(batch.created_at_ms),
            "parameters": {version: each.as_json() for version, each in batch.parameters.items()},
            "items": [_item_json(item) for item in batch.items],
        }
    )


def parse_batch_file(data: bytes) -> BatchFile:
    """Read an exported batch; unknown and missing keys and numbers are refused. Raises `BatchFileError`.

    Says only that the file has its form: `batch_check.check` says whether it may be signed.
    """
    try:
        return _read(parse_strict(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, numbers=False))
    except _MALFORMED as error:
        raise BatchFileError(str(error)) from error


_MALFORMED = (
    StrictJsonError,
    EvidenceError,
    IdentifierError,
    MoneyError,
    ParametersError,
    PositionError,
    QuoteError,
)
_FILE_KEYS = {
    "schema",
    "batchId",
    "chainId",
    "vault",
    "checkout",
    "payoutRoot",
    "total",
    "createdAtMs",
    "parameters",
    "items",
}
_ITEM_KEYS = {
    "policyNo",
    "order",
    "claimId",
    "recipient",
    "amount",
    "evidenceHash",
    "quote",
    "binding",
    "bundle",
    "decision",
    "review",
    "payment",
    "redirect",
}


def _read(value: object) -> BatchFile:
    file = _record(value, "batch", _FILE_KEYS)
    if file["schema"] != SCHEMA:
        raise BatchFileError(f"schema {file['schema']!r}, expected {SCHEMA}")
    if not isinstance(file["items"], list):
        raise BatchFileError("items is not an array")
    if not isinstance(file["parameters"], Mapping):
        raise BatchFileError("parameters is not an object")
    parameters = {}
    for version, each in file["parameters"].items():
        if not isinstance(each, Mapping):
            raise BatchFileError(f"parameters {version} are not an object")
        parameters[version] = Parameters.from_json(each)
    return BatchFile(
        batch_id=parse_number(file["batchId"]),
        chain_id=parse_number(file["chainId"]),
        vault=parse_address(file["vault"]),
        checkout=parse_address(file["checkout"]),
        payout_root=parse_bytes32(file["payoutRoot"]),
        total=parse_base_units(file["total"]),
        created_at_ms=parse_number(file["createdAtMs"]),
        parameters=parameters,
        items=tuple(_read_item(item) for item in file["items"]),
    )


def _item_json(item: BatchItem) -> dict[str, Any]:
    return {
        "policyNo": str(item.policy_no),
        "order": item.order_uuid,
        "claimId": item.claim_id,
        "recipient": item.recipient,
        "amount": str(item.amount),
        "evidenceHash": format_bytes32(item.evidence_hash),
        "quote": item.quote.as_json(),
        "binding": item.binding.as_json(),
        "bundle": item.bundle.as_json(),
        "decision": {
            "verdict": str(item.decision.verdict),
            "reasons": [str(reason) for reason in item.decision.reasons],
            "event": item.decision.event.as_json() if item.decision.event else None,
            "realisedLoss": str(item.decision.realised_loss),
            "payout": str(item.decision.payout),
            "rulesVersion": item.decision.rules_version,
        },
        "review": {
            "reviewer": item.review.reviewer,
            "secondReviewer": item.review.second_reviewer,
            "reason": item.review.reason,
            "approvedAtMs": str(item.review.approved_at_ms),
        },
        "payment": _payment_json(item.payment),
        "redirect": None
        if item.redirect is None
        else {"recipient": item.redirect.recipient, "signature": item.redirect.signature},
    }


def _read_item(value: object) -> BatchItem:
    item = _record(value, "item", _ITEM_KEYS)
    review = _record(item["review"], "review", {"reviewer", "secondReviewer", "reason", "approvedAtMs"})
    return BatchItem(
        policy_no=parse_number(item["policyNo"]),
        order_uuid=parse_uuid(item["order"]),
        claim_id=parse_uuid(item["claimId"]),
        recipient=parse_address(item["recipient"]),
        amount=parse_base_units(item["amount"]),
        evidence_hash=parse_bytes32(item["evidenceHash"]),
        quote=QuoteTerms.from_json(_object(item["quote"], "quote")),
        binding=BoundPosition.from_json(_object(item["binding"], "binding")),
        bundle=Bundle.from_json(item["bundle"]),
        decision=_read_decision(item["decision"]),
        review=Review(
            reviewer=_text(review, "reviewer"),
            second_reviewer=None if review["secondReviewer"] is None else _text(review, "secondReviewer"),
            reason=None if review["reason"] is None else _text(review, "reason"),
            approved_at_ms=parse_number(review["approvedAtMs"]),
        ),
        payment=_read_payment(item["payment"]),
        redirect=None if item["redirect"] is None else _read_redirect(item["redirect"]),
    )


def _read_decision(value: object) -> Decision:
    keys = {"verdict", "reasons", "event", "realisedLoss", "payout", "rulesVersion"}
    decision = _record(value, "decision", keys)
    if not isinstance(decision["reasons"], list):
        raise BatchFileError("reasons is not an array")
    try:
        verdict = Verdict(decision["verdict"])
        reasons = tuple(Reason(reason) for reason in decision["reasons"])
    except ValueError as error:
        raise BatchFileError(f"unknown code in a decision: {error}") from error
    return Decision(
        verdict=verdict,
        reasons=reasons,
        event=None if decision["event"] is None else Event.from_json(decision["event"]),
        realised_loss=parse_base_units(decision["realisedLoss"]),
        payout=parse_base_units(decision["payout"]),
        rules_version=_text(decision, "rulesVersion"),
    )


def _payment_json(payment: ChainPayment | ManualPayment) -> dict[str, str]:
    if isinstance(payment, ChainPayment):
        return {"kind": "checkout", "transaction": payment.transaction}
    return {
        "kind": "manual",
        "paidAtMs": str(payment.paid_at_ms),
        "actor": payment.actor,
        "reason": payment.reason,
    }


def _read_payment(value: object) -> ChainPayment | ManualPayment:
    kind = _object(value, "payment").get("kind")
    if kind == "checkout":
        payment = _record(value, "payment", {"kind", "transaction"})
        return ChainPayment(format_bytes32(parse_bytes32(payment["transaction"])))
    if kind == "manual":
        payment = _record(value, "payment", {"kind", "paidAtMs", "actor", "reason"})
        return ManualPayment(
            parse_number(payment["paidAtMs"]), _text(payment, "actor"), _text(payment, "reason")
        )
    raise BatchFileError(f"payment of unknown kind {kind!r}")


def _read_redirect(value: object) -> Redirect:
    redirect = _record(value, "redirect", {"recipient", "signature"})
    return Redirect(parse_address(redirect["recipient"]), _text(redirect, "signature"))


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BatchFileError(f"{name} is not an object")
    return value


def _record(value: object, name: str, keys: set[str]) -> Mapping[str, Any]:
    record = _object(value, name)
    if set(record) != keys:
        raise BatchFileError(f"{name} differs in: {sorted(keys.symmetric_difference(record))}")
    return record


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record[key]
    if not isinstance(value, str):
        raise BatchFileError(f"{key} is not a string")
    return value

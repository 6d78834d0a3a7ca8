"""Rows that must be there, or a clear error."""

from __future__ import annotations

import json

from liqpass.domain.parameters import Parameters
from liqpass.domain.reasons import Reason
from liqpass.ports import UnitOfWork
from liqpass.records import Batch, Claim, Order
from liqpass.refusals import NotFoundError


def existing_order(unit: UnitOfWork, order_uuid: str) -> Order:
    """The order of this id. Raises NotFoundError."""
    order = unit.orders.get(order_uuid)
    if order is None:
        raise NotFoundError(f"no order {order_uuid}", Reason.PURCHASE_ORDER_NOT_FOUND)
    return order


def parameters_of(unit: UnitOfWork, order: Order) -> Parameters:
    """The parameters that the order was sold under, whatever they are today."""
    text = unit.controls.parameters(order.params_version)
    if text is None:
        raise NotFoundError(f"parameters {order.params_version} of order {order.id} are not stored")
    return Parameters.from_json(json.loads(text))


def existing_claim(unit: UnitOfWork, claim_id: str) -> Claim:
    """The claim of this id. Raises NotFoundError."""
    claim = unit.claims.get(claim_id)
    if claim is None:
        raise NotFoundError(f"no claim {claim_id}")
    return claim


def existing_batch(unit: UnitOfWork, batch_id: int) -> Batch:
    """The batch of this UTC date. Raises NotFoundError."""
    batch = unit.batches.get(batch_id)
    if batch is None:
        raise NotFoundError(f"no batch {batch_id}")
    return batch

"""A buyer's OKX key: bound once, checked read-only, never shown again, deleted when its owner wants."""

from __future__ import annotations

from fastapi import APIRouter

from liqpass.entrypoints.answers import key_answer, open_position_answer
from liqpass.entrypoints.shapes.orders import KeyAnswer, KeyDeleted, OpenPositionsAnswer
from liqpass.entrypoints.web.api.forms import BUYER_PROBLEMS, READ_PROBLEMS, KeyForm, problems
from liqpass.entrypoints.web.identity import Buyer, ServiceOf
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.ports import OkxCredentials

router = APIRouter(prefix="/api/me", tags=["OKX key"], route_class=ApiRoute)


def credentials_of(form: KeyForm) -> OkxCredentials:
    """The key as the use cases take it."""
    return OkxCredentials(
        form.api_key.get_secret_value(),
        form.secret.get_secret_value(),
        form.passphrase.get_secret_value(),
        form.demo,
    )


@router.get("/okx-key", responses=READ_PROBLEMS)
def show(service: ServiceOf, buyer: Buyer) -> KeyAnswer:
    """Whether a key is stored, since when, and which orders use it. No part of the key."""
    return key_answer(service.use_cases.keys.show(buyer.address))


@router.put(
    "/okx-key",
    responses={**BUYER_PROBLEMS, **problems(502)},
    dependencies=[COSTLY],
)
def bind(service: ServiceOf, buyer: Buyer, form: KeyForm) -> KeyAnswer:
    """Store a key whose permission is exactly read-only, in place of an earlier one. One that can trade or
    withdraw is refused."""
    service.use_cases.keys.bind(buyer.address, credentials_of(form), actor=buyer.address)
    return key_answer(service.use_cases.keys.show(buyer.address))


@router.delete("/okx-key", responses=BUYER_PROBLEMS)
def delete(service: ServiceOf, buyer: Buyer) -> KeyDeleted:
    """Erase the key everywhere. Open policies then need a key bound again before they can claim."""
    losing = service.use_cases.keys.delete(buyer.address, actor=buyer.address)
    return {**key_answer(service.use_cases.keys.show(buyer.address)), "policiesWithoutKey": losing}


@router.get(
    "/okx-positions",
    responses={**READ_PROBLEMS, **problems(409, 502)},
    dependencies=[COSTLY],
)
def positions(service: ServiceOf, buyer: Buyer) -> OpenPositionsAnswer:
    """The open positions of the stored key's account, to choose from."""
    found = service.use_cases.keys.positions(buyer.address)
    return {"positions": [open_position_answer(position) for position in found]}

"""Templates to answers: what every page knows, and how values are written on it. Everything is escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import format_usdc, usdc
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.web.identity import service_of, session_of
from liqpass.entrypoints.web.pages import states, wording
from liqpass.entrypoints.web.pages.networks import network_of
from liqpass.entrypoints.web.service import Realm
from liqpass.records import Session


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    path: str
    label: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class SignInPaths:
    """Where a realm's pages sign in and out."""

    nonce: str
    sign_in: str
    sign_out: str


SIGN_IN = {
    Realm.PUBLIC: SignInPaths("/api/sign-in/nonce", "/api/sign-in", "/api/sign-out"),
    Realm.ADMIN: SignInPaths("/admin/sign-in/nonce", "/admin/sign-in", "/admin/sign-out"),
}
_LINKS = {
    Realm.PUBLIC: (("/", "Cover"), ("/policies", "My policies")),
    Realm.ADMIN: (
        ("/console", "Overview"),
        ("/console/claims", "Claims"),
        ("/console/held", "Held"),
        ("/console/unmatched", "Unmatched"),
        ("/console/batches", "Batches"),
    ),
}


def page(
    request: Request,
    template: str,
    *,
    realm: Realm = Realm.PUBLIC,
    http_status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """A page for whoever is signed in to this realm."""
    return HTMLResponse(rendered(request, template, session_of(request, realm), realm, context), http_status)


def rendered(
    request: Request, template: str, session: Session | None, realm: Realm, context: Mapping[str, Any]
) -> str:
    """The text of a page. Asks the database nothing."""
    service = service_of(request)
    network = network_of(service.site.chain_id)
    return (
        environment()
        .get_template(template)
        .render(
            session=session,
            csrf="" if session is None else session.csrf,
            realm=SIGN_IN[realm],
            is_console=realm is Realm.ADMIN,
            links=_links(request.url.path, realm, session),
            network=network,
            network_json=network.as_json(),
            now_ms=service.clock.now_ms(),
            sentences_json=_sentences_json(),
            **context,
        )
    )


def _links(path: str, realm: Realm, session: Session | None) -> list[Link]:
    if realm is Realm.ADMIN and session is None:
        return []
    known = _LINKS[realm]
    # The longest that begins the path: /console begins every one of its own.
    here = max((at for at, _ in known if path == at or path.startswith(at + "/")), key=len, default="")
    return [Link(at, label, at == here) for at, label in known]


@cache
def environment() -> Environment:
    """The templates; a name that a page was not given is an error, not an empty place."""
    made = Environment(
        loader=PackageLoader("liqpass.entrypoints.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        iso=iso,
        utc=utc,
        money=lambda units: format_usdc(usdc(units)),
        checksum=checksum_address,
        short=lambda text: f"{text[:6]}…{text[-4:]}",
        duration=duration,
        percent=lambda bps: f"{bps / 100:g} %",
        age=lambda ms: duration(max(ms, 0) // 1000),
        sentence=lambda code: wording.sentence(code or ""),
        sentences=wording.sentences,
        as_json=lambda value: json.dumps(value, separators=(",", ":")),
        pretty=pretty,
        codes=lambda text: json.loads(text) if text else [],
        claim_shown=lambda state: states.shown(states.CLAIMS, state),
        batch_shown=lambda state: states.shown(states.BATCHES, state),
        verdict_shown=lambda verdict: states.shown(states.VERDICTS, verdict),
        outcome_shown=lambda outcome: states.shown(states.OUTCOMES, outcome),
    )
    return made


@cache
def _sentences_json() -> str:
    return json.dumps({str(code): text for code, text in wording.SENTENCES.items()}, separators=(",", ":"))


def utc(time_ms: int) -> str:
    """`22 Jan 2026, 12:00:00 UTC`."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%d %b %Y, %H:%M:%S UTC").lstrip("0")


def duration(seconds: int) -> str:
    """The two largest units: `24 hours`, `10 minutes`, `1 hour 30 minutes`."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    parts = []
    rest = seconds
    for name, size in units if seconds > 2 * 86_400 else units[1:]:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"


def pretty(body: str) -> str:
    """JSON text indented for reading; the text as it is where it is no JSON."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body

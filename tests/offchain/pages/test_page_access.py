"""Who sees which page, and what everybody else sees instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from liqpass.adapters.database.tables import orders
from liqpass.entrypoints.web.service import Part
from page_reader import Page
from sqlalchemy import update
from starlette.testclient import TestClient
from web_world import ADMIN_ORIGIN, BUYER, OPERATOR, ORIGIN, OTHER_BUYER, REVIEWER, STRANGER, WebWorld

HTML = {"accept": "text/html,application/xhtml+xml"}
CONSOLE = ("", "/claims", "/claims/5b0c1a52-7d0e-4c39-9d53-0f9f4f0f7a11", "/held", "/unmatched", "/batches")


@pytest.mark.parametrize("path", CONSOLE)
def test_console__nobody__is_led_to_sign_in_and_back(web: WebWorld, path: str) -> None:
    answer = web.browser().client.get(f"/console{path}", follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in?then=%2Fconsole")


@pytest.mark.parametrize("path", CONSOLE)
def test_console__session_of_a_buyer__opens_nothing(web: WebWorld, path: str) -> None:
    answer = web.browser(BUYER).client.get(f"/console{path}", follow_redirects=False)

    assert answer.status_code == 303


def test_console__role_taken_away__is_refused_at_the_next_page(web: WebWorld) -> None:
    desk = web.desk(REVIEWER)
    object.__setattr__(web.service.access, "reviewers", frozenset())

    answer = desk.get("/console/claims")

    assert answer.status_code == 403
    assert "has no role here" in Page(answer.text).text


@pytest.mark.parametrize(
    "then", ["https://evil.test/", "//evil.test", "/console.evil", "javascript:alert(1)"]
)
def test_sign_in__leads_elsewhere__is_ignored(web: WebWorld, then: str) -> None:
    outside = web.browser().get("/console/sign-in", params={"then": then})
    signed_in = web.desk(OPERATOR).client.get(
        "/console/sign-in", params={"then": then}, follow_redirects=False
    )

    assert Page(outside.text).of("div", **{"data-then": "/console"})
    assert signed_in.headers["location"] == "/console"


def test_policy__of_another_buyer__is_as_if_it_were_not_there(web: WebWorld) -> None:
    order = web.covered("trader", OTHER_BUYER.address.lower())
    buyer = web.browser(BUYER)

    other = buyer.get(f"/policies/{order.id}")
    none = buyer.get(f"/policies/{order.id[:-4]}0000")

    assert (other.status_code, none.status_code) == (404, 404)
    assert order.id not in Page(other.text).text
    assert "Page not found" in Page(none.text).text
    assert order.id not in web.browser(BUYER).get("/policies").text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/proof/aaaaaaaaaaaaaaaaaaaa", "/console/claims/x", "/console/batches/7"]
)
def test_error__page_that_is_not_there__says_so_with_the_request_id(web: WebWorld, path: str) -> None:
    answer = web.desk(REVIEWER).client.get(path, headers={**HTML, "x-request-id": "request-0123456789"})

    page = Page(answer.text)
    assert answer.status_code == 404
    assert page.faults == []
    assert "Page not found" in page.text
    assert "request-0123456789" in page.text


def test_error__unknown_path_of_the_api__is_json(web: WebWorld) -> None:
    answer = web.browser().client.get("/api/nowhere", headers=HTML)

    assert answer.headers["content-type"] == "application/problem+json"


def test_error__post_to_a_page__says_that_scripts_are_needed(web: WebWorld) -> None:
    answer = web.browser().client.post("/policies", headers=HTML)

    assert answer.status_code == 405
    assert "Scripts must be on" in Page(answer.text).text


def test_error__fault_of_ours__is_a_page_that_quotes_nothing(web: WebWorld) -> None:
    order = web.covered("trader", BUYER.address.lower())
    with web.engine.begin() as connection:
        connection.execute(update(orders).values(premium=-987_654))  # no amount of USDC

    answer = web.browser(BUYER).get(f"/policies/{order.id}")

    page = Page(answer.text)
    assert answer.status_code == 500
    assert page.faults == []
    assert "Something went wrong on our side" in page.text
    assert "987" not in page.text
    assert answer.headers["x-request-id"] in page.text


def test_error__database_that_cannot_answer__is_503_and_worth_another_try(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    with web.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE orders RENAME TO gone")

    answer = buyer.get("/policies")

    page = Page(answer.text)
    assert answer.status_code == 503
    assert page.faults == []
    assert "Try again" in page.text


@pytest.mark.parametrize(
    ("part", "there", "gone"),
    [(Part.PUBLIC, "/policies", "/console"), (Part.ADMIN, "/console/sign-in", "/policies")],
)
def test_part__served_alone__lacks_the_other_pages(tmp_path: Path, part: Part, there: str, gone: str) -> None:
    client = TestClient(
        WebWorld(tmp_path, part=part).app, base_url=ADMIN_ORIGIN if part is Part.ADMIN else ORIGIN
    )

    assert client.get(there, follow_redirects=False).status_code in (200, 401)
    assert client.get(gone, follow_redirects=False).status_code == 404


def test_stranger__signs_in_as_buyer__sees_only_an_empty_book(web: WebWorld) -> None:
    web.claimed("trader", BUYER.address.lower())

    page = Page(web.browser(STRANGER).get("/policies").text)

    assert "You have no policies yet" in page.text


def test_pages__are_kept_by_nobody(web: WebWorld) -> None:
    answer = web.browser(BUYER).get("/policies")

    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in answer.headers["content-security-policy"]

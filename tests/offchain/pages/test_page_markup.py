"""Every page in every state: sound markup, named inputs, nothing inline, and text that stays text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from liqpass.adapters.database.tables import batches, claims, orders, reviews, unmatched_payments
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.policy_state import PolicyState
from liqpass.records import Claim
from page_reader import Page
from payout_steps import approve_and_execute, build, next_morning
from sqlalchemy import Table, update
from web_world import BUYER, OPERATOR, REVIEWER, Browser, WebWorld

WALLET = BUYER.address.lower()
HELD_WALLET = "0x" + "ee" * 20
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</textarea></pre></title>{{ 7*7 }}"
CONSOLE = ("", "/claims", "/claims?status=ALL", "/held", "/unmatched", "/unmatched?resolved=true", "/batches")


def read(browser: Browser, path: str, status: int = 200) -> Page:
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    page = Page(answer.text)
    assert page.faults == [], path
    assert not page.of("img"), path  # ours have none: one would be the hostile text's
    return page


def put(web: WebWorld, table: Table, **values: object) -> None:
    """What the use cases would refuse to write, as if an earlier version had let it through."""
    with web.engine.begin() as connection:
        connection.execute(update(table).values(**values))


@pytest.fixture
def claim(web: WebWorld) -> Claim:
    return web.claimed("trader", WALLET)


@pytest.mark.parametrize("path", ["/", "/policies", "/console/sign-in"])
def test_page__nobody_signed_in__offers_sign_in(web: WebWorld, path: str) -> None:
    page = read(web.browser(), path, 401 if path == "/policies" else 200)

    assert "Connect wallet and sign in" in page.text


def test_page__signed_in_without_anything__says_what_to_do(web: WebWorld) -> None:
    buyer = web.browser(BUYER)

    assert "Store a key first" in read(buyer, "/").text
    assert "You have no policies yet" in read(buyer, "/policies").text
    for path in CONSOLE:
        read(web.desk(REVIEWER), f"/console{path}")


def test_home__selling_paused__shows_no_order_button(web: WebWorld) -> None:
    web.do.keys.bind(WALLET, _credentials(web), actor=WALLET)
    web.controlling.pause(actor="operator", reason="a drill")

    page = read(web.browser(BUYER), "/")

    assert "New cover is paused for the moment" in page.text
    assert "Order for" not in page.text


def _credentials(web: WebWorld) -> object:
    web.trader("trader")
    return web.credentials("trader")


@pytest.mark.parametrize("state", list(PolicyState))
def test_policy__unclaimed_in_every_state__is_sound(web: WebWorld, state: PolicyState) -> None:
    order = web.covered("trader", WALLET)
    put(web, orders, state=str(state))

    page = read(web.browser(BUYER), f"/policies/{order.id}")

    assert BUYER.address[:6] in page.text
    read(web.browser(BUYER), "/policies")
    read(web.browser(BUYER), "/")


def test_policy__claim_in_every_state__is_sound_and_hostile_text_is_text(web: WebWorld, claim: Claim) -> None:
    buyer = web.browser(BUYER)
    desk = web.desk(REVIEWER)
    for policy_state in (
        PolicyState.COVERED,
        PolicyState.CLAIM_REQUESTED,
        PolicyState.APPROVED,
        PolicyState.PAID,
    ):
        for claim_state in ClaimState:
            put(web, orders, state=str(policy_state), manual_actor=HOSTILE[:99], manual_reason=HOSTILE)
            put(
                web,
                claims,
                state=str(claim_state),
                failure=HOSTILE,
                failure_code="50011",
                hold_reason=HOSTILE,
                recipient=WALLET,
                rejection_final=False,
                closed_at_ms=claim.requested_at_ms,
            )
            read(buyer, f"/policies/{claim.order_id}")
            page = read(desk, f"/console/claims/{claim.id}")
            assert HOSTILE in page.text
    read(buyer, "/policies")


def test_policy__rejected_with_hostile_reason__shows_it_as_text(web: WebWorld, claim: Claim) -> None:
    web.do.reviewing.reject(claim.id, reviewer=REVIEWER.address.lower(), reason="not covered", final=True)
    put(web, reviews, reason=HOSTILE, reviewer=HOSTILE[:99])

    page = read(web.browser(BUYER), f"/policies/{claim.order_id}")

    assert HOSTILE in page.text
    assert HOSTILE in read(web.desk(REVIEWER), f"/console/claims/{claim.id}").text


@pytest.mark.parametrize("verdict", ["ELIGIBLE", "NEEDS_REVIEW", "NOT_ELIGIBLE"])
def test_claim__every_verdict__says_what_may_be_done(web: WebWorld, claim: Claim, verdict: str) -> None:
    put(web, claims, verdict=verdict)

    page = read(web.desk(REVIEWER), f"/console/claims/{claim.id}")

    hint = "This claim needs two reviewers" in page.text
    refused = "so it cannot be approved" in page.text
    assert (hint, refused) == (verdict == "NEEDS_REVIEW", verdict == "NOT_ELIGIBLE")
    assert len(page.of("textarea", id="approve-reason")) == (verdict != "NOT_ELIGIBLE")


def test_claim__raw_answers__are_shown_as_text(web: WebWorld) -> None:
    claim = web.claimed("trader", WALLET, Close.PARTIAL_LIQUIDATION)
    attempt = web.do.overseeing.claim(claim.id).attempts[1][1][0]

    page = read(web.desk(REVIEWER), f"/console/claims/{claim.id}")

    assert attempt.sha256 in page.text
    assert '"liqPenalty"' in page.text


def test_claim__of_the_reviewer__offers_nothing(web: WebWorld) -> None:
    claim = web.claimed("trader", REVIEWER.address.lower())

    page = read(web.desk(REVIEWER), f"/console/claims/{claim.id}")

    assert "somebody else decides about it" in page.text
    assert not page.of("textarea")


def test_claims__search_that_means_nothing__keeps_the_list_and_says_why(web: WebWorld, claim: Claim) -> None:
    page = read(web.desk(REVIEWER), "/console/claims?search=%3Cb%3Enobody")

    assert "search for a policy number" in page.text
    assert page.of("input", id="search", value="<b>nobody")
    assert f"/console/claims/{claim.id}" in page.links


@pytest.mark.parametrize("search", ["1", BUYER.address, "{claim}", "{order}"])
def test_claims__search__finds_the_claim(web: WebWorld, claim: Claim, search: str) -> None:
    text = search.format(claim=claim.id, order=claim.order_id)

    page = read(web.desk(REVIEWER), f"/console/claims?status=ALL&search={text}")

    assert f"/console/claims/{claim.id}" in page.links


def test_claims__more_than_a_page__lead_on(web: WebWorld, claim: Claim) -> None:
    web.claimed("other", HELD_WALLET)
    first = web.do.overseeing.queue(state=None, verdict=None, search="", cursor="", limit=1)

    page = read(web.desk(REVIEWER), f"/console/claims?status=ALL&cursor={first.next}")

    assert f"/console/claims/{claim.id}" in page.links
    assert "/console/claims?status=ALL" in page.links
    assert "First page" in page.text


@pytest.fixture
def settled(web: WebWorld) -> Iterator[tuple[WebWorld, Claim, Claim]]:
    """A batch that paid one claim and held another; and money that fits no order."""
    paid, held = web.approved("trader", WALLET), web.approved("other", HELD_WALLET)
    built = build(web)
    approve_and_execute(web, built, refused=(HELD_WALLET,))
    web.chain.settle()
    web.do.reconciling.reconcile()
    order = web.bound("third", "0x" + "dd" * 20)
    web.chain.pay(order, amount=5)
    web.chain.mine(10)
    web.do.syncing.sync()
    return web, paid, held


def test_console__after_a_batch__every_page_is_sound(settled: tuple[WebWorld, Claim, Claim]) -> None:
    web, paid, held = settled
    put(web, unmatched_payments, detail=HOSTILE)
    put(web, claims, hold_reason=HOSTILE)
    put(web, batches, outcome=HOSTILE)
    (batch,) = web.do.building.listed()
    for desk in (web.desk(REVIEWER), web.desk(OPERATOR)):
        for path in CONSOLE:
            read(desk, f"/console{path}")
        read(desk, f"/console/claims/{paid.id}")
        assert HOSTILE in read(desk, "/console/held").text
        assert HOSTILE in read(desk, "/console/unmatched").text
        assert HOSTILE in read(desk, f"/console/batches/{batch.id}").text
        assert f"/console/claims/{held.id}" in read(desk, "/console/held").links


def test_batch__open__gives_each_role_its_command(web: WebWorld) -> None:
    web.approved("trader", WALLET)
    built = build(web)

    page = read(web.desk(OPERATOR), f"/console/batches/{built.batch.id}")

    for verb in ("approve", "execute"):
        line = f"ape run payout {verb} --file batch-{built.batch.id}.json"
        assert line in page.text
    assert "--allow-manual" not in page.text
    assert f"/admin/payout/batches/{built.batch.id}/export.json" in page.links
    assert built.batch.payout_root in page.text


def test_batch__with_an_order_marked_by_hand__commands_allow_it(web: WebWorld) -> None:
    order = web.bound("trader", WALLET)
    web.do.paying.mark_paid(order.id, actor="operator", reason="paid by bank")
    web.chain.mine(seconds=web.parameters.waiting_s + 1)
    web.liquidate("trader")
    claim = web.do.claiming.submit(order.id, actor=WALLET)
    web.do.reviewing.approve(claim.id, reviewer="rita")
    built = build(web)

    page = read(web.desk(OPERATOR), f"/console/batches/{built.batch.id}")

    assert "--allow-manual 1" in page.text


def test_batches__plan__names_what_is_paid_and_carried_over(web: WebWorld) -> None:
    next_morning(web)
    today = web.approved("trader", WALLET)
    web.chain.mine(seconds=2 * 3_600)  # past the cut-off
    late = web.approved("late", "0x" + "dd" * 20)

    page = read(web.desk(OPERATOR), "/console/batches")

    before, after = page.text.split("Carried over: approved after the cut-off", 1)
    assert f"Policy {today.policy_no}" in before
    assert f"Policy {late.policy_no}" in after
    (button,) = page.of("button", type="submit")
    assert "aria-disabled" not in button


def test_batches__not_an_operator__says_why_not(web: WebWorld) -> None:
    web.approved("trader", WALLET)

    page = read(web.desk(REVIEWER), "/console/batches")

    assert "An operator builds the batch." in page.text
    (button,) = page.of("button", type="submit")
    assert button["aria-disabled"] == "true"


def test_policy__held__lets_the_buyer_sign(settled: tuple[WebWorld, Claim, Claim]) -> None:
    web, _, held = settled
    put(web, orders, buyer=WALLET)

    page = read(web.browser(BUYER), f"/policies/{held.order_id}")

    assert page.of("form", id="redirect")


def test_proof__paid__shows_hashes_and_neither_trader_nor_position(
    settled: tuple[WebWorld, Claim, Claim],
) -> None:
    web, paid, _ = settled
    found = web.do.publishing.proof(paid.proof_token)
    order = web.do.selling.show(paid.order_id)

    page = read(web.browser(), f"/proof/{paid.proof_token}")

    for shown in (found.evidence_hash, found.payout_root, found.leaf, found.transaction, *found.proof):
        assert shown is not None
        assert shown in page.text
    text = str(page.tags).lower() + page.text.lower()
    for hidden in (WALLET, WALLET[:6] + "…", order.inst_id, order.pos_id, order.id, paid.id, "50.00"):
        assert str(hidden).lower() not in text


def test_proof__claim_without_batch__proves_nothing_yet(web: WebWorld, claim: Claim) -> None:
    page = read(web.browser(), f"/proof/{claim.proof_token}")

    assert "There is no payout to prove yet" in page.text
    assert not any("proof.js" in each for each in page.references)

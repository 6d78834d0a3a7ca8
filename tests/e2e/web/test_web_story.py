"""The whole story in real browsers: a trader, a reviewer, an operator, two signers and a stranger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.money import parse_usdc
from live_service import OPERATOR, REVIEWER, SECOND_REVIEWER, Live, Position, Wallet
from playwright.sync_api import Browser, Page, Route, expect
from visitors import LOCAL_CHAIN, Street, Visitor, chromium

from demo.stage import APPROVER, PAYER, RELAYER, TREASURY

HOT_WALLET = parse_usdc("550.00")
DAY_S, CUT_OFF_S = 86_400, 2 * 3600 + 300  # five minutes past 10:00 in Shanghai
TRADER, OTHER_TRADER = Wallet("0x" + "a1" * 32), Wallet("0x" + "a2" * 32)


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with Live.open() as running:
        running.stage.mint(TREASURY, HOT_WALLET)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def street(live: Live, browser: Browser) -> Iterator[Street]:
    """Nothing may go wrong in anybody's browser unless the test says that it should."""
    street = Street(live, browser)
    yield street
    faults = street.faults()
    street.leave()
    assert faults == []


def stores_key(visitor: Visitor, live: Live, position: Position, label: str = "reader") -> None:
    key = live.key_of(position, label)
    visitor.page.get_by_label("API key").fill(key["apiKey"])
    visitor.page.get_by_label("Secret").fill(key["secret"])
    visitor.page.get_by_label("Passphrase").fill(key["passphrase"])
    visitor.presses("Check and store the key")


def orders(visitor: Visitor, live: Live, position: Position) -> str:
    """From the home page to an order that waits for its payment; its id."""
    stores_key(visitor, live, position)
    visitor.sees("A read-only key is stored")
    visitor.photographs("home-with-key")
    visitor.presses("Order for 1.00 USDC")
    visitor.page.wait_for_url("**/policies/*")
    visitor.page.get_by_label(re.compile("BTC-USDT-SWAP")).check()
    visitor.photographs("policy-positions")
    visitor.presses("Insure this position")
    visitor.sees("Before you pay")
    return visitor.page.url.rsplit("/", 1)[-1]


def agrees_to_disclaimers(visitor: Visitor) -> None:
    for box in visitor.page.locator("#pay-form input[type=checkbox]").all():
        box.check()


def claims(visitor: Visitor, live: Live, position: Position, kind: Close = Close.FULL_LIQUIDATION) -> None:
    """The cover begins, the position is liquidated, its owner claims."""
    live.stage.pass_time(700)
    visitor.page.reload()
    visitor.sees("Cover ends in")
    live.stage.pass_time(3600)
    live.liquidate(position, kind)
    live.stage.pass_time(60)
    by_keyboard(visitor.page, "Submit claim")
    visitor.sees("Waiting for review")


def opens_claim(visitor: Visitor, policy: str) -> None:
    visitor.goes_to("/console/claims")
    visitor.page.get_by_role("link", name=policy, exact=True).click()
    visitor.page.wait_for_url("**/console/claims/*")


def approves(visitor: Visitor, reason: str = "") -> None:
    if reason:
        visitor.page.locator("#approve-reason").fill(reason)
    visitor.presses("Approve")
    visitor.agrees("Approve")


def by_keyboard(page: Page, name: str) -> None:
    """Tab until the button of this name has the focus, then Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim()")
        if focused == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {name} with the Tab key")


def test_story__signed_premium__covered_claimed_paid_and_proven(
    live: Live, street: Street, tmp_path: Path
) -> None:
    stage, position = live.stage, live.trader("trader of the story")
    live.fund(TRADER)
    trader = street.visitor(TRADER).goes_to("/")
    trader.photographs("home")
    trader.signs_in()
    trader.photographs("home-signed-in")
    order_id = orders(trader, live, position)
    agrees_to_disclaimers(trader)
    trader.photographs("policy-to-pay")
    trader.presses("Pay with one signature, no gas")
    trader.sees("Your signature is here")
    trader.photographs("policy-signed")

    relayer = ("--service", live.service.url, "--account", f"TEST::{RELAYER}")
    stage.ape("checkout", "relay", *relayer)
    stage.confirm()
    trader.sees("Cover starts in")
    trader.photographs("policy-scheduled")
    claims(trader, live, position)
    trader.photographs("policy-claimed")

    reviewer = street.visitor(REVIEWER).goes_to("/console/claims")
    reviewer.photographs("console-sign-in")
    reviewer.signs_in()
    reviewer.photographs("console-claims")
    opens_claim(reviewer, "Policy 1")
    reviewer.photographs("console-claim")
    approves(reviewer)
    reviewer.photographs("console-claim-approved")
    for name in ("", "/held", "/unmatched", "/batches"):
        reviewer.goes_to(f"/console{name}").photographs(f"console-{name.strip('/') or 'overview'}")

    now_s = int(stage.web3.eth.get_block("latest")["timestamp"])
    stage.pass_time_until((now_s // DAY_S + 1) * DAY_S + CUT_OFF_S)
    operator = street.visitor(OPERATOR).goes_to("/console/batches").signs_in()
    operator.photographs("console-batches-plan")
    operator.presses("Build today's batch")
    operator.agrees("Build it")
    operator.photographs("console-batch")
    with operator.page.expect_download() as downloading:
        operator.page.get_by_role("link", name=re.compile(r"batch-\d+\.json")).click()
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)

    before = stage.balance(TRADER.address)
    stage.ape("payout", "approve", "--file", str(file), "--account", f"TEST::{APPROVER}")
    stage.ape("payout", "fund", "--amount", "550.00", "--account", f"TEST::{TREASURY}")
    stage.ape("payout", "execute", "--file", str(file), "--account", f"TEST::{PAYER}")
    assert stage.balance(TRADER.address) - before == parse_usdc("50.00")
    stage.confirm()
    trader.goes_to(f"/policies/{order_id}")
    trader.sees("Paid out")
    trader.photographs("policy-paid")
    trader.goes_to("/policies").photographs("policies")
    operator.page.reload()
    operator.sees("Closed")
    operator.photographs("console-batch-closed")
    operator.goes_to("/console").photographs("console-overview-after")

    trader.goes_to(f"/policies/{order_id}")
    proof = trader.page.get_by_role("link", name="Public proof of the payout").get_attribute("href")
    stranger = street.visitor().goes_to(str(proof))
    stranger.sees("Verified in your browser")
    stranger.photographs("proof")
    assert TRADER.address.lower() not in stranger.page.content().lower()
    stranger.page.route("**/proof/*", one_byte_changed)
    stranger.page.reload()
    stranger.sees("Not verified")
    stranger.photographs("proof-forged")


def one_byte_changed(route: Route) -> None:
    """What somebody on the way might do to the proof."""
    answer = route.fetch()
    body = answer.text()
    found = re.search(r"data-leaf>0x([0-9a-f]{2})", body)
    assert found is not None
    other = f"{int(found.group(1), 16) ^ 1:02x}"
    route.fulfill(response=answer, body=body[: found.start(1)] + other + body[found.end(1) :])


def test_pay__two_transactions__covered_and_two_reviewers_decide(live: Live, street: Street) -> None:
    position = live.trader("trader of two transactions")
    live.fund(OTHER_TRADER)
    trader = street.visitor(OTHER_TRADER).goes_to("/").signs_in()
    orders(trader, live, position)
    agrees_to_disclaimers(trader)
    trader.refusals = {422}  # PAYMENT_TOO_SHALLOW, again and again
    trader.presses("Pay with two transactions")
    expect(trader.page.locator("[data-status]").first).to_contain_text(
        re.compile("Payment seen|not.*yet", re.IGNORECASE), timeout=20_000
    )
    trader.photographs("policy-confirming")
    live.stage.confirm()
    trader.sees("Cover starts in")
    claims(trader, live, position, Close.PARTIAL_LIQUIDATION)

    first = street.visitor(REVIEWER).goes_to("/console").signs_in()
    number = trader.page.locator("h1").inner_text()
    opens_claim(first, number)
    first.presses("Approve")  # without the reason that a doubtful claim needs
    first.sees("Give a reason.")
    first.photographs("console-claim-without-reason")
    approves(first, "half of the position is gone, the records agree")
    first.sees("You have approved it")
    second = street.visitor(SECOND_REVIEWER).goes_to("/console").signs_in()
    opens_claim(second, number)
    second.sees("Your approval would be the second")
    second.photographs("console-claim-second-reviewer")
    approves(second, "I have read the rows too")
    trader.page.reload()
    trader.sees("Claim approved")


def test_sign_in__wallet_declines__says_so_and_sends_nothing(street: Street) -> None:
    visitor = street.visitor(Wallet.fresh()).goes_to("/")
    assert visitor.wallet is not None
    visitor.wallet.declines = {"personal_sign"}
    visitor.presses("Connect wallet and sign in")
    visitor.presses("Test Wallet")
    visitor.sees("You declined in your wallet. Nothing was sent.")
    visitor.photographs("home-declined")


def test_sign_in__wrong_network__offers_to_switch(street: Street) -> None:
    visitor = street.visitor(Wallet.fresh()).goes_to("/")
    assert visitor.wallet is not None
    visitor.wallet.chain = "0x1"
    visitor.presses("Connect wallet and sign in")
    visitor.presses("Test Wallet")
    visitor.sees("Your wallet is on another network")
    visitor.photographs("home-wrong-network")
    with visitor.page.expect_navigation():
        visitor.presses("Switch network")
    visitor.sees("Signed in as")
    assert visitor.wallet.chain == LOCAL_CHAIN


def test_key__may_trade__refused_in_words(live: Live, street: Street) -> None:
    visitor = street.visitor(Wallet.fresh()).goes_to("/").signs_in()
    visitor.refusals = {422}
    stores_key(visitor, live, live.trader("trader with a wide key"), label="trader")
    expect(visitor.page.get_by_role("alert").first).to_contain_text(re.compile("read", re.IGNORECASE))
    visitor.photographs("home-key-refused")


def test_claim__reviewer_is_the_buyer__somebody_else_decides(live: Live, street: Street) -> None:
    position = live.trader("trader who reviews")
    live.fund(REVIEWER)
    buyer = street.visitor(REVIEWER).goes_to("/").signs_in()
    orders(buyer, live, position)
    agrees_to_disclaimers(buyer)
    buyer.presses("Pay with one signature, no gas")
    buyer.sees("Your signature is here")
    live.stage.ape("checkout", "relay", "--service", live.service.url, "--account", f"TEST::{RELAYER}")
    live.stage.confirm()
    buyer.sees("Cover starts in")
    claims(buyer, live, position)
    number = buyer.page.locator("h1").inner_text()
    reviewer = street.visitor(REVIEWER).goes_to("/console").signs_in()
    opens_claim(reviewer, number)
    reviewer.sees("This claim is your own")
    assert reviewer.page.get_by_role("button", name="Approve").count() == 0
    reviewer.photographs("console-claim-own")


def test_sign_in__by_keyboard_alone__works(street: Street) -> None:
    visitor = street.visitor(Wallet.fresh()).goes_to("/")
    page = visitor.page
    by_keyboard(page, "Connect wallet and sign in")
    expect(page.get_by_role("button", name="Test Wallet")).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    visitor.sees("Signed in as")
    visitor.goes_to("/policies").photographs("policies-empty")


def test_pages__not_there_or_not_mine__say_so(street: Street) -> None:
    visitor = street.visitor(Wallet.fresh()).goes_to("/").signs_in()
    visitor.refusals = {401, 403, 404}
    visitor.goes_to("/policies/5b0c1a52-7d0e-4c39-9d53-0f9f4f0f7a11").photographs("not-found")
    visitor.goes_to("/console/claims")
    visitor.presses("Connect wallet and sign in")
    visitor.presses("Test Wallet")
    visitor.sees("this wallet is neither reviewer nor operator")
    visitor.photographs("console-no-role")

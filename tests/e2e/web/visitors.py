"""Chromium, and people in it: each with cookies and a wallet of their own, each page looked at as shown."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from live_service import Live, Wallet
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

SCREENSHOTS = Path(__file__).resolve().parents[3] / "var" / "screenshots"
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
LOCAL_CHAIN = "0x7a69"
DECLINED, UNKNOWN_METHOD = 4001, -32601
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_WALLET_SCRIPT = (Path(__file__).parent / "injected_wallet.js").read_text()
_FORWARDED = ("eth_sendTransaction", "eth_getTransactionReceipt")
# What a reader who hears the page needs: names, one heading above all, no sideways scrolling.
_FAULTS = """() => {
  const faults = [];
  if (document.querySelectorAll("h1").length !== 1) faults.push("not exactly one h1");
  if (!document.title || !document.documentElement.lang) faults.push("no title or language");
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of ids.filter((each, at) => ids.indexOf(each) !== at)) faults.push(`id ${id} twice`);
  for (const input of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!input.labels?.length && !input.ariaLabel) faults.push(`no label: ${input.outerHTML}`);
  }
  for (const control of document.querySelectorAll("button, a[href], summary")) {
    const name = control.ariaLabel || control.textContent.trim();
    if (!name) faults.push(`no name: ${control.outerHTML}`);
  }
  for (const image of document.querySelectorAll("img:not([alt]), svg[role=img]:not([aria-label])")) {
    faults.push(`no words for ${image.outerHTML.slice(0, 80)}`);
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push(`${scrollWidth} px wide on ${clientWidth}`);
  return faults;
}"""


class InjectedWallet:
    """Answers what a page asks a wallet, with a real key; transactions go to the node."""

    def __init__(self, live: Live, wallet: Wallet) -> None:
        self._live = live
        self._wallet = wallet
        self.chain = LOCAL_CHAIN
        self.declines: set[str] = set()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """`{result}`, or `{error: {code, message}}` as EIP-1193 numbers them."""
        method, params = asked["method"], asked.get("params") or []
        if method in self.declines:
            return {"error": {"code": DECLINED, "message": "User rejected the request."}}
        if method in ("eth_requestAccounts", "eth_accounts"):
            return {"result": [self._wallet.address]}
        if method == "eth_chainId":
            return {"result": self.chain}
        if method == "wallet_switchEthereumChain":
            self.chain = params[0]["chainId"]
            return {"result": None}
        if method == "personal_sign":
            return {"result": self._wallet.sign(bytes.fromhex(params[0][2:]).decode())}
        if method == "eth_signTypedData_v4":
            signable = encode_typed_data(full_message=json.loads(params[1]))
            signed = Account.sign_message(signable, self._wallet.key)
            return {"result": "0x" + bytes(signed.signature).hex()}
        if method in _FORWARDED:
            return {"result": self._live.stage.node.rpc(method, *params)}
        return {"error": {"code": UNKNOWN_METHOD, "message": f"{method} is not known"}}


@dataclass
class Visitor:
    """One person's browser window. `faults`: what went wrong in it that nobody expected."""

    page: Page
    wallet: InjectedWallet | None
    url: str
    faults: list[str] = field(default_factory=list)
    refusals: set[int] = field(default_factory=set)  # statuses that this person is meant to meet

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def goes_to(self, path: str) -> Self:
        self.page.goto(self.url + path)
        return self

    def signs_in(self) -> Self:
        """By the button of the page that is open."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Connect wallet and sign in").click()
            self.page.get_by_role("button", name="Test Wallet").click()
        return self

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=20_000)

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def agrees(self, name: str) -> None:
        """To the dialog that is open; then the page is loaded anew."""
        with self.page.expect_navigation():
            self.page.locator("dialog[open]").get_by_role("button", name=name, exact=True).click()

    def photographs(self, name: str) -> None:
        """Each size into var/screenshots; whatever is wrong with the page is one of the faults."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png", full_page=True)
            self.faults += [f"{name} on a {size}: {fault}" for fault in self.page.evaluate(_FAULTS)]

    def _heard(self, message: ConsoleMessage) -> None:
        expected = any(f"status of {status}" in message.text for status in self.refusals)
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # A download and a page that is left end what is on its way.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.refusals:
            self.faults.append(f"{response.status} of {response.url}")


class Street:
    """Where visitors come from."""

    def __init__(self, live: Live, browser: Browser) -> None:
        self._live = live
        self._browser = browser
        self._visitors: list[Visitor] = []

    def visitor(self, wallet: Wallet | None = None) -> Visitor:
        """Somebody new, with a wallet or without."""
        width, height = SIZES["desktop"]
        page = self._browser.new_context(viewport={"width": width, "height": height}).new_page()
        injected = None if wallet is None else InjectedWallet(self._live, wallet)
        if injected is not None:
            page.context.expose_binding("liqpassTestWallet", lambda _, asked: injected.answer(asked))
            page.context.add_init_script(_WALLET_SCRIPT)
        visitor = Visitor(page, injected, self._live.service.url)
        self._visitors.append(visitor)
        return visitor

    def faults(self) -> list[str]:
        """Everything that went wrong at anybody's."""
        return [fault for visitor in self._visitors for fault in visitor.faults]

    def leave(self) -> None:
        """Close every window."""
        for visitor in self._visitors:
            visitor.page.context.close()
        self._visitors = []


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. Without one the test is skipped, but fails where CI=true promises it."""
    found = shutil.which("chromium")
    if found is None:
        told = "Chromium is not installed: tests of the pages need `chromium`"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()

"""What pages load is there, is ours, and does what the pages rely on."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import liqpass.entrypoints.web.pages as pages
import pytest
from liqpass.domain.merkle import Payout, PayoutTree, leaf_hash
from liqpass.domain.money import Usdc
from page_reader import Page
from web_world import BUYER, REVIEWER, WebWorld

FOLDER = Path(pages.__file__).parent
STATIC = FOLDER / "static"
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
VENDOR = STATIC / "vendor" / "merkle-tree.js"


def test_pages__everything_they_load__is_served(web: WebWorld) -> None:
    claim = web.claimed("trader", BUYER.address.lower())
    found = {
        reference
        for browser, path in (
            (web.browser(), "/"),
            (web.browser(BUYER), f"/policies/{claim.order_id}"),
            (web.browser(), f"/proof/{claim.proof_token}"),
            (web.desk(REVIEWER), "/console/held"),
        )
        for reference in Page(browser.get(path).text).references
    }

    assert all(reference.startswith("/static/") for reference in found)
    for reference in found:
        answer = web.browser().get(reference)
        assert answer.status_code == 200, reference
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template__static_references__exist_and_nothing_is_marked_safe(path: Path) -> None:
    text = path.read_text()

    for name in re.findall(r'"/static/([^"]+)"', text):
        assert (STATIC / name).is_file(), name
    assert not re.search(r"\|\s*safe\b|autoescape", text)
    assert not re.search(r"https?://", text.replace("http://www.w3.org", ""))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script__imports__exist_and_no_markup_is_made_of_text(path: Path) -> None:
    text = path.read_text()

    for name in re.findall(r'from "([^"]+)"', text):
        assert (path.parent / name).resolve().is_file(), name
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text
    )
    checked = subprocess.run(
        ["node", "--check", "--input-type=module"], input=text, text=True, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_style__names_no_other_place() -> None:
    text = (STATIC / "css" / "liqpass.css").read_text()

    assert "@import" not in text
    assert "url(" not in text


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_vendored_library__leaves_of_our_trees__are_verified(count: int) -> None:
    payouts = [
        Payout(20260122, number, f"0x{number:040x}", Usdc(number), bytes([number]) * 32)
        for number in range(1, count + 1)
    ]
    tree = PayoutTree.of(payouts)
    cases = [
        [hexed(tree.root), hexed(leaf_hash(payout)), [hexed(node) for node in tree.proof(index)]]
        for index, payout in enumerate(payouts)
    ]
    wrong = [hexed(tree.root), hexed(b"\x01" * 32), cases[0][2]]

    assert verified([*cases, wrong]) == [True] * count + [False]


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def verified(cases: list[list[object]]) -> list[bool]:
    """What the library in the browser would say of each root, leaf and proof."""
    script = (
        f'import {{ SimpleMerkleTree }} from "{VENDOR.as_uri()}";'
        f"console.log(JSON.stringify({json.dumps(cases)}.map((each) => SimpleMerkleTree.verify(...each))));"
    )
    answer = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return list(json.loads(answer.stdout))

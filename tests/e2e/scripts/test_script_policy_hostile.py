"""`ape run policy` on what others made to mislead or to stop it: feeds, files of terms, references."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from operator_world import DEPLOYER
from policy_world import INSURERS, PolicyWorld

FOR_EVER = "0x5b5f56"
NO_INSTRUCTION = "0xfe"


@pytest.mark.parametrize("code", [FOR_EVER, NO_INSTRUCTION])
def test_show_and_list__feed_that_no_node_can_read__shown_all_the_same(
    policies: PolicyWorld, code: str
) -> None:
    name = policies.active()
    policies.world.node.rpc("anvil_setCode", policies.feed.address, code)

    output = policies.done("list", "--json", account=None)
    (listed,) = json.loads(output[output.index("[") :])

    assert (listed["policy"], listed["state"]) == (name, "Active")
    for words in (listed["feedDescription"], listed["notes"][0]):
        assert "cannot be read" in words or "does not answer" in words
    assert name in policies.done("show", name, account=None)


def test_accept__description_in_letters_that_look_like_others__shown_in_ascii(policies: PolicyWorld) -> None:
    look_alike = "\u041aE081 2026-03-15 ICN departure delay, minutes"
    policies.world.send(policies.feed.functions.setDescription(look_alike), DEPLOYER)
    name = policies.drafted(feed_description=look_alike)
    policies.done("open", name)

    output = policies.done("accept", name, "--dry-run", account=INSURERS[0])

    assert r"'\u041aE081 2026-03-15 ICN departure delay, minutes'" in output


def test_accept__description_of_many_screens__cut(policies: PolicyWorld) -> None:
    name = policies.opened()
    policies.world.send(policies.feed.functions.setDescription("KE081" + "\n" * 995), DEPLOYER)

    output = policies.done("accept", name, "--dry-run", account=INSURERS[0])

    assert "… of 1000 characters" in output
    assert len(output.splitlines()) < 60


def test_accept__windows_of_odd_lengths__shown_exactly(policies: PolicyWorld) -> None:
    name = policies.drafted(approval_window_s=7_199, claim_grace_s=2 * 3_600)
    policies.done("open", name)

    output = policies.done("accept", name, "--dry-run", account=INSURERS[0])

    assert "1 hours and 3599 seconds after a claim, then anyone may approve" in output
    assert "or 2 hours after a rejection, if that is later" in output


FILES = {
    "key twice": ("beneficiary: '0x{0:040x}'\nbeneficiary: '0x{0:040x}'", "twice: beneficiary"),
    "few lines for gigabytes": (
        "a: &a [{0}, {0}]\n" + "".join(f"{b}: &{b} [{', '.join(9 * ['*' + a])}]\n" for a, b in ("ab", "bc")),
        "anchors are not used here",
    ),
    "list in list": ("[" * 60_000, "nested deeper than 16 levels"),
    "a level too many": (f"beneficiary: {'[' * 16}{']' * 16}", "nested deeper than 16 levels"),
    "no such day": ("departure: 2026-02-30T10:00:00Z", "is not YAML"),
    "number of many digits": (f"threshold_minutes: {'9' * 5_000}", "is not YAML"),
    "number of many bits": (f"threshold_minutes: 0x{'f' * 5_000}", "a number of more than 64 bits"),
    "time of many bits": (f"departure: 0x{'f' * 5_000}", "a number of more than 64 bits"),
}


@pytest.mark.parametrize("name", FILES)
def test_accept__leaders_file_that_harms_its_reader__refused(
    policies: PolicyWorld, tmp_path: Path, name: str
) -> None:
    text, words = FILES[name]
    file = tmp_path / "terms.yaml"
    file.write_text(text.format(7) if "{" in text else text)

    policies.refused(words, "accept", policies.name, "--terms", str(file), account=INSURERS[0])


@pytest.mark.parametrize("changes", [{"route": "r" * 17}, {"flight": "K\u00c9"}, {"threshold_minutes": -1}])
def test_accept__leaders_file_of_no_possible_policy__refused(
    policies: PolicyWorld, changes: dict[str, object]
) -> None:
    words = "has terms that no policy can have"

    policies.refused(
        words, "accept", policies.name, "--terms", policies.terms(**changes), account=INSURERS[0]
    )


def register(policies: PolicyWorld, book: Path, reference: str) -> list[str]:
    amounts = ["--premium", "0.02", "--coverage", "0.30"]
    return ["register", policies.name, "--reference", reference, "--book", str(book), *amounts]


@pytest.mark.parametrize("reference", ["A\u2028B", "A\x1b[2J", "A\udc80"])
def test_register__reference_that_cannot_be_printed__refused(
    policies: PolicyWorld, tmp_path: Path, reference: str
) -> None:
    policies.drafted()

    result = policies.ape(*register(policies, tmp_path / "book.jsonl", reference))

    assert (result.exit_code, "characters that cannot be printed" in result.output) == (2, True)
    assert not (tmp_path / "book.jsonl").exists()


def test_register__book_with_a_line_separator_in_a_reference__still_read(
    policies: PolicyWorld, tmp_path: Path
) -> None:
    policies.drafted()
    book = tmp_path / "book.jsonl"
    policies.done(*register(policies, book, "A-1001"))
    book.write_text(book.read_text().replace("A-1001", "A\u20281001"))

    policies.done(*register(policies, book, "A-1002"))

    assert len(book.read_text().split("\n")) == 3

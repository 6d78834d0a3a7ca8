"""`ape run policy register`: a salted hash goes on chain, and the salt stays with the leader."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from liqpass.domain.parametric.policyholder import policyholder_ref
from policy_world import ANYONE, DEPARTURE_S, LEADER, ONE_USDC, PolicyWorld

REFERENCE = "booking A-1001 of Müller"
AMOUNTS = ["--premium", "0.02", "--coverage", "0.60"]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "leader" / "policyholders.jsonl"


def register(policies: PolicyWorld, book: Path, *options: str, reference: str = REFERENCE) -> list[str]:
    return ["register", policies.name, "--reference", reference, "--book", str(book), *(options or AMOUNTS)]


def test_register__a_policyholder__hash_on_chain_and_salt_in_the_private_book(
    policies: PolicyWorld, book: Path
) -> None:
    policies.drafted()

    output = policies.done(*register(policies, book))

    (entry,) = [json.loads(line) for line in book.read_text("utf-8").splitlines()]
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
    ref = policyholder_ref(bytes.fromhex(entry["salt"]), REFERENCE)
    assert entry == {
        "policy": policies.name,
        "reference": REFERENCE,
        "premiumUsdc": "0.02",
        "coverageUsdc": "0.60",
        "salt": entry["salt"],
        "ref": ref.hex(),
    }
    assert policies.event("PolicyholderRegistered", output) == {
        "id": policies.number,
        "ref": ref,
        "index": 0,
        "premium": 20_000,
        "coverage": 600_000,
    }
    assert f"registered as 0x{ref.hex()}" in output
    transaction = next(line for line in output.splitlines() if line.startswith("transaction ")).split()[1]
    sent = bytes(policies.world.web3.eth.get_transaction(transaction)["input"])
    assert bytes.fromhex(entry["salt"]) not in sent
    assert REFERENCE.encode() not in sent
    journals = b"".join(path.read_bytes() for path in (policies.world.folder / "journal").iterdir())
    assert bytes.fromhex(entry["salt"]) not in journals
    assert entry["salt"].encode() not in journals


def test_register__the_same_reference_again__sends_nothing(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    policies.done(*register(policies, book))
    before = policies.world.nonces(), book.read_text()

    output = policies.done(*register(policies, book))

    assert "registered already as 0x" in output
    assert (policies.world.nonces(), book.read_text()) == before


def test_register__interrupted_after_the_book_was_written__goes_on_with_its_salt(
    policies: PolicyWorld, book: Path
) -> None:
    policies.drafted()
    state = policies.world.node.snapshot()
    policies.done(*register(policies, book))
    kept = book.read_text()
    policies.world.node.revert(state)  # as if it had never been sent
    for journal in (policies.world.folder / "journal").iterdir():
        journal.unlink()

    output = policies.done(*register(policies, book))

    assert book.read_text() == kept
    assert policies.event("PolicyholderRegistered", output)["ref"].hex() == json.loads(kept)["ref"]


def test_register__two_references__two_salts(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    policies.done(*register(policies, book))

    policies.done(
        *register(policies, book, "--premium", "0.00", "--coverage", "0.40", reference="booking B-2")
    )

    salts = [json.loads(line)["salt"] for line in book.read_text("utf-8").splitlines()]
    assert len({*salts}) == 2
    assert policies.contract.functions.policies(policies.number).call()[-1] == ONE_USDC


def test_register__dry_run__neither_sends_nor_writes(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    before = policies.world.nonces()

    assert "dry run: nothing was sent" in policies.done(*register(policies, book), "--dry-run")

    assert policies.world.nonces() == before
    assert not book.exists()


def test_register__more_than_the_payout__refused(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    policies.done(*register(policies, book))

    policies.refused(
        "of the payout 0.40 USDC is not covered yet, not 0.60", *register(policies, book, reference="other")
    )


def test_register__other_amounts_for_the_same_reference__refused(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    policies.done(*register(policies, book))

    policies.refused("with other amounts", *register(policies, book, "--premium", "1", "--coverage", "0.10"))


def test_register__not_the_leader_or_too_late__refused(policies: PolicyWorld, book: Path) -> None:
    policies.funded()
    leader = policies.world.address(LEADER)

    policies.refused(f"only leader {leader} may", *register(policies, book), account=ANYONE)
    policies.at(DEPARTURE_S)
    policies.refused("too late to register", *register(policies, book))
    assert not book.exists()


def test_register__book_readable_by_others__refused(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    policies.done(*register(policies, book))
    book.chmod(0o640)

    policies.refused("has mode 0640: others must not read it", *register(policies, book, reference="other"))


def test_register__book_that_is_none__refused(policies: PolicyWorld, book: Path) -> None:
    policies.drafted()
    book.parent.mkdir()
    book.write_text("not a book\n")
    book.chmod(0o600)

    policies.refused("is no book of policyholders", *register(policies, book))

"""`ape run policy create`: everything is checked before anything is sent, and a file makes one policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from liqpass.domain.parametric.terms import hash_arguments
from operator_world import DEPLOYER
from policy_world import (
    ACTIVE_FROM_S,
    ACTIVE_TO_S,
    BENEFICIARY,
    DEADLINE_S,
    DEPARTURE_S,
    GRACE_S,
    INSURERS,
    LEADER,
    OTHER_INSURER,
    PAYOUT,
    POLICY_OPERATOR,
    WINDOW_S,
    PolicyWorld,
)


def test_create__the_documents_policy__drafted_with_its_terms_and_the_escrows_shown(
    policies: PolicyWorld,
) -> None:
    output = policies.done("create", policies.terms())

    address, name = policies.world.address, policies.name
    event = policies.event("PolicyCreated", output)
    terms = {
        "route": b"ICN-JFK".ljust(16, b"\0"),
        "flightNo": b"KE081".ljust(16, b"\0"),
        "departure": DEPARTURE_S,
        "thresholdMinutes": 120,
        "payout": PAYOUT,
        "beneficiary": address(BENEFICIARY),
        "operator": address(POLICY_OPERATOR),
        "feed": policies.feed.address,
        "feedDescriptionHash": policies.world.web3.keccak(
            text="KE081 2026-03-15 ICN departure delay, minutes"
        ),
        "underwritingDeadline": DEADLINE_S,
        "activeFrom": ACTIVE_FROM_S,
        "activeTo": ACTIVE_TO_S,
        "approvalWindow": WINDOW_S,
        "claimGrace": GRACE_S,
    }
    shares = list(zip(map(address, INSURERS), (4000, 3500, 2500), strict=True))
    agreed = hash_arguments(list(terms.values()), shares)
    assert event == {
        "id": policies.number,
        "leader": address(LEADER),
        "termsHash": agreed,
        "terms": terms,
        "shares": [{"insurer": insurer, "bps": bps} for insurer, bps in shares],
    }
    assert output.endswith(f"policy {name}\n")
    assert f"terms hash 0x{agreed.hex()}" in output
    rows = [line.split() for line in output.splitlines()]
    for index, (insurer, escrow) in enumerate(zip(INSURERS, ("0.40", "0.35", "0.25"), strict=True)):
        assert any(row[:2] == [str(index), address(insurer)] and row[-1] == escrow for row in rows)
    assert policies.state == "Draft"


def test_create__the_same_file_again__sends_nothing_and_names_the_same_policy(policies: PolicyWorld) -> None:
    name = policies.drafted()
    before = policies.world.nonces()

    output = policies.done("create", policies.terms())

    assert "created already" in output
    assert output.endswith(f"policy {name}\n")
    assert policies.world.nonces() == before


def test_create__the_same_file_after_it_failed__drafts_another(policies: PolicyWorld) -> None:
    name = policies.drafted()
    policies.done("fail", name)

    again = policies.drafted()

    assert (name[-2:], again[-2:]) == ("/1", "/2")
    assert again[:-1] == name[:-1]


def test_create__two_files__two_policies(policies: PolicyWorld) -> None:
    names = [policies.drafted(), policies.drafted(payout="2.00")]

    assert [name[-2:] for name in names] == ["/1", "/2"]


def test_create__dry_run__shows_the_escrows_and_sends_nothing(policies: PolicyWorld) -> None:
    before = policies.world.nonces()

    output = policies.done("create", policies.terms(), "--dry-run")

    assert "dry run: nothing was sent" in output
    assert "0.35" in output
    assert policies.world.nonces() == before
    assert policies.state == "None"


def test_create__everything_wrong__every_fault_at_once(policies: PolicyWorld) -> None:
    insurer = policies.world.address(INSURERS[0])
    shares = [{"insurer": insurer, "bps": 5000}, {"insurer": insurer, "bps": 4000}]

    output = policies.refused(
        "share 1 has the same insurer as share 0",
        "create",
        policies.terms(threshold_minutes=125, claim_grace_s=60, shares=shares),
    )

    for words in (
        "threshold 125 is not a multiple of 10",
        "claim grace 60 s is outside 3600..2592000 s",
        "the shares add up to 9000 bps",
        "nothing was sent",
    ):
        assert words in output


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"premium": "1.00"}, "unknown key 'premium'"),
    "deadline has passed": ({"underwriting_deadline": 1_773_446_400}, "is not after now"),
    "no feed there": ({"feed": "0x" + "fe" * 20}, "does not answer as a feed"),
    "another flight's feed": ({"feed_description": "KE082"}, "the terms are for 'KE082'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_create__terms_that_cannot_be__refused(policies: PolicyWorld, name: str) -> None:
    changes, words = FAULTS[name]

    policies.refused(words, "create", policies.terms(**changes))


def test_create__beneficiary_is_usdc__refused(policies: PolicyWorld) -> None:
    policies.refused("is USDC", "create", policies.terms(beneficiary=policies.world.usdc.address))


def test_create__feed_with_decimals__refused(policies: PolicyWorld) -> None:
    policies.world.send(policies.feed.functions.setDecimals(8), DEPLOYER)

    policies.refused("has 8 decimals instead of 0", "create", policies.terms())


def test_create__not_yaml__refused(policies: PolicyWorld, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    file.write_text("shares: [")

    policies.refused("is not YAML", "create", str(file))


def test_replace__wrong_share_insurer_or_account__refused(policies: PolicyWorld) -> None:
    name = policies.opened()
    policies.accept(0, INSURERS[0])
    other, second = policies.world.address(OTHER_INSURER), policies.world.address(INSURERS[1])

    policies.refused("the last is 2", "replace", name, "--share", "3", "--insurer", other)
    policies.refused("replace is not possible", "replace", name, "--share", "0", "--insurer", other)
    policies.refused("insures share 1 already", "replace", name, "--share", "2", "--insurer", second)
    policies.refused(
        f"{second} may not replace: only leader {policies.world.address(LEADER)} may",
        "replace",
        name,
        "--share",
        "2",
        "--insurer",
        other,
        account=INSURERS[1],
    )

"""`liqpass evidence`: hand a claim's evidence out, and verify it against the chain without a database."""

from __future__ import annotations

import json
from pathlib import Path

import click

from liqpass.domain.evidence import parse_bundle
from liqpass.domain.identifiers import format_bytes32
from liqpass.entrypoints.cli.session import Session, json_option, pass_session, show_json
from liqpass.payouts.proving import Check, parse_proof, verify


@click.group()
def evidence() -> None:
    """A claim's bundle: what its decision rests on, and its proof on chain."""


@evidence.command()
@click.argument("claim_id")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder; default: this one.",
)
@pass_session
def export(session: Session, claim_id: str, out: Path) -> None:
    """Write evidence-<claim>.json and, once the claim is in a batch, proof-<claim>.json."""
    use_cases = session.app.use_cases
    out.mkdir(parents=True, exist_ok=True)
    bundle = out / f"evidence-{claim_id}.json"
    bundle.write_bytes(use_cases.replaying.bundle(claim_id))
    click.echo(f"wrote {bundle}")
    claim, _ = use_cases.reviewing.show(claim_id)
    if claim.batch_id is None:
        click.echo("no proof yet: the claim is in no batch", err=True)
        return
    proof = out / f"proof-{claim_id}.json"
    proof.write_text(json.dumps(use_cases.exporting.proof(claim_id), indent=2), "utf-8")
    click.echo(f"wrote {proof}")


@evidence.command("verify")
@click.argument("bundle_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--proof",
    "proof_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Leaf and Merkle proof; with it the bundle is verified against the chain.",
)
@json_option
@pass_session
def verify_command(session: Session, bundle_file: Path, proof_file: Path | None, as_json: bool) -> None:
    """Check bundle, hash, leaf and proof against the vault; needs no database. Exit code 1 if one fails.

    It proves that the evidence is unchanged since the batch was approved, not that OKX said it.
    """
    data = bundle_file.read_bytes()
    bundle = parse_bundle(data)
    if proof_file is None:
        checks = [Check("the bundle has its schema and its bodies their hashes", True)]
        checks.append(Check("the file is in canonical form", data == bundle.canonical()))
    else:
        checks = verify(data, parse_proof(proof_file.read_bytes()), session.app.chain)
    answer = {
        "evidenceHash": format_bytes32(bundle.evidence_hash),
        "policyNo": str(bundle.policy_no),
        "checks": [{"check": check.what, "passed": check.passed, "note": check.note} for check in checks],
    }
    if as_json:
        show_json(answer)
    else:
        click.echo(f"policy {bundle.policy_no}, evidence hash {answer['evidenceHash']}")
        for check in checks:
            note = f" ({check.note})" if check.note else ""
            click.echo(f"  {'ok  ' if check.passed else 'FAIL'} {check.what}{note}")
    if not all(check.passed for check in checks):
        raise click.ClickException("the evidence does not verify")

"""`ape run policy create`, `open`, `replace` and `fail`: a leader brings insurers together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from ape.api import ProviderAPI
from eth_abi.exceptions import EncodingError
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import format_usdc
from liqpass.domain.parametric.escrow import escrows
from liqpass.domain.parametric.life import Action, PolicyState
from liqpass.domain.parametric.policy import format_policy_id, policy_id
from liqpass.domain.parametric.terms import Share, Terms, terms_hash
from liqpass.domain.parametric.terms_check import Surroundings, TermsError, check
from liqpass.domain.parametric.terms_file import parse_terms
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from scripts._operator import Address, Operator, OperatorCommand, RefusedError, Site, operator_options, refuse
from scripts._policy import POLICY, Policies, change_state, send
from scripts._sending import Step, calldata, perform, tell_transaction
from scripts._strict_yaml import load_strict
from scripts._tables import wide_console

_MAX_BYTES = 64 * 1024


@click.command(cls=OperatorCommand)
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@operator_options
def create(provider: ProviderAPI, file: Path, deployments: Path, **options: Any) -> None:
    """Draft a policy from a YAML FILE of terms and shares, with --account as its leader; once a file.

    Everything is checked before anything is sent, the feed on the chain too, and what each insurer will
    escrow is shown. docs/examples/ke081.yaml is such a file. Ends with the line `policy 0x…/N`.

    \b
    ape run policy create ke081.yaml --account leader --network base:mainnet
    """
    terms, shares = read_terms(file)
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    wanted, leader = terms_hash(terms, shares), operator.address
    earlier = policies.reader.created(policies.reader.first_block, policies.head.number, leader=leader)
    for log in earlier:
        if log.terms_hash == wanted and _is_alive(policies, log.number):
            click.echo(f"created already, in transaction {log.tx_hash}: nothing was sent")
            click.echo(f"policy {format_policy_id(log.number)}")
            return
    try:
        check(terms, shares, _surroundings(policies, terms))
    except TermsError as error:
        refuse(error.faults)
    wide_console().print(_escrow_table(terms, shares))
    click.echo(f"terms hash 0x{wanted.hex()}")
    before = policies.contract.functions.sequences(leader).call()

    def made(block: BlockId) -> int | None:
        last = policies.contract.functions.sequences(leader).call(block_identifier=block)
        for sequence in range(before + 1, last + 1):
            number = policy_id(leader, sequence)
            if bytes(policies.contract.functions.policies(number).call(block_identifier=block)[0]) == wanted:
                return number
        return None

    step = Step(
        f"policy/{policies.contract.address}/create/{wanted.hex()}",
        policies.contract.address,
        calldata(
            policies.contract,
            "createPolicy",
            _checksummed(terms.as_arguments()),
            [_checksummed(share.as_arguments()) for share in shares],
        ),
        f"draft a policy on {terms.flight} {terms.route} of {format_usdc(terms.payout)} USDC",
        lambda block: made(block) is not None,
        again=True,
    )
    for outcome in perform(operator, f"Open Parametric policy on {terms.flight}", [step]):
        number = made("latest")
        if number is None:
            raise RefusedError("the chain has no such policy any more: run this again")
        click.echo(f"drafted; next, `ape run policy open {format_policy_id(number)}`")
        tell_transaction(outcome)
        click.echo(f"policy {format_policy_id(number)}")


@click.command("open", cls=OperatorCommand)
@POLICY
@operator_options
def open_(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Let the insurers of POLICY accept or reject their shares. Leader, of a draft.

    \b
    ape run policy open 0x…/1 --account leader --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    change_state(policies, operator, policies.policy(number), Action.OPEN, "openUnderwriting")


@click.command(cls=OperatorCommand)
@POLICY
@click.option("--share", "index", type=click.IntRange(0, 15), required=True, help="Which share, from 0.")
@click.option("--insurer", type=Address(), required=True, help="Who insures it instead.")
@operator_options
def replace(
    provider: ProviderAPI, number: int, index: int, insurer: str, deployments: Path, **options: Any
) -> None:
    """Assign a share of POLICY that is not accepted to another insurer. Leader, before it is funded.

    The terms' hash changes: who has accepted keeps the same escrow, who has not must look again.

    \b
    ape run policy replace 0x…/1 --share 2 --insurer 0x… --account leader --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    if index >= len(policy.shares):
        refuse([f"{policy.name} has {len(policy.shares)} shares: the last is {len(policy.shares) - 1}"])
    found = list(policies.refusals(policy, Action.REPLACE, operator.address, index))
    holder = policy.share_of(insurer)
    if holder is not None:
        found.append(f"{insurer} insures share {holder} already")
    refuse(found)

    def done(block: BlockId) -> bool:
        shares = policies.contract.functions.shares(number).call(block_identifier=block)
        return bool(shares[index][0] == insurer)

    sent = send(
        policies,
        operator,
        policy,
        [
            Step(
                policies.key(policy, "replace", index, insurer),
                policies.contract.address,
                calldata(policies.contract, "replaceShare", number, index, insurer),
                f"assign share {index} of {policy.name} to {insurer}",
                done,
                again=True,
            )
        ],
    )
    if sent:
        now = bytes(policies.contract.functions.policies(number).call()[0])
        click.echo(f"terms hash 0x{now.hex()}")


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def fail(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """End the underwriting of POLICY, so that escrows can be refunded. Leader; after the deadline anyone.

    A funded policy cannot be failed: its cover could be taken away when the flight turns out late.

    \b
    ape run policy fail 0x…/1 --account leader --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    change_state(policies, operator, policies.policy(number), Action.FAIL, "failUnderwriting")


def read_terms(file: Path) -> tuple[Terms, tuple[Share, ...]]:
    """Terms and shares of a YAML file. Raises RefusedError with every fault."""
    if file.stat().st_size > _MAX_BYTES:
        raise RefusedError(f"{file} has more than {_MAX_BYTES} bytes: that is no file of terms")
    try:
        return parse_terms(load_strict(file.read_bytes()))
    except yaml.YAMLError as error:
        raise RefusedError(f"{file} is not YAML: {' '.join(str(error).split())}; nothing was sent") from None
    except TermsError as error:
        lines = "\n".join(f"  {fault}" for fault in error.faults)
        raise RefusedError(f"{file} has {len(error.faults)} faults, nothing was sent:\n{lines}") from None


def agreed_hash(file: Path) -> bytes:
    """The hash of a file's terms and shares. Raises RefusedError where no policy can have such."""
    try:
        return terms_hash(*read_terms(file))
    except (EncodingError, UnicodeError):
        raise RefusedError(f"{file} has terms that no policy can have; nothing was sent") from None


def _is_alive(policies: Policies, number: int) -> bool:
    gone = (PolicyState.NONE, PolicyState.FAILED)
    return policies.reader.state(number, policies.head.number) not in gone


def _surroundings(policies: Policies, terms: Terms) -> Surroundings:
    decimals, description = policies.reader.feed_itself(terms.feed, policies.head.number) or (None, None)
    return Surroundings(
        now_s=policies.head.time_s,
        contract=policies.contract.address.lower(),
        usdc=str(policies.site.record.usdc).lower(),
        feed_decimals=decimals,
        feed_description=description,
    )


def _escrow_table(terms: Terms, shares: Sequence[Share]) -> Table:
    title = Text(f"{terms.flight} {terms.route}, payout {format_usdc(terms.payout)} USDC")
    table = Table(box=SIMPLE, title=title, title_justify="left", show_footer=True)
    parts = escrows(terms.payout, [share.bps for share in shares])
    table.add_column("share", footer="in all")
    table.add_column("insurer", overflow="fold")
    table.add_column("bps", justify="right", footer=str(sum(share.bps for share in shares)))
    table.add_column("will escrow, USDC", justify="right", footer=format_usdc(terms.payout))
    for index, (share, escrow) in enumerate(zip(shares, parts, strict=True)):
        table.add_row(str(index), checksum_address(share.insurer), str(share.bps), format_usdc(escrow))
    return table


def _checksummed(values: Sequence[object]) -> list[object]:
    """web3.py encodes addresses in EIP-55 form only."""
    return [
        checksum_address(value) if isinstance(value, str) and value.startswith("0x") else value
        for value in values
    ]

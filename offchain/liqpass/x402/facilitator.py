"""Settle insured payments in a few lines, for the application beside it:

    with insured_facilitator("settler.json") as facilitator:
        with insured_service(keyfile="provider.json", facilitator=facilitator) as service:
            insure(app, routes, service)
            uvicorn.run(app)

`liqpass x402 facilitator` is the same over HTTP, for providers elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from liqpass.adapters.chain.errors import SigningError
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.answer_log import Answered
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.bootstrap import Application
from liqpass.settings import Settings, read_settings
from liqpass.x402.site import MAX_FEE_GWEI, open_site

__all__ = ["Answered", "InsuredFacilitator", "insured_facilitator"]

log = logging.getLogger("liqpass.x402")
# The SDK's HTTP client waits for 30 s: so long in the queue, then BUSY; so long in a lane, then "pending".
_QUEUED_S, _SETTLING_S = 15.0, 12.0
# Each wait in a lane counts anew how long its transaction is stuck: within it that has to be told.
_STUCK_S = _SETTLING_S / 2
_MOST_POLL_S = 0.5  # blocks come every 2 s, and a lane is not free before it has seen them
# What every settlement goes through is not worth a line.
_TOLD = (
    EventKind.RESUMED,
    EventKind.REORGED,
    EventKind.BUMPED,
    EventKind.FEE_CAP_REACHED,
    EventKind.WAITING,
    EventKind.NO_ANSWER,
    EventKind.NONCE_LOST,
    EventKind.FAILED,
)


@contextlib.contextmanager
def insured_facilitator(
    *keyfiles: Path | str,
    settings: Settings | None = None,
    journal: Path | str | None = None,
    max_fee_gwei: float = MAX_FEE_GWEI,
    factories: Sequence[str] = (),
    on_answer: Callable[[Answered], None] = lambda _: None,
) -> Iterator[InsuredFacilitator]:
    """The facilitator with the accounts in `keyfiles`: providers name them with `setSettler`, they pay gas.

    So many settlements are in flight at a time. `settings` are by default the environment's: node, chain,
    deployment record, and the keyfiles' passphrase in LIQPASS_SETTLER_PASSPHRASE or
    LIQPASS_SETTLER_PASSPHRASE_FILE. `journal`, by default theirs, is the
    folder of what is on its way: kept, a restart goes on with it. `factories` may create a payer's smart
    wallet (ERC-6492).

    Raises SettingsError, SigningError, DeploymentError, WrongChainError, RpcError, ports' ChainError,
    JournalError (JournalBusyError: another process settles with that account).
    """
    app = Application(settings or read_settings())
    site = open_site(app)
    passphrase = app.settings.settler_secret()
    signers = [LocalSigner(read_keyfile(Path(keyfile), passphrase)) for keyfile in keyfiles]
    if not signers:
        raise SigningError("name the keyfile of a settler")
    if len({signer.address for signer in signers}) < len(signers):
        raise SigningError("two keyfiles are of one account: each lane needs its own")
    policy = Policy.of(max_fee_gwei, live=not app.settings.is_local)
    with InsuredFacilitator.open(
        site,
        signers,
        settling_policy(policy),
        journal_folder=Path(journal) if journal else app.settings.journals,
        on_event=_say,
        factories=factories,
        on_answer=on_answer,
        begun_within_s=_QUEUED_S,
    ) as facilitator:
        yield facilitator


def settling_policy(policy: Policy) -> Policy:
    """How a lane sends: its waits are short, and within one a stuck transaction is offered more."""
    return replace(
        policy,
        timeout_s=_SETTLING_S,
        poll_s=min(policy.poll_s, _MOST_POLL_S),
        bump_after_s=min(policy.bump_after_s, _STUCK_S),
    )


def _say(event: Event) -> None:
    if event.kind in _TOLD:
        log.info("%s key=%s tx=%s %s", event.kind.value, event.key, event.tx_hash or "-", event.text)

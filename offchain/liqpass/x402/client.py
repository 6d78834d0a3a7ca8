"""For those who pay: an x402 client that signs only what a bond covers, and keeps a receipt of each payment.

    import os
    from eth_account import Account
    from liqpass.x402.client import guarded
    from x402 import x402ClientSync
    from x402.http.clients import x402_requests
    from x402.mechanisms.evm.exact import register_exact_evm_client
    from x402.mechanisms.evm.signers import EthAccountSigner

    client = x402ClientSync()
    client.set_spend_controls(False)  # the guard's are narrower: one USDC, and no more than `most`
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(os.environ["CLIENT_KEY"])))
    with guarded(client, most="0.10") as payments:
        answer = x402_requests(client).get(os.environ["URL"], timeout=60, allow_redirects=False)
        print(answer.status_code, answer.text)
        print("to be claimed by", "0x" + payments.receipts()[-1].commitment.hex())

Contract, chain and node come from LIQPASS_DEPLOYMENT, LIQPASS_CHAIN_ID and LIQPASS_RPC_URL, receipts go to
LIQPASS_RECEIPTS. A payment that is refused ends in the SDK's PaymentError, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from x402 import x402Client, x402ClientSync

from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.x402.guard import Guard
from liqpass.adapters.x402.receipts import Receipts
from liqpass.adapters.x402.trusted_contract import TrustedContract
from liqpass.bootstrap import Application
from liqpass.domain.identifiers import parse_address
from liqpass.domain.money import parse_usdc
from liqpass.domain.x402.guarding import USUAL_MAX_TIMEOUT_MINUTES, InsurableOffer, Limits
from liqpass.domain.x402.insured_settlement import PaymentRefusedError
from liqpass.domain.x402.receipts import Answer, Receipt, ReceiptState, Standing, disagreements, receipt_state
from liqpass.settings import Settings, read_settings

__all__ = [
    "Answer",
    "Guard",
    "GuardedPayments",
    "InsurableOffer",
    "Limits",
    "PaymentRefusedError",
    "Receipt",
    "ReceiptState",
    "Receipts",
    "Standing",
    "TrustedContract",
    "disagreements",
    "guarded",
    "receipt_state",
    "trusted_contract",
]
_RPC_TRIES = 2


class GuardedPayments:
    """What a guarded client has signed. Made by `guarded`."""

    def __init__(self, trusted: TrustedContract, store: Receipts) -> None:
        self._trusted, self._store = trusted, store

    def receipts(self) -> list[Receipt]:
        """Every receipt of this contract in the store, the oldest first. Raises JournalError."""
        return self._store.of(self._trusted.insurance)

    def state(self, receipt: Receipt) -> ReceiptState:
        """What the chain says has become of it. Raises ChainError of either tree."""
        return receipt_state(receipt, self._trusted.standing(receipt, self._trusted.reader.head()))


@contextmanager
def guarded(
    client: x402Client | x402ClientSync,
    *,
    most: str | None,
    providers: Iterable[str] = (),
    max_timeout_minutes: int = USUAL_MAX_TIMEOUT_MINUTES,
    settings: Settings | None = None,
    receipts: Path | None = None,
) -> Iterator[GuardedPayments]:
    """Guard a client of the SDK. After the end it refuses every payment: it never pays unguarded.

    `most`: USDC a payment such as "0.10", None for whatever the client's own spend controls allow.
    `providers`: whom to pay; left out, whoever an offer names, if its bond covers it.
    `max_timeout_minutes`: most until what is not served can be claimed, up to 10080. `settings` and
    `receipts` instead of the environment's. Raises SettingsError, DeploymentError, MoneyError, X402Error,
    IdentifierError, JournalError, and ChainError of either tree: without its node a client pays nothing.
    """
    limits = Limits(
        None if most is None else parse_usdc(most),
        frozenset(parse_address(each) for each in providers),
        max_timeout_minutes,
    )
    app = Application(settings or read_settings())
    trusted = trusted_contract(app)
    with Receipts.open(receipts or app.settings.receipts_path()) as store:
        guard = Guard(trusted, limits, store)
        guard.install(client)
        try:
            yield GuardedPayments(trusted, store)
        finally:
            guard.close()


def trusted_contract(app: Application) -> TrustedContract:
    """The contract of the deployment record on the node of the settings. Raises as `guarded`."""
    rpc = Web3Rpc.connect(app.settings.rpc_url.get_secret_value(), tries=_RPC_TRIES)
    return TrustedContract.open(rpc, app.bonds, app.insurance)

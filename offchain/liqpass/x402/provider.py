"""Insure a FastAPI application's paid routes in three lines:

    with insured_service(keyfile="provider.json") as service:
        insure(app, {"GET /work": service.paid("0.10")}, service)
        uvicorn.run(app)

Every x402 client, unchanged, is then covered by the provider's bond. What was served is confirmed, a 5xx to
an upfront payment is refunded, a 202 is a promise that `service.delivered(commitment_of(request, service))`
keeps.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from eth_utils.address import to_checksum_address
from fastapi import FastAPI
from starlette.requests import Request
from x402 import AssetAmount, x402ResourceServer
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.http.facilitator_client import CreateHeadersAuthProvider
from x402.http.types import PaymentOption, RouteConfig
from x402.mechanisms.evm.exact import register_exact_evm_server
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse
from x402.schemas.hooks import SettleFailureContext, VerifyFailureContext
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequirementsV1

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.premium_calls import TokenDomain, read_domain
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402 import insured_api
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.in_process import InProcessFacilitator
from liqpass.adapters.x402.insured_service import InsuredService, NotAwaitedError
from liqpass.adapters.x402.payment_checks import Site
from liqpass.bootstrap import Application
from liqpass.domain.identifiers import checksum_address, parse_address
from liqpass.domain.money import format_usdc, parse_usdc
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import SCHEME, TIMEOUT_FIELD, InsuredProvider
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.settings import Settings, read_settings
from liqpass.x402.site import MAX_FEE_GWEI, open_site

__all__ = ["NotAwaitedError", "ProviderService", "commitment_of", "insure", "insured_service"]

log = logging.getLogger("liqpass.x402")
_SHOWN = 300  # characters of a reason


@dataclass(frozen=True, slots=True)
class ProviderService:
    """One provider's insured service: what `insure` puts before an application. Made by `insured_service`.

    `server` is the SDK's; `network` as x402 writes it, `eip155:8453`.
    """

    deliveries: InsuredService
    server: x402ResourceServer
    network: str
    token: TokenDomain

    @property
    def provider(self) -> str:
        """Whose bond it is, in EIP-55 form."""
        return checksum_address(self.deliveries.provider.provider)

    @property
    def payment_address(self) -> str:
        """Where its clients pay, in EIP-55 form: the `payTo` of every insured payment."""
        site, provider = self.deliveries.site, self.deliveries.provider
        return checksum_address(payment_address(site.insurance, provider.provider))

    def price(self, usdc: str) -> AssetAmount:
        """`"0.10"` of the insured USDC, for an option written by hand. Raises MoneyError, X402Error."""
        amount = parse_usdc(usdc)
        if amount == 0:
            raise X402Error("a price of nothing cannot be insured")
        domain = {"name": self.token.name, "version": self.token.version}
        return AssetAmount(amount=str(amount), asset=self.token.token, extra=domain)

    def paid(
        self, usdc: str, *, upfront: bool = False, timeout_minutes: int | None = None, valid_s: int = 300
    ) -> RouteConfig:
        """A route that costs so much. `upfront`: paid before the work, not after it.

        `timeout_minutes`: after them whoever was not served is paid back, by default the service's.
        `valid_s`: how long the client's signature holds. Raises MoneyError, X402Error.
        """
        extra: dict[str, object] = {"paymentFlow": "upfront"} if upfront else {}
        if timeout_minutes is not None:
            extra[TIMEOUT_FIELD] = timeout_minutes
        return RouteConfig(
            accepts=PaymentOption(
                scheme=SCHEME,
                pay_to=self.provider,
                price=self.price(usdc),
                network=self.network,
                max_timeout_seconds=valid_s,
                extra=extra,
            )
        )

    def delivered(self, commitment: bytes) -> None:
        """What a 202 promised has been delivered: it will be confirmed. For any thread; waits for the disk.

        Raises NotAwaitedError where nobody waits for it: told before, or ended in another way.
        """
        self.deliveries.delivered(commitment)


@contextlib.contextmanager
def insured_service(
    *,
    keyfile: Path | str,
    provider: str | None = None,
    timeout_minutes: int = 0,
    facilitator: InsuredFacilitator | None = None,
    server: x402ResourceServer | None = None,
    settings: Settings | None = None,
    journal: Path | str | None = None,
    max_fee_gwei: float = MAX_FEE_GWEI,
    every_s: float = 10.0,
) -> Iterator[ProviderService]:
    """Confirms what was served, every `every_s` seconds and at the end, which SIGTERM brings too.

    `keyfile` has the provider's account, or its delivery key, then with `provider`, whose bond it is.
    `timeout_minutes` is that of routes that name none, 0 the contract's default. Payments are settled by the
    facilitator of the settings, by one in this process (`facilitator`), or as a `server` of the SDK's says.

    `settings` are by default the environment's: node, chain, deployment record, LIQPASS_FACILITATOR_URL, the
    bearer key there in LIQPASS_FACILITATOR_KEY or LIQPASS_FACILITATOR_KEY_FILE, the keyfile's passphrase in
    LIQPASS_PROVIDER_PASSPHRASE or LIQPASS_PROVIDER_PASSPHRASE_FILE. `journal`, by default theirs, is the
    folder of what has still to be confirmed: kept, a restart confirms it. One process a folder.

    Raises SettingsError, SigningError, IdentifierError, X402Error, DeploymentError, WrongChainError (also for
    an account that may not confirm), RpcError, ports' ChainError, JournalError (JournalBusyError: another
    process confirms with that account, or for that provider).
    """
    if _is_worker():
        raise X402Error(
            "uvicorn runs already, with workers say: at its SIGTERM it would end before what was served is "
            "confirmed; run the application as a script that calls uvicorn.run in the `with`, in one process"
        )
    if facilitator is not None and server is not None:
        raise X402Error("give a facilitator or a server, not both")
    app = Application(settings or read_settings())
    signer = LocalSigner(read_keyfile(Path(keyfile), app.settings.provider_secret()))
    insured = InsuredProvider(parse_address(provider or signer.address), timeout_minutes)
    site = open_site(app)
    network, token = f"eip155:{site.insurance.chain_id}", _token(site)
    if server is None:
        server = _server(app.settings, facilitator, insured, network)
    with (
        _ended_by_sigterm(),
        InsuredService.open(
            site,
            insured,
            signer,
            Policy.of(max_fee_gwei, live=not app.settings.is_local),
            folder=Path(journal) if journal else app.settings.journals,
            every_s=every_s,
        ) as deliveries,
    ):
        _tell_no_bond(site, insured)
        yield ProviderService(deliveries, server, network, token)


def insure(app: FastAPI, routes: dict[str, RouteConfig], service: ProviderService) -> None:
    """Have the routes of `app`, such as `GET /work`, paid through the provider's bond.

    Before it serves. Routes are `service.paid(…)`, or the SDK's own with `pay_to=service.provider`. Raises
    X402Error for another `pay_to`, or a time-out that cannot be.
    """
    insured_api.insure(app, routes, service.server, service.deliveries)


def commitment_of(request: Request, service: ProviderService) -> bytes:
    """The commitment of the payment that this request comes with, for `delivered`. Raises X402Error."""
    return insured_api.commitment_of(request, service.deliveries)


def _token(site: Site) -> TokenDomain:
    token = site.web3.eth.contract(to_checksum_address(site.usdc), abi=abi_of("MockUSDC"))
    return read_domain(token, site.insurance.chain_id)


def _tell_no_bond(site: Site, insured: InsuredProvider) -> None:
    bond = site.reader.bond(insured.provider)
    if not bond.is_healthy or not bond.available:
        name = checksum_address(insured.provider)
        log.warning(
            "bond covers nothing provider=%s total=%s: paid routes answer 503, "
            "`ape run bond status %s` shows it",
            name,
            format_usdc(bond.total),
            name,
        )


def _server(
    settings: Settings, facilitator: InsuredFacilitator | None, insured: InsuredProvider, network: str
) -> x402ResourceServer:
    if facilitator is not None:
        server = x402ResourceServer(InProcessFacilitator(facilitator, insured))
    else:
        bearer = {"Authorization": f"Bearer {settings.facilitator_secret()}"}
        auth = CreateHeadersAuthProvider(lambda: {"verify": bearer, "settle": bearer, "supported": {}})
        config = FacilitatorConfig(url=settings.facilitator_url.get_secret_value(), auth_provider=auth)
        server = x402ResourceServer(_TellingClient(config))
        server.on_verify_failure(_tell_refusal)
        server.on_settle_failure(_tell_refusal)
    register_exact_evm_server(server, network)
    return server


def _tell_refusal(context: VerifyFailureContext | SettleFailureContext) -> None:
    """The SDK tells its client alone: a bearer key that nobody knows would go unnoticed here."""
    log.warning("payment refused by the facilitator reason=%s", _shown(context.error))


class _TellingClient(HTTPFacilitatorClient):
    """Tells what a settlement raises, which the SDK's hooks do not hear of."""

    async def settle(
        self,
        payload: PaymentPayload | PaymentPayloadV1,
        requirements: PaymentRequirements | PaymentRequirementsV1,
    ) -> SettleResponse:
        try:
            return await super().settle(payload, requirements)
        except Exception as error:
            log.warning("no settlement from the facilitator reason=%s", _shown(error))
            raise


def _shown(error: Exception) -> str:
    text = "".join(each for each in str(error) if each.isprintable()) or type(error).__name__
    return text[:_SHOWN]


def _is_worker() -> bool:
    """Whether a server of uvicorn's that imports the application has taken the signals before us."""
    return isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), uvicorn.Server)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the body as `sys.exit(0)` does, so that what follows it is done; a second is not heard.

    uvicorn hands the signal on when it has ended its own work: with the system's handler the process would be
    dead before it had confirmed. An application's own handler stays, and only the main thread can set one.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

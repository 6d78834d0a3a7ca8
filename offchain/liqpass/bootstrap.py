"""Builds the adapters that the settings name and hands them to the use cases.

Nothing connects before it is needed: `liqpass order list` works while the node is down, and `liqpass evidence
verify` without a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Engine
from web3 import Web3

from liqpass.adapters.chain.asking import reading_web3
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.contracts import (
    Contracts,
    InsuranceDeployment,
    ParametricDeployment,
    read_deployment,
    read_insurance_deployment,
    read_parametric_deployment,
)
from liqpass.adapters.chain.journal_folder import JournalFolder
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.premium_calls import Web3Premiums
from liqpass.adapters.chain.reader import RPC_TIMEOUT_S, Web3ChainReader
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signatures import Web3SignatureCheck
from liqpass.adapters.chain.signers import Web3Signers
from liqpass.adapters.clock import ChainClock, SystemClock
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.idempotency_rows import SqlIdempotency
from liqpass.adapters.database.key_vault import KeyVault
from liqpass.adapters.database.store import SqlStore
from liqpass.adapters.okx_accounts import HttpOkxAccounts
from liqpass.adapters.sign_in_messages import Eip4361Messages
from liqpass.claims import Claiming, Replaying, Reviewing
from liqpass.controls import Controlling
from liqpass.domain.evidence import Env
from liqpass.domain.parameters import Parameters
from liqpass.identity import SigningIn
from liqpass.overseeing import Overseeing
from liqpass.payouts import Attaching, Building, Exporting, Publishing, Reconciling, Releasing, Reporting
from liqpass.payouts.viewing import Viewing
from liqpass.policies import Authorizing, Binding, Keys, Paying, Selling, Syncing
from liqpass.ports import (
    ChainReader,
    Clock,
    OkxAccounts,
    Premiums,
    SignatureCheck,
    Signers,
    Store,
    Vault,
)
from liqpass.ports.oversight import Journals
from liqpass.records import Site
from liqpass.settings import Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """What the world offers; tests hand in fakes."""

    store: Store
    clock: Clock
    chain: ChainReader
    okx: OkxAccounts
    vault: Vault
    signatures: SignatureCheck
    signers: Signers
    premiums: Premiums
    site: Site
    parameters: Parameters
    first_block: int
    journals: Journals | None = None  # None: no signer's journal is on this machine


class UseCases:
    """Every use case over one outside."""

    def __init__(self, outside: Outside) -> None:
        store, clock, site, parameters = outside.store, outside.clock, outside.site, outside.parameters
        self.selling = Selling(store, clock, site, parameters)
        self.binding = Binding(store, clock, outside.okx, outside.vault, site)
        self.keys = Keys(store, clock, outside.okx, outside.vault, site=site, parameters=parameters)
        self.authorizing = Authorizing(store, clock, outside.premiums, outside.signatures, site)
        self.paying = Paying(store, clock, outside.chain, site)
        self.syncing = Syncing(
            store,
            clock,
            outside.chain,
            site,
            first_block=outside.first_block,
            confirmations=parameters.confirmations,
        )
        self.claiming = Claiming(store, clock, outside.okx, outside.vault)
        self.reviewing = Reviewing(store, clock)
        self.replaying = Replaying(store)
        self.building = Building(store, clock, outside.signers, site, parameters)
        self.exporting = Exporting(store, clock, site)
        self.reconciling = Reconciling(store, clock, outside.chain, site)
        self.overseeing = Overseeing(
            store, clock, outside.chain, site=site, parameters=parameters, journals=outside.journals
        )
        self.attaching = Attaching(store, clock, outside.chain, site, self.reconciling)
        self.publishing = Publishing(store)
        self.viewing = Viewing(store)
        self.reporting = Reporting(store, clock)
        self.releasing = Releasing(store, clock, outside.chain, site, outside.signatures)


class Application:
    """The real outside, built piece by piece from the settings.

    Raises SettingsError, DeploymentError, DatabaseError, KeyVaultError or ChainError when a piece that is
    used cannot be built.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.parameters = settings.rules()

    @cached_property
    def contracts(self) -> Contracts:
        """Addresses from the deployment record."""
        return read_deployment(self.settings.deployment_path(), chain_id=self.settings.chain_id)

    @cached_property
    def web3(self) -> Web3:
        """The node; nothing is asked of it yet."""
        return reading_web3(self.settings.rpc_url.get_secret_value(), timeout_s=RPC_TIMEOUT_S)

    @cached_property
    def rpc(self) -> Web3Rpc:
        """The node for those who send."""
        private = self.settings.send_rpc_url
        return Web3Rpc.connect(
            self.settings.rpc_url.get_secret_value(),
            send_url=None if private is None else private.get_secret_value(),
        )

    @cached_property
    def chain(self) -> Web3ChainReader:
        """The chain; each use case looks at its id itself."""
        return Web3ChainReader(self.web3, self.contracts, local_final_depth=self.parameters.confirmations)

    @cached_property
    def insurance(self) -> InsuranceDeployment:
        """X402InsuranceV2 from the deployment record."""
        return read_insurance_deployment(self.settings.deployment_path(), chain_id=self.settings.chain_id)

    @cached_property
    def bonds(self) -> BondReader:
        """Insured x402 payments."""
        deployed = self.insurance
        return BondReader(self.web3, deployed.insurance.contract, first_block=deployed.first_block)

    @cached_property
    def parametric(self) -> ParametricDeployment:
        """OpenParametric from the deployment record."""
        return read_parametric_deployment(self.settings.deployment_path(), chain_id=self.settings.chain_id)

    @cached_property
    def parametric_policies(self) -> ParametricReader:
        """Parametric policies."""
        deployed = self.parametric
        return ParametricReader(self.web3, deployed.contract, first_block=deployed.first_block)

    @cached_property
    def signatures(self) -> Web3SignatureCheck:
        """Verifies signatures of accounts and contract wallets."""
        return Web3SignatureCheck(self.web3)

    @cached_property
    def clock(self) -> Clock:
        """The machine's clock, or the development chain's."""
        if self.settings.clock == "chain":
            return ChainClock(lambda: self.chain.head().time_s)
        return SystemClock()

    @cached_property
    def engine(self) -> Engine:
        """Connections to the database."""
        return open_engine(self.settings.database_url.get_secret_value())

    @cached_property
    def store(self) -> SqlStore:
        """The database at this package's schema."""
        store = SqlStore(self.engine)
        store.check_schema()
        return store

    @cached_property
    def idempotency(self) -> SqlIdempotency:
        """Answers kept for requests with an Idempotency-Key."""
        return SqlIdempotency(self.engine)

    @cached_property
    def vault(self) -> KeyVault:
        """Seals under the master keys of the settings."""
        return KeyVault(self.settings.master_keys())

    @cached_property
    def controlling(self) -> Controlling:
        """Pause, blocklist, keys, audit: they work without a deployment record too."""
        return Controlling(self.store, self.clock, self.vault)

    @cached_property
    def signing_in(self) -> SigningIn:
        """Wallets' sessions."""
        return SigningIn(
            self.store,
            self.clock,
            Eip4361Messages(),
            self.signatures,
            chain_id=self.settings.chain_id,
            session_s=self.settings.session_s,
        )

    @cached_property
    def use_cases(self) -> UseCases:
        """Every use case over the real outside."""
        folder = self.settings.journal_folder
        return UseCases(
            Outside(
                store=self.store,
                clock=self.clock,
                chain=self.chain,
                okx=HttpOkxAccounts(
                    self.settings.okx_host.rstrip("/"), self.clock, allow_any_host=self.settings.is_local
                ),
                vault=self.vault,
                signatures=self.signatures,
                signers=Web3Signers(self.chain, self.signatures),
                premiums=Web3Premiums(self.web3, self.contracts),
                site=self.site,
                parameters=self.parameters,
                first_block=self.contracts.first_block,
                journals=None if folder is None else JournalFolder(folder),
            )
        )

    @property
    def site(self) -> Site:
        """Where this book is kept."""
        env = Env.SIMULATOR if self.settings.is_local else Env.PRODUCTION
        contracts = self.contracts
        return Site(self.settings.chain_id, contracts.checkout, contracts.vault, str(env), contracts.usdc)

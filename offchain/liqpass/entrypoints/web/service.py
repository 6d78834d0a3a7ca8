"""What the web layer stands on: the use cases, who may do what, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from sqlalchemy import Engine

from liqpass.bootstrap import Application, UseCases
from liqpass.controls import Controlling
from liqpass.domain.parameters import Parameters
from liqpass.identity import SigningIn
from liqpass.ports import Clock
from liqpass.ports.idempotency import Idempotency
from liqpass.records import Site


class Part(StrEnum):
    """Which application is served: both on one origin, or each alone on a port of its own."""

    ALL = "all"
    PUBLIC = "public"
    ADMIN = "admin"


class Realm(StrEnum):
    """A session belongs to one application and is worth nothing in the other."""

    PUBLIC = "public"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what. Wallets in lower case; `internal_key` None: nobody may use /internal."""

    public_origin: str
    admin_origin: str
    reviewers: frozenset[str]
    operators: frozenset[str]
    internal_key: bytes | None = field(repr=False)
    rate_per_minute: int  # a client's requests; 0: no limit
    costly_rate_per_minute: int  # of those, the ones that ask OKX or verify a signature

    def origin(self, realm: Realm) -> str:
        """Where browsers reach the application of this realm."""
        return self.admin_origin if realm is Realm.ADMIN else self.public_origin


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that the routes use; tests build one over fakes."""

    use_cases: UseCases
    controlling: Controlling
    signing_in: SigningIn
    idempotency: Idempotency
    engine: Engine
    clock: Clock
    site: Site
    parameters: Parameters
    access: Access

    @classmethod
    def of(cls, application: Application) -> Self:
        """Over the real outside. Raises what a missing piece raises: better at start than at a request."""
        settings = application.settings
        public, admin = settings.origins()
        return cls(
            use_cases=application.use_cases,
            controlling=application.controlling,
            signing_in=application.signing_in,
            idempotency=application.idempotency,
            engine=application.engine,
            clock=application.clock,
            site=application.site,
            parameters=application.parameters,
            access=Access(
                public_origin=public,
                admin_origin=admin,
                reviewers=settings.reviewer_wallets,
                operators=settings.operator_wallets,
                internal_key=settings.internal_secret(),
                rate_per_minute=settings.rate_per_minute,
                costly_rate_per_minute=settings.costly_rate_per_minute,
            ),
        )

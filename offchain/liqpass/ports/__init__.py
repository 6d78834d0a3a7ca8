"""What the use cases need from the world, as Protocols; adapters implement them, tests fake them."""

from typing import Protocol

from liqpass.ports.chain import (
    BatchOnChain,
    BlockRef,
    ChainError,
    ChainReader,
    PayoutLog,
    PayoutTransaction,
    PremiumLog,
    Signers,
    TransactionSeen,
)
from liqpass.ports.okx import OkxAccount, OkxAccounts, OkxCredentials, OkxFetchError, OkxIdentity
from liqpass.ports.premiums import PremiumCall, Premiums, PreparedPremium
from liqpass.ports.signatures import SignatureCheck
from liqpass.ports.store import Store, UnitOfWork, Vault

__all__ = [
    "BatchOnChain",
    "BlockRef",
    "ChainError",
    "ChainReader",
    "Clock",
    "OkxAccount",
    "OkxAccounts",
    "OkxCredentials",
    "OkxFetchError",
    "OkxIdentity",
    "PayoutLog",
    "PayoutTransaction",
    "PremiumCall",
    "PremiumLog",
    "Premiums",
    "PreparedPremium",
    "SignatureCheck",
    "Signers",
    "Store",
    "TransactionSeen",
    "UnitOfWork",
    "Vault",
]


class Clock(Protocol):
    """The one clock of service, simulator and chain."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""

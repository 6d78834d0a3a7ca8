"""Use cases of policies: quote, order, bind, pay, sync."""

from liqpass.policies.authorizing import Authorizing, Relayable
from liqpass.policies.binding import Binding, ByOrder, ByPosition
from liqpass.policies.keys import Keys, OpenSwap, StoredKey
from liqpass.policies.payments import Paying
from liqpass.policies.selling import Offer, Selling
from liqpass.policies.sync import Syncing, SyncResult

__all__ = [
    "Authorizing",
    "Binding",
    "ByOrder",
    "ByPosition",
    "Keys",
    "Offer",
    "OpenSwap",
    "Paying",
    "Relayable",
    "Selling",
    "StoredKey",
    "SyncResult",
    "Syncing",
]

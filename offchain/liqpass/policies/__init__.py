"""Use cases of policies: quote, order, bind, pay, sync."""

from liqpass.policies.binding import Binding, ByOrder, ByPosition
from liqpass.policies.payments import Paying
from liqpass.policies.selling import Offer, Selling
from liqpass.policies.sync import Syncing, SyncResult

__all__ = ["Binding", "ByOrder", "ByPosition", "Offer", "Paying", "Selling", "SyncResult", "Syncing"]

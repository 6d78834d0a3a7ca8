"""Use cases of payouts: build, export, reconcile, report, release what was held."""

from liqpass.payouts.attaching import Attaching
from liqpass.payouts.building import Building, Built, Draft, LeftOut
from liqpass.payouts.exporting import Exporting
from liqpass.payouts.held import Releasing
from liqpass.payouts.publishing import PublicProof, Publishing
from liqpass.payouts.reconciling import Reconciled, Reconciling
from liqpass.payouts.reporting import Report, Reporting
from liqpass.payouts.viewing import BatchView, Viewing

__all__ = [
    "Attaching",
    "BatchView",
    "Building",
    "Built",
    "Draft",
    "Exporting",
    "LeftOut",
    "PublicProof",
    "Publishing",
    "Reconciled",
    "Reconciling",
    "Releasing",
    "Report",
    "Reporting",
    "Viewing",
]

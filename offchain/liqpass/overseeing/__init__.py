"""What operators look at: the queue, one claim with everything about it, gauges and warnings. Read only."""

from liqpass.overseeing.alerts import Alert, AlertCode
from liqpass.overseeing.audit_watch import AuditHealth, AuditWatch
from liqpass.overseeing.claim_view import ClaimView, RawResponse
from liqpass.overseeing.overseer import Overseeing
from liqpass.overseeing.overview import DayFigures, Overview
from liqpass.overseeing.queue import QueuePage, QueueRow

__all__ = [
    "Alert",
    "AlertCode",
    "AuditHealth",
    "AuditWatch",
    "ClaimView",
    "DayFigures",
    "Overseeing",
    "Overview",
    "QueuePage",
    "QueueRow",
    "RawResponse",
]

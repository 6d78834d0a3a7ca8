"""Which failures of a settlement say that nothing was sent: then nothing was settled, and nothing will be.

Everything else leaves it open: a connection that broke, a settlement that is pending, a node that was away.
"""

from __future__ import annotations

import json
import re

from x402.schemas import SettleResponse

from liqpass.adapters.x402.places import BusyError
from liqpass.domain.x402.insured_settlement import RefusalCode

# Of ours, those that are said of a payment that is on its way, or settled and not answered.
_OPEN = {RefusalCode.SETTLER_AWAY, RefusalCode.LATE}
# The SDK's, of a payment that it has checked before it sends.
_CHECKED = "invalid_exact_evm_"
_SENT = {"invalid_exact_evm_transfer_event_mismatch"}
_OTHERS = {"eip6492_factory_not_allowed", "missing_eip712_domain"}
_FAILED = re.compile(r"Facilitator settle failed \((\d{3})\): (.*)", re.DOTALL)
# Said of the request itself, whatever is in the payment: it would be said of it each time.
_UNREADABLE = {"400", "413", "422"}


def refused_unsent(answer: SettleResponse) -> bool:
    """Whether an answer without success says that nothing was sent."""
    code = answer.error_reason or ""
    checked = code in _OTHERS or (code.startswith(_CHECKED) and code not in _SENT)
    ours = code in set(RefusalCode) and code not in _OPEN
    return not answer.success and not answer.transaction and (checked or ours)


def failed_unsent(error: Exception) -> bool:
    """Whether what a facilitator's client raised says that nothing was sent."""
    if isinstance(error, BusyError):
        return True
    failed = _FAILED.fullmatch(str(error)) if type(error) is ValueError else None
    if failed is None:
        return False
    status, text = failed.groups()
    return status in _UNREADABLE or (status == "503" and _code(text) == "BUSY")


def _code(text: str) -> object:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return answer.get("code") if isinstance(answer, dict) else None

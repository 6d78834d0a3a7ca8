"""Which failures of a settlement say that nothing was sent: then nothing was settled, and nothing will be.

Everything else leaves it open: a connection that broke, a settlement that is pending, a node that was away.
"""

from __future__ import annotations

import json
import re

from liqpass.adapters.x402.places import BusyError
from liqpass.domain.x402.insured_settlement import RefusalCode

# Of ours, those that are said of a payment that is on its way, or settled and not answered.
_OPEN = {RefusalCode.SETTLER_AWAY, RefusalCode.LATE}
# The SDK's, of a payment that it has checked before it sends.
_CHECKED = "invalid_exact_evm_"
_SENT = {"invalid_exact_evm_transfer_event_mismatch"}
_OTHERS = {"eip6492_factory_not_allowed", "missing_eip712_domain"}
_BUSY = re.compile(r"Facilitator settle failed \(503\): (.*)", re.DOTALL)


def is_unsent(error: Exception) -> bool:
    """Whether a facilitator's answer, as the SDK's hook is told of it, says that nothing was sent."""
    if isinstance(error, BusyError):
        return True
    # The SDK's own class for an answer without success: its words are the answer's code.
    if type(error) is Exception:
        code = str(error)
        known = code in _OTHERS or (code.startswith(_CHECKED) and code not in _SENT)
        return known or (code in set(RefusalCode) and code not in _OPEN)
    busy = _BUSY.fullmatch(str(error)) if type(error) is ValueError else None
    return busy is not None and _code(busy[1]) == "BUSY"


def _code(text: str) -> object:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer.get("code") if isinstance(answer, dict) else None

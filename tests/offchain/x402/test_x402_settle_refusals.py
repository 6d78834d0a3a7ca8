"""Which failures of a settlement say that nothing was sent: of all others it may have been settled."""

from __future__ import annotations

import httpx
import pytest
from liqpass.adapters.x402.places import BusyError
from liqpass.adapters.x402.settle_refusals import is_unsent


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (BusyError("too many"), True),
        (ValueError('Facilitator settle failed (503): {"code": "BUSY", "detail": "too many"}'), True),
        (ValueError('Facilitator settle failed (503): {"code": "CHAIN_UNAVAILABLE"}'), False),
        (ValueError('Facilitator settle failed (502): {"code": "BUSY"}'), False),
        (ValueError("Facilitator settle failed (503): <html>BUSY</html>"), False),
        (ValueError("Facilitator settle failed (503): [1]"), False),
        (Exception("invalid_exact_evm_payload_signature"), True),
        (Exception("insufficient_bond"), True),
        (Exception("eip6492_factory_not_allowed"), True),
        (Exception("settlement_pending"), False),
        (Exception("transaction_failed"), False),
        (Exception("invalid_exact_evm_transfer_event_mismatch"), False),
        (Exception("insurance_running_out"), False),
        (Exception("settler_away"), False),
        (Exception("Settlement failed"), False),
        (RuntimeError("insufficient_bond"), False),
        (httpx.ConnectError("refused"), False),
        (httpx.ReadTimeout("30 s"), False),
    ],
)
def test_is_unsent__failure__only_where_nothing_can_have_been_sent(error: Exception, is_it: bool) -> None:
    assert is_unsent(error) is is_it

"""Which failures of a settlement say that nothing was sent: of all others it may have been settled."""

from __future__ import annotations

import httpx
import pytest
from liqpass.adapters.x402.places import BusyError
from liqpass.adapters.x402.settle_refusals import failed_unsent, refused_unsent
from x402.schemas import SettleResponse


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (BusyError("too many"), True),
        (ValueError('Facilitator settle failed (503): {"code": "BUSY", "detail": "too many"}'), True),
        (ValueError('Facilitator settle failed (503): {"code": "CHAIN_UNAVAILABLE"}'), False),
        (ValueError('Facilitator settle failed (502): {"code": "BUSY"}'), False),
        (ValueError("Facilitator settle failed (503): " + "[" * 100_000), False),
        (ValueError('Facilitator settle failed (400): {"code": "INVALID_JSON"}'), True),
        (ValueError('Facilitator settle failed (413): {"code": "BODY_TOO_LARGE"}'), True),
        (ValueError("Facilitator settle failed (422): unreadable"), True),
        (ValueError('Facilitator settle failed (401): {"code": "KEY_REQUIRED"}'), False),
        (ValueError("Facilitator settle failed (500): "), False),
        (ValueError("Facilitator settle failed (503): <html>BUSY</html>"), False),
        (ValueError("Facilitator settle failed (503): [1]"), False),
        (RuntimeError("insufficient_bond"), False),
        (httpx.ConnectError("refused"), False),
        (httpx.ReadTimeout("30 s"), False),
    ],
)
def test_failed_unsent__error__only_where_nothing_can_have_been_sent(error: Exception, is_it: bool) -> None:
    assert failed_unsent(error) is is_it


@pytest.mark.parametrize(
    ("code", "is_it"),
    [
        ("invalid_exact_evm_payload_signature", True),
        ("insufficient_bond", True),
        ("eip6492_factory_not_allowed", True),
        ("settlement_pending", False),
        ("transaction_failed", False),
        ("invalid_exact_evm_transfer_event_mismatch", False),
        ("insurance_running_out", False),
        ("settler_away", False),
        ("Settlement failed", False),
        (None, False),
    ],
)
def test_refused_unsent__code__only_where_nothing_can_have_been_sent(code: str | None, is_it: bool) -> None:
    answer = SettleResponse(success=False, error_reason=code, transaction="", network="eip155:31337")

    assert refused_unsent(answer) is is_it
    assert not refused_unsent(answer.model_copy(update={"transaction": "0x" + "11" * 32}))
    assert not refused_unsent(answer.model_copy(update={"success": True}))

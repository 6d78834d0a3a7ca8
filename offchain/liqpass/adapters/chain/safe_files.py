"""Calls of ours as files for a Safe: what its owners import, look at and sign."""

from __future__ import annotations

from web3 import Web3

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.safe_transaction import SafeCall, write_safe_batch
from liqpass.domain.identifiers import parse_bytes32
from liqpass.records import Batch, Site


def approval_file(batch: Batch, *, safe: str, created_at_ms: int) -> str:
    """`approveBatch` for a Safe that holds APPROVER."""
    data = _encoded("PayoutVault", "approveBatch", batch.id, parse_bytes32(batch.payout_root), batch.total)
    return write_safe_batch(
        [SafeCall(batch.vault, 0, data)],
        chain_id=batch.chain_id,
        safe=safe,
        name=f"LiqPass approval of batch {batch.id}",
        description=f"payout root {batch.payout_root}",
        created_at_ms=created_at_ms,
    )


def pause_file(site: Site, *, safe: str, created_at_ms: int) -> str:
    """`pause` of Checkout and PayoutVault for a Safe that holds GUARDIAN; one transaction or none."""
    targets = (("Checkout", site.checkout), ("PayoutVault", site.vault))
    return write_safe_batch(
        [SafeCall(address, 0, _encoded(name, "pause")) for name, address in targets],
        chain_id=site.chain_id,
        safe=safe,
        name="LiqPass pause",
        description="stops premiums, approvals, funding and payouts",
        created_at_ms=created_at_ms,
    )


def _encoded(contract: str, function: str, *arguments: object) -> bytes:
    encoder = Web3().eth.contract(abi=abi_of(contract))
    return bytes.fromhex(encoder.encode_abi(function, args=list(arguments))[2:])

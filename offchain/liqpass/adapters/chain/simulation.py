"""What the chain says of a call before it is signed, and why it refused one that was mined."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.adapters.chain.errors import (
    CallRevertedError,
    GasTooHighError,
    InsufficientFundsError,
    NoContractError,
    RpcError,
    SimulationRevertedError,
)
from liqpass.adapters.chain.outbox import Outbox
from liqpass.adapters.chain.policy import Fees
from liqpass.adapters.chain.reverts import RevertDecoder, revert_reason
from liqpass.adapters.chain.rpc import Call, Receipt


@dataclass(frozen=True, slots=True)
class Simulation:
    """Runs calls that nobody has signed. `decode`: what the called contracts' errors mean."""

    outbox: Outbox
    decode: RevertDecoder | None

    def price(self, key: str, call: Call) -> tuple[int, Fees]:
        """Gas limit and fees to sign the call with, after running it on the latest block.

        Raises NoContractError, SimulationRevertedError, GasTooHighError, FeeTooHighError,
        InsufficientFundsError, RpcError: nothing of it may be signed.
        """
        rpc, policy = self.outbox.rpc, self.outbox.policy
        if call.to is not None and call.data and not rpc.code(call.to, "latest"):
            raise NoContractError(f"{key}: no contract at {call.to}; nothing was sent")
        try:
            rpc.call(call, "latest")
            estimate = rpc.estimate_gas(call)
        except CallRevertedError as error:
            reason = revert_reason(error.data, error.message, self.decode)
            raise SimulationRevertedError(key, reason) from error
        if estimate > policy.max_gas:
            raise GasTooHighError(f"{key}: needs {estimate} gas, a transaction may use {policy.max_gas}")
        gas, fees = policy.gas_with_margin(estimate), self.outbox.market_fees()
        needed, held = call.value + gas * fees.max_fee, rpc.balance(call.sender)
        if held < needed:
            raise InsufficientFundsError(f"{key}: {call.sender} holds {held} wei and needs up to {needed}")
        return gas, fees

    def why_reverted(self, call: Call, receipt: Receipt) -> str:
        """The reason, by running it again: for words, not decisions.

        On the state before its block, and where it runs there, after it: something in the block came first.
        """
        for block in (receipt.block_number - 1, receipt.block_number):
            try:
                self.outbox.rpc.call(call, block)
            except CallRevertedError as error:
                return revert_reason(error.data, error.message, self.decode)
            except RpcError:
                break
        return f"no reason given, {receipt.gas_used} gas used"

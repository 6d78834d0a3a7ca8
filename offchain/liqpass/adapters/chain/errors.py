"""Every error of the chain adapter, in one tree."""

from __future__ import annotations


class ChainError(Exception):
    """Root of the errors of the RPC layer, the journal and the transaction engine."""


class RpcError(ChainError):
    """The node did not give a usable answer."""


class RpcUnavailableError(RpcError):
    """No answer from the node after the allowed number of tries."""


class RpcAnswerError(RpcError):
    """The node answered with a JSON-RPC error."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.method = method
        self.code = code
        self.message = message


class CallRevertedError(RpcError):
    """A simulated call reverts; `data` is what the contract returned."""

    def __init__(self, data: bytes, message: str) -> None:
        super().__init__(message)
        self.data = data
        self.message = message


class NoContractError(RpcError):
    """No contract code at an address that should have some, or `0x` as the answer of a view."""


class JournalError(ChainError):
    """The journal cannot be used."""


class JournalBusyError(JournalError):
    """Another process is sending with this journal."""


class JournalForeignError(JournalError):
    """The journal belongs to another chain or signer."""


class JournalPermissionError(JournalError):
    """The journal file can be read or written by others."""


class IntentMismatchError(JournalError):
    """The same key was used before for a different transaction."""


class EngineError(ChainError):
    """A transaction was not sent, or its end is not known yet."""


class WrongChainError(EngineError):
    """The node serves another chain than the journal was made for."""


class SimulationRevertedError(EngineError):
    """The transaction would revert; nothing was signed."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: would revert: {reason}; nothing was sent")
        self.key = key
        self.reason = reason


class GasTooHighError(EngineError):
    """The transaction needs more gas than one transaction may use (2^24 on Base, EIP-7825)."""


class FeeTooHighError(EngineError):
    """The network asks for more per gas than the policy allows."""


class InsufficientFundsError(EngineError):
    """The signer cannot pay for gas and value."""


class SigningError(EngineError):
    """The signer refused, or signed something other than it was given."""


class AnotherInFlightError(EngineError):
    """An earlier transaction of this signer has no end yet: one in flight a signer."""

    def __init__(self, key: str, describe: str) -> None:
        super().__init__(
            f"{key} ({describe}) is still in flight: run its command again first, it will be resumed"
        )
        self.key = key


class StillPendingError(EngineError):
    """Not confirmed in time. Nothing is lost: the same command goes on where this one stopped."""


class BroadcastRejectedError(EngineError):
    """The node keeps refusing the signed bytes."""


class NonceLostError(EngineError):
    """Another transaction used the nonce and no check says whether the effect has happened."""


class TransactionRevertedError(EngineError):
    """The transaction was mined and reverted."""

    def __init__(self, key: str, tx_hash: str, reason: str) -> None:
        super().__init__(f"{key}: transaction {tx_hash} reverted: {reason}")
        self.key = key
        self.tx_hash = tx_hash
        self.reason = reason


class SettledByAnotherError(EngineError):
    """An x402 payment that another settler settled: what it bought is answered for there."""

    def __init__(self, key: str, tx_hash: str) -> None:
        super().__init__(f"{key}: the authorization is used: another settler's {tx_hash} settled it")
        self.key = key
        self.tx_hash = tx_hash

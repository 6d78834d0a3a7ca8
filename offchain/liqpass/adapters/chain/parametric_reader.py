"""Reading OpenParametric: which policies there are, and how each stands. Needs no key.

The logs say which policies there are; everything else is asked of the contract, as of one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import BadFunctionCallOutput, ContractLogicError
from web3.types import TxParams

from liqpass.adapters.chain.asking import LOG_RANGE, ask, logs_of
from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.money import Usdc
from liqpass.domain.parametric.feed_check import FeedAnswer, FeedRule
from liqpass.domain.parametric.keeping import KeptPolicy
from liqpass.domain.parametric.life import SHARE_STATUSES, STATES, Life, PolicyState, ShareStatus
from liqpass.domain.parametric.policy import ClaimMade, InsuredShare, Policy
from liqpass.domain.parametric.terms import NOBODY, Share, hash_arguments
from liqpass.ports import BlockRef

# What anybody's contract under a feed's address may answer: nothing, a revert, text that is none.
_NO_FEED = (BadFunctionCallOutput, ContractLogicError, UnicodeDecodeError)
# Some twenty times what a feed needs. Without a limit a node runs it for long, for megabytes of answer.
_FEED_GAS: TxParams = {"gas": 500_000}


@dataclass(frozen=True, slots=True)
class CreatedLog:
    """A PolicyCreated log: the leader in lower case, the hash of the terms as they were created."""

    number: int
    leader: str
    terms_hash: bytes
    block_number: int
    tx_hash: str


class ParametricReader:
    """OpenParametric at `address` over JSON-RPC. Every method may raise ports.ChainError."""

    def __init__(self, web3: Web3, address: str, *, first_block: int, log_range: int = LOG_RANGE) -> None:
        """No log of the contract is in a block before `first_block`."""
        self._web3, self._log_range = web3, log_range
        self.first_block = first_block
        self._contract: Contract = web3.eth.contract(
            address=to_checksum_address(address), abi=abi_of("OpenParametric")
        )
        (view,) = (entry for entry in abi_of("OpenParametric") if entry.get("name") == "policies")
        self._fields = [part["name"] for part in view["outputs"][0]["components"]]

    def head(self) -> BlockRef:
        """The newest block."""
        block = ask(lambda: self._web3.eth.get_block("latest"))
        return BlockRef(block["number"], to_hex(block["hash"]), block["timestamp"])

    def created(self, first: int, last: int, *, leader: str | None = None) -> list[CreatedLog]:
        """Policies created in the blocks first..last, oldest first; with `leader` only that one's."""
        event = self._contract.events.PolicyCreated()
        topics = [event.topic, None, None if leader is None else _topic(leader)]
        found = []
        for raw in self._logs(topics, first, last):
            log = ask(lambda raw=raw: event.process_log(raw))  # type: ignore[misc]
            arguments = log["args"]
            found.append(
                CreatedLog(
                    number=int(arguments["id"]),
                    leader=arguments["leader"].lower(),
                    terms_hash=bytes(arguments["termsHash"]),
                    block_number=log["blockNumber"],
                    tx_hash=to_hex(log["transactionHash"]),
                )
            )
        return found

    def is_registered(self, number: int, ref: bytes, last: int) -> bool:
        """Whether a policyholder of that hash is registered with the policy up to a block."""
        topics = [self._contract.events.PolicyholderRegistered().topic, _topic(hex(number)), to_hex(ref)]
        return bool(self._logs(topics, self.first_block, last))

    def state(self, number: int, block: BlockId) -> PolicyState:
        """Where the policy is in its life; NONE where there is none."""
        call = self._contract.functions.state(number)
        return STATES[int(ask(lambda: call.call(block_identifier=block)))]

    def share_status(self, number: int, index: int, block: BlockId) -> ShareStatus:
        """What has become of a share that there is."""
        call = self._contract.functions.shareStatus(number, index)
        return SHARE_STATUSES[int(ask(lambda: call.call(block_identifier=block)))]

    def credit(self, account: str, block: BlockId) -> Usdc:
        """What USDC would not deliver to an account, in base units."""
        call = self._contract.functions.credit(to_checksum_address(account))
        return Usdc(ask(lambda: call.call(block_identifier=block)))

    def kept(self, number: int, at: BlockId) -> KeptPolicy | None:
        """What a keeper must know of a policy as of a block, None where there is none; one question."""
        fields = self._policy(number, at)
        life = _life(fields)
        if life.state is PolicyState.NONE:
            return None
        rule = FeedRule.of(
            life, description_hash=bytes(fields["feedDescriptionHash"]), last_round=fields["claimRound"]
        )
        return KeptPolicy(number, Usdc(fields["payout"]), fields["feed"].lower(), rule, life)

    def policy(self, number: int, at: BlockRef) -> Policy | None:
        """Everything of a policy as of a block, None where there is none."""
        fields = self._policy(number, at.number)
        life = _life(fields)
        if life.state is PolicyState.NONE:
            return None
        functions = self._contract.functions
        terms = ask(lambda: functions.terms(number).call(block_identifier=at.number))
        shares = ask(lambda: functions.shares(number).call(block_identifier=at.number))
        return Policy(
            number=number,
            terms_hash=bytes(fields["termsHash"]),
            shown_hash=hash_arguments(terms, shares),
            route=_text(fields["route"]),
            flight=_text(fields["flightNo"]),
            payout=Usdc(fields["payout"]),
            beneficiary=fields["beneficiary"].lower(),
            operator=_account(fields["operator"]),
            feed=fields["feed"].lower(),
            feed_description_hash=bytes(fields["feedDescriptionHash"]),
            claim_grace_s=fields["claimGrace"],
            created_at_s=fields["createdAt"],
            shares=tuple(
                InsuredShare(Share(insurer.lower(), bps), self._escrow(number, index, at), life.shares[index])
                for index, (insurer, bps) in enumerate(shares)
            ),
            coverage=Usdc(fields["coverage"]),
            claim=_claim(fields),
            life=life,
        )

    def feed_answer(self, feed: str, at: BlockId) -> FeedAnswer | None:
        """What a feed says as of a block, None where it does not answer as a feed."""
        views = self._feed(feed).functions

        def read() -> FeedAnswer | None:
            try:
                description = views.description().call(_FEED_GAS, block_identifier=at)
                round_id, answer, _, updated_at_s, _ = views.latestRoundData().call(
                    _FEED_GAS, block_identifier=at
                )
            except _NO_FEED:
                return None
            return FeedAnswer(keccak(description.encode()), round_id, answer, updated_at_s)

        return ask(read)

    def feed_itself(self, feed: str, at: BlockId) -> tuple[int, str] | None:
        """A feed's decimals and description as of a block, None where it does not answer as a feed."""
        views = self._feed(feed).functions

        def read() -> tuple[int, str] | None:
            try:
                return (
                    int(views.decimals().call(_FEED_GAS, block_identifier=at)),
                    str(views.description().call(_FEED_GAS, block_identifier=at)),
                )
            except _NO_FEED:
                return None

        return ask(read)

    def _policy(self, number: int, at: BlockId) -> dict[str, Any]:
        """The contract's `Policy`, by field; zeros where there is none."""
        call = self._contract.functions.policies(number)
        values = ask(lambda: call.call(block_identifier=at))
        return dict(zip(self._fields, values, strict=True))

    def _feed(self, feed: str) -> Contract:
        return self._web3.eth.contract(address=to_checksum_address(feed), abi=abi_of("MockFeed"))

    def _escrow(self, number: int, index: int, at: BlockRef) -> Usdc:
        call = self._contract.functions.escrowOf(number, index)
        return Usdc(ask(lambda: call.call(block_identifier=at.number)))

    def _logs(self, topics: list[Any], first: int, last: int) -> list[Any]:
        start = max(first, self.first_block)
        return list(
            logs_of(self._web3, self._contract.address, topics, start, last, log_range=self._log_range)
        )


def _life(fields: dict[str, Any]) -> Life:
    return Life(
        state=STATES[fields["state"]],
        shares=tuple(_share_status(fields, 1 << index) for index in range(fields["shareCount"])),
        threshold_minutes=fields["thresholdMinutes"],
        departure_s=fields["departure"],
        underwriting_deadline_s=fields["underwritingDeadline"],
        active_from_s=fields["activeFrom"],
        active_to_s=fields["activeTo"],
        claim_deadline_s=fields["claimDeadline"],
        approval_window_s=fields["approvalWindow"],
        verified_at_s=fields["verifiedAt"],
        rejection_spent=fields["rejectionSpent"],
        policyholders=fields["policyholders"],
        uncovered=Usdc(fields["payout"] - fields["coverage"]),
    )


def _share_status(fields: dict[str, Any], bit: int) -> ShareStatus:
    """The contract's `shareStatus`, from its masks."""
    for name, status in (
        ("refunded", ShareStatus.REFUNDED),
        ("accepted", ShareStatus.ACCEPTED),
        ("rejected", ShareStatus.REJECTED),
    ):
        if fields[name] & bit:
            return status
    return ShareStatus.PENDING


def _claim(fields: dict[str, Any]) -> ClaimMade | None:
    if fields["claimRound"] == 0:
        return None
    return ClaimMade(fields["claimRound"], fields["claimValue"], _account(fields["approvedBy"]))


def _account(address: str) -> str | None:
    return None if address == NOBODY else address.lower()


def _text(name: bytes) -> str:
    """A padded name for people; anybody can write anything into one that our scripts did not check."""
    return "".join(
        chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}" for byte in bytes(name).rstrip(b"\0")
    )


def _topic(value: str) -> str:
    return "0x" + value.lower().removeprefix("0x").rjust(64, "0")

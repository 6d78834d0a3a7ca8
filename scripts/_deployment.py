"""Deploying: create what is missing, hand everything over, record each step as soon as it is done.

A run may die anywhere. The journal of the transaction engine knows what was signed; the record knows what is
done and where the contract under way will be. Either alone is enough to deploy nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import CallRevertedError, IntentMismatchError
from liqpass.adapters.chain.reverts import revert_reason
from liqpass.adapters.chain.rpc import BlockId, Call
from liqpass.adapters.chain.settlement import contract_address
from web3 import Web3

from scripts._build import Build
from scripts._connection import Connection
from scripts._creations import ABIS, CONTRACTS, arguments_of, names
from scripts._handover import manager_calls, multicall_data
from scripts._locate import block_of_creation, creation_in_block, handover_log
from scripts._parameters import Parameters
from scripts._record import (
    Deployed,
    Expected,
    Handover,
    Record,
    RecordError,
    keep_aside,
    load_record,
    role_entry,
    save_record,
)
from scripts._roles import Role


class DeploymentError(Exception):
    """The deployment cannot go on. What is done stays done and recorded."""


def begin(
    connection: Connection,
    parameters: Parameters,
    deployer: str,
    path: Path,
    tell: Callable[[str], None],
) -> Record:
    """The record to go on with, or a new one. Raises RecordError when it is another deployment's."""
    genesis = connection.genesis_hash
    new = Record(
        chain_id=connection.chain_id,
        genesis_hash=genesis,
        generation=parameters.generation,
        deployer=deployer,
        start_block=int(connection.web3.eth.block_number),
    )
    record = load_record(path)
    if record is None:
        return new
    gone = record.genesis_hash != genesis or any(
        connection.code_hash(deployed.address) is None for deployed in record.contracts.values()
    )
    if gone and not connection.live:
        tell(f"{path} is of a local chain that is gone: starting anew")
        return new
    if gone:
        raise RecordError(f"{path} is of another chain: its contracts or its genesis block are not here")
    if record.generation != parameters.generation:
        raise RecordError(
            f"{path} is generation {record.generation}, the parameters say {parameters.generation}: "
            f"keep it as {path.stem}.{record.generation}.json first"
        )
    if record.deployer != deployer:
        raise RecordError(f"{path} was begun by {record.deployer}; go on with that account, not {deployer}")
    return record


@dataclass(slots=True)
class Deployment:
    """One deployment under way.

    `added`: names of what its targets add to LiqPass itself. `tell` takes a line for people.
    """

    connection: Connection
    engine: Engine
    build: Build
    parameters: Parameters
    deployer: str
    record: Record
    record_path: Path
    added: Collection[str]
    tell: Callable[[str], None]

    def run(self) -> None:
        """Bring the deployment to its end. Raises DeploymentError, ChainError or BuildError."""
        kept = keep_aside(self.record_path, self.record.genesis_hash)
        if kept is not None:
            self.tell(f"the record of the other chain is kept as {kept}")
        for name in names(self.parameters, self.added):
            self._create(name)
        self.record.usdc = self.parameters.usdc.address or self.record.contracts["MockUSDC"].address
        self._hand_over()

    def _create(self, name: str) -> None:
        contract = CONTRACTS[name]
        arguments = arguments_of(name, self.parameters, self.record.addresses(), self.deployer)
        known = self.record.contracts.get(name)
        if known is not None:
            self._check_known(name, known, arguments)
            return
        data = self.build.creation(contract, arguments)
        expected = self._expect(name, data)

        def done(block: BlockId) -> bool:
            return self.connection.code_hash_at(expected.address, block) == expected.code_hash

        outcome = self._submit(name, None, data, f"deploy {contract}", done)
        if outcome is not None:
            transaction, block, address = outcome
        else:
            address = expected.address
            block = block_of_creation(self.connection, address, self.record.start_block)
            transaction = creation_in_block(self.connection, block, address)
        code_hash = self.connection.code_hash(address)
        # Elsewhere than expected it is what an earlier run's journal, with the same calldata, has created.
        if code_hash is None or (address == expected.address and code_hash != expected.code_hash):
            raise DeploymentError(f"{name} at {address} has other code than this build creates")
        self.record.expected.pop(name, None)
        self.record.contracts[name] = Deployed(
            contract=contract,
            address=address,
            transaction=transaction,
            block=block,
            arguments=arguments,
            code_hash=code_hash,
            compiler=self.build.compiler(contract),
            commit=self.build.commit(),
        )
        save_record(self.record_path, self.record)
        self.tell(f"{name} at {address}, block {block}")

    def _check_known(self, name: str, known: Deployed, arguments: dict[str, str | int]) -> None:
        if dict(known.arguments) != arguments:
            raise DeploymentError(
                f"{name} was deployed with other arguments than the parameters now say: restore them, or "
                "raise `generation` and keep the record under another name to deploy a new set"
            )
        if self.connection.code_hash(known.address) != known.code_hash:
            raise DeploymentError(
                f"the chain has other code at {known.address} than the record says of {name}"
            )

    def _code_hash_to_be(self, name: str, data: bytes) -> str:
        """keccak of the code with its immutables, as the node would create it now."""
        try:
            code = self.connection.rpc.call(Call(self.deployer, None, data, 0), "latest")
        except CallRevertedError as error:
            reason = revert_reason(error.data, error.message, None)
            raise DeploymentError(f"{name} refuses its arguments: {reason}; nothing was sent") from None
        return "0x" + Web3.keccak(code).hex()

    def _expect(self, name: str, data: bytes) -> Expected:
        """Write down where the contract will be, with which code, before anything is sent.

        The code depends on the address, by immutables: it cannot be had again once the contract is there.
        """
        creation_hash = "0x" + Web3.keccak(data).hex()
        before = self.record.expected.get(name)
        if (
            before is not None
            and before.creation_hash == creation_hash
            and self.connection.code_hash(before.address) == before.code_hash
        ):
            return before
        address = contract_address(self.deployer, self.connection.rpc.nonce(self.deployer, "latest"))
        expected = Expected(address, self._code_hash_to_be(name, data), creation_hash)
        self.record.expected[name] = expected
        save_record(self.record_path, self.record)
        return expected

    def _hand_over(self) -> None:
        if self.record.handover is not None:
            return
        addresses = self.record.addresses()
        abis = {name: abi_of(abi) for name, abi in ABIS.items()}
        calls = manager_calls(abis, addresses, self.parameters, self.deployer)
        manager = self.connection.contract(addresses["AccessManager"], abis["AccessManager"])
        admins = self.parameters.roles[Role.ADMIN].accounts

        def done(block: BlockId) -> bool:
            # One transaction, all or nothing: the renunciation at its end stands for all of it.
            has_role = manager.functions.hasRole
            held = [has_role(Role.ADMIN, account).call(block_identifier=block)[0] for account in admins]
            return all(held) and not has_role(Role.ADMIN, self.deployer).call(block_identifier=block)[0]

        data = multicall_data(abis["AccessManager"], calls)
        outcome = self._submit("handover", manager.address, data, "set up the roles and give them away", done)
        if outcome is None:
            transaction, block = handover_log(manager, self.deployer, self.record.start_block)
        else:
            transaction, block, _ = outcome
        self.record.roles = {
            role.name: role_entry(role, holders.accounts, holders.delay_s)
            for role, holders in self.parameters.roles.items()
        }
        self.record.handover = Handover(transaction, block)
        save_record(self.record_path, self.record)
        self.tell(f"{len(calls)} calls to AccessManager in one transaction, block {block}: roles handed over")

    def _submit(
        self, step: str, to: str | None, data: bytes, describe: str, done: Callable[[BlockId], bool]
    ) -> tuple[str, int, str] | None:
        """Transaction, block and created address; None when the effect came without a receipt of ours."""
        key = f"deploy/{self.record.generation}/{step}"
        try:
            outcome = self.engine.submit(key, to, data, describe=describe, done=done)
        except IntentMismatchError:
            raise DeploymentError(
                f"{step}: sources or parameters have changed since this deployment began: restore them, or "
                "raise `generation` and keep the record under another name to deploy a new set"
            ) from None
        if outcome.receipt is None:
            return None
        return outcome.receipt.tx_hash, outcome.receipt.block_number, outcome.receipt.contract_address or ""

"""X402InsuranceV2 in the operator's world: a provider with a bond, a client that it covers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from click.testing import Result
from liqpass.adapters.chain.contracts import abi_of
from operator_world import BUYER, DEPLOYER, GUARDIAN, ONE_USDC, RELAYER, RULERS, TREASURY, World
from web3.contract import Contract

PROVIDER, CLIENT, SETTLER = 9, BUYER, RELAYER
CONFIG = RULERS
BOND = 100 * ONE_USDC
COVERED = 90 * ONE_USDC
PAYMENT = ONE_USDC // 10  # 0.10 USDC locks 0.102
HOURS_48_S = 172_800
DAYS_7_S = 604_800
_OWNERS = (PROVIDER, CLIENT, SETTLER, TREASURY)


@dataclass(frozen=True)
class BondWorld:
    """A provider with a bond of 100.00 and 100.00 in hand; a client covered for 90.00, 60 minutes each."""

    world: World

    @classmethod
    def of(cls, world: World) -> BondWorld:
        bonds = cls(world)
        usdc, insurance = world.usdc.functions, bonds.insurance.functions
        world.send(usdc.mint(bonds.provider, 2 * BOND), DEPLOYER)
        world.send(usdc.approve(bonds.insurance.address, BOND), PROVIDER)
        world.send(insurance.depositBond(BOND), PROVIDER)
        world.send(insurance.approveCoverage(bonds.client, COVERED, 60), PROVIDER)
        return bonds

    def ape(self, *arguments: str, account: int | None = PROVIDER, **where: Any) -> Result:
        """`ape run bond <arguments>` by a test account."""
        signer = [] if account is None else ["--account", f"TEST::{account}"]
        return self.world.ape("bond", *arguments, *signer, **where)

    @cached_property
    def insurance(self) -> Contract:
        record = json.loads((self.world.folder / "deployments" / "local.json").read_text())["contracts"]
        return self.world.web3.eth.contract(
            record["X402InsuranceV2"]["address"], abi=abi_of("X402InsuranceV2")
        )

    @property
    def provider(self) -> str:
        return self.world.address(PROVIDER)

    @property
    def client(self) -> str:
        return self.world.address(CLIENT)

    @property
    def stats(self) -> tuple[int, int, int]:
        """Total, locked and available of the provider's bond."""
        total, locked, available, *_ = self.insurance.functions.getProviderStats(self.provider).call()
        return total, locked, available

    def held(self) -> dict[str, int]:
        """USDC of everybody whose money could move, and of the contract."""
        accounts = [*(self.world.address(owner) for owner in _OWNERS), self.insurance.address]
        return self.world.balances(accounts)

    def cover(self, number: int, amount: int = PAYMENT, minutes: int = 5) -> str:
        """Lock the provider's bond for the client's payment; its commitment, 0x and `number` 32 times."""
        commitment = bytes([number]) * 32
        call = self.insurance.functions.purchaseInsurance(commitment, self.provider, amount, minutes)
        self.world.send(call, CLIENT)
        return "0x" + commitment.hex()

    def status_of(self, commitment: str) -> int:
        """The contract's ClaimStatus."""
        return int(self.insurance.functions.policies(bytes.fromhex(commitment[2:])).call()[3])

    @property
    def now_s(self) -> int:
        return int(self.world.web3.eth.get_block("latest")["timestamp"])

    def pass_time(self, seconds: int) -> None:
        """Until a block so much later."""
        self.world.node.set_next_timestamp(self.now_s + seconds)
        self.world.node.mine()

    def refused(self, words: str, *arguments: str, account: int | None = PROVIDER, **where: Any) -> None:
        """The command must end with 1 and these words, and neither send nor move anything."""
        before = self.world.nonces(), self.held(), self.stats
        result = self.ape(*arguments, account=account, **where)
        assert result.exit_code == 1, result.output
        assert words in result.output
        assert (self.world.nonces(), self.held(), self.stats) == before

    def pause(self) -> None:
        self.world.send(self.insurance.functions.pause(), GUARDIAN)

    def deny(self, account: str) -> None:
        """As USDC's issuer does."""
        self.world.send(self.world.usdc.functions.blacklist(account), DEPLOYER)

    def execute_delayed(self, *arguments: str) -> Result:
        """Announce what CONFIG does, let 48 hours pass, execute it."""
        announced = self.ape(*arguments, account=CONFIG)
        assert announced.exit_code == 0, announced.output
        self.pass_time(HOURS_48_S)
        return self.ape(*arguments, account=CONFIG)

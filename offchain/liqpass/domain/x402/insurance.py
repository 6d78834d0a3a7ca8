"""Which X402InsuranceV2: commitments and signatures hold for one contract on one chain."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain.identifiers import parse_address


class X402Error(ValueError):
    """Root of what this package refuses; addresses raise `IdentifierError`, amounts `MoneyError`."""


@dataclass(frozen=True, slots=True)
class Insurance:
    """A deployed X402InsuranceV2: `contract` is its address in lower case."""

    chain_id: int
    contract: str

    def __post_init__(self) -> None:
        if type(self.chain_id) is not int or not 0 < self.chain_id < 2**256:
            raise X402Error(f"not a chain id: {self.chain_id!r}")
        if parse_address(self.contract) != self.contract:
            raise X402Error(f"contract is not in lower case: {self.contract}")

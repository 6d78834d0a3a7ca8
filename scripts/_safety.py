"""Which parameters are refused although they are well formed: the rules of `docs/roles.md`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from eth_account import Account
from liqpass.domain.money import format_usdc

from scripts._parameters import Parameters
from scripts._roles import Role

MINIMUM_DELAY_S = 48 * 3600  # of ADMIN and CONFIG
_DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk"
_DEVELOPMENT_ACCOUNTS = 20
MAX_UINT96 = 2**96 - 1
MAX_PENALTY_RATE_BPS = 1_000  # as X402InsuranceV2 has them
MAX_TIMEOUT_MINUTES = 10_080

# Who writes the rules, who stops, who approves and who pays are four parties. Within the first one Safe may
# hold all three roles; any account in two parties is refused.
PARTIES: dict[str, tuple[Role, ...]] = {
    "those who write the rules (ADMIN, CONFIG, UNPAUSER)": (Role.ADMIN, Role.CONFIG, Role.UNPAUSER),
    "those who stop (GUARDIAN)": (Role.GUARDIAN,),
    "those who approve (APPROVER)": (Role.APPROVER,),
    "those who pay (PAYER)": (Role.PAYER,),
}
# `sweep` pays the treasury, and APPROVER's batches could: it must not be a key of theirs.
_NOT_TREASURY = (Role.GUARDIAN, Role.APPROVER, Role.PAYER)


def refusals(parameters: Parameters, deployer: str | None, *, live: bool) -> list[str]:
    """Each reason not to deploy these parameters, in words; empty when there is none.

    `deployer` None leaves out the rules about the deploying account. `live`: any chain but a local one.
    """
    found = [
        *_caps(parameters),
        *_x402(parameters),
        *_holders(parameters),
        *_delays(parameters),
        *_addresses(parameters),
    ]
    if deployer is not None:
        found += _deployer(parameters, deployer)
    if live:
        found += _development_keys(parameters, deployer)
        if parameters.usdc.address is None:
            found.append("a mock in place of USDC is for local chains only")
    return found


def _caps(parameters: Parameters) -> Iterator[str]:
    cap, maximum, payout = parameters.daily_cap, parameters.hot_wallet_max, parameters.largest_payout
    if payout == 0:
        yield "largest_payout_usdc is zero"
    if cap < payout:
        yield (
            f"daily_cap_usdc {format_usdc(cap)} is below largest_payout_usdc {format_usdc(payout)}: "
            "such a payout could never be made"
        )
    if maximum < cap:
        yield (
            f"hot_wallet_max_usdc {format_usdc(maximum)} is below daily_cap_usdc {format_usdc(cap)}: "
            "a full day could never be funded"
        )
    if max(cap, maximum) > MAX_UINT96:
        yield "an amount does not fit into 96 bits"


def _x402(parameters: Parameters) -> Iterator[str]:
    rate, timeout = parameters.x402.penalty_rate_bps, parameters.x402.default_timeout_minutes
    if rate > MAX_PENALTY_RATE_BPS:
        yield f"x402.penalty_rate_bps is {rate}; at most {MAX_PENALTY_RATE_BPS} (10 %)"
    if timeout > MAX_TIMEOUT_MINUTES:
        yield f"x402.default_timeout_minutes is {timeout}; at most {MAX_TIMEOUT_MINUTES} (7 days)"


def _holders(parameters: Parameters) -> Iterator[str]:
    for role, holders in parameters.roles.items():
        if len(set(holders.accounts)) != len(holders.accounts):
            yield f"roles.{role.name} names an account twice"
    members = {
        party: {account for role in roles for account in parameters.roles[role].accounts}
        for party, roles in PARTIES.items()
    }
    for (first, ours), (second, theirs) in combinations(members.items(), 2):
        for account in sorted(ours & theirs):
            yield f"{account} is among {first} and among {second}"


def _delays(parameters: Parameters) -> Iterator[str]:
    for role, holders in parameters.roles.items():
        delayed = role in (Role.ADMIN, Role.CONFIG)
        if delayed and holders.delay_s < MINIMUM_DELAY_S:
            yield f"roles.{role.name}.delay_s is {holders.delay_s}; at least {MINIMUM_DELAY_S} (48 hours)"
        if holders.delay_s >= 2**32:
            yield f"roles.{role.name}.delay_s does not fit into 32 bits"
        if not delayed and holders.delay_s != 0:
            # The vault asks whether they may call at once, so any delay would shut them out.
            yield f"roles.{role.name}.delay_s is {holders.delay_s}; must be 0"


def _addresses(parameters: Parameters) -> Iterator[str]:
    for role in _NOT_TREASURY:
        if parameters.treasury in parameters.roles[role].accounts:
            yield f"the treasury {parameters.treasury} holds {role.name}: a sweep would pay that key"
    special = {"USDC": parameters.usdc.address, "the predecessor": parameters.predecessor}
    for name, address in special.items():
        if address is None:
            continue
        if parameters.treasury == address:
            yield f"the treasury is {name}"
        for role, holders in parameters.roles.items():
            if address in holders.accounts:
                yield f"{name} {address} holds {role.name}"
    if parameters.predecessor is not None and parameters.predecessor == parameters.usdc.address:
        yield "the predecessor is USDC"


def _deployer(parameters: Parameters, deployer: str) -> Iterator[str]:
    for role, holders in parameters.roles.items():
        if deployer in holders.accounts:
            yield f"the deployer {deployer} is to hold {role.name}: it must end with nothing"
    if deployer == parameters.treasury:
        yield f"the deployer {deployer} is the treasury: it must end with nothing"


def _development_keys(parameters: Parameters, deployer: str | None) -> Iterator[str]:
    public = development_accounts()
    if deployer in public:
        yield f"the deployer {deployer} is a development account whose key everybody knows"
    if parameters.treasury in public:
        yield f"the treasury {parameters.treasury} is a development account whose key everybody knows"
    for role, holders in parameters.roles.items():
        for account in holders.accounts:
            if account in public:
                yield f"{role.name}'s holder {account} is a development account whose key everybody knows"


def development_accounts() -> frozenset[str]:
    """The first accounts of the mnemonic that anvil, hardhat and ape fund."""
    Account.enable_unaudited_hdwallet_features()
    return frozenset(
        str(Account.from_mnemonic(_DEVELOPMENT_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}").address)
        for index in range(_DEVELOPMENT_ACCOUNTS)
    )

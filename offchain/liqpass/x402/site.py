"""What the settings name for those who send: the insurance at a checked node, and what gas may cost."""

from __future__ import annotations

from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import check_site
from liqpass.adapters.x402.payment_checks import Site
from liqpass.bootstrap import Application

MAX_FEE_GWEI = 5.0
_GWEI = 10**9


def open_site(app: Application) -> Site:
    """The deployed X402InsuranceV2 and its USDC.

    Raises DeploymentError, RpcError, ports' ChainError, WrongChainError where node and record do not agree.
    """
    rpc, deployed = app.rpc, app.insurance
    insurance = deployed.insurance
    check_site(rpc, app.settings.chain_id, deployed.genesis_hash, insurance.contract, "X402InsuranceV2")
    return Site(rpc, app.web3, app.bonds, insurance, app.bonds.usdc())


def sending_policy(app: Application, max_fee_gwei: float) -> Policy:
    """How transactions are sent; `max_fee_gwei`, the most offered per gas, is for live networks."""
    if app.settings.is_local:
        return Policy.local()
    return Policy(max_fee_wei=int(max_fee_gwei * _GWEI))

"""What the settings name for those who send: the insurance at a checked node; and what gas may cost."""

from __future__ import annotations

from liqpass.adapters.chain.rpc import check_site
from liqpass.adapters.x402.payment_checks import Site
from liqpass.bootstrap import Application

MAX_FEE_GWEI = 5.0


def open_site(app: Application) -> Site:
    """The deployed X402InsuranceV2 and its USDC.

    Raises DeploymentError, RpcError, ports' ChainError, WrongChainError where node and record do not agree.
    """
    rpc, deployed = app.rpc, app.insurance
    insurance = deployed.insurance
    check_site(rpc, app.settings.chain_id, deployed.genesis_hash, insurance.contract, "X402InsuranceV2")
    return Site(rpc, app.web3, app.bonds, insurance, app.bonds.usdc())

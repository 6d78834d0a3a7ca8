"""Amounts in USDC base units and rates, as the fixtures deploy them."""

USDC = 10**6
DAILY_CAP = 500 * USDC
HOT_WALLET_MAX = 550 * USDC
PENALTY_RATE = 200
"""In basis points."""
DEFAULT_TIMEOUT_MINUTES = 5

"""Amounts in USDC base units, as the fixtures deploy them."""

USDC = 10**6
DAILY_CAP = 500 * USDC
HOT_WALLET_MAX = 550 * USDC

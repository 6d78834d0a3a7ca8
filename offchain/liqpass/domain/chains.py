"""Chain ids of the chains that LiqPass knows by name."""

BASE = 8453
BASE_SEPOLIA = 84532
LOCAL = 31337  # anvil's: the development chain, where looser rules for hosts and clocks hold

PRODUCTION = frozenset({BASE})
"""Chains whose USDC is money: only evidence of OKX's production counts there."""

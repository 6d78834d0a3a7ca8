"""Insurance that settles in USDC on Base."""

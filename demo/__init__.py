"""`make demo`: LiqPass from premium to payout on a chain of its own, every part real but the exchange."""

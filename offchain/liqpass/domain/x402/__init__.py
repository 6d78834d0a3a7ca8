"""X402 Insurance's rules: commitments, confirmations, bonds, claims. Pure."""

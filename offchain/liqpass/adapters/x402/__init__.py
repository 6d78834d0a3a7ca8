"""The x402 SDK on our chain adapters: an insured facilitator."""

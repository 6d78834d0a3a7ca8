"""The chain: a private development node, the RPC layer, and the one engine that sends transactions."""

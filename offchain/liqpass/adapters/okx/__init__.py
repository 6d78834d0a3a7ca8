"""OKX, read only: the client, and a simulator that speaks the same API."""

"""Adapters: what the use cases need from the world, as the world offers it."""

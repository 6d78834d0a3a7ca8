"""Exact event checks: every log of a transaction, in order, each with all its fields."""

from typing import Any


def events_of(tx: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """(emitting address, event name, all arguments) of each log; nothing may stay undecoded."""
    events = [(log.contract_address, log.event_name, dict(log.event_arguments)) for log in tx.events]
    assert len(events) == len(tx.logs), f"{len(tx.logs)} logs, decoded only {events}"
    return events


def event(contract: Any, name: str, **arguments: Any) -> tuple[str, str, dict[str, Any]]:
    """What `events_of` returns for such a log; accounts and contracts stand for their addresses."""
    declared = {item.name for item in contract.contract_type.events[name].inputs}
    assert declared == set(arguments), f"{name} has the fields {declared}"
    plain = {key: getattr(value, "address", value) for key, value in arguments.items()}
    return contract.address, name, plain

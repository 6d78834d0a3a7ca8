"""A table of transitions and the one function that follows it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)


class IllegalTransition(Exception):  # noqa: N818  # a refusal of the rules, not a fault
    """An action that the table does not allow in this state; nothing has changed."""

    def __init__(self, machine: str, state: StrEnum, action: StrEnum, allowed: tuple[str, ...]) -> None:
        """Name the state that came and the actions that were allowed."""
        self.machine = machine
        self.state = state
        self.action = action
        self.allowed = allowed
        actions = ", ".join(allowed) or "none: the state is final"
        super().__init__(f"{machine} is {state}, {action} is not allowed (allowed: {actions})")


def follow(machine: str, table: Mapping[tuple[State, Action], State], state: State, action: Action) -> State:
    """The state after `action`. Raises `IllegalTransition` if the table has no such edge."""
    try:
        return table[state, action]
    except KeyError:
        allowed = tuple(str(able) for (at, able) in table if at == state)
        raise IllegalTransition(machine, state, action, allowed) from None

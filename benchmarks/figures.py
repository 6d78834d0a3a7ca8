"""One measured figure: what an operation costs, what the bare USDC operation costs, what it may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Gas of an operation of `count` payments beside the bare operation's, both in gas.

    `gas` is None when the operation does not fit into one transaction, `bare_gas` when it moves no USDC.
    `goal` is the highest ratio allowed, `limit` the most gas allowed. `circle` is what the bare operation
    costs a payment with Circle's own token: our part comes on top of either token. Goal and limit are judged
    with Circle's token where its figure is known, because MockUSDC is the cheaper of the two.
    `peer` is what another design was measured to cost a payment, with Circle's token: where it is given, the
    goal is a part of that and not of the bare operation.
    """

    operation: str
    gas: int | None
    bare_operation: str
    bare_gas: int | None
    count: int = 1
    goal: float | None = None
    limit: int | None = None
    circle: int | None = None
    peer: int | None = None

    @property
    def ratio(self) -> float | None:
        """Gas beside the bare operation in the same run."""
        return None if self.gas is None or self.bare_gas is None else self.gas / self.bare_gas

    @property
    def circle_gas(self) -> int | None:
        """Gas with Circle's token in place of MockUSDC: its measured cost plus our own part."""
        if self.circle is None or self.gas is None or self.bare_gas is None:
            return None
        return self.circle * self.count + self.gas - self.bare_gas

    @property
    def circle_ratio(self) -> float | None:
        """`circle_gas` beside the bare operation with Circle's token."""
        if self.circle is None or self.circle_gas is None:
            return None
        return self.circle_gas / (self.circle * self.count)

    @property
    def peer_ratio(self) -> float | None:
        """Gas, with Circle's token where that is known, beside the other design's."""
        gas = self.gas if self.circle is None else self.circle_gas
        return None if self.peer is None or gas is None else gas / (self.peer * self.count)

    @property
    def fits(self) -> bool:
        """Whether the limit holds."""
        gas = self.gas if self.circle is None else self.circle_gas
        return gas is not None and (self.limit is None or gas <= self.limit)

    @property
    def passed(self) -> bool | None:
        """Whether goal and limit hold; None without either."""
        if self.goal is None and self.limit is None:
            return None
        ratio = self.ratio if self.circle is None else self.circle_ratio
        if self.peer is not None:
            ratio = self.peer_ratio
        return self.fits and ratio is not None and (self.goal is None or ratio <= self.goal)

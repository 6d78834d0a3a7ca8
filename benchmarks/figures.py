"""One measured figure: what an operation costs, what the bare USDC operation costs, what it may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Gas of an operation of `count` payments beside the bare operation's, both in gas.

    `gas` is None when the operation does not fit into one transaction.
    `goal` is the highest ratio allowed, `limit` the most gas allowed. `circle` is what the bare operation
    costs a payment with Circle's own token: our part comes on top of either token. Goal and limit are judged
    with Circle's token where its figure is known, because MockUSDC is the cheaper of the two.
    """

    operation: str
    gas: int | None
    bare_operation: str
    bare_gas: int
    count: int = 1
    goal: float | None = None
    limit: int | None = None
    circle: int | None = None

    @property
    def ratio(self) -> float | None:
        """Gas beside the bare operation in the same run."""
        return None if self.gas is None else self.gas / self.bare_gas

    @property
    def circle_gas(self) -> int | None:
        """Gas with Circle's token in place of MockUSDC: its measured cost plus our own part."""
        if self.circle is None or self.gas is None:
            return None
        return self.circle * self.count + self.gas - self.bare_gas

    @property
    def circle_ratio(self) -> float | None:
        """`circle_gas` beside the bare operation with Circle's token."""
        if self.circle is None or self.circle_gas is None:
            return None
        return self.circle_gas / (self.circle * self.count)

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
        return self.fits and ratio is not None and (self.goal is None or ratio <= self.goal)

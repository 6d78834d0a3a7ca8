"""The command line over fakes."""

from collections.abc import Callable

from click.testing import Result
from worlds import World

Cli = Callable[..., Result]


class FakeApplication:
    """The application's face over fakes."""

    def __init__(self, world: World) -> None:
        self.clock = world.clock
        self.chain = world.chain
        self.parameters = world.parameters
        self.use_cases = world.do
        self.controlling = world.controlling

"""How transactions are sent: what gas may cost on a live network; a development chain has its own."""

import pytest
from liqpass.adapters.chain.policy import Policy


@pytest.mark.parametrize(("gwei", "wei"), [(5.0, 5_000_000_000), (0.25, 250_000_000), (1e-9, 1)])
def test_of__live_network__at_most_so_many_gwei_per_gas(gwei: float, wei: int) -> None:
    assert Policy.of(gwei, live=True) == Policy(max_fee_wei=wei)


def test_of__development_chain__its_own() -> None:
    assert Policy.of(5.0, live=False) == Policy.local()

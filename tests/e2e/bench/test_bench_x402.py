"""The x402 benchmark in small: that it measures and judges. How fast anything was is not tested."""

from __future__ import annotations

import pytest

from benchmarks.api_load import Timing
from benchmarks.x402 import AT_ONCE, BLOCKS, Effort, Row, p50, p95, run, speedup, table
from benchmarks.x402_stage import CONTENDERS


def test_run__small__measures_every_contender() -> None:
    rows = run({AT_ONCE: Effort(rounds=1, single=1, burst=2)})

    assert [row.contender for row in rows] == [contender.name for contender in CONTENDERS]
    for row in rows:
        assert (len(row.verify_s), len(row.settle_s), len(row.call_s), row.burst_count) == (1, 1, 1, 2)
        assert len(row.gas) == 4
        assert all(gas > 21_000 for gas in row.gas)
        assert row.per_second > 0
    assert table(rows).row_count == 3


@pytest.mark.parametrize(("chain", "expected"), [(BLOCKS, 3.5), (AT_ONCE, None)])
def test_speedup__four_lanes_beside_one__on_the_slow_blocks_only(chain: str, expected: float | None) -> None:
    def row(contender: int, all_s: float) -> Row:
        made = Row(chain, CONTENDERS[contender].name)
        made.add_burst(Timing((0.1,) * 7, all_s))
        made.add_burst(Timing((0.1,) * 7, all_s))
        return made

    rows = [row(0, 0.5), row(1, 7.0), row(2, 2.0)]

    assert [each.per_second for each in rows] == [14.0, 1.0, 3.5]
    if expected is None:
        with pytest.raises(KeyError):
            speedup(rows)
    else:
        assert speedup(rows) == expected


def test_percentiles__twenty_answers__median_and_the_last_but_none() -> None:
    took_s = [number / 1000 for number in range(20, 0, -1)]

    assert [p50(took_s), p95(took_s), p95([0.003])] == pytest.approx([10.5, 20.0, 3.0])

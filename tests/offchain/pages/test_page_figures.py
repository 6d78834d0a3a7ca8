"""Gauges and the chart."""

import pytest
from liqpass.entrypoints.web.pages.gauges import CHART_HEIGHT, CHART_WIDTH, Gauge, chart
from liqpass.overseeing import DayFigures


@pytest.mark.parametrize(
    ("used", "width", "percent", "tone"),
    [
        (0, "0.0", 0, "fill"),
        (79, "79.0", 79, "fill"),
        (80, "80.0", 80, "warn"),
        (100, "100.0", 100, "warn"),
        (250, "100.0", 250, "bad"),
        (None, "0.0", 0, "fill"),
    ],
)
def test_gauge__used__fills_at_most_all(used: int | None, width: str, percent: int, tone: str) -> None:
    gauge = Gauge("Cap", used, 100, "")

    assert (gauge.width, gauge.percent, gauge.tone) == (width, percent, tone)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 5, 9, 10, 41, 99, 100, 12_345])
@pytest.mark.parametrize("days", [1, 14, 90])
def test_chart__any_figures__stay_inside(days: int, most: int) -> None:
    figures = [DayFigures(f"2026-01-{day % 28 + 1:02}", most, most // 2, 0) for day in range(days)]

    drawn = chart(figures)

    assert len(drawn.bars) == 2 * days
    for bar in drawn.bars:
        assert float(bar.x) >= 0
        assert float(bar.x) + float(bar.width) <= CHART_WIDTH
        assert float(bar.y) >= 0
        assert float(bar.y) + float(bar.height) <= CHART_HEIGHT
    assert len(drawn.days) <= 8
    assert drawn.days[-1].label == figures[-1].day[5:].replace("-", "/")

"""When the benchmark says that a goal is met."""

from __future__ import annotations

from benchmarks.figures import Figure


def test_figure__without_goal__is_not_judged() -> None:
    assert Figure("f", 150, "bare", 100).passed is None


def test_figure__at_the_goal__passes_and_one_gas_above_fails() -> None:
    assert Figure("f", 110, "bare", 100, goal=1.10).passed is True
    assert Figure("f", 111, "bare", 100, goal=1.10).passed is False


def test_figure__with_circles_cost__is_judged_with_it() -> None:
    figure = Figure("f", 1_300, "bare", 1_000, count=10, goal=1.20, circle=150)

    assert figure.ratio == 1.3
    assert figure.circle_gas == 1_800
    assert figure.circle_ratio == 1.2
    assert figure.passed is True


def test_figure__limit__is_judged_with_circles_cost() -> None:
    assert Figure("f", 1_300, "bare", 1_000, count=10, limit=1_800, circle=150).passed is True
    assert Figure("f", 1_300, "bare", 1_000, count=10, limit=1_799, circle=150).passed is False


def test_figure__goal_of_another_design__is_judged_beside_that_a_payment() -> None:
    assert Figure("f", 1_320, "bare", 1_000, count=10, goal=0.66, peer=200).passed is True
    assert Figure("f", 1_321, "bare", 1_000, count=10, goal=0.66, peer=200).passed is False


def test_figure__goal_of_another_design_and_circles_cost__is_judged_with_circles() -> None:
    figure = Figure("f", 1_300, "bare", 1_000, count=10, goal=0.90, circle=150, peer=200)

    assert figure.peer_ratio == 0.9
    assert figure.passed is True
    assert Figure("f", 1_301, "bare", 1_000, count=10, goal=0.90, circle=150, peer=200).passed is False


def test_figure__moves_no_usdc__has_no_ratio_to_a_bare_operation() -> None:
    figure = Figure("f", 66, "none", None, goal=0.66, peer=100)

    assert (figure.ratio, figure.circle_gas, figure.circle_ratio) == (None, None, None)
    assert figure.passed is True
    assert Figure("f", 67, "none", None, goal=0.66, peer=100).passed is False


def test_figure__does_not_fit__fails() -> None:
    assert Figure("f", None, "bare", 1_000, limit=2_000).passed is False
    assert Figure("f", None, "bare", 1_000).ratio is None
    assert Figure("f", None, "bare", 1_000, goal=0.66, peer=100).passed is False


def test_fits__limit_met_and_goal_missed__only_the_goal_is_missed() -> None:
    figure = Figure("f", 1_300, "bare", 1_000, count=10, goal=1.10, limit=1_300)

    assert (figure.fits, figure.passed) == (True, False)


def test_fits__one_gas_over_the_limit__does_not() -> None:
    assert Figure("f", 1_301, "bare", 1_000, count=10, limit=1_300).fits is False

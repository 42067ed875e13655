"""The metrics of forecasts and of quantiles against their formulas, and against scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from tests.support.compiled import checked
from tests.support.measures import measure

RNG = np.random.default_rng(3)
LEVELS = (0.1, 0.5, 0.8)
LOSS = {"type": "quantile", "quantiles": list(LEVELS)}


def test_smape_is_its_formula() -> None:
    y, t = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 4))
    y[0, 0] = t[0, 0] = 0.0
    ratios = np.divide(
        2 * np.abs(y - t), np.abs(y) + np.abs(t), where=np.abs(y) + np.abs(t) > 0, out=np.zeros_like(y)
    )
    assert measure("smape", y, t) == pytest.approx(ratios.mean(), rel=1e-12)


def test_wql_is_the_pinball_loss_of_scikit_learn_by_the_size_of_the_targets() -> None:
    sk = pytest.importorskip("sklearn.metrics")
    quantiles, t = np.sort(RNG.normal(size=(20, 4, 3)), axis=-1), RNG.normal(size=(20, 4))
    each = [
        2 * sk.mean_pinball_loss(t.ravel(), quantiles[..., i].ravel(), alpha=level) / np.abs(t).mean()
        for i, level in enumerate(LEVELS)
    ]
    assert measure("wql", quantiles, t, loss=LOSS) == pytest.approx(np.mean(each), rel=1e-12)


def test_coverage_is_the_share_between_the_outer_quantiles() -> None:
    quantiles, t = np.sort(RNG.normal(size=(20, 4, 3)), axis=-1), RNG.normal(size=(20, 4))
    inside = (t >= quantiles[..., 0]) & (t <= quantiles[..., -1])
    assert measure("quantile_coverage", quantiles, t, loss=LOSS) == pytest.approx(inside.mean())
    assert 0 < inside.mean() < 1


def mase(y: np.ndarray, t: np.ndarray, naive: np.ndarray, weights: np.ndarray | None = None) -> float:
    graph = Graph("float64")
    shape = (BATCH, *y.shape[1:])
    values = {name: leaf(graph, name, "input", shape) for name in ("y", "t")}
    errors = leaf(graph, "naive", "input", (BATCH, naive.shape[1]))
    given = {"y": y, "t": t, "naive": naive}
    weighing = None
    if weights is not None:
        weighing, given["weights"] = leaf(graph, "weights", "weight", (BATCH,)), weights
    metric = METRICS.validate("mase").scaled_by(errors)
    sums = metric.sums(values["y"], values["t"], weighing)
    got = dict(zip(sums, checked(graph, given, list(sums.values()), len(y)), strict=True))
    return metric.finish(got, len(y))


@pytest.mark.parametrize("targets", [1, 2])
def test_mase_divides_by_the_naive_errors_and_leaves_out_those_that_are_zero(targets: int) -> None:
    y, t = RNG.normal(size=(2, 6, 5, targets))
    naive = RNG.uniform(0.5, 2.0, (6, targets))
    naive[2, 0] = 0.0
    weights = RNG.uniform(1.0, 2.0, 6)
    errors = np.abs(y - t).mean(axis=1)
    there = naive > 0
    flat = (y[..., 0], t[..., 0]) if targets == 1 else (y, t)
    wanted = (errors[there] / naive[there]).mean()
    assert mase(*flat, naive) == pytest.approx(wanted, rel=1e-12)
    shares = np.broadcast_to(weights[:, None], naive.shape)[there]
    weighted = np.average(errors[there] / naive[there], weights=shares)
    assert mase(*flat, naive, weights) == pytest.approx(weighted, rel=1e-12)
    assert np.isnan(mase(*flat, np.zeros_like(naive)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_crossed_quantiles_are_sorted_and_the_one_nearest_to_the_middle_is_predicted(count: int) -> None:
    levels = [0.05, 0.1, 0.4, 0.8, 0.9, 0.95][:count]
    loss = LOSSES.validate({"type": "quantile", "quantiles": levels})
    graph = Graph("float64")
    output = leaf(graph, "y", "input", (BATCH, 2 * count))
    y = np.array(list(itertools.permutations(range(count))), float)
    y = np.concatenate([y, -y[::-1]], axis=1)
    point, ascending = checked(graph, {"y": y}, [loss.point(output), loss.ascending(output)], len(y))
    wanted = np.sort(y.reshape(len(y), 2, count), axis=-1)
    np.testing.assert_array_equal(ascending, wanted)
    np.testing.assert_array_equal(point, wanted[..., int(np.abs(np.array(levels) - 0.5).argmin())])


@pytest.mark.parametrize("output", [5, 7])
def test_a_wrong_number_of_quantiles_is_said(output: int) -> None:
    loss = LOSSES.validate(LOSS)
    fault = loss.fault((BATCH, output), (BATCH, 2), "float64", None)
    assert fault is not None
    assert "6 values" in fault
    assert loss.fault((BATCH, 6), (BATCH, 2), "float64", None) is None

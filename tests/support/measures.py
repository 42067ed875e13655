"""Metrics of predictions, measured batch by batch as a run does it."""

from __future__ import annotations

import numpy as np

from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from tests.support.compiled import checked, run


def measure(options, prediction, target, *, loss=None, dtype="float64", batches=(7, 1)):
    """Return what a metric makes of predictions, in batches of these sizes and the rest."""
    metric = METRICS.validate(options)
    if loss is not None:
        metric = metric.under(LOSSES.validate(loss))
    rows, start, totals = len(prediction), 0, {}
    for size in (*batches, rows):
        batch = min(size, rows - start)
        if not batch:
            break
        graph = Graph(dtype)
        y = leaf(graph, "y", "input", (BATCH, *prediction.shape[1:]))
        t = leaf(
            graph, "t", "target", (BATCH, *target.shape[1:]), "int64" if target.dtype == np.int64 else None
        )
        sums, keeps = metric.sums(y, t), metric.keeps(y, t)
        part = slice(start, start + batch)
        given = {"y": prediction[part], "t": target[part]}
        values = [*sums.values(), *keeps.values()]
        # Plans of every kind are compared on the small first batches; the rest takes the fastest.
        got = checked(graph, given, values, batch) if batch < 10 else run(graph, given, values, batch)
        for name, value in zip([*sums, *keeps], got, strict=True):
            if name in keeps:
                totals.setdefault(name, []).append(value)
            else:
                totals[name] = totals.get(name, 0.0) + (
                    value.astype("float64") if value.shape else float(value)
                )
        start += batch
    kept = {name: np.concatenate(parts) for name, parts in totals.items() if isinstance(parts, list)}
    return metric.finish(totals | kept, rows)

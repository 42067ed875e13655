"""How large the numbers are that the first weights meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from specnet.data import Cells
from specnet.diagnostics.text import clipped
from specnet.lint.ending import PASSIVE
from specnet.lint.rule import Finding, Subject, rule

if TYPE_CHECKING:
    from specnet.data.transforms.fixed import Scale
    from specnet.data.transforms.robust import RobustScale
    from specnet.data.transforms.statistics import MinMax, Standardize

EVENING = ("minmax", "robust_scale", "standardize")
"""Transforms that measure what they scale."""

APART = 100.0
"""The quotient of spreads from which on a gradient step suits one column and not the other."""

LARGE = 30.0
"""The root mean square from which on inputs drive usual first weights far from where they start well."""

FEW = 8
"""Up to how many columns the narrowest one counts; of more, the one at the lower quartile."""


@rule("SN740", "data")
def scales_apart(subject: Subject) -> Iterator[Finding]:
    """Columns of which some are hundreds of times wider than others."""
    if not _weighed(subject) or _evened(subject):
        return
    columns = _numbers(subject)
    spreads = sorted((_spread(column), column.name) for column in columns)
    spreads = [(spread, name) for spread, name in spreads if spread > 0]
    if len(spreads) < 2:
        return
    narrow = spreads[0 if len(spreads) <= FEW else len(spreads) // 4]
    wide = spreads[-1]
    if wide[0] / narrow[0] >= APART:
        one, other = (f"`{clipped(name)}`" for _, name in (wide, narrow))
        if not subject.quotable:
            one, other = "one column", "another"
        yield Finding(
            f"{one} varies by {wide[0]:.3g} and {other} by {narrow[0]:.3g} (standard deviations): "
            "one learning rate cannot suit both",
            ("data",),
            "type",
            '[[data.transforms]] with type = "standardize" gives all the same scale',
        )


@rule("SN741", "data")
def large_inputs(subject: Subject) -> Iterator[Finding]:
    """Inputs far from the size that initial weights are made for."""
    if not _weighed(subject) or _evened(subject):
        return
    factor, offset = 1.0, 0.0
    for transform in subject.spec.data.transforms:
        if transform.on != "inputs":
            continue
        if transform.type in EVENING:
            return  # each of them makes numbers of size 1, whatever has statistics of its own
        if transform.type == "scale":
            scale = cast("Scale", transform)
            factor, offset = factor * scale.factor, offset * scale.factor + scale.offset
    if next(scales_apart(subject), None) is not None:
        return  # what evens the columns makes them small, too
    columns = _numbers(subject)
    if not columns:
        return
    import numpy as np

    values = np.concatenate([np.asarray(column.few(), np.float64) for column in columns])
    values = values[~np.isnan(values)]
    if not len(values):
        return
    with np.errstate(all="ignore"):
        values = values * factor + offset
        size = float(np.sqrt(np.square(values).mean()))
    if size >= LARGE:
        low, high = float(values.min()), float(values.max())
        image = low >= 0 and 200 < high <= 255 and bool((values[:1000] % 1 == 0).all())
        help = 'type = "scale" and factor = 0.00392156862745098' if image else 'type = "standardize"'
        span = f"go from {low:.4g} to {high:.4g}" if subject.quotable else f"are of the size of {size:.1g}"
        yield Finding(
            f"inputs {span}, and initial weights are made for inputs of about 1",
            ("data",),
            "type",
            f"[[data.transforms]] with {help}",
        )


def _weighed(subject: Subject) -> bool:
    """Say whether the first layer that changes its inputs multiplies them by weights."""
    layers = subject.spec.layers
    while True:
        first = next((layer for layer in layers if layer.type not in PASSIVE), None)
        if first is None or first.type != "sequential":
            return first is not None and (first.type == "dense" or "conv" in first.type)
        layers = first.sublayers["layers"]


def _evened(subject: Subject) -> bool:
    """Say whether a transform gives each column a scale of its own, or changes what a column is."""
    inputs = [t for t in subject.spec.data.transforms if t.on != "targets"]
    if any(not isinstance(t.on, str) for t in inputs):
        return True  # the columns' scales were thought of one by one
    if any(t.type not in (*EVENING, "scale", "flatten", "reshape") for t in inputs):
        return True
    return any(
        t.type in EVENING and cast("MinMax | RobustScale | Standardize", t).per != "all" for t in inputs
    )


def _numbers(subject: Subject) -> list[Cells]:
    sample = subject.samples.get("train")
    inputs = () if sample is None else sample.inputs
    numbers = (column for column in inputs if column.kind == "number" and not column.scaled)
    return [entering for column in numbers for entering in _entering(column)]


def _entering(column: Cells) -> Iterator[Cells]:
    """Yield the numbers that the network gets of a column: of dates, their parts."""
    if not column.parts:
        yield column
        return
    from specnet.data.tables.date_cells import date_parts

    for part, values in zip(column.parts, date_parts(column.few(), column.parts).T, strict=True):
        yield Cells(f"{column.name}.{part}", "number", values)


def _spread(column: Cells) -> float:
    """Return the standard deviation of a column's values."""
    import numpy as np

    values = np.asarray(column.few(), np.float64)
    known = values[~np.isnan(values)]
    with np.errstate(all="ignore"):
        return float(known.std()) if len(known) > 1 else 0.0

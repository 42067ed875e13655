"""Rows of one split that stand in another one too."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from specnet.data import Sample
from specnet.diagnostics import KeyPath, Label, Part
from specnet.lint.rule import Finding, Subject, rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARE = 0.01
"""The share of repeated rows from which on a split says too much good of a model."""

MINIMUM = 10
"""Repeated rows below which they may be chance."""

MAXIMUM = 50_000
"""Rows of a split that are compared."""

ROOM = 1000
"""How many different rows there could be for each that there is; with less, equal rows are no surprise."""


@rule("SN745", "data")
def repeated_rows(subject: Subject) -> Iterator[Finding]:
    """Rows that are learnt from and judged by."""
    samples = subject.samples
    train = samples.get("train")
    for name in ("validation", "test"):
        path = _same_file(subject, name)
        if path is not None:
            yield Finding(
                f"the {name} split is the file that is trained on",
                *path,
                help="a file of other rows, or `[data.split]` with a fraction",
                labels=(Label("the training rows", ("data", path[0][-1])),),
            )
        elif train is not None and name in samples and _room(train):
            import numpy as np

            rows = _rows(samples[name])
            repeated = int(np.isin(rows, _rows(train)).sum())
            if repeated >= MINIMUM and repeated > SHARE * len(rows):
                yield Finding(
                    f"{_percent(repeated, len(rows))} of the {name} rows are training rows too: the split "
                    "overstates how good the model is",
                    ("data", name),
                    "table",
                    f"remove the repeated rows from the {name} rows",
                )
    held = _held_out(subject)
    if train is not None and held and _room(train):
        import numpy as np

        rows = _rows(train)
        counts = np.unique(rows, return_counts=True)[1]
        # A row with k equals elsewhere has one of them in training with probability 1 - (share held back)^k.
        shared = float((counts * (1 - held ** (counts - 1.0)))[counts > 1].sum())
        if shared >= MINIMUM and shared > SHARE * len(rows):
            yield Finding(
                f"about {_percent(shared, len(rows))} of the rows held out will be training rows too: the data "
                "contain repeated rows",
                ("data", "split"),
                "table",
                "remove repeated rows from the data, or use separate files for the splits",
            )


def _held_out(subject: Subject) -> float:
    """Return the share of the rows that are held out at random; 0 where a column decides which they are."""
    split = subject.spec.data.split
    if split is None or split.keys:
        return 0.0
    if split.folds is None:
        return sum(split.parts.values())
    return (1 + split.validation * (split.folds - 1)) / split.folds


def _same_file(subject: Subject, name: str) -> tuple[KeyPath, Part] | None:
    """Return where the document gives a split the training's own rows."""
    key = subject.spec.data.same_rows(name)
    return None if key is None else (("data", *key), "table" if len(key) == 1 else "value")


def _room(sample: Sample) -> bool:
    """Say whether so many different rows are possible that equal ones are hardly chance."""
    if not sample.table:
        return False
    import numpy as np

    kinds = prod(len(np.unique(column.few())) for column in (*sample.inputs, *sample.targets))
    return bool(kinds > ROOM * len((sample.targets or sample.inputs)[0].few()))


def _rows(sample: Sample) -> NDArray[Any]:
    """Return rows that are equal exactly where all their values are, (rows,); NaN is equal to nothing."""
    import numpy as np

    columns = [column.values[:MAXIMUM] for column in (*sample.inputs, *sample.targets)]
    # Bytes are compared: a negative zero becomes zero, and each NaN a number of its own.
    rows = np.stack(columns, axis=1, dtype=np.float64) + 0.0
    absent = np.isnan(rows)
    rows.view(np.int64)[absent] += 1 + np.arange(absent.sum())
    return rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).reshape(-1)


def _percent(part: float, whole: int) -> str:
    return f"{100 * part / whole:.2g} %"

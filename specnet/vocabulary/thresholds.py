"""The value of an output from which a label is predicted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specnet.vocabulary.kind import Words

Measure = Literal["f1", "balanced_accuracy"]
"""What a threshold may be chosen for."""

Threshold = Annotated[
    float | Annotated[tuple[float, ...], Field(min_length=1)] | Measure,
    Words('a number, a number for each label, "f1" or "balanced_accuracy"'),
]

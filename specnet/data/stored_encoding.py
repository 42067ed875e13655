"""Signatures and pipelines as they are stored with a model: plain data, ready for JSON, and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from specnet.data.pipeline import Pipeline
from specnet.data.series.scaling import SeriesScale
from specnet.data.signature import ColumnSlice, Signature
from specnet.data.tables.scaling import ColumnScale
from specnet.data.transforms import TRANSFORMS, Transform
from specnet.data.transforms.columns import ColumnTransform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import State

_UNKEPT = frozenset({"quotable", "loading", "stored", "held", "first_tokens", "column_tokens"})
"""What of a signature matters only while the data are read."""

_OPTIONAL = frozenset({"weighted", "scaled"})
"""What of a signature is kept only where it is true."""


def signature_state(signature: Signature) -> dict[str, Any]:
    """Return what is stored of a signature."""
    return {k: v for k, v in asdict(signature).items() if k not in _UNKEPT and (k not in _OPTIONAL or v)}


def stored_signature(state: Mapping[str, Any]) -> Signature:
    """Return the signature of which this was stored."""
    fields: dict[str, Any] = {
        # Version 0.1.0 called them stretches.
        k.replace("stretches", "column_slices"): tuple(v) if isinstance(v, list) else v
        for k, v in state.items()
    }
    if fields["column_slices"] is not None:
        stored = (ColumnSlice(*each) for each in fields["column_slices"])
        fields["column_slices"] = tuple(each._replace(shape=tuple(each.shape)) for each in stored)
    return Signature(**fields)


def pipeline_state(pipeline: Pipeline) -> tuple[list[dict[str, Any]], dict[str, NDArray[Any]]]:
    """Return what is stored of a pipeline: its transforms as plain data, and what they were fitted to."""
    transforms = [
        {"place": place, **transform.model_dump(mode="json")} for place, transform in pipeline.transforms
    ]
    arrays = {
        f"{pipeline.on}.{i}.{name}": array
        for i, fitted in enumerate(pipeline.states)
        for name, array in fitted.items()
    }
    return transforms, arrays


def stored_pipeline(state: Mapping[str, Any], on: Literal["inputs", "targets"]) -> Pipeline:
    """Return the inputs' or the targets' pipeline of a stored encoding."""
    transforms = []
    states: list[State] = []
    for i, entry in enumerate(state["encoding"][on]):
        fields = {name: value for name, value in entry.items() if name != "place"}
        transforms.append((entry["place"], _transform(fields)))
        start = f"{on}.{i}."
        found = {name.removeprefix(start): v for name, v in state.items() if name.startswith(start)}
        states.append({name: np.asarray(v) for name, v in found.items()})
    return Pipeline(on, transforms, states)


def _transform(fields: dict[str, Any]) -> Transform:
    """Return a stored transform: one of those that a document can name, or one that was made for columns."""
    if fields["type"] == "column_scale":
        return ColumnScale.model_validate(fields)
    if fields["type"] == "column_transform":
        return ColumnTransform.model_validate(fields)
    if fields["type"] == "series_scale":
        return SeriesScale.model_validate(fields)
    return TRANSFORMS.validate(fields)

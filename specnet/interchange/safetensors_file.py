"""A model's arrays as a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specnet._version import __version__
from specnet.model.compiled import CompiledModel
from specnet.runs.extras import needed
from specnet.storage.files import write_bytes

Array = np.ndarray[Any, Any]


def write_safetensors(path: Path, models: Sequence[CompiledModel]) -> None:
    """Write a model's parameters under their names, with what its transforms learnt under `transforms.`.

    The header holds the document (`spec`), how data are encoded (`encoding`), and the thresholds of labels
    (`thresholds`), the calibration and the intervals (`uncertainty`), if there are some, as JSON texts. Of several
    models, names of arrays and keys of the header begin with the model's number: `1.dense_1.kernel`, `1.spec`. Raises
    RunError where the extra `safetensors` is not installed.
    """
    save = needed("safetensors.numpy", "safetensors", "an export to safetensors").save
    arrays: dict[str, Array] = {}
    notes = {"format": "np", "specnet": __version__}
    for number, model in enumerate(models, 1):
        prefix = f"{number}." if len(models) > 1 else ""
        own, about = _parts(model)
        arrays |= {prefix + name: array for name, array in own.items()}
        notes |= {prefix + key: text for key, text in about.items()}
    content = save(arrays, metadata=notes)
    write_bytes(path, content)


def _parts(model: CompiledModel) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays of a model, and what the header says of it."""
    arrays = {name: np.ascontiguousarray(array) for name, array in model.parameters.items()}
    notes = {"spec": json.dumps(model.network.spec.model_dump(mode="json"), ensure_ascii=False)}
    if model.encoding is not None:
        state = model.encoding.state()
        fitted = {f"transforms.{k}": np.array(v) for k, v in state.items() if isinstance(v, np.ndarray)}
        arrays |= fitted
        notes["encoding"] = json.dumps(state["encoding"], ensure_ascii=False)
    if model.thresholds:
        notes["thresholds"] = json.dumps(model.thresholds, ensure_ascii=False)
    if model.uncertainty is not None:
        notes["uncertainty"] = json.dumps(model.uncertainty_state, ensure_ascii=False)
    return arrays, notes

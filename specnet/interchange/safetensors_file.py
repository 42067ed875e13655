"""A model's arrays as a safetensors file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from specnet._version import __version__
from specnet.model.compiled import CompiledModel
from specnet.runs.extras import needed
from specnet.storage.files import write_bytes


def write_safetensors(path: Path, model: CompiledModel) -> None:
    """Write a model's parameters under their names, with what its transforms learnt under `transforms.`.

    The header holds the document (`spec`), how data are encoded (`encoding`), and the thresholds of labels
    (`thresholds`), the calibration and the intervals (`uncertainty`), if there are some, as JSON texts. Raises RunError
    where the extra `safetensors` is not installed.
    """
    save = needed("safetensors.numpy", "safetensors", "an export to safetensors").save
    arrays = {name: np.ascontiguousarray(array) for name, array in model.parameters.items()}
    notes = {"format": "np", "specnet": __version__}
    notes["spec"] = json.dumps(model.network.spec.model_dump(mode="json"), ensure_ascii=False)
    if model.encoding is not None:
        state = model.encoding.state()
        fitted = {f"transforms.{k}": np.array(v) for k, v in state.items() if isinstance(v, np.ndarray)}
        arrays |= fitted
        notes["encoding"] = json.dumps(state["encoding"], ensure_ascii=False)
    if model.thresholds:
        notes["thresholds"] = json.dumps(model.thresholds, ensure_ascii=False)
    if model.uncertainty is not None:
        notes["uncertainty"] = json.dumps(model.uncertainty_state, ensure_ascii=False)
    content = save(arrays, metadata=notes)
    write_bytes(path, content)

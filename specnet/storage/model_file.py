"""The file `model.npz`: parameters and what the encoding has learnt, as plain arrays, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from specnet._version import __version__
from specnet.diagnostics import RunError
from specnet.diagnostics.text import clipped
from specnet.storage.archive import BROKEN, read_arrays, write_arrays
from specnet.storage.files import write_whole

Array = np.ndarray[Any, Any]

FORMAT = 1
META = "specnet"
PARAMETERS = "parameters/"
ENCODING = "encoding/"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a model's file holds."""

    parameters: dict[str, Array]
    encoding: dict[str, Any] | None
    """What `Encoding.from_state` takes; None for a model that has seen no data."""
    thresholds: Any = None
    """The thresholds of labels by output, not checked yet; None in a file of a version that had none."""
    uncertainty: Any = None
    """What `Uncertainty` is read from, not checked yet; None for a model that has neither calibration nor intervals."""


def write_model(
    path: Path,
    parameters: Mapping[str, Array],
    encoding: Mapping[str, Any] | None,
    thresholds: Mapping[str, list[float]] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
) -> None:
    """Write a model's file; equal models give equal bytes.

    It is an archive that `numpy.load` opens: `parameters/NAME` are the parameters, `encoding/NAME` the arrays
    of the encoding's state, and `specnet` the bytes of a JSON text with all that is no array. Raises RunError
    where it cannot be written.
    """
    arrays = model_arrays(parameters, encoding, thresholds, uncertainty)
    write_whole(path, lambda file: write_arrays(file, arrays))


def model_arrays(
    parameters: Mapping[str, Array],
    encoding: Mapping[str, Any] | None,
    thresholds: Mapping[str, list[float]] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    """Return what a model's file holds, by name."""
    plain = {} if encoding is None else {k: v for k, v in encoding.items() if not isinstance(v, np.ndarray)}
    meta = {"format": FORMAT, "specnet": __version__, "state": None if encoding is None else plain}
    if thresholds:
        meta["thresholds"] = thresholds
    if uncertainty is not None:
        meta["uncertainty"] = uncertainty
    text = json.dumps(meta, ensure_ascii=False).encode()
    arrays = {META: np.frombuffer(text, np.uint8)}
    arrays |= {PARAMETERS + name: array for name, array in parameters.items()}
    return arrays | {ENCODING + k: v for k, v in (encoding or {}).items() if isinstance(v, np.ndarray)}


def read_model(path: Path, file: IO[bytes] | None = None) -> StoredModel:
    """Read a model's file; raises RunError where it is absent, damaged, or holds what is no plain array.

    `file` is the open file where `path` only names it, as part of another.

    Nothing in it can run code, and no more memory is taken than the file has bytes.
    """
    try:
        arrays = read_arrays(path if file is None else file)
        meta = json.loads(arrays.pop(META).tobytes())
        if meta["format"] != FORMAT:
            stored = clipped(str(meta["format"]))
            raise _damaged(path, f"its format is {stored}, and this specnet reads format {FORMAT}")
        state, thresholds, uncertainty = meta["state"], meta.get("thresholds"), meta.get("uncertainty")
    except FileNotFoundError:
        raise RunError(f"there is no {path}: the run has saved no model") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except (*BROKEN, TypeError, RecursionError) as error:
        reason = (
            "it lacks what every model's file has" if isinstance(error, KeyError | TypeError) else str(error)
        )
        raise _damaged(path, reason) from error
    parameters = {k.removeprefix(PARAMETERS): v for k, v in arrays.items() if k.startswith(PARAMETERS)}
    if state is None:
        return StoredModel(parameters, None, thresholds, uncertainty)
    if not isinstance(state, dict):
        raise _damaged(path, "what it says of the data's encoding is not a table")
    fitted = {k.removeprefix(ENCODING): v for k, v in arrays.items() if k.startswith(ENCODING)}
    return StoredModel(parameters, {**state, **fitted}, thresholds, uncertainty)


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"{path} is damaged, or is not a model saved by specnet: {reason}")

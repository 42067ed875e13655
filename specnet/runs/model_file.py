"""The file `model.npz`: parameters and what the encoding has learnt, as plain arrays, without pickle."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from specnet._version import __version__
from specnet.data.npy import HeaderError, read_header
from specnet.diagnostics import RunError
from specnet.runs.files import write_whole

Array = np.ndarray[Any, Any]

FORMAT = 1
META = "specnet"
PARAMETERS = "parameters/"
ENCODING = "encoding/"

_DTYPES = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "u1": np.uint8, "b1": np.bool_}
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BROKEN = (zipfile.BadZipFile, HeaderError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a model's file holds."""

    parameters: dict[str, Array]
    encoding: dict[str, Any] | None
    """What `Encoding.from_state` takes; None for a model that has seen no data."""


def write_model(path: Path, parameters: Mapping[str, Array], encoding: Mapping[str, Any] | None) -> None:
    """Write a model's file; equal models give equal bytes.

    It is an archive that `numpy.load` opens: `parameters/NAME` are the parameters, `encoding/NAME` the arrays
    of the encoding's state, and `specnet` the bytes of a JSON text with all that is no array. Raises RunError
    where it cannot be written.
    """
    plain = {} if encoding is None else {k: v for k, v in encoding.items() if not isinstance(v, np.ndarray)}
    meta = {"format": FORMAT, "specnet": __version__, "state": None if encoding is None else plain}
    text = json.dumps(meta, ensure_ascii=False).encode()
    arrays = {META: np.frombuffer(text, np.uint8)}
    arrays |= {PARAMETERS + name: array for name, array in parameters.items()}
    arrays |= {ENCODING + k: v for k, v in (encoding or {}).items() if isinstance(v, np.ndarray)}
    write_whole(path, lambda file: _write(file, arrays))


def read_model(path: Path) -> StoredModel:
    """Read a model's file; raises RunError where it is absent, damaged, or holds what is no plain array.

    Nothing in it can run code, and no more memory is taken than the file has bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {_name(entry): _read(archive, entry) for entry in archive.infolist()}
        meta = json.loads(arrays.pop(META).tobytes())
        if meta["format"] != FORMAT:
            raise _damaged(path, f"its format is {meta['format']}, and this specnet reads format {FORMAT}")
        state = meta["state"]
    except FileNotFoundError:
        raise RunError(f"there is no {path}: the run has saved no model") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except (*_BROKEN, TypeError, RecursionError) as error:
        reason = (
            "it lacks what every model's file has" if isinstance(error, KeyError | TypeError) else str(error)
        )
        raise _damaged(path, reason) from error
    parameters = {k.removeprefix(PARAMETERS): v for k, v in arrays.items() if k.startswith(PARAMETERS)}
    if state is None:
        return StoredModel(parameters, None)
    if not isinstance(state, dict):
        raise _damaged(path, "what it says of the data's encoding is no table")
    fitted = {k.removeprefix(ENCODING): v for k, v in arrays.items() if k.startswith(ENCODING)}
    return StoredModel(parameters, {**state, **fitted})


def _write(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # A fixed date, since the moment of writing would make equal models differ.
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)


def _name(entry: zipfile.ZipInfo) -> str:
    if not entry.filename.endswith(".npy"):
        raise ValueError(f"`{entry.filename}` in it is no array")
    return entry.filename.removesuffix(".npy")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError(f"`{entry.filename}` in it is compressed, which specnet never writes")
    content = io.BytesIO(archive.read(entry))
    header = read_header(content)
    if header.type not in _DTYPES:
        kind = "Python objects" if header.type.startswith("O") else f"the type {header.type}"
        raise ValueError(f"`{entry.filename}` in it holds {kind}, and not numbers")
    if header.bytes != entry.file_size - header.size:
        raise ValueError(f"`{entry.filename}` in it is not as long as its shape says")
    content.seek(0)
    array: Array = np.lib.format.read_array(content, allow_pickle=False)
    return np.asarray(array, _DTYPES[header.type], order="C")


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"{path} is damaged, or no model that specnet has saved: {reason}")

"""A finished run as one file, `NAME.specnet`: its resolved document, weights and fitted transforms."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.storage.archive import BROKEN, check_sizes, write_arrays
from specnet.storage.files import finite, write_whole
from specnet.storage.model_file import StoredModel, model_arrays, read_model

Array = np.ndarray[Any, Any]

RESOLVED = "resolved.json"
MODEL = "model.npz"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BEGINNING = 1 << 16
"""Bytes in which a document names the version of the language."""


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """What a model in one file was made of; the paths are those that messages name."""

    record: Any
    """What `resolved.json` contains, not checked yet."""
    described: Path
    model: StoredModel
    path: Path


def write_archive(
    path: Path,
    record: dict[str, Any],
    parameters: Mapping[str, Array],
    encoding: Mapping[str, Any] | None,
    thresholds: Mapping[str, list[float]] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
) -> None:
    """Write a model into one file; equal models of equal runs give equal bytes.

    It is a zip archive, without compression, of `resolved.json` and `model.npz` as a run's directory has them.
    Raises RunError where it cannot be written.
    """
    content = io.BytesIO()
    write_arrays(content, model_arrays(parameters, encoding, thresholds, uncertainty))
    text = json.dumps(finite(record), indent=2, ensure_ascii=False, allow_nan=False)
    parts = {RESOLVED: f"{text}\n".encode(), MODEL: content.getvalue()}

    def write(file: Any) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, part in parts.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), part)

    write_whole(path, write)


def read_archive(path: Path) -> StoredArchive:
    """Return what is in a file that `write_archive` wrote.

    Nothing in it is executed or written anywhere, and no more memory is taken than it has bytes. Raises
    RunError where it is damaged, or was written by something else.
    """
    data, content = _read(path)
    described, stored = path / RESOLVED, path / MODEL
    return StoredArchive(data, described, read_model(stored, io.BytesIO(content)), stored)


def read_description(path: Path) -> Any:
    """Return the `resolved.json` in a file that `write_archive` wrote; raises RunError as `read_archive` does."""
    return _read(path)[0]


def _read(path: Path) -> tuple[Any, bytes]:
    """Return what an archive's `resolved.json` holds, and the bytes of its `model.npz`."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            check_sizes(archive)
            names = {entry.filename for entry in archive.infolist()}
            if names != {RESOLVED, MODEL}:
                if (path.parent / RESOLVED).exists():
                    raise RunError(f"{path}: {why_no_run_file(path)}")
                other = min(names ^ {RESOLVED, MODEL})
                raise ValueError(f"it should hold {RESOLVED} and {MODEL} alone, and `{other}` is amiss")
            text, content = archive.read(RESOLVED), archive.read(MODEL)
        return json.loads(text), content
    except zipfile.BadZipFile as error:
        if not _begins(path, b"PK"):
            raise RunError(f"{path}: {why_no_run_file(path)}") from None
        raise RunError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except (*BROKEN, RecursionError) as error:
        raise RunError(f"{path} is damaged, or is not a model saved by specnet: {error}") from error


def why_no_run_file(path: Path) -> str:
    """Say why a file is no run, and what would be one."""
    if (path.parent / RESOLVED).exists():
        return f"this is a file of a run: name its directory, {path.parent}"
    if path.suffix.lower() in (".toml", ".json") and _mentions(path, b"specnet"):
        return f"this is a spec, not a run: `specnet run {shlex.quote(str(path))}` makes a run of it"
    return "this is a file, and a run is a directory, or what `export --to specnet` writes"


def _mentions(path: Path, word: bytes) -> bool:
    """Whether a file has a word near its beginning; False where it cannot be read."""
    try:
        with open_regular(path) as file:
            return word in file.read(_BEGINNING)
    except OSError:
        return False


def _begins(path: Path, start: bytes) -> bool:
    with open_regular(path) as file:
        return file.read(len(start)) == start

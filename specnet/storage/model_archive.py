"""Finished runs as one file, `NAME.specnet`: their resolved documents, weights and fitted transforms."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Mapping, Sequence
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


def archived(
    record: dict[str, Any],
    parameters: Mapping[str, Array],
    encoding: Mapping[str, Any] | None,
    thresholds: Mapping[str, list[float]] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """Return what an archive has of a model: `resolved.json` and `model.npz` as a run's directory has them."""
    content = io.BytesIO()
    write_arrays(content, model_arrays(parameters, encoding, thresholds, uncertainty))
    text = json.dumps(finite(record), indent=2, ensure_ascii=False, allow_nan=False)
    return {RESOLVED: f"{text}\n".encode(), MODEL: content.getvalue()}


def write_archive(path: Path, models: Sequence[Mapping[str, bytes]]) -> None:
    """Write what `archived` returned of one or several models into one file; equal models give equal bytes.

    It is a zip archive without compression. Of several models, the files of each are in a folder: `1`, `2`, and so
    on. Raises RunError where it cannot be written.
    """
    parts = {
        f"{folder}{name}": part
        for folder, model in zip(_folders(len(models)), models, strict=True)
        for name, part in model.items()
    }

    def write(file: Any) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, part in parts.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), part)

    write_whole(path, write)


def read_archives(path: Path) -> list[StoredArchive]:
    """Return the models in a file that `write_archive` wrote.

    Nothing in it is executed or written anywhere, and no more memory is taken than it has bytes. Raises
    RunError where it is damaged, or was written by something else.
    """
    found = []
    for folder, data, content in _read(path):
        described, stored = path / folder / RESOLVED, path / folder / MODEL
        found.append(StoredArchive(data, described, read_model(stored, io.BytesIO(content)), stored))
    return found


def read_descriptions(path: Path) -> list[Any]:
    """Return each `resolved.json` in a file that `write_archive` wrote; raises RunError as `read_archives` does."""
    return [data for _, data, _ in _read(path)]


def _folders(count: int) -> list[str]:
    """Return where in an archive the files of each of some models are; "" for the archive itself."""
    return [""] if count == 1 else [f"{number}/" for number in range(1, count + 1)]


def _read(path: Path) -> list[tuple[str, Any, bytes]]:
    """Return of each model in an archive its folder, what `resolved.json` holds, and the bytes of `model.npz`."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            check_sizes(archive)
            names = {entry.filename for entry in archive.infolist()}
            folders = _folders(max(1, len(names) // 2))
            wanted = {f"{folder}{name}" for folder in folders for name in (RESOLVED, MODEL)}
            if names != wanted:
                if (path.parent / RESOLVED).exists():
                    raise RunError(f"{path}: {why_no_run_file(path)}")
                other = min(names ^ wanted)
                raise ValueError(
                    f"it should hold {RESOLVED} and {MODEL} alone, of each model, and `{other}` is amiss"
                )
            return [
                (folder, json.loads(archive.read(f"{folder}{RESOLVED}")), archive.read(f"{folder}{MODEL}"))
                for folder in folders
            ]
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

"""The file `resolved.json`: everything that a run was made of, with nothing left to defaults."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from specnet._version import __version__
from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.diagnostics.text import clipped, joined, plural
from specnet.installation import requirement
from specnet.language.source import SourceText
from specnet.language.spec import Spec
from specnet.storage.origin import FOLDER, folder_record
from specnet.storage.recorded import RecordedRun, misfit, parsed
from specnet.storage.used_kinds import missing_plugins, registered_kinds

FORMAT = 1
MAX_BYTES = 256 * 2**20
"""A larger file is refused unread; a document, of 64 MiB at most, does not resolve to as much."""


class UnimportedPluginsError(RunError):
    """A run is of kinds that are not registered, and may be those of plugins that it names."""


COMPUTED_WITH = "computed_with"
"""The environments that a run was computed in: the one it began in, and each other one that it was resumed in."""


def environments(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the environments that a run was computed in, as far as its `resolved.json` has them."""
    found = described.get(COMPUTED_WITH)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def resolved(
    spec: Spec,
    sources: Sequence[tuple[str, str]],
    run: Path | None = None,
    computed_with: Sequence[Mapping[str, Any]] = (),
    extended: Mapping[str, SourceText] | None = None,
) -> dict[str, Any]:
    """Return what `resolved.json` holds: the whole spec, versions, environments, a digest of each data file.

    In `run`, the run's directory, it also records where the document is. `extended` are the documents that it extends,
    by the names of their copies.
    """
    import numpy as np

    source = spec.source.source
    return {
        "format": FORMAT,
        "specnet": __version__,
        "installed_from": requirement(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        COMPUTED_WITH: list(computed_with),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "document": None if source is None else source.file,
        **({} if run is None else {FOLDER: folder_record(spec.folder, run)}),
        **(
            {"extends": [{"document": each.file, "copy": name} for name, each in extended.items()]}
            if extended
            else {}
        ),
        "overrides": [override.file for override in spec.source.overrides],
        "data": {name: {"sha256": digest} for name, digest in sources},
        "kinds": registered_kinds(spec),
        "spec": spec.model_dump(mode="json"),
    }


def read_resolved(path: Path) -> Spec:
    """Return the spec that a run was made of; raises RunError where the file is absent or damaged."""
    return spec_of(load(path), path)


def load_resolved(path: Path) -> dict[str, Any]:
    """Return what `resolved.json` holds, its spec as this version writes it; raises RunError as `read_resolved`."""
    return record_of(load(path), path)


def record_of(data: Any, path: Path) -> dict[str, Any]:
    """Return the content of `resolved.json`, its spec as this version writes it; raises RunError if it is damaged."""
    fault = misfit(RecordedRun, data)
    if fault is not None:
        raise RunError(f"{path} is damaged, or was not saved by specnet: {fault}")
    return {**data, "spec": _as_written_now(data["spec"])}


def spec_of(data: Any, path: Path) -> Spec:
    """Return the spec that is described by what `resolved.json` holds; raises RunError where it is damaged."""
    try:
        if data["format"] != FORMAT:
            raise RunError(
                f"{path} has format {clipped(str(data['format']))}, and this specnet reads format {FORMAT}"
            )
        return Spec.model_validate(_as_written_now(data["spec"]))
    except (KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} is damaged, or was not saved by specnet") from error
    except ValidationError as error:
        missing = missing_plugins(data)
        if missing:
            names = joined([f"`{clipped(name)}`" for name in missing])
            raise UnimportedPluginsError(
                f"{path} needs the {plural('plugin', len(missing))} {names}, and a run imports nothing by itself: "
                "pass --plugins (in Python, plugins=True), or name it in the document that is run"
            ) from error
        first = error.errors(include_url=False)[0]
        where = clipped(".".join(map(str, first["loc"])), 200)
        saved_by = clipped(str(data.get("specnet", "another version")))
        raise RunError(
            f"{path} describes no experiment that this specnet {__version__} knows (it was saved by "
            f"{saved_by}): {where}: {clipped(first['msg'], 200)}"
        ) from error


def _as_written_now(spec: Any) -> Any:
    """Return a saved spec without what version 0.1.0 wrote and the language refuses: idle defaults.

    Beside `load = "whole"` there is nothing to shuffle in a buffer, so a document may not give its size.
    """
    data = spec.get("data") if isinstance(spec, dict) else None
    if not isinstance(data, dict) or data.get("type") != "csv" or data.get("load") != "whole":
        return spec
    return {**spec, "data": {key: value for key, value in data.items() if key != "shuffle_buffer"}}


def load(path: Path) -> Any:
    """Return a file's JSON data; raises RunError naming the path."""
    try:
        with open_regular(path) as file:
            # As much memory is taken as is asked for, not as the file has.
            data = file.read(min(os.fstat(file.fileno()).st_size, MAX_BYTES) + 1)
        if len(data) > MAX_BYTES:
            raise RunError(f"{path} is larger than anything that specnet saves")
        return parsed(data)
    except FileNotFoundError:
        raise RunError(f"there is no {path}") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        deep = "nested" in str(error)
        raise RunError(f"{path} is damaged: {error if deep else 'it is not valid JSON'}") from error

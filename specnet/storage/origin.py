"""Where a run's document lies, from which the relative paths in it start: found again wherever the run is now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specnet.data.environment import variables_in
from specnet.data.files import VARIABLE
from specnet.diagnostics import RunError
from specnet.diagnostics.text import clipped, joined

FOLDER = "folder"
FROM_RUN, ABSOLUTE = "from_run", "absolute"


def folder_record(folder: Path, run: Path) -> dict[str, str]:
    """Return what `resolved.json` records of a document's folder.

    Its path from the run's directory stays right where a project is moved as a whole, the absolute one where the
    run alone is.
    """
    # `..` behind a link leads out of the link's target: only real paths can be put together again.
    real = os.path.realpath(folder)
    record = {ABSOLUTE: str(folder.absolute())}
    try:
        return {FROM_RUN: Path(os.path.relpath(real, os.path.realpath(run))).as_posix(), **record}
    except ValueError:  # on another drive of Windows
        return record


def data_folder(run: Path, made_of: dict[str, Any]) -> Path:
    """Return the folder that relative paths in a run's document start from.

    `made_of` is what `resolved.json` holds. Of the folders that it may be, it is the first that has the data; those
    in `$SPECNET_DATA` count if none has. Raises RunError, with all places, where data are in none of them.
    """
    folders = _candidates(run, made_of)
    second = os.environ.get(VARIABLE)
    names = _relative_names(made_of)
    for more in ([], [Path(second)] if second else []):
        for folder in folders:
            if all(any(_exists(place / name) for place in (folder, *more)) for name in names):
                return folder
    absent = next(name for name in names if not any(_exists(folder / name) for folder in folders))
    places = [str(folder) for folder in folders] + (
        [f"{Path(second).absolute()} (${VARIABLE})"] if second else []
    )
    raise RunError(
        f"the training data of {run} cannot be read again: there is no `{clipped(absent, 200)}`: "
        f"looked in {joined(places)}"
    )


def _candidates(run: Path, made_of: dict[str, Any]) -> list[Path]:
    """Return where the document's folder may be, the likeliest first, without `..`."""
    recorded, document = made_of.get(FOLDER), made_of.get("document")
    if isinstance(recorded, dict):
        own = [
            Path(text) for text in (recorded.get(FROM_RUN), recorded.get(ABSOLUTE)) if isinstance(text, str)
        ]
        found = [run / folder for folder in own]
    elif isinstance(document, str):
        # Up to 0.1.1 a run recorded the document as the command line named it: from a folder, most often above the
        # run, that it did not record.
        above = [folder / document for folder in (Path(os.path.realpath(run)).parents)]
        found = [path.parent for path in above if _exists(path)] + [Path(document).parent]
    else:
        found = []
    return list(dict.fromkeys(Path(os.path.realpath(folder)) for folder in found or [Path()]))


def _relative_names(made_of: dict[str, Any]) -> list[str]:
    """Return the relative paths that the document gives, of the data whose digests are recorded."""
    data = made_of.get("data")
    given = set(_strings(made_of["spec"].get("data")))
    return (
        [n for n in data if n in given and not Path(n).is_absolute() and not any(variables_in(n))]
        if isinstance(data, dict)
        else []
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _exists(path: Path) -> bool:
    """Return whether something is there; true, too, of what may not be seen, which reading it reports."""
    try:
        path.stat()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True

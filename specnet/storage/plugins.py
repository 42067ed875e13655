"""The plugins of a finished run, imported because whoever loads it asked for that."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from specnet.diagnostics import RunError
from specnet.language.named_plugins import names_of
from specnet.language.plugins import PluginFault, load_plugin
from specnet.storage.model_archive import RESOLVED, read_descriptions
from specnet.storage.resolved import load


def import_plugins(run: str | PathLike[str]) -> None:
    """Import the plugins that a run's directory, or an archive, names.

    Raises RunError where one cannot be imported, or the file that names them cannot be read; a folder that is not a
    run names none.
    """
    found = [each for data in _described(Path(run)) for each in names_of(data.get("spec"))]
    for _, name in found:
        try:
            load_plugin(name)
        except PluginFault as fault:
            raise RunError(f"{run}: {fault.message}" + (f" ({fault.help})" if fault.help else "")) from fault


def _described(run: Path) -> list[dict[str, Any]]:
    if run.is_file():
        found = read_descriptions(run)
    elif (run / RESOLVED).exists():
        found = [load(run / RESOLVED)]
    else:
        return []
    return [data for data in found if isinstance(data, dict)]

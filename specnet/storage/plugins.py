"""The plugins of a finished run, imported because whoever loads it asked for that."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from specnet.diagnostics import RunError
from specnet.language.named_plugins import names_of
from specnet.language.plugins import PluginFault, load_plugin
from specnet.storage.model_archive import RESOLVED, read_description
from specnet.storage.resolved import load


def import_plugins(run: str | PathLike[str]) -> None:
    """Import the plugins that a run's directory, or an archive, names.

    Raises RunError where one cannot be imported, or the file that names them cannot be read; a folder that is not a
    run names none.
    """
    for _, name in names_of(_described(Path(run)).get("spec")):
        try:
            load_plugin(name)
        except PluginFault as fault:
            raise RunError(f"{run}: {fault.message}" + (f" ({fault.help})" if fault.help else "")) from fault


def _described(run: Path) -> dict[str, Any]:
    if run.is_file():
        data = read_description(run)
    elif (run / RESOLVED).exists():
        data = load(run / RESOLVED)
    else:
        return {}
    return data if isinstance(data, dict) else {}

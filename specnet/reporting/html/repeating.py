from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from specnet.installation import DISTRIBUTION
from specnet.runs.directory import DOCUMENTS
from specnet.runs.kept import KeptRun


@dataclass(frozen=True)
class Repeating:
    """How to train the same again."""

    complete: bool
    """Whether the commands install specnet, too: where it came from is not known of every run."""
    commands: str


def repeating(kept: KeptRun) -> Repeating:
    """Return how to repeat a run, on the engine and by as many processes as it began with."""
    made_of, engine = kept.made_of, kept.engines[0]
    source = made_of.get("installed_from")
    # The file may be a stranger's, and pip would read an option in the place of a requirement.
    complete = isinstance(source, str) and source.startswith((f"{DISTRIBUTION} @ ", f"{DISTRIBUTION}=="))
    install = ["pip", "install", *([source] if complete else []), f"numpy=={made_of['numpy']}"]
    if engine == "numba":
        install.append("numba")
    return Repeating(complete, f"{shlex.join(map(str, install))}\n{_run(made_of, engine, kept.processes[0])}")


def _run(made_of: dict[str, Any], engine: str, processes: int) -> str:
    # A flag stands as it was written, what a program gave after the word `override`.
    overrides = [str(each).partition(" ")[2] for each in made_of.get("overrides", [])]
    parts = ["specnet", "run", str(made_of.get("document") or DOCUMENTS[1])]
    parts += [part for each in overrides for part in ("--set", each)]
    if engine == "numba":
        parts += ["--engine", engine]
    if processes > 1:
        parts += ["--distributed", str(processes)]
    return shlex.join(parts)

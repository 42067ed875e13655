"""The document with the values of a trial in place, beside the trials, where it can be run as it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.environment import variables_in
from specnet.diagnostics import KeyPath
from specnet.language.composing import file_paths, recompose, with_escapes
from specnet.language.editing import edited
from specnet.language.extended import EXTENDS, extended_names
from specnet.language.parsing import parsed_leniently
from specnet.language.spec import Spec
from specnet.language.toml_writer import toml
from specnet.storage.files import write_bytes

if TYPE_CHECKING:
    from specnet.language.source import SourceText

BESIDE = {"specnet", EXTENDS, "sweep", "name", "lint", "$schema"}
"""The keys of a document that only says how another one is swept."""


def write_best(spec: Spec, parameters: Mapping[str, Any], folder: Path, about: str = "") -> Path:
    """Write a document with the values of a trial into a folder, and return its path.

    Values are put in their places in the text, and paths of files lead to the same files from there. Where the values
    are those of a document that this one extends only to sweep it, it is that one. What cannot be edited in place, as
    several extended documents, is written as the document that they come to, without their comments. `about` becomes
    a comment at the top.
    """
    made = spec.replace(parameters)
    source = made.source.source
    found = None if source is None else _in_place(made, source, folder)
    syntax = "toml" if source is None or found is None else source.syntax
    text = _whole(made, folder) if found is None else found
    if about and syntax == "toml":
        directive, line, rest = text.partition("\n") if text.startswith("#:") else ("", "", text)
        text = f"{directive}{line}# {about}\n{rest}"  # a directive for editors is the first line
    path = folder / f"best.{syntax}"
    write_bytes(path, text.encode())
    return path


def _in_place(spec: Spec, source: SourceText, folder: Path) -> str | None:
    """Return the text of the document, or of the one that it sweeps, with the values in place; None if none can be."""
    own = parsed_leniently(source).data
    changes = {override.path: override.value for override in spec.source.overrides}
    extended = [part for part in spec.source.extended if part.source is not None]
    if len(extended) == 1 and set(own) <= BESIDE:
        base = extended[0]
        assert base.source is not None
        theirs = {place: value for place, value in changes.items() if place[0] not in BESIDE}
        text = _edited(base.source, base.data, theirs, folder)
        if text is not None:
            return text
    return _edited(source, own, changes, folder)


def _edited(
    source: SourceText, data: dict[str, Any], changes: Mapping[KeyPath, Any], folder: Path
) -> str | None:
    there = {
        path: value for path, value in _moved(data, source.folder, folder).items() if path not in changes
    }
    return edited(source.text, source.syntax, {**there, **changes})


def _moved(data: dict[str, Any], start: Path, folder: Path) -> dict[KeyPath, str]:
    """Return the relative paths of files in a document as they are from another folder, by their places."""
    found: dict[KeyPath, str] = {place: _from(text, start, folder) for place, text in extended_names(data)}
    for place, table, key in file_paths(data, Spec):
        text = table[key]
        if Path(text).is_absolute() or any(variables_in(text)) or not os.path.lexists(start / text):
            continue  # it is looked for elsewhere, too
        found[place] = _from(text, start, folder)
    return found


def _from(text: str, start: Path, folder: Path) -> str:
    if Path(text).is_absolute():
        return text
    there = Path(os.path.realpath(start)) / text
    return Path(os.path.relpath(there, os.path.realpath(folder))).as_posix()


def _whole(spec: Spec, folder: Path) -> str:
    """Return the document that a spec comes to, with nothing left to extend."""
    composed = recompose(spec.source, list(spec.source.overrides), Spec)
    data = spec.model_dump(mode="json", exclude_unset=True) if composed is None else composed.data
    files = None if composed is None else composed.source.resolution.files
    data = with_escapes(data, Spec, files)
    for place, text in _moved(data, spec.folder, folder).items():
        table: Any = data
        for step in place[:-1]:
            table = table[step]
        table[place[-1]] = text
    data.pop("sweep", None)
    data = {key: value for key, value in data.items() if value is not None}
    return toml({key: data[key] for key in sorted(data, key=lambda key: key != "specnet")})

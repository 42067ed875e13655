"""From the data of a document to those of one that stands for itself.

In this order: what it extends, overrides, variables and what is repeated. Validation follows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.access import Access
from specnet.data.confine import Confine
from specnet.data.environment import variables_in
from specnet.diagnostics import Diagnostic, KeyPath
from specnet.language.extended import EXTENDS, SUFFIXES, Inherited, extended_names, merged
from specnet.language.interpolation import escaped
from specnet.language.overrides import Override
from specnet.language.overriding import apply
from specnet.language.parsing import ParsedText, parsed_leniently
from specnet.language.recovery import Lost
from specnet.language.resolve import resolve
from specnet.language.source import SourceText
from specnet.language.spec_source import Resolution, SpecSource, WrittenPart
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from specnet.language.repeating import RepeatingReferences


VARIABLES = "variables"
"""The key of the values that references name."""


@dataclass(frozen=True)
class Composed:
    """A document with nothing left to resolve."""

    data: dict[str, Any]
    """Its data; what could not be resolved is UNREAD."""
    source: SpecSource
    faults: list[Diagnostic] = field(default_factory=list)
    """What is wrong with it so far, syntax errors included; those without a file are about its own keys."""
    override_faults: list[Diagnostic] = field(default_factory=list)
    """What does not fit of its overrides."""
    lost: Lost | None = None
    """What this leaves unknown of the data; None where it is nothing."""
    texts: dict[str, str] = field(default_factory=dict)
    """Further texts that findings name."""


@dataclass(frozen=True)
class Permissions:
    """What a document may read."""

    confine: Confine | None = None
    """The folder that nothing may lead out of."""
    environment: bool = True
    """Whether paths may name environment variables."""


def compose(
    result: ParsedText,
    text: SourceText | None,
    overrides: list[Override],
    model: type[Table],
    permissions: Permissions = Permissions(),
    *,
    is_base: bool = False,
    start: Path | None = None,
) -> Composed:
    """Return what a document comes to with what it extends, overrides, variables and repetitions.

    `model` is the class that the data will be read as. What a base lacks, keys and variables, others are to add.
    `start` is the folder that paths start from where there is no text.
    """
    inherited = Inherited()
    if EXTENDS in result.data:
        from specnet.language.extending import read_extended

        inherited = read_extended(result.data, text, permissions.confine)
    bare = SpecSource(text, start=start)
    return _composed(result, bare, inherited, overrides, model, permissions, is_base=is_base)


def recompose(source: SpecSource, overrides: list[Override], model: type[Table]) -> Composed | None:
    """Return what a document comes to with other overrides; nothing is read again.

    None where neither its text nor its data are known.
    """
    if source.source is not None:
        result = parsed_leniently(source.source).valid(source.source)
    elif source.own is not None:
        result = ParsedText(source.own)
    else:
        return None
    bare = SpecSource(source.source, start=source.start)
    return _composed(result, bare, Inherited(list(source.extended)), overrides, model)


def _composed(
    result: ParsedText,
    source: SpecSource,
    inherited: Inherited,
    overrides: list[Override],
    model: type[Table],
    permissions: Permissions = Permissions(),
    *,
    is_base: bool = False,
) -> Composed:
    own = result.data
    data = own
    if inherited.parts or (EXTENDS in own and extended_names(own)):
        bases = [WrittenPart(part.source, _without_extends(part.data)) for part in inherited.parts]
        own = _without_extends(own)
        data = _copied(merged([*bases, WrittenPart(source.source, own)]))
        if "specnet" not in own:  # it is this key that makes a document, and it is not inherited
            data.pop("specnet", None)
        source = replace(source, extended=tuple(bases), own=own)
    elif source.source is None and (VARIABLES in own or _has_references(own)):
        data = _copied(own)
        source = replace(source, own=own)
    done, misfits = apply(data, overrides, model)
    source = replace(source, overrides=tuple(done))
    faults = [*result.faults, *inherited.faults]
    losses = [*inherited.lost, *([] if result.lost is None else [result.lost])]
    if is_base or not inherited.is_whole:
        losses.append(_all_but_known(data))
    references = _references(data, model, permissions)
    if references is not None:
        references.may_lack = is_base or not inherited.is_whole
        data, source = _resolved(data, source, references)
        faults += references.faults.findings
        losses.append(_lost_at(references.lost))
    if source.extended:
        _relocate(data, source, model, permissions.confine)
    return Composed(data, source, faults, misfits, _joined(losses), inherited.texts)


def _without_extends(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != EXTENDS}


def _copied(value: Any) -> Any:
    """Return data in which overrides may be put without changing those that they came from."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [_copied(item) for item in value]
    return value


def _references(
    data: dict[str, Any], model: type[Table], permissions: Permissions
) -> RepeatingReferences | None:
    """Return what resolves a document's references; None where it has neither references nor variables."""
    variables = data.get(VARIABLES, {})
    if VARIABLES not in data and not _has_references(data):
        return None
    from specnet.language.repeating import RepeatingReferences

    return RepeatingReferences(
        variables if isinstance(variables, dict) else {},
        lambda path: path[:1] == ("data",) and _names_file(model, data, path),
        permissions.environment,
    )


def _has_references(value: Any) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(_has_references, value.values()))
    if isinstance(value, list):
        return any(_has_references(item) for item in value if isinstance(item, str | dict | list))
    return False


def _resolved(
    data: dict[str, Any], source: SpecSource, references: RepeatingReferences
) -> tuple[dict[str, Any], SpecSource]:
    from specnet.language.references import Place

    references.check_variables()
    found = {
        key: value
        if key in (VARIABLES, EXTENDS, "$schema")
        else references.resolved(value, Place().at(key)).value
        for key, value in data.items()
    }
    if isinstance(found.get(VARIABLES), dict):
        del found[VARIABLES]
    resolution = Resolution(frozenset(references.written_out), references.used, frozenset(references.files))
    return found, replace(source, resolution=resolution)


def _names_file(model: type[Table], data: dict[str, Any], path: KeyPath) -> bool:
    return any(domain.names_file for domain in resolve(model, data, path).domains)


def _relocate(data: dict[str, Any], source: SpecSource, model: type[Table], confine: Confine | None) -> None:
    """Write the relative paths of what is extended as they start from the document's own folder.

    That is done where the file is there: what lies elsewhere is looked for as if the document named it itself.
    """
    for path, table, key in file_paths(data, model):
        part = source.part_of(path)
        if part is None or part.source is None or part.source.path is None:
            continue
        text, theirs, own = table[key], part.source.folder, source.folder
        if theirs == own or Path(text).is_absolute() or any(variables_in(text)):
            continue
        if Access(source.folder, confine).refusal(text, theirs) is None and os.path.lexists(theirs / text):
            there = Path(os.path.realpath(theirs)) / text
            table[key] = Path(os.path.relpath(there, os.path.realpath(own))).as_posix()


def file_paths(data: dict[str, Any], model: type[Table]) -> Iterator[tuple[KeyPath, dict[str, Any], str]]:
    """Yield each path of a file or folder in a document: where it stands, and the table and key that hold it."""
    pending: list[tuple[KeyPath, dict[str, Any]]] = [((), data)]
    while pending:
        path, table = pending.pop()
        for key, value in table.items():
            here = (*path, key)
            if isinstance(value, dict):
                pending.append((here, value))
            elif isinstance(value, str) and path and _names_file(model, data, here):
                yield here, table, key


def _lost_at(paths: set[KeyPath]) -> Lost:
    around = {path[:depth] for path in paths for depth in range(len(path) + 1)}
    return Lost(frozenset(paths), frozenset(), frozenset(around))


def _all_but_known(data: dict[str, Any]) -> Lost:
    """Return that every table may have more keys, since not all of what is extended could be read."""
    tables: set[KeyPath] = {()}
    pending: list[tuple[KeyPath, dict[str, Any]]] = [((), data)]
    while pending:
        path, table = pending.pop()
        for key, value in table.items():
            if isinstance(value, dict):
                tables.add((*path, key))
                pending.append(((*path, key), value))
    return Lost(frozenset(), frozenset(tables), frozenset(tables))


def _joined(losses: list[Lost]) -> Lost | None:
    if not any(loss.paths or loss.incomplete for loss in losses):
        return None
    return Lost(
        frozenset().union(*(loss.paths for loss in losses)),
        frozenset().union(*(loss.incomplete for loss in losses)),
        frozenset().union(*(loss.around for loss in losses)),
    )


def is_base(data: dict[str, Any], text: SourceText | None) -> bool:
    """Return whether a file is only there to be extended: it lacks the key that makes it a document."""
    return (
        "specnet" not in data and text is not None and text.path is not None and text.path.suffix in SUFFIXES
    )


def base_warnings(data: dict[str, Any]) -> list[Diagnostic]:
    """Return the warning about a base that lacks nothing else, as a document does whose author forgot the key."""
    if EXTENDS in data or not ("data" in data and "layers" in data and ("loss" in data or "outputs" in data)):
        return []
    message = "`specnet` is missing: others can extend this file, but it is not a document itself"
    return [Diagnostic("SN201", message, ("specnet",), "table", "warning", "begin with specnet = 1")]


def with_escapes(
    data: dict[str, Any], model: type[Table], files: frozenset[KeyPath] | None = None
) -> dict[str, Any]:
    """Return resolved data as a document writes them, so that no string in them is taken for a reference.

    `files` are the paths of files that are written like that already; if left out, all of them are.
    """

    def written(value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {key: written(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [written(item, (*path, place)) for place, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        is_written = (
            path in files if files is not None else path[:1] == ("data",) and _names_file(model, data, path)
        )
        return value if is_written else escaped(value)

    found: dict[str, Any] = written(data, ())
    return found

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from specnet.diagnostics import Diagnostic, Report, SpecError
from specnet.language.overrides import Overrides, apply, read_overrides
from specnet.language.parsing import parsed
from specnet.language.reading import read
from specnet.language.source import SourceText
from specnet.language.spec import Spec
from specnet.language.spec_source import SpecSource

if TYPE_CHECKING:
    from specnet.data.confine import Confine
    from specnet.language.partial import PartialSpec


def check(
    source: str | os.PathLike[str] | SourceText, overrides: Overrides | None = None
) -> tuple[Spec | None, Report]:
    """Return a document's spec, None if it has errors, and the report of all that is wrong with it.

    `source` is a path, or a string if it holds a line break or begins with `{`. Raises SpecFileError for a file
    that cannot be read at all.
    """
    spec, report, _ = examine(source, overrides)
    return spec, report


def examine(
    source: str | os.PathLike[str] | SourceText,
    overrides: Overrides | None = None,
    confine: Confine | None = None,
) -> tuple[Spec | None, Report, PartialSpec | None]:
    """Return what `check` does, and for a document with errors what is sound in it all the same.

    With `confine`, the document may not lie outside of a folder.
    """
    wanted, faults = read_overrides(overrides or ())
    texts = {fault.file: fault.file for fault in faults if fault.file is not None}
    try:
        text = read(source, confine)
        data = parsed(text)
    except SpecError as error:
        file = next((d.file for d in error.diagnostics if d.file), "spec")
        return None, _report(file, (*error.diagnostics, *faults), {**texts, **error.sources}), None
    done, misfits = apply(data, wanted)
    faults += misfits
    spec_source = SpecSource(text, tuple(done))
    texts |= spec_source.texts | {fault.file: fault.file for fault in misfits if fault.file is not None}
    spec, found = _build(data, text)
    if spec is None or faults:
        from specnet.language.partial import partial_spec

        report = _report(text.file, (*spec_source.place(found), *faults), texts)
        return None, report, partial_spec(data, (*found, *faults), spec_source)
    spec._source = spec_source  # noqa: SLF001  the one place that makes a spec of a string
    return spec, _report(text.file, (), texts), None


def _report(file: str, found: Iterable[Diagnostic], texts: dict[str, str]) -> Report:
    return Report(1, tuple(replace(d, document=file) for d in found), texts, (file,))


def load(source: str | os.PathLike[str] | SourceText, overrides: Overrides | None = None) -> Spec:
    """Return a document's spec; raises SpecError with all that is wrong with it.

    Raises SpecFileError for a file that cannot be read at all.
    """
    spec, report = check(source, overrides)
    if spec is None:
        raise SpecError(report.diagnostics, report.sources)
    return spec


def _build(data: dict[str, Any], source: SourceText) -> tuple[Spec | None, list[Diagnostic]]:
    if source.syntax == "json" and isinstance(data.get("$schema"), str):
        del data["$schema"]
    try:
        return Spec.model_validate({"name": _name(source.stem), **data}), []
    except ValidationError as error:
        from specnet.language.faults import model_faults

        return None, model_faults(Spec, data, error)


def _name(stem: str) -> str:
    """Return a file's stem as a name, which cannot hold what no folder's name may."""
    name = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in stem).strip(" .")
    return name or "spec"

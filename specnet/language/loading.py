from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import Diagnostic, Report, SpecError
from specnet.language.composing import Permissions, base_warnings, compose, is_base, with_escapes
from specnet.language.mappings import document_of
from specnet.language.overrides import Overrides, read_overrides
from specnet.language.parsing import ParsedText, parsed_leniently
from specnet.language.reading import read
from specnet.language.source import SourceText
from specnet.language.spec import Spec

if TYPE_CHECKING:
    from specnet.data.confine import Confine
    from specnet.language.partial import PartialSpec


UNNAMED = "spec"
"""What a document is called in findings that was read from no file."""

Document = str | os.PathLike[str] | SourceText | Mapping[str, Any] | Spec
"""What a document can be given as: the path of a file, its text, its data, or a spec that was made of it."""


def check(
    source: Document, overrides: Overrides | None = None, *, environment: bool = True
) -> tuple[Spec | None, Report]:
    """Return a document's spec, None if it has errors, and the report of all that is wrong with it.

    `source` is a path, or a string if it holds a line break or begins with `{`; or a mapping, or a spec. Raises
    SpecFileError for a file that cannot be read at all.
    """
    spec, report, _ = examine(source, overrides, environment=environment)
    return spec, report


def examine(
    source: Document,
    overrides: Overrides | None = None,
    confine: Confine | None = None,
    *,
    plugins: bool = False,
    environment: bool = True,
    bases: bool = False,
) -> tuple[Spec | None, Report, PartialSpec | None]:
    """Return what `check` does, and for a document with errors what is sound in it all the same.

    With `confine`, the document may not lie outside of a folder, and the plugins that it names are imported only with
    `plugins`. Without `environment`, its paths may not name environment variables. With `bases`, what a document lacks
    that others are to extend is no error, and there is no spec of it.
    """
    if isinstance(source, Spec):
        return (*_of_spec(source, overrides), None)
    wanted, faults = read_overrides(overrides or ())
    texts = {fault.file: fault.file for fault in faults if fault.file is not None}
    text: SourceText | None = None
    try:
        if isinstance(source, Mapping):
            result = ParsedText(document_of(source))
        else:
            text = read(source, confine)
            result = parsed_leniently(text)
    except SpecError as error:
        file = next((d.file for d in error.diagnostics if d.file), UNNAMED)
        return None, _report(file, (*error.diagnostics, *faults), {**texts, **error.sources}), None
    only_base = bases and is_base(result.data, text)
    composed = compose(result, text, wanted, Spec, Permissions(confine, environment), is_base=only_base)
    misfits = composed.override_faults
    faults += misfits
    spec_source, lost = composed.source, composed.lost
    texts |= {**composed.texts, **spec_source.texts}
    texts |= {fault.file: fault.file for fault in misfits if fault.file is not None}
    found = tuple(composed.faults)
    file = UNNAMED if text is None else text.file
    try:
        spec = Spec.of_data(composed.data, spec_source, lost, imports=plugins or confine is None)
        if not faults and not found:
            return spec, _report(file, (), texts), None
    except SpecError as error:
        found += error.diagnostics
    if only_base:
        found += tuple(base_warnings(result.data))
    report = _report(file, (*spec_source.place(found), *faults), texts)
    if only_base:
        return None, report, None
    from specnet.language.partial import partial_spec

    return None, report, partial_spec(composed.data, (*found, *faults), spec_source, lost)


def _of_spec(spec: Spec, overrides: Overrides | None) -> tuple[Spec | None, Report]:
    """Return a spec with overrides, and the report of what is wrong with these."""
    text = spec.source.source
    file = UNNAMED if text is None else text.file
    try:
        made = spec if overrides is None else spec.replace(overrides)
    except SpecError as error:
        return None, _report(file, error.diagnostics, error.sources)
    return made, _report(file, (), spec.source.texts)


def _report(file: str, found: Iterable[Diagnostic], texts: dict[str, str]) -> Report:
    return Report(1, tuple(replace(d, document=file) for d in found), texts, (file,))


def load(source: Document, overrides: Overrides | None = None, *, environment: bool = True) -> Spec:
    """Return a document's spec, validated as a whole.

    `source` is the path of a TOML or JSON file, the text of a document, its data as a dictionary, or a spec.
    `overrides` replace values of the document: `{"training.epochs": 5, "layers.0.units": 32}`, or strings as `--set`
    takes them, `["training.epochs=5"]`. The plugins that the document names are imported, the data are not read.
    Without `environment`, a path that names an environment variable is an error.
    Raises SpecError with all that is wrong with the document, and SpecFileError for a file that cannot be read at all.
    """
    spec, report = check(source, overrides, environment=environment)
    if spec is None:
        raise SpecError(report.diagnostics, report.sources)
    return spec


def resolved_text(
    source: SourceText, overrides: Overrides, confine: Confine | None = None, *, environment: bool = True
) -> str | None:
    """Return a document as it is with what it extends, overrides, variables and repetitions, in its own syntax.

    None where these have errors.
    """
    wanted, faults = read_overrides(overrides)
    try:
        composed = compose(parsed_leniently(source), source, wanted, Spec, Permissions(confine, environment))
    except SpecError:
        return None
    if faults or composed.faults or composed.override_faults:
        return None
    files = composed.source.resolution.files
    data = with_escapes(composed.data, Spec, files)
    if source.syntax == "json":
        import json

        return f"{json.dumps(data, indent=2, ensure_ascii=False)}\n"
    from specnet.language.toml_writer import toml

    return toml({key: data[key] for key in sorted(data, key=lambda key: key != "specnet")})

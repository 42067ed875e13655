"""What comes into a network: all of an example's elements, or stretches of them under names of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod

from specnet.data import Signature
from specnet.data.access import UNQUOTED
from specnet.data.signature import ColumnSlice
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.diagnostics.text import clipped, listed
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.language.spec import Entry
from specnet.language.suggestions import unknown_name

Span = tuple[int, int]
"""A stretch of elements: the first one, and one past the last."""


def named_inputs(inputs: Mapping[str, Entry], signature: Signature, x: Value) -> dict[str, Value]:
    """Return the inputs that a document names, given all elements x (batch, ...); raise SpecError with all faults."""
    found: list[Diagnostic] = []
    cuts: dict[str, tuple[list[Span], tuple[int, ...] | None]] = {}
    for name, entry in inputs.items():
        try:
            stretches = _stretches(name, entry, signature)
        except SpecError as error:
            found += error.diagnostics
            continue
        spans = list(_joined((s.start, s.start + s.width) for s in stretches))
        cuts[name] = spans, entry.shape or (stretches[0].shape or None)
        size = sum(end - start for start, end in spans)
        if entry.shape is not None and prod(entry.shape) != size:
            what = (
                f"the array of `{name}` has" if entry.array is not None else f"the columns of `{name}` have"
            )
            message = f"{what} {size} elements, which do not fill {list(entry.shape)}"
            found.append(Diagnostic("SN309", message, ("inputs", name, "shape"), help=f"shape = [{size}]"))
    if found:
        raise SpecError(found)
    flat = x if x.rank == 2 else ops.flat(x)
    return {name: _cut(flat, *cut) for name, cut in cuts.items()}


def _stretches(name: str, entry: Entry, signature: Signature) -> list[ColumnSlice]:
    """Return the stretches of the data's inputs that an input holds; raise SpecError with all that are not there."""
    given = signature.stretches
    arrays = given is not None and bool(given[0].shape)
    if entry.array is not None:
        wanted: list[tuple[str, KeyPath]] = [(entry.array, ("inputs", name, "array"))]
    else:
        path = ("inputs", name, "columns")
        wanted = [(str(column), (*path, place)) for place, column in enumerate(entry.columns or ())]
    if given is None or arrays != (entry.array is not None):
        raise SpecError([_of_another_kind(name, entry, given, quotable=signature.quotable)])
    known = {stretch.name: stretch for stretch in given}
    faults = [
        _unknown(text, path, list(known), arrays=arrays, quotable=signature.quotable)
        for text, path in wanted
        if text not in known
    ]
    if faults:
        raise SpecError(faults)
    return [known[text] for text, _ in wanted]


def _of_another_kind(
    name: str, entry: Entry, given: tuple[ColumnSlice, ...] | None, *, quotable: bool
) -> Diagnostic:
    help_ = None
    if entry.array is None:
        message = (
            f"`{name}` names columns, and the inputs have none: they are not a table, or a transform has changed "
            "their elements"
        )
        if given is not None:
            message = f"`{name}` names columns, and the inputs are arrays"
            help_ = f'array = "{clipped(given[0].name)}"' if quotable else None
    else:
        message = (
            f"`{name}` names an array, and the inputs are not separate arrays: `inputs` of npz data is not a list "
            "of arrays, or a transform has changed their elements"
        )
        if given is not None:
            message = f"`{name}` names an array, and the inputs are columns"
            help_ = f'columns = ["{clipped(given[0].name)}"]' if quotable else None
    path = ("inputs", name, "array" if entry.array is not None else "columns")
    return Diagnostic("SN309", message, path, part="key" if given is not None else "value", help=help_)


def _unknown(text: str, path: KeyPath, known: list[str], *, arrays: bool, quotable: bool) -> Diagnostic:
    message = f"no {'array' if arrays else 'column'} of the inputs is called `{text}`"
    if not quotable:
        return Diagnostic("SN309", message, path, help=UNQUOTED)
    cure = f"the {'arrays' if arrays else 'columns'} are {listed(known)}"
    return unknown_name("SN309", message, text, known, path, cure)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield stretches that follow each other as one."""
    before: Span | None = None
    for start, end in spans:
        if before is not None and before[1] == start:
            before = before[0], end
            continue
        if before is not None:
            yield before
        before = start, end
    if before is not None:
        yield before


def _cut(x: Value, spans: list[Span], shape: tuple[int, ...] | None) -> Value:
    width = x.shape[-1]
    assert isinstance(width, int)
    parts = [
        x if span == (0, width) else ops.crop(x, margins=((0, 0), (span[0], width - span[1])))
        for span in spans
    ]
    whole = ops.concat(*parts, axis=1) if len(parts) > 1 else parts[0]
    return whole if shape is None else ops.reshape(whole, shape=(x.shape[0], *shape))

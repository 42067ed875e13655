"""What comes into a network: all of an example's elements, or stretches of them under names of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, Edit, Fix, KeyPath, SpecError
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.language.spec import Entry
from specnet.language.suggestions import certain_kind, closest

Span = tuple[int, int]
"""A stretch of elements: the first one, and one past the last."""


def named_inputs(inputs: Mapping[str, Entry], signature: Signature, x: Value) -> dict[str, Value]:
    """Return the inputs that a document names, given all elements x (batch, n); raise SpecError with all faults."""
    found: list[Diagnostic] = []
    cuts: dict[str, list[Span]] = {}
    for name, entry in inputs.items():
        try:
            cuts[name] = list(_joined(_spans(name, entry, signature)))
        except SpecError as error:
            found += error.diagnostics
            continue
        size = sum(end - start for start, end in cuts[name])
        if entry.shape is not None and prod(entry.shape) != size:
            message = f"the columns of `{name}` have {size} elements, which do not fill {list(entry.shape)}"
            found.append(Diagnostic("SN309", message, ("inputs", name, "shape"), help=f"shape = [{size}]"))
    if found:
        raise SpecError(found)
    return {name: _cut(x, cuts[name], entry.shape) for name, entry in inputs.items()}


def _spans(name: str, entry: Entry, signature: Signature) -> Iterator[Span]:
    stretches = signature.stretches
    if stretches is None:
        message = (
            f"`{name}` names columns, and the inputs have none: they are no table, or a transform has changed what "
            "their elements are"
        )
        raise SpecError([Diagnostic("SN309", message, ("inputs", name, "columns"))])
    known = {stretch.name: (stretch.start, stretch.start + stretch.width) for stretch in stretches}
    faults = []
    for place, column in enumerate(entry.columns):
        text = str(column)
        if text not in known:
            faults.append(_unknown(text, ("inputs", name, "columns", place), list(known)))
    if faults:
        raise SpecError(faults)
    yield from (known[str(column)] for column in entry.columns)


def _unknown(column: str, path: KeyPath, known: list[str]) -> Diagnostic:
    meant = closest(column, known)
    sure = meant is not None and meant == certain_kind(column, known)
    message = f"no column of the inputs is called `{column}`"
    shown = ", ".join(f"`{name}`" for name in known[:12]) + (
        f" and {len(known) - 12} more" if len(known) > 12 else ""
    )
    return Diagnostic(
        "SN309",
        f"{message}; did you mean `{meant}`?" if meant else message,
        path,
        help=f"the columns are {shown}",
        fix=Fix(f'write "{meant}"', (Edit(f'"{meant}"', path),)) if sure else None,
    )


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
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
    whole = ops.beside(*parts, axis=1) if len(parts) > 1 else parts[0]
    return whole if shape is None else ops.reshape(whole, shape=(x.shape[0], *shape))

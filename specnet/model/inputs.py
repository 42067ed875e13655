"""What comes into a network: one array of all of an example's elements, or arrays under names of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from types import MappingProxyType

from specnet.data import Signature
from specnet.data.access import UNQUOTED
from specnet.data.signature import ONLY, ColumnSlice, InputArray, Padding, only_array
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.diagnostics.text import clipped, listed
from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf, leaves
from specnet.graph.sizes import BATCH, DType, Shape, Size
from specnet.language.sections import Entry
from specnet.language.spec import Spec
from specnet.language.suggestions import unknown_name
from specnet.model.output_targets import INPUTS
from specnet.model.text_inputs import check_texts, text_fault

MOVING = {"reshape", "crop"}
"""The ops that may lie between an input and where it is read as indices."""


def input_arrays(spec: Spec, signature: Signature) -> tuple[InputArray, ...]:
    """Return the arrays that a network takes, all in the document's dtype; raise SpecError with all faults.

    Inputs that the document names are arrays of their own, unless something looks at an example as a whole: an
    augmentation, an output that is compared with the inputs, or rows that are read from their file batch by batch.
    """
    check_texts(spec, signature, whole=seen_whole(spec))
    if spec.inputs is None:
        return only_array(signature.inputs, spec.dtype, signature.tokens, signature.padding)
    named = named_arrays(spec.inputs, signature, spec.dtype)
    if seen_whole(spec) or signature.batches:
        return only_array(signature.inputs, spec.dtype)
    return named


def seen_whole(spec: Spec) -> bool:
    """Return whether something changes the inputs, or is compared with them, as one array of numbers."""
    compared = any(output.target == INPUTS for output in (spec.outputs or {}).values())
    return compared or spec.data.reproduces or bool(spec.data.augmentations)


def named_arrays(inputs: Mapping[str, Entry], signature: Signature, dtype: DType) -> tuple[InputArray, ...]:
    """Return the inputs that a document names, as arrays; raise SpecError with all faults."""
    found: list[Diagnostic] = []
    arrays: list[InputArray] = []
    for name, entry in inputs.items():
        try:
            column_slices = _column_slices(name, entry, signature)
        except SpecError as error:
            found += error.diagnostics
            continue
        fault = text_fault(name, entry, column_slices, quotable=signature.quotable)
        if fault is not None:
            found.append(fault)
            continue
        spans = tuple(_joined((s.start, s.start + s.width) for s in column_slices))
        size = sum(end - start for start, end in spans)
        shape = entry.shape or column_slices[0].shape or (size,)
        tokens = column_slices[0].categories if column_slices[0].kind == "tokens" else 0
        padding: Padding | None = "token" if tokens else None
        arrays.append(InputArray(f"{ONLY}/{name}", shape, dtype, spans, tokens, padding))
        if entry.shape is not None and prod(entry.shape) != size:
            what = (
                f"the array of `{name}` has" if entry.array is not None else f"the columns of `{name}` have"
            )
            message = f"{what} {size} elements, which do not fill {list(entry.shape)}"
            found.append(Diagnostic("SN309", message, ("inputs", name, "shape"), help=f"shape = [{size}]"))
    if found:
        raise SpecError(found)
    return tuple(arrays)


def input_values(
    build: Builder,
    arrays: tuple[InputArray, ...],
    spec: Spec,
    signature: Signature | None,
    lengths: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Value]:
    """Append the arrays of a network's inputs, and return the values that its layers take, by the inputs' names.

    Without names in the document, it is one value, whose name is that of the array. `lengths` are the named sizes that
    stand for the numbers of steps of arrays, by array.
    """
    graph = build.graph

    def shape(array: InputArray) -> Shape:
        if array.name not in lengths:
            return BATCH, *array.shape
        return BATCH, Size(names=(lengths[array.name],)), *array.shape[1:]

    whole = arrays[0].spans is None
    graph.key_path = (
        ("inputs",) if not whole else ("input_shape",) if spec.input_shape is not None else ("data",)
    )
    given = {a.name: leaf(graph, a.name, "input", shape(a), a.dtype) for a in arrays}
    if spec.inputs is None or not whole:
        values = {array.short: sequences(build, given[array.name], array) for array in arrays}
    else:
        assert signature is not None, "what inputs are called by is known with the data"
        graph.key_path = ("inputs",)
        arrays = named_arrays(spec.inputs, signature, spec.dtype)
        values = {array.short: sequences(build, cut_value(given[ONLY], array), array) for array in arrays}
    if signature is not None and signature.column_slices is not None:
        for array in arrays:
            build.columns[values[array.short]] = tuple(_columns_of(array, signature.column_slices))
    return values


def _columns_of(array: InputArray, known: tuple[ColumnSlice, ...]) -> Iterator[ColumnSlice]:
    """Yield the columns in an array, each with the place of its first feature there."""
    if array.spans is None:
        yield from known
        return
    before = 0
    for first, end in array.spans:
        for column in known:
            if first <= column.start < end:
                yield column._replace(start=before + column.start - first)
        before += end - first


def sequences(build: Builder, x: Value, array: InputArray) -> Value:
    """Return an input with its mask and its tokens noted, and zeros where it has steps of padding."""
    if array.padding == "nan":
        known = ops.equal(x, x)
        there = ops.where(known, 1.0, 0.0)
        mask = ops.reshape(ops.reduce_max(there, axis=2), shape=x.shape[:2])
        return build.mask(ops.where(known, x, 0.0), mask)
    if array.tokens:
        build.vocabularies[x] = array.tokens
    if array.padding is not None:
        there = ops.minimum(x if x.dtype == build.dtype else ops.cast(x, to=build.dtype), 1.0)
        build.mask(x, there if array.padding == "token" else _with_first(there))
    return x


def _with_first(mask: Value) -> Value:
    """Return a mask (batch, steps) with the first step of each row."""
    steps = mask.shape[1]
    if isinstance(steps, int):
        first = ops.fixed(mask.graph, [1.0] + [0.0] * (steps - 1))
    else:
        numbers = ops.cast(ops.step_numbers(mask.graph, steps), to=mask.dtype)
        first = ops.where(ops.equal(numbers, 0.0), 1.0, 0.0)
    return ops.maximum(mask, first)


def whole_numbers(arrays: tuple[InputArray, ...], signature: Signature) -> set[str]:
    """Return the names of the arrays that are known to hold whole numbers alone."""
    column_slices = signature.column_slices or ()
    found = set()
    for array in arrays:
        if array.spans is None:
            whole = signature.whole
        else:
            parts = [s for s in column_slices if any(a <= s.start < b for a, b in array.spans)]
            whole = bool(parts) and all(column_slice.whole for column_slice in parts)
        if whole:
            found.add(array.name)
    return found


def read_as_indices(build: Builder, name: str) -> bool:
    """Return whether all that reads an input takes its elements as indices, at once or after moving them.

    What finds the padding among them does not count.
    """
    graph = build.graph
    moved, read = {leaves(graph)[name].index}, False
    masking = _nodes_before(build.masks.values())
    for node in graph:
        if not any(value.index in moved for value in node.inputs):
            continue
        if node.op.name in MOVING:
            moved.add(node.value.index)
        elif node.op is ops.indices:
            read = True
        elif node.index not in masking:
            return False
    return read


def _nodes_before(values: Iterable[Value]) -> set[int]:
    """Return the places of the ops that lead to some values."""
    found: set[int] = set()
    ahead = [value.node for value in values]
    while ahead:
        node = ahead.pop()
        if node.index not in found:
            found.add(node.index)
            ahead += [value.node for value in node.inputs]
    return found


def _column_slices(name: str, entry: Entry, signature: Signature) -> list[ColumnSlice]:
    """Return the slices of the data's inputs that an input holds; raise SpecError with all that are missing."""
    given = signature.column_slices
    arrays = given is not None and bool(given[0].shape)
    if entry.array is not None:
        wanted: list[tuple[str, KeyPath]] = [(entry.array, ("inputs", name, "array"))]
    else:
        path = ("inputs", name, "columns")
        wanted = [(str(column), (*path, place)) for place, column in enumerate(entry.columns or ())]
    if given is None or arrays != (entry.array is not None):
        raise SpecError([_of_another_kind(name, entry, given, quotable=signature.quotable)])
    known = {column_slice.name: column_slice for column_slice in given}
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
    help = f"the {'arrays' if arrays else 'columns'} are {listed(known)}"
    return unknown_name("SN309", message, text, known, path, help)


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans that follow each other as one."""
    before: tuple[int, int] | None = None
    for start, end in spans:
        if before is not None and before[1] == start:
            before = before[0], end
            continue
        if before is not None:
            yield before
        before = start, end
    if before is not None:
        yield before


def rows_dtype(network_inputs: tuple[InputArray, ...]) -> DType:
    """Return the dtype in which a whole row holds the elements of all arrays."""
    dtypes = {array.dtype for array in network_inputs}
    return dtypes.pop() if len(dtypes) == 1 else "float64"


def cut_rows(arrays: tuple[InputArray, ...], shape: tuple[int, ...]) -> tuple[Value, dict[str, Value]]:
    """Return whole rows (batch, *shape) as the leaf of a graph of its own, and the arrays in them by name."""
    graph = Graph("float64")
    rows = leaf(graph, ONLY, "input", (BATCH, *shape), rows_dtype(arrays))
    values = {array.name: cut_value(rows, array) for array in arrays}
    for array in arrays:
        if array.dtype != rows.dtype:
            values[array.name] = ops.cast(values[array.name], to=array.dtype)
    graph.outputs = values
    return rows, values


def cut_value(x: Value, array: InputArray) -> Value:
    """Append the elements of whole rows x (batch, ...) that an array holds, laid out as it is."""
    if array.spans is None:
        return x
    x = x if x.rank == 2 else ops.flat(x)
    width = x.shape[-1]
    assert isinstance(width, int)
    parts = [
        x if span == (0, width) else ops.crop(x, margins=((0, 0), (span[0], width - span[1])))
        for span in array.spans
    ]
    whole = ops.concat(*parts, axis=1) if len(parts) > 1 else parts[0]
    shape = (x.shape[0], *array.shape)
    return whole if whole.shape == shape else ops.reshape(whole, shape=shape)

"""Ops that put arrays together, and take parts of them."""

from __future__ import annotations

from itertools import accumulate

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.record import LETTERS, Unexportable
from specnet.graph.rules import Printer
from specnet.graph.sizes import Dim, Kind, Shape, Size, added, between, show

Margins = tuple[tuple[Dim, Dim], ...]
"""For each axis how many places before the first that is meant, and after the last."""

MAXIMUM = 8
"""How many arrays one application of `concat` joins."""


class ConcatAttributes(Attributes):
    """The axis along which arrays are joined."""

    axis: int


class PartAttributes(Attributes):
    """From which place on the first axis to which."""

    start: int
    stop: int


class MarginsAttributes(Attributes):
    """What is cut off or added."""

    margins: Margins


def _infer_concat(inputs: tuple[Value, ...], attributes: ConcatAttributes) -> Kind:
    axis, first = attributes.axis, inputs[0]
    for value in inputs[1:]:
        others = [s.shape[:axis] + s.shape[axis + 1 :] for s in (first, value)]
        if value.rank != first.rank or others[0] != others[1]:
            message = f"{show(first.shape)} and {show(value.shape)} differ in more than axis {axis}"
            raise ShapeFault(message, blame=value)
    joined = added(value.shape[axis] for value in inputs)
    if joined is None:
        shapes = " and ".join(show(value.shape) for value in inputs)
        raise ShapeFault(f"{shapes} cannot be joined along axis {axis}", blame=inputs[-1])
    return (*first.shape[:axis], joined, *first.shape[axis + 1 :]), first.dtype


def _parts(inputs: tuple[Value, ...], whole: Value, axis: int) -> list[Margins]:
    """Return the margins around each of some arrays that are joined along an axis."""
    sizes = [value.shape[axis] for value in inputs]
    ends = list(accumulate(sizes, _plus))
    found = []
    for size, end in zip(sizes, ends, strict=True):
        margins: list[tuple[Dim, Dim]] = [(0, 0)] * whole.rank
        margins[axis] = (_minus(end, size), _minus(ends[-1], end))
        found.append(tuple(margins))
    return found


def _plus(a: Dim, b: Dim) -> Dim:
    whole = added([dim for dim in (a, b) if dim != 0])
    assert whole is not None
    return whole


def _minus(a: Dim, b: Dim) -> Dim:
    """Return what is left of a dimension; an axis of named sizes is cut into parts of the same sizes."""
    left = between(a, b)
    assert left is not None, f"{b} cannot be cut off {a}"
    return left


def _index(margins: Margins, name: str) -> str:
    """Return the index of what lies between the margins: as text, or what is prepared where sizes are named."""
    if any(isinstance(edge, Size) for pair in margins for edge in pair):
        return f"{{{name}}}"
    return ", ".join(f"{before or ''}:{f'-{after}' if after else ''}" for before, after in margins)


def _concat_kernel(value: Value) -> str:
    parts = _parts(value.inputs, value, CONCAT.of(value).axis)
    return "\n".join(
        f"copyto({{o}}[{_index(margins, f'part{number}')}], {{{letter}}})"
        for number, (letter, margins) in enumerate(zip(LETTERS, parts, strict=False))
    )


def _concat_pullback(g: Value, y: Value, *inputs: Value, axis: int) -> list[Value]:
    return [crop(g, margins=margins) for margins in _parts(inputs, y, axis)]


def _concat_parts(value: Value) -> dict[str, Prepared]:
    parts = _parts(value.inputs, value, CONCAT.of(value).axis)
    return {f"part{number}": Prepared("window", (margins,)) for number, margins in enumerate(parts)}


CONCAT: Op[ConcatAttributes] = Op(
    "concat",
    _infer_concat,
    _concat_kernel,
    _concat_pullback,
    attributes=ConcatAttributes,
    flops=0,
    prepare=_concat_parts,
    noun="joined",
    printed="np.concatenate(({inputs}), axis={axis})",
    onnx="Concat(*inputs, axis={axis})",
)
"""At most eight arrays side by side along one axis."""


def concat(*values: Value, axis: int) -> Value:
    """Return any number of arrays that differ in one axis alone, side by side along it."""
    while len(values) > 1:
        values = tuple(
            CONCAT(*part, axis=axis) if len(part) > 1 else part[0]
            for part in (values[i : i + MAXIMUM] for i in range(0, len(values), MAXIMUM))
        )
    return values[0]


def _infer_crop(inputs: tuple[Value, ...], attributes: MarginsAttributes) -> Kind:
    (x,) = inputs
    shape: list[Dim] = []
    for size, (before, after) in zip(x.shape, attributes.margins, strict=True):
        if isinstance(size, int) and size <= _plus(before, after):  # type: ignore[operator]
            raise ShapeFault(
                f"{_plus(before, after)} of {size} places are cut off {show(x.shape)}: none is left", x
            )
        shape.append(_minus(_minus(size, before), after))
    return tuple(shape), x.dtype


def _window(margins: Margins) -> dict[str, Prepared]:
    return {"window": Prepared("window", (margins,))}


def _printed_crop(printer: Printer, value: Value) -> str:
    def edge(size: Dim) -> str:
        return f"({printer.size(size)})" if isinstance(size, Size) else str(size or "")

    kept = (f"{edge(before)}:{'-' if after else ''}{edge(after)}" for before, after in crop.of(value).margins)
    return f"{{a}}[{', '.join(kept)}]"


def _fixed_margins(margins: Margins) -> tuple[list[int], list[int]]:
    """Return what is before and after each axis; raise Unexportable where that depends on named sizes."""
    before, after = zip(*margins, strict=True)
    if any(isinstance(edge, Size) for edge in (*before, *after)):
        raise Unexportable("it cuts or adds a part of unknown size")
    return list(before), list(after)


def _crop_onnx(value: Value) -> str:
    before, after = _fixed_margins(crop.of(value).margins)
    return f"Slice(a, {before}, {[-size if size else 2**63 - 1 for size in after]})"


def _pad_onnx(value: Value) -> str:
    before, after = _fixed_margins(pad.of(value).margins)
    return f"Pad(a, {before + after})"


def _printed_pad(printer: Printer, value: Value) -> str:
    margins = (f"({printer.size(before)}, {printer.size(after)})" for before, after in pad.of(value).margins)
    return f"np.pad({{a}}, ({', '.join(margins)}{',' if value.rank == 1 else ''}))"


crop: Op[MarginsAttributes] = Op(
    "crop",
    _infer_crop,
    lambda value: f"copyto({{o}}, {{a}}[{_index(crop.of(value).margins, 'window')}])",
    lambda g, y, x, margins: (pad(g, margins=margins),),
    attributes=MarginsAttributes,
    flops=0,
    prepare=lambda value: _window(crop.of(value).margins),
    noun="part",
    printed=_printed_crop,
    onnx=_crop_onnx,
)
"""What is left of an array without `margins`, (before, after) for each axis, the batch's included."""


def _infer_pad(inputs: tuple[Value, ...], attributes: MarginsAttributes) -> Kind:
    (x,) = inputs
    shape: Shape = tuple(
        _plus(_plus(before, size), after)
        for size, (before, after) in zip(x.shape, attributes.margins, strict=True)
    )
    return shape, x.dtype


pad: Op[MarginsAttributes] = Op(
    "pad",
    _infer_pad,
    lambda value: f"{{o}}.fill(0.0)\ncopyto({{o}}[{_index(pad.of(value).margins, 'window')}], {{a}})",
    lambda g, y, x, margins: (crop(g, margins=margins),),
    attributes=MarginsAttributes,
    flops=0,
    prepare=lambda value: _window(pad.of(value).margins),
    noun="padded",
    printed=_printed_pad,
    onnx=_pad_onnx,
)
"""An array with `margins` of zeros around it, (before, after) for each axis, the batch's included."""


def _infer_part(inputs: tuple[Value, ...], attributes: PartAttributes) -> Kind:
    (x,) = inputs
    size = x.shape[0]
    assert isinstance(size, int)
    assert 0 <= attributes.start < attributes.stop <= size
    return (attributes.stop - attributes.start, *x.shape[1:]), x.dtype


def _part_pullback(g: Value, y: Value, x: Value, start: int, stop: int) -> tuple[Value]:
    return (pad(g, margins=((start, x.shape[0] - stop), *((0, 0),) * (x.rank - 1))),)  # type: ignore[operator]


def _part_onnx(value: Value) -> str:
    settings, none = part.of(value), [0] * (value.rank - 1)
    return f"Slice(a, {[settings.start, *none]}, {[settings.stop, *(2**63 - 1 for _ in none)]})"


part: Op[PartAttributes] = Op(
    "part",
    _infer_part,
    pullback=_part_pullback,
    attributes=PartAttributes,
    alias=True,
    flops=0,
    noun="part",
    printed="{a}[{start}:{stop}]",
    onnx=_part_onnx,
)
"""Neighbours on the first axis, which is of fixed size: where they lie, nothing is copied."""

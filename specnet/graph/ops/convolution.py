"""Convolutions of images (batch, height, width, channels), and what flows back through them.

The three ops are one trilinear form in the images, the kernel and the output, each solved for another of them:
so the pullbacks of each are the other two, and slopes of slopes exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry, Pair
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.ops import convolution_numpy as source
from specnet.graph.ops.stretching import reduce_sum
from specnet.graph.record import GRADIENT_ONLY
from specnet.graph.rules import Printer
from specnet.graph.sizes import ITEM_BYTES, Count, DType, Kind, Shape, at, count, show, static
from specnet.graph.winograd import Winograd


class ConvolutionAttributes(Attributes):
    """How a kernel goes over images."""

    strides: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1
    phases: Pair = (1, 1)


class BackAttributes(ConvolutionAttributes):
    """The height and the width of what is to be found."""

    size: Pair = field(kw_only=True)

    @property
    def forward(self) -> ConvolutionAttributes:
        """How the kernel goes over the images."""
        return ConvolutionAttributes(self.strides, self.padding, self.dilation, self.groups, self.phases)


def _geometry(images: Shape, kernel: Shape, dtype: DType, attributes: ConvolutionAttributes) -> Geometry:
    height, width, channels = map(static, images[1:])
    rows, columns, _, filters = map(static, kernel)
    return Geometry(
        (height, width),
        channels,
        (rows, columns),
        filters,
        attributes.strides,
        attributes.padding,
        attributes.dilation,
        attributes.groups,
        ITEM_BYTES[dtype],
        attributes.phases,
    )


def _times(pair: Sequence[Any]) -> str:
    return " x ".join(map(str, pair))


def _fitting(
    images: Shape, kernel: Shape, blame: Value, dtype: DType, attributes: ConvolutionAttributes
) -> Geometry:
    """Return the geometry of images and a kernel; raise ShapeFault where they do not fit."""
    if len(images) != 4 or len(kernel) != 4:
        raise ShapeFault(f"{show(images)} is not the shape of images (batch, height, width, channels)", blame)
    groups = attributes.groups
    channels, filters = static(images[3]), static(kernel[3])
    if channels % groups or filters % groups:
        raise ShapeFault(
            f"{channels} channels and {filters} filters cannot both be divided into {groups} groups", blame
        )
    if kernel[2] != channels // groups:
        raise ShapeFault(
            f"a kernel {show(kernel)} does not fit {channels} channels in {groups} groups", blame
        )
    how = _geometry(images, kernel, dtype, attributes)
    if min(how.out) < 1:
        spread = [(k - 1) * d + 1 for k, d in zip(how.kernel, how.dilation, strict=True)]
        dilated = f", {_times(spread)} with its dilation," if spread != list(how.kernel) else ""
        around = f", {_times(how.padded)} with their padding" if how.pads else ""
        raise ShapeFault(
            f"a kernel of {_times(how.kernel)}{dilated} is larger than the images of {_times(how.size)}{around}",
            blame,
            help='a smaller kernel_size, or padding = "same"',
        )
    return how


def _of(value: Value) -> Geometry:
    """Return the geometry of an application of any of the three ops."""
    attributes = value.attributes
    assert isinstance(attributes, ConvolutionAttributes)
    if value.op is conv2d:
        images, kernel = (v.shape for v in value.inputs[:2])
    elif value.op is conv2d_input:
        images, kernel = value.shape, value.inputs[1].shape
    else:
        images, kernel = value.inputs[0].shape, value.shape
    return _geometry(images, kernel, value.dtype, attributes)


def geometry_of(value: Value, phases: Pair) -> Geometry:
    """Return the geometry that an application of any of the three ops would have with these phases."""
    return replace(_of(value), phases=phases)


def tiles_of(value: Value) -> Winograd | None:
    """Return the tiles with which an op saves multiplications if it has enough images, if it is a convolution."""
    if value.op is conv2d_input:
        sizes = _of(value).winograd_back
    elif value.op is conv2d or value.op is conv2d_kernel:
        sizes = _of(value).winograd
    else:
        return None
    worth = sizes is not None and (sizes.worth_back if value.op is conv2d_kernel else sizes.worth)
    return sizes if worth else None


def _how(value: Value) -> dict[str, Prepared]:
    return {"how": Prepared("itself", (_of(value),))}


def _infer_conv2d(inputs: tuple[Value, ...], attributes: ConvolutionAttributes) -> Kind:
    x, w, *bias = inputs
    how = _fitting(x.shape, w.shape, x, x.dtype, attributes)
    if bias and bias[0].shape != (how.filters,):
        raise ShapeFault(f"a bias {show(bias[0].shape)} does not fit {how.filters} filters", bias[0])
    return (x.shape[0], *how.laid), x.dtype


def _flops(value: Value) -> Count:
    """Two operations for each number of a patch and each number of the output; one for a bias."""
    how = _of(value)
    places = count(value.inputs[0].shape[:1])
    each = 2 * how.depth + (1 if len(value.inputs) == 3 else 0)
    return places * Count(how.out[0] * how.out[1] * how.filters * each)


def _pull_conv2d(g: Value, y: Value, x: Value, w: Value, *bias: Value, **attributes: Any) -> Sequence[Value]:
    height, width = x.shape[1:3]
    rows, columns = w.shape[:2]
    to_bias = [reduce_sum(g, axes=(0, 1, 2))] if bias else []
    return (
        conv2d_input(g, w, size=(height, width), **attributes),
        conv2d_kernel(x, g, size=(rows, columns), **attributes),
        *to_bias,
    )


def _printed(_: Printer, value: Value) -> str:
    settings = (name for name in value.attributes.named() if name != "phases")
    call = f"{value.op}({{a}}, {{b}}, {', '.join(f'{name}={{{name}}}' for name in settings)})"
    return f"{call} + {{c}}" if len(value.inputs) == 3 else call


_FIRST, _LAST = "[0, 3, 1, 2]", "[0, 2, 3, 1]"
"""The axes of images with their channels before height and width, as ONNX has them, and back again."""

_FILTERS_FIRST = "[3, 2, 0, 1]"


def _conv2d_onnx(value: Value) -> str:
    (top, bottom), (left, right) = conv2d.of(value).padding
    pads = [top, left, bottom, right]
    bias = ", c" if len(value.inputs) == 3 else ""
    return f"""\
x = Transpose(a, perm={_FIRST})
kernel = Transpose(b, perm={_FILTERS_FIRST})
y = Conv(x, kernel{bias}, strides={{strides}}, dilations={{dilation}}, pads={pads}, group={{groups}})
Transpose(y, perm={_LAST})"""


conv2d: Op[ConvolutionAttributes] = Op(
    "conv2d",
    _infer_conv2d,
    lambda value: (
        f"convolve({{a}}, {{b}}, {'{c}' if len(value.inputs) == 3 else None}, {{s}}, {{how}}, {{o}})"
    ),
    _pull_conv2d,
    attributes=ConvolutionAttributes,
    flops=_flops,
    scratch=lambda value: [((ConvolutionScratch(_of(value)).forward,), value.dtype)],
    prepare=_how,
    calls=True,
    shared=True,
    noun="convolved",
    printed=_printed,
    helper=(source.PATCHES, source.CONV2D),
    onnx=_conv2d_onnx,
)
"""Images (batch, h, w, channels) by a kernel (kh, kw, channels / groups, filters), plus a bias (filters,) if given.

y[n, i, j, f] is the sum over a, b and the channels c of f's group of
x[n, i * strides[0] + a * dilation[0] - top, j * strides[1] + b * dilation[1] - left, c] * w[a, b, c, f], with zeros
outside the images; `padding` is ((top, bottom), (left, right)). With `phases` (p, q) only as many rows as p divides and
columns as q divides are computed, and y is (batch, p * q, rows / p, columns / q, filters): see `Geometry.laid`. The
compiler alone asks for that, where a pooling follows, once a graph has its gradients.
"""


def _infer_conv2d_input(inputs: tuple[Value, ...], attributes: BackAttributes) -> Kind:
    g, w = inputs
    images = (g.shape[0], *attributes.size, static(w.shape[2]) * attributes.groups)
    how = _fitting(images, w.shape, g, g.dtype, attributes)
    if g.shape[1:] != how.laid:
        raise ShapeFault(f"{show(g.shape)} is no output of images {show(images)}", g)
    return images, g.dtype


def _conv2d_input_onnx(value: Value) -> str:
    """Return a transposed convolution without padding; then zeros behind, and what is cut off."""
    settings = conv2d_input.of(value)
    there, window = (at(shape, 1) for shape in (value.inputs[0].shape[1:3], value.inputs[1].shape[:2]))
    made = [
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip(there, settings.strides, window, settings.dilation, strict=True)
    ]
    before = [-around[0] for around in settings.padding]
    behind = [n + around[0] - m for n, m, around in zip(settings.size, made, settings.padding, strict=True)]
    # Negative padding cuts off.
    padded = f"Pad(y, {[0, 0, *before, 0, 0, *behind]})" if any(before + behind) else "y"
    return f"""\
x = Transpose(a, perm={_FIRST})
kernel = Transpose(b, perm={_FILTERS_FIRST})
y = ConvTranspose(x, kernel, strides={{strides}}, dilations={{dilation}}, group={{groups}})
Transpose({padded}, perm={_LAST})"""


conv2d_input: Op[BackAttributes] = Op(
    "conv2d_input",
    _infer_conv2d_input,
    attributes=BackAttributes,
    kernel="convolve_input({a}, {b}, {s}, {how}, {o})",
    pullback=lambda g, y, flowing, w, size, **attributes: (
        conv2d(g, w, **attributes),
        conv2d_kernel(g, flowing, size=w.shape[:2], **attributes),
    ),
    flops=_flops,
    scratch=lambda value: [((ConvolutionScratch(_of(value)).input,), value.dtype)],
    prepare=_how,
    calls=True,
    shared=True,
    noun="images",
    printed=_printed,
    helper=(source.CONV2D_INPUT,),
    onnx=_conv2d_input_onnx,
)
"""What flows back to the images of a `conv2d`, of the height and width `size`: a transposed convolution."""


def _infer_conv2d_kernel(inputs: tuple[Value, ...], attributes: BackAttributes) -> Kind:
    x, g = inputs
    kernel = (*attributes.size, static(x.shape[3]) // attributes.groups, g.shape[-1])
    how = _fitting(x.shape, kernel, x, x.dtype, attributes)
    if g.shape != (x.shape[0], *how.laid):
        raise ShapeFault(f"{show(g.shape)} is no output of images {show(x.shape)}", g)
    return kernel, x.dtype


_KERNEL = "convolve_kernel({a}, {b}, {s}, {more}, {how}, {overwrite}, {o})"

conv2d_kernel: Op[BackAttributes] = Op(
    "conv2d_kernel",
    _infer_conv2d_kernel,
    attributes=BackAttributes,
    kernel=_KERNEL,
    pullback=lambda g, y, x, flowing, size, **attributes: (
        conv2d_input(flowing, g, size=x.shape[1:3], **attributes),
        conv2d(x, g, **attributes),
    ),
    flops=_flops,
    scratch=lambda value: [((ConvolutionScratch(_of(value)).kernel,), value.dtype)],
    prepare=_how,
    calls=True,
    shared=True,
    sums=lambda _: _KERNEL,
    noun="kernel_slopes",
    printed=_printed,
    helper=(source.PATCHES, source.CONV2D_KERNEL),
    onnx=GRADIENT_ONLY,
)
"""What flows back to the kernel of a `conv2d`, of the height and width `size`."""

PLAIN: dict[str, Any] = {"strides": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
"""The attributes of a convolution at every place, of all channels at once, within the images."""


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    """Return the zeros before and behind an axis for an output of ceil(size / stride): the odd one behind."""
    needed = max(0, (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return needed // 2, needed - needed // 2

"""Convolution and pooling as functions that a person would write, and the calls of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.graph.graph import Value
from specnet.graph.windows import Span

if TYPE_CHECKING:
    from specnet.compiler.listing import Listing

IMAGE_HELPERS = {
    "patches": """\
def patches(x, kernel, strides, padding, dilation):
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [(size - 1) * apart + 1 for size, apart in zip(kernel, dilation)]
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    seen = seen[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    return seen.transpose(0, 1, 2, 4, 5, 3)""",
    "conv2d": """\
def conv2d(x, kernel, strides, padding, dilation, groups):
    seen = np.split(patches(x, kernel.shape[:2], strides, padding, dilation), groups, axis=-1)
    filters = np.split(kernel, groups, axis=-1)
    return np.concatenate([np.tensordot(s, f, 3) for s, f in zip(seen, filters)], axis=-1)""",
    "conv2d_input": """\
def conv2d_input(g, kernel, size, strides, padding, dilation, groups):
    (top, bottom), (left, right) = padding
    flowing, filters = np.split(g, groups, axis=-1), np.split(kernel, groups, axis=-1)
    sent = np.concatenate([np.tensordot(d, f, (3, 3)) for d, f in zip(flowing, filters)], axis=-1)
    x = np.zeros((len(g), size[0] + top + bottom, size[1] + left + right, sent.shape[-1]), g.dtype)
    for a, b in np.ndindex(kernel.shape[:2]):
        down, across = a * dilation[0], b * dilation[1]
        rows = slice(down, down + (g.shape[1] - 1) * strides[0] + 1, strides[0])
        columns = slice(across, across + (g.shape[2] - 1) * strides[1] + 1, strides[1])
        x[:, rows, columns] += sent[:, :, :, a, b]
    return x[:, top : top + size[0], left : left + size[1]]""",
    "conv2d_kernel": """\
def conv2d_kernel(x, g, size, strides, padding, dilation, groups):
    seen = patches(x, size, strides, padding, dilation)[:, : g.shape[1], : g.shape[2]]
    pairs = zip(np.split(seen, groups, axis=-1), np.split(g, groups, axis=-1))
    axes = ((0, 1, 2), (0, 1, 2))
    return np.concatenate([np.tensordot(s, d, axes) for s, d in pairs], axis=-1)""",
    "max_pool": """\
def max_pool(x, axis, windows):
    x = np.moveaxis(x, axis, 0)
    largest = [x[max(start, 0) : stop].max(axis=0) for start, stop in windows]
    return np.moveaxis(np.stack(largest), 0, axis)""",
    "max_unpool": """\
def max_unpool(g, x, axis, windows):
    out = np.zeros(x.shape, g.dtype)
    x, g, parts = (np.moveaxis(array, axis, 0) for array in (x, g, out))
    for flowing, (start, stop) in zip(g, windows):
        part = parts[max(start, 0) : stop]
        place = x[max(start, 0) : stop].argmax(axis=0)[np.newaxis]
        np.put_along_axis(part, place, np.take_along_axis(part, place, 0) + flowing, 0)
    return out""",
    "window_sum": """\
def window_sum(x, axis, windows):
    x = np.moveaxis(x, axis, 0)
    sums = [x[max(start, 0) : stop].sum(axis=0) for start, stop in windows]
    return np.moveaxis(np.stack(sums), 0, axis)""",
    "window_sum_grad": """\
def window_sum_grad(g, axis, windows, size):
    out = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
    parts = np.moveaxis(out, axis, 0)
    for flowing, (start, stop) in zip(np.moveaxis(g, axis, 0), windows):
        parts[max(start, 0) : stop] += flowing
    return out""",
}
"""The functions that a listing may call; the first is called by others of them."""


def call(listing: Listing, value: Value) -> str:
    """Return the call that computes a convolution, a pooling, or what flows back through one."""
    name, attributes = value.op.name, value.attributes.named()
    listing.helpers |= {name, "patches"} if name in ("conv2d", "conv2d_kernel") else {name}
    inputs = list(value.inputs)
    bias = ""
    if name == "conv2d" and len(inputs) == 3:
        bias = f" + {listing.operand(inputs.pop()).text}"
    floored = attributes.pop("floor", False)
    attributes.pop("phases", None)
    if name == "max_unpool":
        inputs.pop()
        del attributes["size"]
    options = [f"{k}={_windows(v) if k == 'windows' else repr(v)}" for k, v in attributes.items()]
    text = f"{name}({', '.join([*(listing.operand(i).text for i in inputs), *options])}){bias}"
    return f"np.maximum({text}, 0)" if floored else text


def _windows(spans: tuple[Span, ...]) -> str:
    """Return windows as a person writes them: by a rule where they follow one."""
    if len(spans) > 2:
        (first, stop), (second, _) = spans[:2]
        size, step = stop - first, second - first
        if step > 0 and spans == tuple(
            (first + i * step, first + i * step + size) for i in range(len(spans))
        ):
            return f"[(i, i + {size}) for i in range({first}, {first + len(spans) * step}, {step})]"
    return repr(list(spans))

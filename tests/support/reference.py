"""What every op means, in plain NumPy: compiled plans are tested against it.

It interprets a graph value by value, allocates freely, and shares nothing with the ops' kernels.
"""

from __future__ import annotations

import math

import numpy as np

from specnet.engines.random import stream
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import scalar_of
from specnet.graph.sizes import at, named


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def place(x, index, classes):
    return np.where(np.arange(classes) == index[..., None], x[..., None], 0.0)


def log_cosh(x):
    near = np.log1p(2.0 * np.sinh(np.clip(x, -1.0, 1.0) / 2.0) ** 2)
    return np.where(np.abs(x) < 1.0, near, np.logaddexp(x, -x) - math.log(2.0))


def huber(x, delta):
    return np.where(np.abs(x) <= delta, x * x / 2, delta * (np.abs(x) - delta / 2))


def total(x, axes):
    return np.sum(x.astype(float) if x.dtype == bool else x, axis=axes)


def product(a, b, a_t, b_t):
    return np.einsum("...ij,...jk->...ik", a.swapaxes(-1, -2) if a_t else a, b.swapaxes(-1, -2) if b_t else b)


def batch_moments(x):
    # The unbiased variance of a single row, which has none, is given as 0.
    return np.stack([x.mean(0), x.var(0), x.var(0) * len(x) / max(len(x) - 1, 1)])


def standardised(x, axis, epsilon):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)


def batch_norm(x, moments, gamma, beta, epsilon):
    return gamma * (x - moments[0]) / np.sqrt(moments[1] + epsilon) + beta


def batch_norm_sums(g, x, moments, epsilon):
    return np.stack([g.sum(0), (g * batch_norm(x, moments, 1.0, 0.0, epsilon)).sum(0)])


def batch_norm_grad(g, x, moments, sums, gamma, epsilon):
    h = batch_norm(x, moments, 1.0, 0.0, epsilon)
    return gamma / np.sqrt(moments[1] + epsilon) * (g - sums[0] / len(x) - h * sums[1] / len(x))


def layer_norm(x, center, epsilon):
    return standardised(x, 1, epsilon) if center else x / np.sqrt((x**2).mean(1, keepdims=True) + epsilon)


def layer_norm_grad(g, y, x, center, epsilon):
    spread = x.var(1, keepdims=True) if center else (x**2).mean(1, keepdims=True)
    inner = g - y * (g * y).mean(1, keepdims=True) - (g.mean(1, keepdims=True) if center else 0.0)
    return inner / np.sqrt(spread + epsilon)


def by_groups(x, groups):
    """Lay what belongs to one group of one example out as one row."""
    return x.reshape(len(x), x.shape[1], groups, -1).swapaxes(1, 2).reshape(len(x) * groups, -1)


def from_groups(rows, like, groups):
    return rows.reshape(len(like), groups, like.shape[1], -1).swapaxes(1, 2).reshape(like.shape)


def group_moments(x, groups, epsilon):
    rows = by_groups(x, groups)
    both = rows.mean(1), 1 / np.sqrt(rows.var(1) + epsilon)
    return np.stack([part.reshape(len(x), groups).repeat(x.shape[2] // groups, 1) for part in both], 1)


def group_norm(x, moments, groups):  # noqa: ARG001 (the op names it)
    return (x - moments[:, :1]) * moments[:, 1:]


def group_norm_grad(g, y, moments, groups):
    def mean(x):
        rows = by_groups(x, groups)
        return from_groups(np.broadcast_to(rows.mean(1, keepdims=True), rows.shape), x, groups)

    return (g - mean(g) - y * mean(g * y)) * moments[:, 1:]


def mixture(size, factor):
    """Interpolate each column of the identity linearly between the middles of its cells."""
    middles = (np.arange(size * factor) + 0.5) / factor - 0.5
    return np.stack([np.interp(middles, np.arange(size), unit) for unit in np.eye(size)], 1)


def upsample(x, factor):
    return np.einsum("ij,njm->nim", mixture(x.shape[1], factor), x)


def upsample_grad(x, factor):
    return np.einsum("ij,nim->njm", mixture(x.shape[1] // factor, factor), x)


def scatter(x, index, size):
    return np.tensordot(np.eye(size)[index], x, (range(index.ndim),) * 2)


def windows(x, w_shape, strides, padding, dilation):
    """Return what each place of a convolution's output sees: (batch, rows, columns, kh, kw, channels)."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(w_shape[:2], dilation, strict=True)]
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    seen = seen[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    return seen.transpose(0, 1, 2, 4, 5, 3)


def by_group(x, groups):
    return x.reshape(*x.shape[:-1], groups, -1)


def conv2d(x, w, b=0.0, *, strides, padding, dilation, groups):
    seen = by_group(windows(x, w.shape, strides, padding, dilation), groups)
    y = np.einsum("nijabgc,abcgf->nijgf", seen, by_group(w, groups))
    return y.reshape(*y.shape[:3], -1) + b


def conv2d_kernel(x, g, size, *, strides, padding, dilation, groups):
    seen = by_group(windows(x, size, strides, padding, dilation), groups)
    seen = seen[:, : g.shape[1], : g.shape[2]]
    w = np.einsum("nijabgc,nijgf->abcgf", seen, by_group(g, groups))
    return w.reshape(*w.shape[:3], -1)


def conv2d_input(g, w, size, *, strides, padding, dilation, groups):
    (top, _), (left, _) = padding
    sent = np.einsum("nijgf,abcgf->nijabgc", by_group(g, groups), by_group(w, groups))
    sent = sent.reshape(*sent.shape[:5], -1)
    x = np.zeros((len(g), *size, sent.shape[-1]), sent.dtype)
    for i, j, a, b in np.ndindex(sent.shape[1:5]):
        down, right = i * strides[0] + a * dilation[0] - top, j * strides[1] + b * dilation[1] - left
        if 0 <= down < size[0] and 0 <= right < size[1]:
            x[:, down, right] += sent[:, i, j, a, b]
    return x


def seen(span, size):
    return slice(max(span[0], 0), min(span[1], size))


def first_largest(x, axis, windows):
    """Return for each window where along the axis its first largest element is."""
    x = np.moveaxis(x, axis, 0)
    parts = [seen(span, len(x)) for span in windows]
    return np.moveaxis(np.stack([part.start + x[part].argmax(0) for part in parts]), 0, axis)


def max_pool(x, axis, windows, floor):
    y = np.take_along_axis(x, first_largest(x, axis, windows), axis)
    return np.where(y > 0, y, 0.0) if floor else y


def max_pick(v, x, _, axis, windows):
    return np.take_along_axis(v, first_largest(x, axis, windows), axis)


def max_unpool(g, x, _, axis, windows, size):
    there = np.moveaxis(first_largest(x, axis, windows), axis, 0)
    out = np.zeros(x.shape, g.dtype)
    assert x.shape[axis] == size
    for found, flowing in zip(there, np.moveaxis(g, axis, 0), strict=True):
        where, part = np.expand_dims(found, axis), np.expand_dims(flowing, axis)
        np.put_along_axis(out, where, np.take_along_axis(out, where, axis) + part, axis)
    return out


def window_sum(x, axis, windows):
    x = np.moveaxis(x, axis, 0)
    return np.moveaxis(np.stack([x[seen(span, len(x))].sum(0) for span in windows]), 0, axis)


def window_sum_grad(g, axis, windows, size):
    g = np.moveaxis(g, axis, 0)
    out = np.zeros((size, *g.shape[1:]), g.dtype)
    for part, span in zip(g, windows, strict=True):
        out[seen(span, size)] += part
    return np.moveaxis(out, 0, axis)


MEANING = {
    "absolute": np.abs,
    "cast": lambda x, to: np.asarray(x).astype(to),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "batch_moments": batch_moments,
    "batch_norm": batch_norm,
    "batch_norm_grad": batch_norm_grad,
    "batch_norm_sums": batch_norm_sums,
    "concat": lambda *parts, axis: np.concatenate(parts, axis),
    "part": lambda x, start, stop: x[start:stop],
    "crop": lambda x, margins: x[tuple(slice(a, n - b) for n, (a, b) in zip(x.shape, margins, strict=True))],
    "conv2d": conv2d,
    "conv2d_input": conv2d_input,
    "conv2d_kernel": conv2d_kernel,
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "expand": np.broadcast_to,
    "fixed": lambda values, length, dtype: np.asarray(list(values), dtype).reshape(length),
    "group_moments": group_moments,
    "group_norm": group_norm,
    "group_norm_grad": group_norm_grad,
    "huber": huber,
    "indices": lambda x, size, who: x.astype(int),
    "inner": lambda a, b: (a * b).sum(),
    "reduce_max": lambda x, axis: x.max(axis, keepdims=True),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "log_cosh": log_cosh,
    "log_softmax": log_softmax,
    "gather": lambda table, index: table[index],
    "max_pick": max_pick,
    "max_pool": max_pool,
    "max_unpool": max_unpool,
    "one_hot": lambda index, classes: np.eye(classes)[index],
    "append_ones_row": lambda x: np.pad(x, ((0, 1), (0, 0)), constant_values=1),
    "append_ones_column": lambda x: np.pad(x, ((0, 0), (0, 1)), constant_values=1),
    "pack": lambda *parts: np.concatenate([np.ravel(p) for p in parts]),
    "pad": lambda x, margins: np.pad(np.asarray(x), margins),
    "take_along_axis": lambda x, index: np.take_along_axis(x, index[..., None], -1)[..., 0],
    "put_along_axis": place,
    "power": lambda x, exponent: np.power(np.asarray(x, float), exponent),
    "matmul": product,
    "relu": lambda x: np.where(x > 0, x, 0.0) + 0.0 * x,
    "upsample": upsample,
    "upsample_grad": upsample_grad,
    "layer_norm": layer_norm,
    "layer_norm_grad": layer_norm_grad,
    "scatter_add": scatter,
    "sigmoid": lambda x: np.exp(-np.logaddexp(0.0, -np.asarray(x))),
    "softmax": softmax,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "reduce_sum": total,
    "window_sum_grad": window_sum_grad,
    "window_sum": window_sum,
}
"""What an op means that is no function of NumPy by the same name."""


def meaning(name):
    """Return the function that gives what an op means."""
    return MEANING.get(name) or getattr(np, name)


def evaluate(graph: Graph, given, wanted, sizes, streams=None):
    """Return the wanted values of a graph, given its leaves by name, for these named sizes (a number: the batch)."""
    known = {}
    streams = {} if streams is None else streams
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if any(i.index not in known for i in node.inputs):
                continue
            inputs = [known[i.index] for i in node.inputs]
            for value, x in zip(node.results, results_of(node, inputs, given, sizes, streams), strict=True):
                if x is None:
                    continue
                made = np.asarray(x)
                assert made.shape == at(value.shape, sizes), f"{value!r}: {made.shape} is not {value.shape}"
                known[value.index] = made.astype(value.dtype) if value.dtype != made.dtype else made
    return [known[v.index] for v in wanted]


def results_of(node, inputs, given, sizes, streams):
    """Return what a node gives, one result after the other; None for a leaf that is not given."""
    op, value = node.op, node.results[0]
    if op.leaf:
        name = node.attributes.named().get("name", value.index)
        return [np.asarray(given[name], value.dtype) if name in given else None]
    if op.name == "constant":
        factor, powers = scalar_of(value)
        return [factor * np.prod([float(named(sizes)[name]) ** power for name, power in powers])]
    if op.name in {"row_numbers", "step_numbers"}:
        return [np.arange(at(value.shape, sizes)[0])]
    if op.name in DRAWN:
        return [drawn(value, at(value.shape, sizes), streams)]
    if op.name == "scan":
        return scanned(node.attributes, inputs, sizes, streams)
    attributes = node.attributes.named()
    if attributes.pop("phases", None) is not None:
        assert node.attributes.phases == (1, 1), "phases are the compiler's own"
    if "shape" in attributes:
        attributes["shape"] = at(attributes["shape"], sizes)
    if "classes" in attributes:
        (attributes["classes"],) = at((attributes["classes"],), sizes)
    if "margins" in attributes:
        attributes["margins"] = tuple(at(pair, sizes) for pair in attributes["margins"])
    meant = meaning(op.name)(*inputs, **attributes)
    return [meant]


def scanned(loop, inputs, sizes, streams):
    """Run the body of a loop once a step, with the meaning of its ops."""
    states, arrays = inputs[: loop.states], inputs[loop.states : loop.states + loop.arrays]
    constants = inputs[loop.states + loop.arrays :]
    (length,) = at((loop.length,), sizes)
    outputs = [[] for _ in loop.body.returns[loop.states :]]
    for step in reversed(range(length)) if loop.reverse else range(length):
        arguments = (*states, *(x[step] for x in arrays), *constants)
        given = {v.index: x for v, x in zip(loop.body.arguments, arguments, strict=True)}
        made = evaluate(loop.body, given, loop.body.returns, sizes, streams)
        states = made[: loop.states]
        for so_far, output in zip(outputs, made[loop.states :], strict=True):
            so_far.append(output)
    return [*states, *(np.stack(part[::-1] if loop.reverse else part) for part in outputs)]


def dropout_mask(value, shape, generator):
    """Draw a mask as the plan does: float32 numbers of the stream, kept where they are at least the rate."""
    drawn = generator.random(shape, dtype=np.float32)
    settings = ops.dropout_mask.of(value)
    return np.where(drawn >= settings.rate, settings.scale, 0.0)


def normal_noise(value, shape, generator):
    return generator.standard_normal(shape, dtype=value.dtype) * ops.normal_noise.of(value).stddev


def uniform_noise(value, shape, generator):
    return generator.random(shape, dtype=value.dtype)


DRAWN = {"dropout_mask": dropout_mask, "normal_noise": normal_noise, "uniform_noise": uniform_noise}


def drawn(value, shape, streams):
    """Draw what a random op does, from its stream as it stands."""
    name = value.attributes.stream
    return DRAWN[value.op.name](value, shape, streams.setdefault(name, stream(0, name)))

"""How fast single kernels are: those of the NumPy engine, the compiled ones, and PyTorch's.

    python -m benchmarks.kernels                     # half a minute, of which most is compilation
    python -m benchmarks.kernels --only layer_norm   # those whose names begin so

Needs numba and torch. All run on one thread in float32, and what counts is that thread's processor time, which other
programs on the machine affect least. PyTorch has images channels first, or channels last where that is faster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache, partial
from math import prod
from time import thread_time
from typing import Any

import numpy as np
import torch

from benchmarks.side_by_side import in_turn, machine, table
from specnet.engines.numba.kernels import FUNCTIONS as COMPILED
from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.functions import FUNCTIONS as NUMPY
from specnet.engines.numpy.preparing import prepare
from specnet.engines.workers import BUFFER
from specnet.graph import ops
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry
from specnet.graph.graph import Graph, Op
from specnet.graph.leaves import leaf
from specnet.graph.ops.normalising import TILE
from specnet.graph.windows import Strided, Windows

Array = np.ndarray[Any, Any]
Call = Callable[[], object]

RNG = np.random.default_rng(0)


def empty(*shape: int) -> Array:
    """Return memory for numbers, which begins with a cache line, as plans and PyTorch lay arrays out."""
    size, lines = prod(shape), np.empty(prod(shape) + 15, np.float32)
    first = -lines.ctypes.data % 64 // 4
    return lines[first : first + size].reshape(shape)


def drawn(*shape: int) -> Array:
    """Return random numbers."""
    numbers = empty(*shape)
    numbers[...] = RNG.normal(size=shape)
    return numbers


@cache
def known(name: str, *shape: int) -> Array:  # noqa: ARG001  the cache tells them apart
    """Return random numbers that a layer and what flows back through it have in common."""
    return drawn(*shape)


def ours(name: str, *arguments: Any) -> dict[str, Call]:
    """Return both engines' kernel of a name, with its calls made ready."""
    np.setbufsize(BUFFER)  # as where a plan has workers
    peers: dict[str, Call] = {}
    for engine, functions in (("compiled", COMPILED), ("NumPy engine", NUMPY)):
        calls = functions[name](*arguments)
        if isinstance(calls, Iterator):
            peers[engine] = partial(perform, list(calls))
        else:
            peers[engine] = partial(functions[name], *arguments)
    return peers


TENSORS: dict[int, tuple[Array, torch.Tensor]] = {}
"""Images, and these channels first, by the identity of the former."""


def both_layouts(name: str, call: Callable[..., object], *images: Array) -> dict[str, Call]:
    """Return a call of PyTorch's over images, channels first and channels last."""
    last = [torch.from_numpy(x).movedim(-1, 1) for x in images]
    first = [TENSORS.setdefault(id(x), (x, t.contiguous()))[1] for x, t in zip(images, last, strict=True)]
    return {name: partial(call, *first), f"{name}, channels last": partial(call, *last)}


def layer_norm() -> dict[str, Call]:
    """25,088 rows of 64 features."""
    n, m = 25_088, 64
    x, tile = known("x", n, m), TILE // m
    arguments = np.full(m, 1 / m, np.float32), empty(tile, m), empty(tile), known("y", n, m)
    t = torch.from_numpy(x)
    peer = partial(torch.nn.functional.layer_norm, t, (m,), eps=1e-3)
    return ours("layer_norm", x, True, 1e-3, *arguments) | {"PyTorch": peer}


def layer_norm_grad() -> dict[str, Call]:
    """What flows back to 25,088 rows of 64 features."""
    n, m = 25_088, 64
    x, g, y, tile = known("x", n, m), known("g", n, m), known("y", n, m), TILE // m
    scratch = np.full(m, 1 / m, np.float32), empty(tile, m), empty(tile)
    NUMPY["layer_norm"](x, True, 1e-3, *scratch, y)
    t, slope = torch.from_numpy(x), torch.from_numpy(g)
    _, mean, root = torch.native_layer_norm(t, (m,), None, None, 1e-3)
    mask = (True, False, False)
    peer = partial(torch.ops.aten.native_layer_norm_backward, slope, t, (m,), mean, root, None, None, mask)
    return ours("layer_norm_grad", g, y, x, True, 1e-3, *scratch, empty(tile), empty(n, m)) | {
        "PyTorch": peer
    }


def _grouped(op: Op[Any], *shapes: tuple[int, ...], **options: float) -> list[Any]:
    """Return what an op's kernels need beside its operands and its result: what is prepared, and scratch."""
    graph = Graph("float32")
    value = op(*(leaf(graph, str(n), "input", shape) for n, shape in enumerate(shapes)), **options)
    made = value.op.prepare(value) if value.op.prepare else {}
    scratch = [empty(*shape) for shape, _ in value.op.scratch(value)]
    return [*(prepare(each, 1) for each in made.values()), *scratch]


IMAGES, MOMENTS = (32, 28 * 28, 64), (32, 2, 64)


def _group_calls(x: Array, y: Array, moments: Array) -> dict[str, Call]:
    """Return each engine's normalisation in 8 groups."""
    options = {"groups": 8, "epsilon": 1e-3}
    found = ours("group_moments", x, 1e-3, *_grouped(ops.group_moments, IMAGES, **options), moments)
    applied = ours("group_norm", x, moments, *_grouped(ops.group_norm, IMAGES, MOMENTS, groups=8), y)
    return {engine: partial(_in_turn, found[engine], applied[engine]) for engine in found}


def _in_turn(*calls: Call) -> None:
    for call in calls:
        call()


def group_norm() -> dict[str, Call]:
    """32 images of 28 x 28 x 64 in 8 groups."""
    x = known("x", 32, 28, 28, 64)

    def peer(t: torch.Tensor) -> object:
        return torch.nn.functional.group_norm(t, 8, eps=1e-3)

    y = known("y", 32, 28, 28, 64)
    calls = _group_calls(x.reshape(IMAGES), y.reshape(IMAGES), empty(*MOMENTS))
    return calls | both_layouts("PyTorch", peer, x)


def group_norm_grad() -> dict[str, Call]:
    """What flows back to 32 images of 28 x 28 x 64 in 8 groups."""
    x, g, y = (known(name, 32, 28, 28, 64) for name in "xgy")
    own = [each.reshape(IMAGES) for each in (g, y)]
    moments = empty(*MOMENTS)
    _group_calls(x.reshape(IMAGES), own[1], moments)["NumPy engine"]()
    _, mean, root = torch.native_group_norm(
        torch.from_numpy(x).movedim(-1, 1), None, None, 32, 64, 784, 8, 1e-3
    )

    def peer(slope: torch.Tensor, t: torch.Tensor) -> object:
        given = mean, root, None, 32, 64, 784, 8, (True, False, False)
        return torch.ops.aten.native_group_norm_backward(slope, t, *given)

    scratch = _grouped(ops.group_norm_grad, IMAGES, IMAGES, MOMENTS, groups=8)
    calls = ours("group_norm_grad", *own, moments, *scratch, empty(*IMAGES))
    return calls | both_layouts("PyTorch", peer, g, x)


def batch_norm() -> dict[str, Call]:
    """The moments of 25,088 rows of 64 features, and the rows normalised by them."""
    n, m = 25_088, 64
    x, tile, moments, out = drawn(n, m), TILE // m, empty(3, m), empty(n, m)
    ones, gamma, beta = np.ones(tile, np.float32), drawn(m), drawn(m)
    tiles = [empty(tile, m) for _ in range(2)]
    found = ours("batch_moments", x, ones, *tiles, empty(m), moments)
    applied = ours("batch_norm", x, moments, gamma, beta, 1e-3, *tiles, empty(m), out)

    def in_two(engine: str) -> None:
        found[engine]()
        applied[engine]()

    images = x.reshape(32, 28, 28, m)
    weights = torch.tensor(gamma), torch.tensor(beta)

    def peer(t: torch.Tensor) -> object:
        return torch.native_batch_norm(t, *weights, None, None, True, 0.1, 1e-3)

    return {name: partial(in_two, name) for name in found} | both_layouts("PyTorch", peer, images)


def batch_norm_grad() -> dict[str, Call]:
    """The sums of 25,088 rows of 64 features, and what flows back to the rows."""
    n, m = 25_088, 64
    x, g, tile = drawn(n, m), drawn(n, m), TILE // m
    ones, gamma = np.ones(tile, np.float32), drawn(m)
    moments, sums = np.stack([x.mean(0), x.var(0), x.var(0)]), empty(2, m)
    tiles = [empty(tile, m) for _ in range(4)]
    summed = ours("batch_norm_sums", g, x, moments, 1e-3, ones, *tiles[:2], empty(2, m), True, sums)
    flowing = ours(
        "batch_norm_grad", g, x, moments, sums, gamma, 1e-3, n, *tiles[:3], empty(2, m), empty(n, m)
    )

    def in_two(engine: str) -> None:
        summed[engine]()
        flowing[engine]()

    root = torch.tensor(1 / np.sqrt(moments[1] + 1e-3))
    given = torch.tensor(gamma), None, None, torch.tensor(moments[0]), root, True, 1e-3, (True, True, True)

    def peer(slope: torch.Tensor, t: torch.Tensor) -> object:
        return torch.ops.aten.native_batch_norm_backward(slope, t, *given)

    torchs = both_layouts("PyTorch", peer, g.reshape(32, 28, 28, m), x.reshape(32, 28, 28, m))
    return {name: partial(in_two, name) for name in summed} | torchs


def _convolution(channels: int, groups: int) -> tuple[Geometry, Array, Array, torch.Tensor]:
    """Return a convolution, 3 x 3, of 32 images of 28 x 28 to as many channels, its images and its kernel."""
    how = Geometry((28, 28), channels, (3, 3), channels, (1, 1), ((1, 1), (1, 1)), (1, 1), groups, 4)
    w = drawn(3, 3, channels // groups, channels)
    return how, known("x", 32, 28, 28, channels), w, torch.tensor(w).permute(3, 2, 0, 1).contiguous()


def _forward(channels: int, groups: int) -> dict[str, Call]:
    how, x, w, kernel = _convolution(channels, groups)

    def peer(t: torch.Tensor) -> object:
        return torch.nn.functional.conv2d(t, kernel, padding=1, groups=groups)

    out = known("y", *x.shape)
    return ours("convolve", x, w, None, empty(ConvolutionScratch(how).forward), how, out) | both_layouts(
        "PyTorch", peer, x
    )


def _gradients(channels: int, groups: int) -> dict[str, Call]:
    how, x, w, kernel = _convolution(channels, groups)
    g, back, total = known("g", *x.shape), empty(*x.shape), empty(*w.shape)
    scratch = empty(max(ConvolutionScratch(how).input, ConvolutionScratch(how).kernel))
    to_images = ours("convolve_input", g, w, scratch, how, back)
    to_kernel = ours("convolve_kernel", x, g, scratch, empty(*w.shape), how, True, total)

    def in_two(engine: str) -> None:
        to_images[engine]()
        to_kernel[engine]()

    def peer(slope: torch.Tensor, t: torch.Tensor) -> object:
        pair, mask = [1, 1], [True, True, False]
        return torch.ops.aten.convolution_backward(
            slope, t, kernel, None, pair, pair, pair, False, [0, 0], groups, mask
        )

    return {name: partial(in_two, name) for name in to_images} | both_layouts("PyTorch", peer, g, x)


def depthwise() -> dict[str, Call]:
    """A depthwise convolution, 3 x 3, of 32 images of 28 x 28 x 64."""
    return _forward(64, 64)


def depthwise_grad() -> dict[str, Call]:
    """What flows back to the images and to the kernel of that convolution."""
    return _gradients(64, 64)


def convolution() -> dict[str, Call]:
    """A convolution, 3 x 3, of 32 images of 28 x 28 x 24, to 24 filters."""
    return _forward(24, 1)


def convolution_grad() -> dict[str, Call]:
    """What flows back to the images and to the kernel of that convolution."""
    return _gradients(24, 1)


def _pooled() -> tuple[Array, list[Windows], list[Array]]:
    """Return images, windows of 2 along their width and their height, and memory for what each gives."""
    halves = Strided(0, 2, 2, 14)
    windows = [Windows(halves, 28, 64), Windows(halves, 28, 14 * 64)]
    return drawn(32, 28, 28, 64), windows, [empty(32, 28, 14, 64), empty(32, 14, 14, 64)]


def max_pooling() -> dict[str, Call]:
    """The largest of each 2 x 2 places of 32 images of 28 x 28 x 64."""
    x, (across, down), (narrow, small) = _pooled()
    first = ours("pool_max", x, across, narrow, False)
    second = ours("pool_max", narrow, down, small, False)

    def in_two(engine: str) -> None:
        first[engine]()
        second[engine]()

    def peer(t: torch.Tensor) -> object:
        return torch.nn.functional.max_pool2d(t, 2)

    return {name: partial(in_two, name) for name in first} | both_layouts("PyTorch", peer, x)


def max_pooling_grad() -> dict[str, Call]:
    """What flows back to 32 images of 28 x 28 x 64 from the largest of each 2 x 2 places."""
    x, (across, down), (narrow, small) = _pooled()
    for given, how, out in ((x, across, narrow), (narrow, down, small)):
        perform(NUMPY["pool_max"](given, how, out, False))
    g, between, back = drawn(*small.shape), empty(*narrow.shape), empty(*x.shape)
    scratch = empty(narrow.size), empty(narrow.size), np.empty(narrow.size, bool)
    first = ours("unpool_max", g, narrow, small, *scratch, down, between)
    second = ours("unpool_max", between, x, narrow, *scratch, across, back)

    def in_two(engine: str) -> None:
        first[engine]()
        second[engine]()

    def backward(layout: torch.memory_format) -> Call:
        t, slope = (torch.tensor(a).movedim(-1, 1).contiguous(memory_format=layout) for a in (x, g))
        _, index = torch.nn.functional.max_pool2d(t, 2, return_indices=True)
        given = (slope, t, [2, 2], [2, 2], [0, 0], [1, 1], False, index)
        return partial(torch.ops.aten.max_pool2d_with_indices_backward, *given)

    return {name: partial(in_two, name) for name in first} | {
        "PyTorch": backward(torch.contiguous_format),
        "PyTorch, channels last": backward(torch.channels_last),
    }


def embedding_grad() -> dict[str, Call]:
    """The gradient of a table of 10,000 rows of 128, of which 64 x 64 are looked up."""
    n, m, rows = 64 * 64, 128, 10_000
    g, index = drawn(n, m), RNG.integers(0, rows, n)
    scratch = np.arange(m), np.empty(n * m, np.int64), np.empty(n * m, np.int64)
    slope, places = torch.tensor(g), torch.tensor(index)
    peer = partial(torch.ops.aten.embedding_dense_backward, slope, places, rows, -1, False)
    return ours("scatter_add", g.reshape(-1), index, *scratch, empty(rows * m)) | {"PyTorch": peer}


def upsampling_grad() -> dict[str, Call]:
    """The sum of each 2 x 2 places of 32 images of 28 x 28 x 32, which flows back from upsampling."""
    x = drawn(32, 14, 2, 14, 2, 32)
    images = x.reshape(32, 28, 28, 32)

    def peer(t: torch.Tensor) -> object:
        return torch.ops.aten.upsample_nearest2d_backward(t, [28, 28], [32, 32, 14, 14], None, None)

    out = empty(32, 14, 14, 32)
    return ours("add_reduce", x, (2, 4), None, out) | both_layouts("PyTorch", peer, images)


def softmax() -> dict[str, Call]:
    """The softmax of 48 x 64 rows of 64."""
    x, out, largest, again = drawn(3_072, 64), empty(3_072, 64), empty(3_072, 1), empty(3_072, 64)

    def steps() -> None:
        np.maximum.reduce(x, -1, None, largest, True)
        np.copyto(out, largest)
        np.subtract(x, out, out)
        np.exp(out, out)
        np.add.reduce(out, -1, None, largest, True)
        np.copyto(again, largest)
        np.divide(out, again, out)

    compiled = partial(COMPILED["softmax"], x, -1, out)
    return {
        "compiled": compiled,
        "NumPy engine": steps,
        "PyTorch": partial(torch.softmax, torch.tensor(x), -1),
    }


CASES = [
    layer_norm,
    layer_norm_grad,
    group_norm,
    group_norm_grad,
    batch_norm,
    batch_norm_grad,
    depthwise,
    depthwise_grad,
    convolution,
    convolution_grad,
    max_pooling,
    max_pooling_grad,
    embedding_grad,
    upsampling_grad,
    softmax,
]


def timed(call: Call) -> float:
    """Return the milliseconds of processor time that a call takes, once its arrays are as far in cache as they fit.

    In a step they are, more or less, from the op before; here the peers before have driven them out.
    """
    call()
    began = thread_time()
    call()
    return 1e3 * (thread_time() - began)


def main() -> None:
    """Print a table for each kernel."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60, help="calls of each peer (60)")
    parser.add_argument("--only", default="", help="the beginning of a name")
    options = parser.parse_args()
    before = machine("numpy", "numba", "torch")
    torch.set_num_threads(1)
    for case in CASES:
        if case.__name__.startswith(options.only):
            peers = case()
            figures = in_turn({name: partial(timed, call) for name, call in peers.items()}, options.rounds)
            print(f"{case.__doc__}\n\n{table(case.__name__, figures, times='ms of one thread')}", end="\n\n")
    print(f"Before: {before}")
    print(f"After:  {machine('numpy', 'numba', 'torch')}")


if __name__ == "__main__":
    main()

"""Convolutions as matrix products: tile by tile, the patches that a kernel sees are laid out and multiplied.

A tile is a few images, or a band of rows of a large one, whose patches stay in cache until they are multiplied.
Kernels are calls (`specnet.engines.numpy.calls`) over the images that one worker has.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from specnet.engines.numpy import depthwise, strided, strips, winograd
from specnet.engines.numpy.calls import Call
from specnet.engines.numpy.scratch import ScratchPool
from specnet.graph.geometry import Geometry, Unit
from specnet.graph.stride_parts import stride_parts

Array = np.ndarray[Any, Any]


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`.

    `scratch` holds patches, images with zeros around them and, of several groups, one's output.
    """
    if how.depthwise:
        yield from depthwise.convolve(x, w, b, scratch, how, out)
        return
    if winograd.pays(how.winograd, x):
        yield from winograd.convolve(x, w, b, scratch, how, out)
        return
    if how.strips is not None:
        yield from strips.convolve(x, w, b, scratch, how, out)
        return
    pool = ScratchPool(scratch)
    source = _Patches(x, pool, how)
    yield from source.start()
    joined = b is not None and how.joins
    if b is not None and joined:
        kernels = pool.take((1, how.depth + 1, how.filters))
        yield np.copyto, (kernels[0, :-1], w.reshape(how.depth, how.filters))
        yield np.copyto, (kernels[0, -1], b)
    else:
        kernels = yield from _by_group(w, pool, how)
    for unit in how.units(0, len(x), how.tile):
        made = _part(out, unit, how)
        if how.groups == 1:
            patches = yield from source.of(unit, 0, ones=joined)
            yield np.dot, (patches, kernels[0], made)
        else:
            own = pool.for_now((len(made), how.made))
            for group in range(how.groups):
                patches = yield from source.of(unit, group)
                yield np.dot, (patches, kernels[group], own)
                yield np.copyto, (made[:, group * how.made : (group + 1) * how.made], own)
        if b is not None and not joined:
            yield np.add, (made, b, made)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images, for g that flows back to the output, into `out`.

    `scratch` holds what one tap, or all taps, of a tile make of g.
    """
    if how.depthwise:
        yield from depthwise.convolve_input(g, w, scratch, how, out)
        return
    if winograd.pays(how.winograd_back, g):
        yield from winograd.convolve_input(g, w, scratch, how, out)
        return
    if how.turned is not None and how.turned.strips is not None:
        yield from strips.convolve_input(g, w, scratch, how, out)
        return
    if how.turned is not None:
        turned = scratch[: w.size].reshape(*how.kernel, how.filters, how.channels)
        yield np.copyto, (turned, w[::-1, ::-1].swapaxes(2, 3))
        yield from convolve(g, turned, None, scratch[w.size :], how.turned, out)
        return
    parts = stride_parts(how)
    if parts is not None:
        yield from strided.convolve_input(g, w, scratch, parts, convolve, out)
        return
    yield from _send(g, w, scratch, how, out)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, more: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it, for images x and g that flows back to y.

    `more` has space for what a tile adds.
    """
    if how.depthwise:
        yield from depthwise.convolve_kernel(x, g, scratch, how, overwrite, out)
        return
    if winograd.pays_back(how.winograd, x):
        yield from winograd.convolve_kernel(x, g, scratch, more, how, overwrite, out)
        return
    if how.strips is not None:
        yield from strips.convolve_kernel(x, g, scratch, more, how, overwrite, out)
        return
    total = out.reshape(how.depth, how.filters)
    pool = ScratchPool(scratch)
    source = _Patches(x, pool, how)
    yield from source.start()
    part = more.reshape(-1)[: how.depth * how.made].reshape(how.depth, how.made)
    for number, unit in enumerate(how.units(0, len(x), how.tile)):
        new = overwrite and number == 0
        flowing = _part(g, unit, how)
        if how.groups == 1:
            patches = yield from source.of(unit, 0)
            yield np.dot, (patches.T, flowing, total if new else part)
            if not new:
                yield np.add, (total, part, total)
            continue
        own = pool.for_now((len(flowing), how.made))
        for group in range(how.groups):
            filters = slice(group * how.made, (group + 1) * how.made)
            yield np.copyto, (own, flowing[:, filters])
            patches = yield from source.of(unit, group)
            yield np.dot, (patches.T, own, part)
            if new:
                yield np.copyto, (total[:, filters], part)
            else:
                yield np.add, (total[:, filters], part, total[:, filters])


def _send(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images tap by tap."""
    pool = ScratchPool(scratch)
    kernels = yield from _by_group(w, pool, how)
    spread = _spread_across if how.across else _spread_taps
    for unit in how.units(0, len(g), how.spread_tile):
        first, stop, top, bottom = unit
        rest = ScratchPool(pool.rest)
        flowing = _part(g, unit, how)
        if how.phases != (1, 1):
            # What comes phase by phase is put into the order of images, whose rows are contiguous and faster to add to.
            images = rest.take((stop - first, *how.out, how.filters))
            yield (
                np.copyto,
                (strips.by_phase(images, how), flowing.reshape(stop - first, *how.phases, *how.grid, -1)),
            )
            flowing = images.reshape(flowing.shape)
        if how.pointwise:
            yield np.dot, (flowing, kernels[0].T, out[first:stop, top:bottom].reshape(-1, how.channels))
            continue
        if top == 0:
            yield out[first:stop].fill, (0.0,)
        own = rest.take((len(flowing), how.made)) if how.groups > 1 else flowing
        for group in range(how.groups):
            if how.groups > 1:
                yield np.copyto, (own, flowing[:, group * how.made : (group + 1) * how.made])
            images = out[..., group * how.own : (group + 1) * how.own]
            yield from spread(own, kernels[group], images, unit, rest.rest, how)


def _by_group(w: Array, pool: ScratchPool, how: Geometry) -> Generator[Call, None, Array]:
    """Return a kernel as matrices (groups, depth, filters of a group).

    A matrix product takes any array whose rows or columns lie side by side, and copies others: so does this, in memory
    that it has.
    """
    kernel = w.reshape(how.depth, how.groups, how.made).transpose(1, 0, 2)
    if how.groups == 1:
        return kernel
    kernels = pool.take((how.groups, how.depth, how.made))
    yield np.copyto, (kernels, kernel)
    return kernels


class _Patches:
    """Lays out the patches of one tile after another, in one worker's scratch memory."""

    def __init__(self, x: Array, pool: ScratchPool, how: Geometry) -> None:
        self.x, self.how = x, how
        if not how.pointwise:
            self.patches = pool.take((how.patch_numbers,))
            self.around = pool.take((how.padded_numbers,))
        self.held = -1

    def start(self) -> Iterator[Call]:
        """Write the zeros that lie around all images."""
        if not self.how.pointwise and self.around.size:
            yield self.around.fill, (0.0,)

    def of(self, unit: Unit, group: int, *, ones: bool = False) -> Generator[Call, None, Array]:
        """Return a tile's patches of one group as a matrix (places, depth), and a last column of `ones` if asked."""
        how = self.how
        first, stop, top, bottom = unit
        if how.pointwise:
            return self.x[first:stop, top:bottom].reshape(-1, how.channels)
        images = (yield from self._padded(first, stop)) if how.pads else self.x[first:stop]
        seen = _windows(images, how)[..., group * how.own : (group + 1) * how.own]
        seen = seen[:, top:bottom] if how.phases == (1, 1) else strips.by_phase(seen, how)
        if how.across:
            turned = np.moveaxis(seen, (-3, -2, -1), (0, 1, 2))
            places = turned.size // how.depth
            laid: Array = self.patches[: (how.depth + ones) * places].reshape(-1, places)
            yield np.copyto, (laid[: how.depth].reshape(turned.shape), turned)
            if ones:
                yield laid[how.depth :].fill, (1.0,)
            return laid.transpose()
        laid = self.patches[: seen.size].reshape(seen.shape)
        yield np.copyto, (laid, seen)
        return laid.reshape(-1, how.depth)

    def _padded(self, first: int, stop: int) -> Generator[Call, None, Array]:
        how = self.how
        (above, _), (left, _) = how.padding
        numbers = (stop - first) * how.padded[0] * how.padded[1] * how.channels
        images = self.around[:numbers].reshape(stop - first, *how.padded, how.channels)
        if self.held != first:
            within = images[:, above : above + how.size[0], left : left + how.size[1]]
            yield np.copyto, (within, self.x[first:stop])
            self.held = first
        return images


def _part(array: Array, unit: Unit, how: Geometry) -> Array:
    """Return a tile of an output as a matrix (places, filters)."""
    first, stop, top, bottom = unit
    part = array[first:stop, top:bottom] if how.phases == (1, 1) else array[first:stop]
    return part.reshape(-1, how.filters)


def _windows(images: Array, how: Geometry) -> Array:
    """Return the places that each place of the output looks at: (images, rows, columns, kh, kw, channels), a view."""
    image, row, column, channel = images.strides
    places = (*how.out, *how.kernel)
    steps = zip((row, column) * 2, (*how.strides, *how.dilation), places, strict=True)
    # NumPy refuses a step that leads far out of the array even where there is but one place.
    inner = (own * step if count > 1 else 0 for own, step, count in steps)
    strides = (image, *inner, channel)
    shape = (len(images), *places, how.channels)
    return np.ndarray(shape, images.dtype, images, 0, strides)


def _spread_taps(
    flowing: Array, kernel: Array, images: Array, unit: Unit, scratch: Array, how: Geometry
) -> Iterator[Call]:
    """Add to the images what each tap of the kernel sends them, a product a tap."""
    first, stop, top, bottom = unit
    made = scratch[: len(flowing) * how.own].reshape(len(flowing), how.own)
    sent = made.reshape(stop - first, bottom - top, how.out[1], how.own)
    own = images[first:stop]
    for tap, (rows, columns, down, right) in enumerate(_seen(how, top, bottom)):
        yield np.dot, (flowing, kernel[tap * how.own : (tap + 1) * how.own].T, made)
        there = own[:, down, right]
        yield np.add, (there, sent[:, rows, columns], there)


def _spread_across(
    flowing: Array, kernel: Array, images: Array, unit: Unit, scratch: Array, how: Geometry
) -> Iterator[Call]:
    """Do the same where a place holds little: one product, whose rows are taps, for long rows of images."""
    first, stop, top, bottom = unit
    made = scratch[: how.depth * len(flowing)].reshape(how.depth, len(flowing))
    yield np.dot, (kernel, flowing.T, made)
    sent = made.reshape(how.taps, how.own, stop - first, bottom - top, how.out[1])
    turned = images[first:stop].transpose(3, 0, 1, 2)
    for tap, (rows, columns, down, right) in enumerate(_seen(how, top, bottom)):
        there = turned[:, :, down, right]
        yield np.add, (there, sent[tap][:, :, rows, columns], there)


def _seen(how: Geometry, top: int, bottom: int) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Go through the places that each tap sees from a band of the output, whose rows are counted from its top."""
    for rows, columns, down, right in how.seen:
        if bottom - top == how.out[0]:
            yield rows, columns, down, right
            continue
        first, stop = max(rows.start, top), min(rows.stop, bottom)
        begin = down.start + (first - rows.start) * down.step
        if first < stop:
            within = slice(begin, begin + (stop - first - 1) * down.step + 1, down.step)
            yield slice(first - top, stop - top), columns, within, right
        else:
            yield slice(0, 0), columns, slice(0, 0), right

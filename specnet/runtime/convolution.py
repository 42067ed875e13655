"""Convolutions as matrix products: tile by tile, the patches that a kernel sees are laid out and multiplied.

A tile is a few images, or a band of rows of a large one, whose patches stay in cache until they are multiplied.
Images are shared out over workers. Nothing of an image's size is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from specnet.runtime import depthwise
from specnet.runtime.geometry import Geometry, Unit
from specnet.runtime.workers import Workers

Array = np.ndarray[Any, Any]


def convolve(
    workers: Workers, x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> None:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`.

    `scratch` (workers, n) holds patches, images with zeros around them and, of several groups, one's output.
    """
    if how.depthwise:
        depthwise.convolve(workers, x, w, b, scratch, how, out)
        return
    shares = workers.shares(len(x))

    def work(worker: int) -> None:
        room = _Room(scratch[worker])
        source = _Patches(x, room, how)
        joined = b is not None and how.joins
        kernels = _joined(w, b, room, how) if b is not None and joined else _by_group(w, room, how)
        for unit in how.units(*shares[worker], how.tile):
            first, stop, top, bottom = unit
            made = out[first:stop, top:bottom].reshape(-1, how.filters)
            if how.groups == 1:
                np.dot(source.of(unit, 0, ones=joined), kernels[0], made)
            else:
                own = room.for_now((len(made), how.made))
                for group in range(how.groups):
                    np.dot(source.of(unit, group), kernels[group], own)
                    np.copyto(made[:, group * how.made : (group + 1) * how.made], own)
            if b is not None and not joined:
                np.add(made, b, made)

    workers.run(work, len(shares))


def convolve_input(workers: Workers, g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> None:
    """Write what flows back to the images, for g that flows back to the output, into `out`.

    `scratch` (workers, n) holds what one tap, or all taps, of a tile make of g.
    """
    if how.depthwise:
        depthwise.convolve_input(workers, g, w, scratch, how, out)
        return
    shares = workers.shares(len(g))

    def work(worker: int) -> None:
        room = _Room(scratch[worker])
        kernels = _by_group(w, room, how)
        spread = _spread_across if how.across else _spread_taps
        for unit in how.units(*shares[worker], how.spread_tile):
            first, stop, top, bottom = unit
            flowing = g[first:stop, top:bottom].reshape(-1, how.filters)
            if how.pointwise:
                np.dot(flowing, kernels[0].T, out[first:stop, top:bottom].reshape(-1, how.channels))
                continue
            if top == 0:
                out[first:stop].fill(0.0)
            rest = _Room(room.rest)
            own = rest.take((len(flowing), how.made)) if how.groups > 1 else flowing
            for group in range(how.groups):
                if how.groups > 1:
                    np.copyto(own, flowing[:, group * how.made : (group + 1) * how.made])
                images = out[..., group * how.own : (group + 1) * how.own]
                spread(own, kernels[group], images, unit, rest.rest, how)

    workers.run(work, len(shares))


def convolve_kernel(
    workers: Workers, x: Array, g: Array, scratch: Array, sums: Array, how: Geometry, out: Array
) -> None:
    """Write what flows back to the kernel, for images x and g that flows back to the output, into `out`.

    `sums` (workers, depth * filters) holds what each worker has added up.
    """
    if how.depthwise:
        depthwise.convolve_kernel(workers, x, g, scratch, sums, how, out)
        return
    whole = out.reshape(how.depth, how.filters)
    shares = workers.shares(len(x))

    def work(worker: int) -> None:
        total = whole if worker == 0 else sums[worker].reshape(how.depth, how.filters)
        room = _Room(scratch[worker])
        source = _Patches(x, room, how)
        more = room.take((how.depth, how.made))
        for number, unit in enumerate(how.units(*shares[worker], how.tile)):
            first, stop, top, bottom = unit
            flowing = g[first:stop, top:bottom].reshape(-1, how.filters)
            if how.groups == 1:
                np.dot(source.of(unit, 0).T, flowing, more if number else total)
                if number:
                    np.add(total, more, total)
                continue
            own = room.for_now((len(flowing), how.made))
            for group in range(how.groups):
                part = slice(group * how.made, (group + 1) * how.made)
                np.copyto(own, flowing[:, part])
                np.dot(source.of(unit, group).T, own, more)
                if number:
                    np.add(total[:, part], more, total[:, part])
                else:
                    np.copyto(total[:, part], more)

    workers.run(work, len(shares))
    for worker in range(1, len(shares)):
        np.add(whole, sums[worker].reshape(whole.shape), whole)


class _Room:
    """One worker's scratch memory, given out piece by piece."""

    def __init__(self, rest: Array) -> None:
        self.rest = rest

    def take(self, shape: tuple[int, ...]) -> Array:
        """Return an array that nobody else is given."""
        array = self.for_now(shape)
        self.rest = self.rest[array.size :]
        return array

    def for_now(self, shape: tuple[int, ...]) -> Array:
        """Return an array that whoever asks next is given too."""
        return self.rest[: prod(shape)].reshape(shape)


def _by_group(w: Array, room: _Room, how: Geometry) -> Array:
    """Return a kernel as matrices (groups, depth, filters of a group).

    A matrix product takes any array whose rows or columns lie side by side, and copies others: so does this, in memory
    that it has.
    """
    kernel = w.reshape(how.depth, how.groups, how.made).transpose(1, 0, 2)
    if how.groups == 1:
        return kernel
    kernels = room.take((how.groups, how.depth, how.made))
    np.copyto(kernels, kernel)
    return kernels


def _joined(w: Array, b: Array, room: _Room, how: Geometry) -> Array:
    """Return a kernel with the bias as its last row, (1, depth + 1, filters)."""
    both = room.take((1, how.depth + 1, how.filters))
    np.copyto(both[0, :-1], w.reshape(how.depth, how.filters))
    np.copyto(both[0, -1], b)
    return both


class _Patches:
    """Lays out the patches of one tile after another, in one worker's scratch memory."""

    def __init__(self, x: Array, room: _Room, how: Geometry) -> None:
        self.x, self.how = x, how
        if not how.pointwise:
            self.patches = room.take((how.patch_numbers,))
            self.around = room.take((how.padded_numbers,))
            self.around.fill(0.0)
        self.held = -1

    def of(self, unit: Unit, group: int, *, ones: bool = False) -> Array:
        """Return a tile's patches of one group as a matrix (places, depth), and a last column of `ones` if asked."""
        how = self.how
        first, stop, top, bottom = unit
        if how.pointwise:
            return self.x[first:stop, top:bottom].reshape(-1, how.channels)
        images = self._padded(first, stop) if how.pads else self.x[first:stop]
        seen = _windows(images, how)[:, top:bottom, :, :, :, group * how.own : (group + 1) * how.own]
        if how.across:
            turned = seen.transpose(3, 4, 5, 0, 1, 2)
            places = turned.size // how.depth
            laid: Array = self.patches[: (how.depth + ones) * places].reshape(-1, places)
            np.copyto(laid[: how.depth].reshape(turned.shape), turned)
            laid[how.depth :] = 1.0
            return laid.transpose()
        laid = self.patches[: seen.size].reshape(seen.shape)
        np.copyto(laid, seen)
        return laid.reshape(-1, how.depth)

    def _padded(self, first: int, stop: int) -> Array:
        how = self.how
        (above, _), (left, _) = how.padding
        numbers = (stop - first) * how.padded[0] * how.padded[1] * how.channels
        images = self.around[:numbers].reshape(stop - first, *how.padded, how.channels)
        if self.held != first:
            np.copyto(images[:, above : above + how.size[0], left : left + how.size[1]], self.x[first:stop])
            self.held = first
        return images


def _windows(images: Array, how: Geometry) -> Array:
    """Return the places that each place of the output looks at: (images, rows, columns, kh, kw, channels), a view."""
    image, row, column, channel = images.strides
    down, right = how.strides
    strides = (image, row * down, column * right, row * how.dilation[0], column * how.dilation[1], channel)
    shape = (len(images), *how.out, *how.kernel, how.channels)
    return np.ndarray(shape, images.dtype, images, 0, strides)


def _spread_taps(
    flowing: Array, kernel: Array, images: Array, unit: Unit, scratch: Array, how: Geometry
) -> None:
    """Add to the images what each tap of the kernel sends them, a product a tap."""
    first, stop, top, bottom = unit
    made = scratch[: len(flowing) * how.own].reshape(len(flowing), how.own)
    sent = made.reshape(stop - first, bottom - top, how.out[1], how.own)
    own = images[first:stop]
    for tap, (rows, columns, down, right) in enumerate(_seen(how, top, bottom)):
        np.dot(flowing, kernel[tap * how.own : (tap + 1) * how.own].T, made)
        there = own[:, down, right]
        np.add(there, sent[:, rows, columns], there)


def _spread_across(
    flowing: Array, kernel: Array, images: Array, unit: Unit, scratch: Array, how: Geometry
) -> None:
    """Do the same where a place holds little: one product, whose rows are taps, for long rows of images."""
    first, stop, top, bottom = unit
    made = scratch[: how.depth * len(flowing)].reshape(how.depth, len(flowing))
    np.dot(kernel, flowing.T, made)
    sent = made.reshape(how.taps, how.own, stop - first, bottom - top, how.out[1])
    turned = images[first:stop].transpose(3, 0, 1, 2)
    for tap, (rows, columns, down, right) in enumerate(_seen(how, top, bottom)):
        there = turned[:, :, down, right]
        np.add(there, sent[tap][:, :, rows, columns], there)


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

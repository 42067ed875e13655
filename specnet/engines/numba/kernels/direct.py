"""Tables for direct convolutions.

What flows back to images is a convolution as well, or one for each phase of the strides, with those taps that reach it
in reverse. Few filters are computed one by one, by inner products, since most of a vector of them would be empty, and
what flows back to their kernel has channels as columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.kernels import direct_loops as t
from specnet.engines.numba.kernels.direct_sizes import is_few, pays_by_channels, run_of
from specnet.engines.numba.table_calls import TableCall
from specnet.engines.numpy.calls import Call
from specnet.graph.frames import FRAME, ConvolutionFrame
from specnet.graph.geometry import Geometry, Pair

Array = np.ndarray[Any, Any]
Entries = dict[int, int]

CACHED_BYTES = 256 * 1024
"""Bytes of images and gradients that are read again for all numbers of a kernel, whose sums are then added up."""


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    few = is_few(how, how.made)
    if few and how.filters > 1:
        turned, scratch = scratch[: w.size], scratch[w.size :]
        placed = turned.reshape(1, 1, 1, how.filters, -1)
        yield _turned(w.reshape(1, 1, -1, how.filters), placed)
        w = turned
    line = how.frame.line * how.item
    apart = how.dilation[0] * line, how.dilation[1] * how.channels * how.item
    together = how.groups == 1 and how.dilation[1] == 1
    steps = _sums(how.kernel, apart, how.own, 1 if few else how.filters, how.item, together=together)
    parts = []
    for phase, group in product(np.ndindex(how.phases), range(how.groups)):
        filters = group * how.made * how.item
        parts.append(
            _of_images(how, phase, group, line)
            | {t.Y: _of_output(how, phase, group), t.W: filters, t.BIASES: filters}
            | dict(zip((t.Y_ROW, t.Y_COLUMN), _output_steps(how), strict=True))
            | steps
        )
    header = {t.OUT: address_of(out), t.OUT_IMAGE: prod(how.laid) * how.item, t.TIMES: address_of(w)}
    header |= {
        t.BIAS: 0 if b is None else address_of(b),
        t.RUN: run_of(how) if few else 0,
        t.DEPTH: how.depth,
    }
    header |= _read(x, (*how.size, how.channels), (1, 1), how.frame, scratch)
    yield _bound(x, _table(header | {t.WORK: t.CONVOLVE}, parts), (x, w, b, scratch, out))


def convolve_kernel(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it, for images x and g that flows back to y."""
    if is_few(how, how.made) and pays_by_channels(how, scratch):
        yield from _convolve_kernel_by_channels(x, g, scratch, how, overwrite, out)
        return
    if overwrite:
        yield out.fill, (0.0,)
    line, pixel = how.frame.line * how.item, how.channels * how.item
    down, right = _output_steps(how)
    parts = []
    for phase, group in product(np.ndindex(how.phases), range(how.groups)):
        own = _of_images(how, phase, group, line)
        # Over the rows, which the compiled function counts, and the columns.
        steps = [1, 0, how.grid[1], 0, own[t.X_ROW], own[t.X_COLUMN], 0, down, right]
        places = {t.Y: group * how.made * how.item, t.W: _of_output(how, phase, group)}
        parts.append(own | places | dict(enumerate(steps, t.STEPS)))
    rows, columns, channels = (np.arange(count, dtype=np.int64) for count in (*how.kernel, how.own))
    seen = rows[:, np.newaxis] * how.dilation[0] * line + columns * how.dilation[1] * pixel
    offsets = (seen[..., np.newaxis] + channels * how.item).reshape(-1)
    header = {t.OUT: address_of(out), t.OUT_LINE: how.filters * how.item, t.DEPTH: how.depth}
    header |= {
        t.OFFSETS: address_of(offsets),
        t.TIMES: address_of(g),
        t.TIMES_IMAGE: prod(how.laid) * how.item,
    }
    header[t.CACHED_ROWS] = max(1, CACHED_BYTES // (how.frame.lead * line + down))
    header |= _read(x, (*how.size, how.channels), (1, 1), how.frame, scratch)
    yield _bound(
        x,
        _table(header | {t.WORK: t.CORRELATE}, parts),
        (x, g, scratch, out, offsets),
    )


def _convolve_kernel_by_channels(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Do what `convolve_kernel` does at stride 1, by what each place of the images gets from the output.

    What is summed over are places of the images; rows are filters of a tap, and columns are channels.
    """
    (height, width), (down, right), frame, item = how.size, how.dilation, how.back_frame, how.item
    sums, rest = scratch[: out.size].reshape(how.taps, how.filters, how.channels), scratch[out.size :]
    yield sums.fill, (0.0,)
    line, across, pixel = frame.line * item, how.filters * item, how.channels * item
    (rows,), (columns,) = how.back_taps
    first = (rows.first + frame.top) * line + (columns.first + frame.left) * across
    # The last tap is the first to be reached.
    taps = [
        (how.kernel[0] - 1 - i) * down * line + (how.kernel[1] - 1 - j) * right * across
        for i, j in np.ndindex(how.kernel)
    ]
    offsets = (np.array(taps)[:, np.newaxis] + np.arange(how.filters) * item).reshape(-1)
    steps = [1, 0, width, 0, line, across, 0, width * pixel, pixel]
    part = {t.PART_ROWS: height, t.PART_COLUMNS: width, t.X: first, t.X_ROW: line, t.X_COLUMN: across}
    part |= {t.FILTERS: how.channels} | dict(enumerate(steps, t.STEPS))
    header = {
        t.OUT: address_of(sums),
        t.OUT_LINE: pixel,
        t.DEPTH: offsets.size,
        t.OFFSETS: address_of(offsets),
    }
    header |= {t.TIMES: address_of(x), t.TIMES_IMAGE: height * width * pixel}
    header[t.CACHED_ROWS] = max(1, CACHED_BYTES // (line + width * pixel))
    header |= _read(g, (*how.out, how.filters), (1, 1), frame, rest)
    yield _bound(x, _table(header | {t.WORK: t.CORRELATE}, [part]), (x, g, scratch, offsets))
    total, found = out.reshape(how.taps, how.channels, how.filters), sums.swapaxes(1, 2)
    yield (np.copyto, (total, found)) if overwrite else (np.add, (total, found, total))


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images, for g that flows back to the output, into `out`."""
    turned, rest = scratch[: w.size], scratch[w.size :]
    (height, width), frame, pixel = how.size, how.back_frame, how.channels * how.item
    (rows, columns), line = how.strides, frame.line * how.item
    if not all(taps.count for axis in how.back_taps for taps in axis):
        yield out.fill, (0.0,)
    parts, begin = [], 0
    for (i, down), (j, across) in product(*map(enumerate, how.back_taps)):
        count = down.count * across.count
        if count == 0:
            continue
        reaching = w[down.chosen, across.chosen]
        stop = begin + reaching.size
        placed = turned[begin:stop].reshape(how.groups, down.count, across.count, how.made, how.own)
        yield _turned(reaching, placed)
        apart = down.step * line, across.step * how.filters * how.item
        together = how.groups == 1 and across.step == 1
        steps = _sums((down.count, across.count), apart, how.made, how.own, how.item, together=together)
        seen = (down.first + frame.top) * line + (across.first + frame.left) * how.filters * how.item
        common = steps | {
            t.PART_ROWS: -(-(height - i) // rows),
            t.PART_COLUMNS: -(-(width - j) // columns),
            t.X_ROW: line,
            t.X_COLUMN: how.filters * how.item,
            t.Y_ROW: rows * width * pixel,
            t.Y_COLUMN: columns * pixel,
            t.FILTERS: how.own,
        }
        for group in range(how.groups):
            own = {
                t.X: seen + group * how.made * how.item,
                t.Y: (i * width + j) * pixel + group * how.own * how.item,
                t.W: address_of(placed[group]) - address_of(turned),
            }
            parts.append(common | own)
        begin = stop
    header = {t.OUT: address_of(out), t.OUT_IMAGE: height * width * pixel, t.TIMES: address_of(turned)}
    header |= _read(g, (*how.out, how.filters), how.phases, frame, rest)
    yield _bound(g, _table(header | {t.WORK: t.CONVOLVE}, parts), (g, scratch, out))


def _bound(like: Array, table: Array, kept: object) -> Call:
    """Return the call of the compiled function with a table, and with the arrays whose addresses this has."""
    return TableCall(t.compute, table, like.dtype, kept), ()


def _table(header: Entries, parts: Sequence[Entries]) -> Array:
    """Return the table of a convolution."""
    table = np.zeros(t.HEADER + len(parts) * t.PART, np.int64)
    for place, number in (header | {t.PARTS: len(parts)}).items():
        table[place] = number
    for part, row in zip(parts, table[t.HEADER :].reshape(-1, t.PART), strict=True):
        for place, number in part.items():
            row[place] = number
    return table


def _turned(taps: Array, out: Array) -> Call:
    """Return what writes taps (rows, columns, channels, filters) as (groups, rows, columns, filters, channels)."""
    table = np.zeros(t.TURN, np.int64)
    table[[t.TAP_ROWS, t.TAP_COLUMNS]] = taps.shape[:2]
    table[[t.TAP_ROW, t.TAP_COLUMN, t.TAP_LINE]] = taps.strides[:3]
    table[t.WORK] = t.TRANSPOSE
    table[[t.GROUPS, t.CHANNELS, t.TURNED]] = out.shape[0], out.shape[4], out.shape[3]
    table[[t.TAP, t.TURNED_TO]] = address_of(taps), address_of(out)
    return _bound(out, table, (taps, out))


def _read(
    images: Array, shape: tuple[int, int, int], phases: Pair, frame: ConvolutionFrame, space: Array
) -> Entries:
    """Return what a header says about images, each of a height, a width and channels, and what is around them."""
    (height, width, channels), item = shape, images.itemsize
    band = frame.band(min(space.size, FRAME // item))
    numbers = frame.numbers(band)
    return {
        t.SOURCE: address_of(images),
        t.IMAGES: len(images),
        t.IMAGE: height * width * channels * item,
        t.HEIGHT: height,
        t.WIDTH: width,
        t.PIXEL: channels * item,
        t.DOWN: phases[0],
        t.ACROSS: phases[1],
        t.FRAME: address_of(space[:numbers]) if frame.copied else 0,
        t.FRAME_SIZE: numbers * item,
        t.LINE: frame.line * item,
        t.TOP: frame.top,
        t.LEFT: frame.left,
        t.ROWS: frame.rows,
        t.BAND: band,
        t.LEAD: frame.lead,
        t.EXTENT: frame.extent,
    }


def _of_images(how: Geometry, phase: tuple[int, ...], group: int, line: int) -> Entries:
    """Return where a phase and a group of the output see images whose rows have so many bytes."""
    (down, right), (rows, columns), pixel = phase, how.strides, how.channels * how.item
    return {
        t.PART_ROWS: how.grid[0],
        t.PART_COLUMNS: how.grid[1],
        t.X: down * rows * line + right * columns * pixel + group * how.own * how.item,
        t.X_ROW: how.frame.lead * line,
        t.X_COLUMN: how.phases[1] * columns * pixel,
        t.FILTERS: how.made,
    }


def _of_output(how: Geometry, phase: tuple[int, ...], group: int) -> int:
    """Return where a phase and a group are in the output."""
    places = (phase[0] * how.phases[1] + phase[1]) * prod(how.grid)
    return (places * how.filters + group * how.made) * how.item


def _output_steps(how: Geometry) -> Pair:
    """Return the bytes from a row of a phase of the output to the next, and from a column."""
    return how.grid[1] * how.filters * how.item, how.filters * how.item


def _sums(taps: Pair, apart: Pair, own: int, columns: int, item: int, *, together: bool) -> Entries:
    """Return the steps of sums over the taps and so many channels, by a kernel with so many columns.

    `apart` are the bytes from one tap to the next. The taps of a row may lie `together`, as do their channels.
    """
    (rows, across), line = taps, columns * item
    if together:
        steps = [1, rows, across * own, 0, apart[0], item, 0, across * own * line, line]
    else:
        steps = [rows, across, own, *apart, item, across * own * line, own * line, line]
    return dict(enumerate(steps, t.STEPS))

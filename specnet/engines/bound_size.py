"""What it takes to have a program bound to sizes, beside the memory of its arrays and the steps of its loops."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from specnet.engines.program import VIEW_BYTES, Block, NumpyProgram
from specnet.graph.attributes import Prepared
from specnet.graph.sizes import ITEM_BYTES, Count, Size, Sizes

NAME_BYTES = 120
"""What a name of a function's globals takes."""

PIECE_BYTES = 150
"""What the list of a piece's arrays takes, beside these."""


def bound_bytes(program: NumpyProgram, sizes: Sizes) -> int:
    """Return about how many bytes what a program's source names takes when it is bound to some sizes."""
    total = _bytes(len(program.views), program.blocks, program.prepared.values(), sizes)
    total += NAME_BYTES * (len(program.functions) + len(program.literals) + len(program.factors))
    total += VIEW_BYTES * len(program.literals)
    for shard in program.shards:
        views = len(shard.views) + len(shard.rows) + len(shard.forms)
        total += len(shard.shares(sizes)) * _bytes(views, shard.blocks, shard.prepared.values(), sizes)
    return total


def _bytes(views: int, blocks: Iterable[Block], prepared: Iterable[Prepared], sizes: Sizes) -> int:
    total = views * (VIEW_BYTES + NAME_BYTES)
    for block in blocks:
        total += block.pieces(sizes) * ((len(block.sliced) + len(block.passing)) * VIEW_BYTES + PIECE_BYTES)
    return total + sum(NAME_BYTES + _prepared_bytes(each, sizes) for each in prepared)


def _prepared_bytes(prepared: Prepared, sizes: Sizes) -> int:
    """Return the bytes of an array that is made when a program is bound; 0 for what takes next to nothing."""
    if prepared.function == "filled":
        shape, _, dtype = prepared.arguments
        dims = shape if type(shape) is tuple else (shape,)
        return prod(_at(dim, sizes) for dim in dims) * ITEM_BYTES[dtype]
    if prepared.function == "multiples":
        return 8 * _at(prepared.arguments[0], sizes)
    return 0


def _at(dim: int | Size | Count, sizes: Sizes) -> int:
    return dim if isinstance(dim, int) else dim.at(sizes)

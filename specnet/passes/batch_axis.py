"""The axis of a shape along which the rows of a batch lie."""

from __future__ import annotations

from specnet.graph.sizes import Count, Shape, Size, count, grows


def axis_of(shape: Shape) -> int | None:
    """Return the only axis that grows with the batch, and in proportion to it; None where there is none."""
    found = [number for number, dim in enumerate(shape) if grows(dim)]
    if len(found) != 1:
        return None
    dim = shape[found[0]]
    assert isinstance(dim, Size)
    return found[0] if dim.names.count("batch") == 1 else None


def is_joined(shape: Shape) -> bool:
    """Whether an axis holds the batch and other named sizes."""
    return any(isinstance(dim, Size) and grows(dim) and dim.names != ("batch",) for dim in shape)


def places_ahead(shape: Shape) -> Count:
    """Return how many places lie in front of the growing axis."""
    return count(shape[: axis_of(shape)])

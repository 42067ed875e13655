"""Shapes of integers and named sizes, such as the number of rows in a batch, and counts of elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

DType = Literal["float32", "float64", "int32", "int64", "bool"]

ITEM_BYTES: dict[DType, int] = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "bool": 1}

Sizes = int | Mapping[str, int]
"""What named sizes are when a plan is bound, by name; an integer stands for `batch` alone."""


class Forms(dict[str, int]):
    """The largest of each named size, where not all are at their largest at once: see `forms`.

    A plan for batches of many short sequences, or of a few long ones, needs no memory for many long ones.
    """

    def __init__(self, forms: Iterable[Mapping[str, int]]) -> None:
        self.forms = tuple({tuple(sorted(form.items())): dict(form) for form in forms}.values())
        """The sizes that there may be at once; anything is one of them, or smaller."""
        super().__init__({name: max(form[name] for form in self.forms) for name in self.forms[0]})

    def hold(self, sizes: Mapping[str, int]) -> bool:
        """Return whether some sizes are among the forms, or smaller than one of them."""
        return any(all(sizes[name] <= most for name, most in form.items()) for form in self.forms)


Powers = tuple[tuple[str, int], ...]
"""Named sizes, in alphabetical order, and the power of each."""


@dataclass(frozen=True, slots=True)
class Size:
    """A dimension that is known only when a plan is bound: `times` the product of named sizes.

    A name may have an offset: "steps+2" is two more than the size "steps" (see `moved`).
    """

    times: int = 1
    names: tuple[str, ...] = ("batch",)
    """In alphabetical order."""

    def at(self, sizes: Sizes) -> int:
        """Return the dimension for these sizes."""
        size = self.times
        for name in self.names:
            size *= value_of(name, sizes)
        return size

    def __str__(self) -> str:
        return "*".join((*((str(self.times),) if self.times != 1 else ()), *self.names))


Dim = int | Size
Shape = tuple[Dim, ...]

Kind = tuple[Shape, DType]
"""What is known of a value before it is computed."""

BATCH = Size()
STEPS = Size(names=("steps",))
GLOBAL_BATCH = Size(names=("global_batch",))
"""The rows of the whole batch, where `batch` are those that one of several processes has of it."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of elements, `each` times named sizes to their powers: exact for all sizes."""

    each: int
    powers: Powers = ()

    def at(self, sizes: Sizes) -> int:
        """Return the number for these sizes; the largest that there is for several forms."""
        if isinstance(sizes, Forms):
            return max(self.at(form) for form in sizes.forms)
        return int(self.each * product_of(self.powers, sizes))

    def __mul__(self, other: Count) -> Count:
        return Count(self.each * other.each, times(self.powers, other.powers))

    def __floordiv__(self, other: Count) -> Count:
        return Count(self.each // other.each, times(self.powers, inverse(other.powers)))


def value_of(name: str, sizes: Sizes) -> int:
    """Return what a named size is."""
    if isinstance(sizes, int):
        assert name == "batch", f"{name} is not known"
        return sizes
    if name in sizes:
        return sizes[name]
    base, offset = split_offset(name)
    return sizes[base] + offset


@lru_cache(maxsize=1024)
def split_offset(name: str) -> tuple[str, int]:
    """Return a named size and what is added to it: ("steps", -2) for "steps-2"."""
    for sign in "+-":
        base, found, number = name.partition(sign)
        if found:
            return base, int(sign + number)
    return name, 0


def moved(dim: Dim, by: int) -> Dim | None:
    """Return a dimension plus a number, or None where it is several times a named size or a product of some."""
    if isinstance(dim, int):
        return dim + by
    if not by:
        return dim
    if dim.times != 1 or len(dim.names) != 1 or dim.names == ("batch",):
        return None
    base, offset = split_offset(dim.names[0])
    return Size(names=(base if offset + by == 0 else f"{base}{offset + by:+d}",))


def between(a: Dim, b: Dim) -> Dim | None:
    """Return a - b, or None where it cannot be written as one dimension.

    That is a number where both are one named size with other offsets.
    """
    if isinstance(b, int):
        return moved(a, -b)
    if isinstance(a, int):
        return None
    if a.names == b.names:
        return Size(a.times - b.times, a.names) if a.times != b.times else 0
    if not a.times == b.times == len(a.names) == len(b.names) == 1:
        return None
    (base, offset), (other, its_offset) = split_offset(a.names[0]), split_offset(b.names[0])
    return offset - its_offset if base == other else None


def named(sizes: Sizes) -> dict[str, int]:
    """Return sizes by name."""
    if isinstance(sizes, int):
        return {"batch": sizes}
    return sizes if isinstance(sizes, Forms) else dict(sizes)


def product_of(powers: Powers, sizes: Sizes) -> float | int:
    """Return the product of named sizes to their powers; an integer where none is negative."""
    product: float | int = 1
    for name, power in powers:
        product *= value_of(name, sizes) ** power
    return product


def times(a: Powers, b: Powers) -> Powers:
    """Return the product of two products of powers."""
    if not a or not b:
        return a or b
    sums = dict(a)
    for name, power in b:
        sums[name] = sums.get(name, 0) + power
    return tuple(sorted((name, power) for name, power in sums.items() if power))


def inverse(powers: Powers) -> Powers:
    """Return one divided by a product of powers."""
    return tuple((name, -power) for name, power in powers)


def grows(dim: Dim) -> bool:
    """Whether a dimension grows with the batch."""
    return isinstance(dim, Size) and "batch" in dim.names


def static(dim: Dim) -> int:
    """Return a dimension that depends on no named size."""
    assert isinstance(dim, int), f"{dim} is not known before a plan is bound"
    return dim


def count(shape: Iterable[Dim]) -> Count:
    """Return how many elements a shape holds."""
    each = 1
    powers: dict[str, int] = {}
    for dim in shape:
        if isinstance(dim, Size):
            each *= dim.times
            for name in dim.names:
                powers[name] = powers.get(name, 0) + 1
        else:
            each *= dim
    return Count(each, tuple(sorted(powers.items())))


def joined(dims: Iterable[Dim]) -> Dim:
    """Return the one dimension that holds all elements of several."""
    whole = count(dims)
    if not whole.powers:
        return whole.each
    return Size(whole.each, tuple(name for name, power in whole.powers for _ in range(power)))


def added(dims: Iterable[Dim]) -> Dim | None:
    """Return the dimension of arrays laid end to end, or None where it cannot be written as one."""
    fixed, sizes = 0, []
    for dim in dims:
        if isinstance(dim, Size):
            sizes.append(dim)
        else:
            fixed += dim
    if not sizes:
        return fixed
    if len({size.names for size in sizes}) > 1:
        return None
    return moved(Size(sum(size.times for size in sizes), sizes[0].names), fixed)


def at(shape: Shape, sizes: Sizes) -> tuple[int, ...]:
    """Return the shape with these sizes put in."""
    return tuple([dim.at(sizes) if isinstance(dim, Size) else dim for dim in shape])


def of_global_batch(powers: Powers) -> Powers:
    """Return powers of named sizes that count the rows of the whole batch in the place of a process's own."""
    return times((), tuple(sorted(("global_batch" if n == "batch" else n, power) for n, power in powers)))


def globally(dim: Dim) -> Dim:
    """Return a dimension of an array that holds the whole batch, given that of a process's own rows."""
    if not isinstance(dim, Size) or "batch" not in dim.names:
        return dim
    return Size(dim.times, tuple(sorted("global_batch" if name == "batch" else name for name in dim.names)))


def shared_sizes(sizes: Sizes, ranks: int) -> Sizes:
    """Return the largest sizes that each of some processes sees of batches of these sizes."""
    if ranks < 2:
        return sizes
    found = named(sizes)
    if isinstance(found, Forms):
        return Forms(named(shared_sizes(form, ranks)) for form in found.forms)
    return {**found, "batch": -(-found["batch"] // ranks), "global_batch": found["batch"]}


def part_sizes(sizes: Sizes, workers: int) -> dict[str, int]:
    """Return the sizes of the largest part of a batch that is shared out over so many workers."""
    found = named(sizes)
    if isinstance(found, Forms):
        return Forms(part_sizes(form, workers) for form in found.forms)
    return {**found, "batch": -(-found["batch"] // max(workers, 1))}


def show(shape: Shape) -> str:
    """Write a shape as a reader of the plan sees it: `(batch, 28, 28, 1)`."""
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def broadcast(a: Shape, b: Shape) -> Shape | None:
    """Return the shape that two operands give element by element, or None where they do not fit.

    The rule is NumPy's: axes are matched from the last, and 1 stretches.
    """
    if a == b or not b:  # as nearly always
        return a
    if not a:
        return b
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    out: list[Dim] = []
    for x, y in zip(longer, padded, strict=True):
        if y in (x, 1):
            out.append(x)
        elif x == 1:
            out.append(y)
        else:
            return None
    return tuple(out)

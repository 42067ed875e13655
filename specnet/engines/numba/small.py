"""What one compiled function for all of a step calls, besides the loops: small products, and sums.

They are handed the arrays' addresses, and where in a table the sizes are.
"""

from __future__ import annotations

from typing import Any

from specnet.engines.numba.compiling import inner
from specnet.engines.numba.language import float32_at, float64_at, int64_at, uint8_at
from specnet.engines.numba.mathematics import exp, log
from specnet.engines.numba.matrices import gemm32, gemm64

__all__ = [
    "added",
    "copied",
    "copies",
    "filled",
    "inner_product",
    "largest",
    "logarithms",
    "number_of",
    "placed",
    "product",
    "products",
    "proportions",
    "sum_along",
    "sums",
    "taken",
    "total",
]


@inner
def product(a: Any, b: Any, out: Any, t: Any, at: int) -> None:
    """Write the product of two matrices, each with its own steps from row to row and from column to column."""
    n, k, m = t[at], t[at + 1], t[at + 2]
    row, along, down, column = t[at + 3], t[at + 4], t[at + 5], t[at + 6]
    for i in range(n):
        for j in range(m):
            total = a[i * row] * b[j * column]
            for x in range(1, k):
                total += a[i * row + x * along] * b[x * down + j * column]
            out[i * m + j] = total


@inner
def inner_product(a: Any, b: Any, t: Any, at: int) -> Any:
    """Return the sum of the products of two arrays' elements, of which there are some."""
    total = a[0] * b[0]
    for i in range(1, t[at]):
        total += a[i] * b[i]
    return total


@inner
def total(a: Any, t: Any, at: int) -> Any:
    """Return the sum of an array's elements, of which there are some."""
    found = a[0]
    for i in range(1, t[at]):
        found += a[i]
    return found


@inner
def sum_along(a: Any, out: Any, t: Any, at: int) -> None:
    """Write the sums along the middle one of three axes."""
    n, k, m = t[at], t[at + 1], t[at + 2]
    for i in range(n):
        if m == 1:
            found = a[i * k]
            for x in range(1, k):
                found += a[i * k + x]
            out[i] = found
        else:
            # Row after row, since the rows of large arrays do not fit into cache.
            for j in range(m):
                out[i * m + j] = a[i * k * m + j]
            for x in range(1, k):
                for j in range(m):
                    out[i * m + j] += a[(i * k + x) * m + j]


@inner
def logarithms(a: Any, out: Any, t: Any, at: int) -> None:
    """Write a - log(sum(exp(a))) of each row, shifted by its largest."""
    n, m = t[at], t[at + 1]
    for i in range(0, n * m, m):
        most = a[i]
        for j in range(i + 1, i + m):
            most = a[j] if a[j] > most or a[j] != a[j] else most
        found = exp(a[i] - most)
        for j in range(i + 1, i + m):
            found += exp(a[j] - most)
        shift = log(found)
        for j in range(i, i + m):
            out[j] = (a[j] - most) - shift


@inner
def proportions(a: Any, out: Any, t: Any, at: int) -> None:
    """Write exp(a) / sum(exp(a)) of each row, shifted by its largest."""
    n, m = t[at], t[at + 1]
    for i in range(0, n * m, m):
        most = a[i]
        for j in range(i + 1, i + m):
            most = a[j] if a[j] > most or a[j] != a[j] else most
        for j in range(i, i + m):
            out[j] = exp(a[j] - most)
        found = out[i]
        for j in range(i + 1, i + m):
            found += out[j]
        for j in range(i, i + m):
            out[j] /= found


@inner
def largest(a: Any, out: Any, t: Any, at: int) -> None:
    """Write where the first largest element of each row is, or the first NaN."""
    n, m = t[at], t[at + 1]
    for i in range(n):
        place = 0
        for j in range(1, m):
            x, best = a[i * m + j], a[i * m + place]
            if best == best and (x > best or x != x):  # noqa: PLR0124 (NaN alone is not itself)
                place = j
        out[i] = place


@inner
def number_of(a: Any, t: Any, at: int) -> int:
    """Return how many truth values are true."""
    found = 0
    for i in range(t[at]):
        found += a[i] != 0
    return found


@inner
def added(a: Any, b: Any, out: Any, t: Any, at: int) -> None:
    """Write the sums of two arrays' elements."""
    for i in range(t[at]):
        out[i] = a[i] + b[i]


@inner
def copied(a: Any, out: Any, t: Any, at: int) -> None:
    """Write an array's elements."""
    for i in range(t[at]):
        out[i] = a[i]


@inner
def filled(number: float, out: Any, t: Any, at: int) -> None:
    """Write a number everywhere."""
    for i in range(t[at]):
        out[i] = number


@inner
def taken(a: Any, index: Any, out: Any, t: Any, at: int) -> None:
    """Write the elements at some indices; one that is out of range stands for the nearest that is not."""
    for i in range(t[at + 1]):
        out[i] = a[min(max(index[i], 0), t[at] - 1)]


@inner
def placed(out: Any, index: Any, a: Any, t: Any, at: int) -> None:
    """Write elements, or one again and again, to some indices; as `taken` reads them."""
    for i in range(t[at + 1]):
        out[min(max(index[i], 0), t[at] - 1)] = a[i % t[at + 2]]


# With a table each, at an address


@inner
def products(table: int, single: int, double: int) -> None:
    """Write products of matrices by the functions for float32 and float64, see `gemm32`."""
    t = int64_at(table)
    for number in range(t[1]):
        if t[0] == 4:
            gemm32(t, single, 2 + 11 * number)
        else:
            gemm64(t, double, 2 + 11 * number)


@inner
def sums(table: int) -> None:
    """Write the sums along the middle one of three axes."""
    t = int64_at(table)
    if t[0] == 4:
        sum_along(float32_at(t[1]), float32_at(t[2]), t, 3)
    else:
        sum_along(float64_at(t[1]), float64_at(t[2]), t, 3)


@inner
def copies(table: int) -> None:
    """Write an array's bytes."""
    t = int64_at(table)
    a, out = uint8_at(t[1]), uint8_at(t[2])
    for i in range(t[0]):
        out[i] = a[i]

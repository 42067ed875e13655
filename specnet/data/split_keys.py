"""The values by which rows are split: groups, times, and names of splits, read from a column or an array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.data.tables.cells import absent
from specnet.data.tables.frames import ABSENT_TYPES
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, joined, listed, plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.splits import SplitSpec

SPLITS = ("train", "validation", "test")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeyColumn(NamedTuple):
    """One column or array by which rows are split."""

    what: str
    """What a message calls it."""
    values: Sequence[Any]
    """Its different values: text, numbers, dates, or None where a row has none."""
    codes: NDArray[np.int64]
    """(rows,): the index of each row's value."""
    where: Callable[[int], str]
    """Say in which lines or rows the value with this index is."""
    quotable: bool = True
    """Whether a message may quote its values."""


@dataclass(frozen=True, slots=True, eq=False)
class SplitKeys:
    """What splits the training rows, as far as a document asks for it."""

    groups: NDArray[np.int64] | None = None
    """(rows,): the index of each row's group."""
    times: NDArray[np.int64] | None = None
    """(rows,): the rank of each row's time; equal for equal times."""
    parts: NDArray[np.int64] | None = None
    """(rows,): the index of each row's split in `SPLITS`."""
    classes: NDArray[np.int64] | None = None
    """(rows,): the class of each row, where the split is stratified by known classes."""


def split_keys(
    columns: dict[str, KeyColumn],
    split: SplitSpec,
    classes: Callable[[], NDArray[np.int64] | None],
    collector: Collector,
) -> SplitKeys:
    """Return what columns say, by the key that names them; raise SpecError with every value that says nothing.

    `classes` returns the class of each row, and is called where the split is stratified.
    """
    found: dict[str, NDArray[np.int64]] = {}
    with collector.together() as faults:
        for key, column in columns.items():
            absent = next((i for i, value in enumerate(column.values) if value is None), None)
            if absent is not None:
                message = (
                    f"{column.what} has no value in {column.where(absent)}, and a row needs one to be split"
                )
                help = "leave such rows out of the file, or give each of them a value"
                faults.add("SN511", message, "split", key, help=help)
                continue
            found[key] = (
                column.codes
                if key == "group"
                else _times(column, faults)
                if key == "time"
                else _parts(column, faults)
            )
    return SplitKeys(
        found.get("group"), found.get("time"), found.get("column"), classes() if split.stratify else None
    )


def _times(column: KeyColumn, faults: Collector) -> NDArray[np.int64]:
    """Return the rank of each row's time; note values that are no time, and numbers among dates."""
    moments = [_moment(value) for value in column.values]
    kinds = {type(moment) for moment in moments if moment is not None}
    odd = next((i for i, moment in enumerate(moments) if moment is None), None)
    if odd is not None:
        shown = f"`{clipped(str(column.values[odd]))}`" if column.quotable else "a value"
        message = f"{column.what} holds {shown} in {column.where(odd)}, which is neither a number nor a date"
        help = "write dates as 2024-12-31 or 2024-12-31T08:30: other forms have no order that is certain"
        faults.add("SN556", message, "split", "time", help=help)
    elif len(kinds) > 1:
        first = next(i for i, moment in enumerate(moments) if type(moment) is not type(moments[0]))
        message = f"{column.what} holds both numbers and dates: its rows have no order"
        faults.add("SN556", message, "split", "time", help=f"the kind changes in {column.where(first)}")
    if odd is not None or len(kinds) > 1:
        return column.codes
    # Two spellings of one moment have one rank.
    ranks = {moment: rank for rank, moment in enumerate(sorted(set(moments)))}  # type: ignore[type-var]
    return np.array([ranks[moment] for moment in moments], np.int64)[column.codes]


def _moment(value: Any) -> float | int | None:
    """Return a number as a float, and a date as whole microseconds; None for what is neither.

    A date without a time is its midnight, and a time without a zone is that of UTC.
    """
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                return None
        else:
            return number if isfinite(number) else None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        since = aware - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _parts(column: KeyColumn, faults: Collector) -> NDArray[np.int64]:
    """Return the index of each row's split; note names that are none."""
    names = [str(value).strip() for value in column.values]
    for i, name in enumerate(names):
        if name not in SPLITS:
            near = closest(name, SPLITS) if column.quotable else None
            shown = f"`{clipped(name)}`" if column.quotable else "a value"
            message = f"{column.what} holds {shown} in {column.where(i)}, which is not the name of a split"
            help = f"did you mean `{near}`?" if near else f"the splits are {listed(SPLITS)}"
            faults.add("SN556", message, "split", "column", help=help)
    places = [SPLITS.index(name) if name in SPLITS else 0 for name in names]
    return np.array(places, np.int64)[column.codes]


def coded(values: Sequence[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the different values of a sequence, missing ones as None, and the index of each row's value."""
    index: dict[Any, int] = {}
    codes = [index.setdefault(key_of(value), len(index)) for value in values]
    return list(index), np.array(codes, np.int64)


def key_of(value: Any) -> Any:
    """Return a value as one that can be compared with others: None where it is missing."""
    if absent(value) or type(value).__name__ in ABSENT_TYPES:
        return None
    try:
        hash(value)
    except TypeError:  # a list in a frame
        return repr(value)
    return value


def coded_array(array: NDArray[Any], what: str) -> KeyColumn:
    """Return an array (rows,) of numbers, text or dates as a column of keys."""
    if array.dtype.kind == "M":
        array = array.astype("datetime64[us]")  # whose elements are Python's dates
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    values, codes = coded(array.tolist())
    return KeyColumn(what, values, codes, in_rows(codes))


def in_rows(codes: NDArray[np.int64]) -> Callable[[int], str]:
    """Return a function that says in which rows, from 1, the value with an index is."""

    def where(code: int) -> str:
        rows = (np.flatnonzero(codes == code) + 1).tolist()
        shown = [str(row) for row in rows[:5]]
        if len(rows) > len(shown):
            shown = [", ".join(shown), f"{len(rows) - len(shown)} more"]
        return f"{plural('row', len(rows))} {joined(shown)}"

    return where

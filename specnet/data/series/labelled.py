"""Series with a class each, from files as those of the UCR archive: `.ts`, and rows of a label and values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet.data.opening import open_regular
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import FilePlace

ABSENT = frozenset({"?", "", "nan", "na"})
"""How files write a value that is missing, in any case."""


class LabelledSeries(NamedTuple):
    """One example."""

    line: int
    values: list[list[float]]
    """For each dimension the values of its steps."""
    label: str | None


@dataclass(slots=True)
class LabelledFile:
    """The examples of a file."""

    place: FilePlace
    series: list[LabelledSeries] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    """Those that a `.ts` file declares, in its order."""

    @property
    def steps(self) -> int:
        """How many steps the longest series has."""
        return max(len(each.values[0]) for each in self.series)

    @property
    def shortest(self) -> int:
        """How many steps the shortest series has."""
        return min(len(each.values[0]) for each in self.series)

    @property
    def dimensions(self) -> int:
        """How many values a step has."""
        return len(self.series[0].values)

    def array(self, steps: int) -> NDArray[np.float64]:
        """Return all series (rows, steps, dimensions), the end of shorter ones filled up with NaN."""
        found = np.full((len(self.series), steps, self.dimensions), np.nan)
        for row, each in zip(found, self.series, strict=True):
            row[: len(each.values[0])] = np.array(each.values).T
        return found


def read_labelled(place: FilePlace, *, labelled: bool = True) -> LabelledFile:
    """Return the examples of a file; raise SpecError with all that is wrong with it.

    Without `labelled`, the series of a `.ts` file may be without classes.
    """
    try:
        with open_regular(place.path) as file:
            text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise place.error("SN503", f"`{place.name}` is not text in utf-8") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = LabelledFile(place)
    if not lines:
        raise place.error("SN506", f"`{place.name}` is empty")
    with place.context.collector.together() as faults:
        if lines[0][1][0] in "#@":
            _read_ts(found, lines, faults, labelled=labelled)
        else:
            _read_rows(found, lines, faults)
        if not found.series and not faults.found:
            raise place.error("SN506", f"`{place.name}` has no series")
    with place.context.collector.together() as faults:
        _check(found, faults)
    return found


def _read_ts(
    found: LabelledFile, lines: Sequence[tuple[int, str]], faults: Collector, *, labelled: bool
) -> None:
    """Read a `.ts` file: lines with `#` and `@`, then a series each, dimensions separated by `:`, the class last."""
    place, header = found.place, dict[str, list[str]]()
    for number, line in lines:
        if line.startswith("#"):
            continue
        if line.startswith("@"):
            key, *words = line[1:].split() or [""]
            header[key.lower()] = words
            if key.lower() == "timestamps" and words[:1] == ["true"]:
                message = (
                    f"line {number} of `{place.name}`: series with time stamps of their own are not read"
                )
                faults.add("SN504", message, *place.key, help="write values alone, one for each step")
            continue
        if "data" not in header:
            message = (
                f"line {number} of `{place.name}` comes before `@data`, which ends the header of a .ts file"
            )
            raise place.error("SN504", message)
        declared = header.get("classlabel", ["true"])
        *parts, label = line.split(":")
        if declared[:1] == ["false"]:
            if labelled:
                help = "the class comes last, after a `:`, and the header has @classLabel true"
                raise place.error("SN571", f"`{place.name}` has no classes", help=help)
            parts, label = line.split(":"), ""
        elif not parts:
            _note(place, number, "has no class: it comes last, after a `:`", "SN511", faults)
            continue
        values = [list(_numbers(place, number, part.split(","), faults)) for part in parts]
        found.series.append(LabelledSeries(number, values, label.strip() or None))
        found.classes = tuple(declared[1:])
    if "data" not in header:
        raise place.error(
            "SN504", f"`{place.name}` has no line `@data`, after which a .ts file has its series"
        )


def _read_rows(found: LabelledFile, lines: Sequence[tuple[int, str]], faults: Collector) -> None:
    """Read rows of a label and values, with commas, tabs or blanks between them.

    Missing values at the end are none: so the archive fills up series of different lengths.
    """
    comma = "," in lines[0][1]
    for number, line in lines:
        label, *cells = [cell.strip() for cell in line.split(",")] if comma else re.split(r"\s+", line)
        while cells and cells[-1].lower() in ABSENT:
            cells.pop()
        values = list(_numbers(found.place, number, cells, faults))
        found.series.append(LabelledSeries(number, [values], _name(label)))


def _name(label: str) -> str | None:
    """Return the name of a class, a whole number as such: `1.0000000e+00` is `1`."""
    try:
        number = float(label)
    except ValueError:
        return label or None
    if isnan(number):
        return None
    return str(int(number)) if number.is_integer() else label


def _numbers(place: FilePlace, line: int, cells: Sequence[str], faults: Collector) -> Iterator[float]:
    """Yield cells as numbers; note the first that is none."""
    sound = True
    for step, cell in enumerate(cells, 1):
        text = cell.strip()
        if text.lower() in ABSENT and len(cells) == 1:
            return  # a series without steps
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if sound and not isfinite(value):
            sound = False
            if text.lower() in ABSENT:
                _note(place, line, f"has no value at step {step}", "SN511", faults)
            else:
                shown = f"`{clipped(text)}`" if place.quotable else "text"
                _note(
                    place,
                    line,
                    f"holds {shown} at step {step}, which is not a finite number",
                    "SN512",
                    faults,
                )
        yield value


def _note(
    place: FilePlace, line: int, what: str, code: str, faults: Collector, help: str | None = None
) -> None:
    faults.add(code, f"line {line} of `{place.name}` {what}", *place.key, help=help)


def _check(found: LabelledFile, faults: Collector) -> None:
    """Note series without steps or classes, and those of other shapes than the first."""
    place, width = found.place, found.dimensions
    for each in found.series:
        lengths = {len(values) for values in each.values}
        if 0 in lengths:
            _note(
                place, each.line, "holds a series without steps", "SN543", faults, "leave it out of the file"
            )
        elif len(lengths) > 1:
            shown = " and ".join(map(str, sorted(lengths)))
            _note(
                place,
                each.line,
                f"holds dimensions of {shown} steps: a series has one length",
                "SN541",
                faults,
            )
        if len(each.values) != width:
            own = counted(len(each.values), "dimension")
            _note(place, each.line, f"has {own}, where the first series has {width}", "SN541", faults)
        if each.label is None and any(other.label is not None for other in found.series):
            _note(place, each.line, "has no class", "SN511", faults)
        elif found.classes and each.label is not None and each.label not in found.classes:
            shown = f"`{clipped(each.label)}`" if place.quotable else "a class"
            help = f"its @classLabel names {listed(found.classes)}" if place.quotable else None
            _note(place, each.line, f"has {shown}, which its header does not declare", "SN514", faults, help)


def class_names(file: LabelledFile) -> tuple[str, ...]:
    """Return the classes of the training file: those that it declares, else in alphabetical order, or by size."""
    if file.classes:
        return file.classes
    names = {each.label for each in file.series if each.label is not None}
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(sorted(names))


def class_indices(file: LabelledFile, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the index of the class of each series; raise SpecError for classes that are not known."""
    index, place = {name: i for i, name in enumerate(classes)}, file.place
    with place.context.collector.together() as faults:
        for each in file.series:
            if each.label not in index:
                shown = f"`{clipped(each.label or '')}`" if place.quotable else "a class"
                near = closest(each.label or "", classes) if place.quotable else None
                help = f"did you mean `{clipped(near)}`?" if near else place.known("the classes are", classes)
                _note(
                    place,
                    each.line,
                    f"has {shown}, which the training file does not have",
                    "SN514",
                    faults,
                    help,
                )
    return np.array([index[each.label or ""] for each in file.series], np.int64)

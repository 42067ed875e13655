"""Series with classes that were opened: read, and of one length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from specnet.data.new_rows import LabelledRows
from specnet.data.rows import ArrayRows
from specnet.data.sample import Sample, array_cells
from specnet.data.series.labelled import class_indices, class_names
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.new_rows import KnownRows
    from specnet.data.series.labelled import LabelledFile

MORE = "`length` says how many steps all series are filled up to"


@dataclass
class LabelledSource(DataSource):
    """The series of each split, filled up to one length."""

    files: Mapping[str, LabelledFile]
    targets: Mapping[str, NDArray[np.int64]]
    description: DataDescription

    @classmethod
    def of(cls, files: Mapping[str, LabelledFile], length: int | None) -> LabelledSource:
        """Return the series; raise SpecError where those of the splits do not belong together."""
        train, collector = files["train"], files["train"].place.context.collector
        steps, classes = length or max(file.steps for file in files.values()), class_names(train)
        targets = {}
        with collector.together() as faults:
            for name, file in files.items():
                with faults.catch():
                    check_shape(file, steps, train.dimensions, "the training series have")
                    targets[name] = class_indices(file, classes)
        shortest = min(file.shortest for file in files.values())
        count = sum(len(file.series) for file in files.values())
        description = DataDescription(
            (steps, train.dimensions),
            (),
            {name: len(file.series) for name, file in files.items()},
            "class",
            len(classes),
            classes,
            per_class=np.bincount(targets["train"], minlength=len(classes)).tolist(),
            loading=8 * count * steps * train.dimensions,
            quotable=train.place.quotable,
            padding="nan" if shortest < steps else None,
        )
        return cls(files, targets, description)

    @property
    def inputs(self) -> dict[str, NDArray[np.float64]]:
        """The series of each split as an array, which is made anew each time: it may be too large for the memory."""
        return {name: file.array(self.description.inputs[0]) for name, file in self.files.items()}

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the series and their classes."""
        return {name: DataPart(ArrayRows(array), self.targets[name]) for name, array in self.inputs.items()}

    def samples(self) -> dict[str, Sample]:
        """Return all rows, unless they are padded: the values of padding say nothing."""
        if self.description.padding is not None:
            return {}
        return {
            name: Sample(array_cells("input", array), array_cells("target", self.targets[name]), table=False)
            for name, array in self.inputs.items()
        }


def check_shape(file: LabelledFile, steps: int, dimensions: int, whose: str) -> None:
    """Raise SpecError for a file of other dimensions, or with a series that has too many steps."""
    place, collector = file.place, file.place.context.collector
    if file.dimensions != dimensions:
        own = counted(file.dimensions, "dimension")
        raise place.error("SN554", f"the series of `{place.name}` have {own}, and {whose} {dimensions}")
    long = next((each for each in file.series if len(each.values[0]) > steps), None)
    if long is not None:
        own = counted(len(long.values[0]), "step")
        raise collector.error(
            "SN572", f"line {long.line} of `{place.name}` has {own}, and the model takes {steps}", help=MORE
        )


def known_rows(known: KnownRows, file: LabelledFile, *, labelled: bool) -> LabelledRows:
    """Return the series of a file as a model takes them, with their classes where they are `labelled`."""
    steps, dimensions = known.shape
    check_shape(file, steps, dimensions, "the model takes")
    rows = ArrayRows(file.array(steps))
    return LabelledRows(rows, class_indices(file, known.classes or ()) if labelled else None)

"""Data that were opened, and their rows, whatever their format is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from specnet.data.sample import Sample
from specnet.data.signature import DataDescription
from specnet.data.transforms import Transform

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.rows import Rows, StoredRows
    from specnet.data.series.scaling import SeriesScales
    from specnet.data.tables.plan import TablePlan
    from specnet.data.text.vocabulary import Vocabulary
    from specnet.data.training_rows import TrainingRows


@dataclass(slots=True)
class DataPart:
    """The rows of one file, or of one table of a document, before splits and transforms."""

    inputs: Rows | StoredRows
    targets: NDArray[Any] | StoredRows | None
    """(rows, ...): int64 exactly where the description has a class count, else float64 or as stored. None where
    they are the inputs."""
    weights: NDArray[Any] | None = None
    """(rows,): how much each row counts; None where all count alike."""
    scales: NDArray[np.float64] | None = None
    """(rows, 3, targets): how the targets of each row are scaled, for windows of series; see `SeriesScales.rows`."""


class DataSource(Protocol):
    """Data that were opened, and found to be sound as far as their description shows."""

    description: DataDescription

    @abstractmethod
    def read(self, seed: int) -> dict[str, DataPart]:
        """Return `train`, and `validation` and `test` where these have tables of their own.

        `seed` is for data that are made up. Raises SpecError where the data are damaged.
        """

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Learn what the description needs of the training rows, such as a vocabulary; by default there is nothing.

        It is called once, before the description is used; `description` is complete after it. `rows` says which rows
        of `train` are trained on.
        """
        return

    def columns(self) -> TablePlan | None:
        """Return how a table's columns become inputs and targets; None, the default, where inputs are arrays."""
        return None

    def vocabulary(self) -> Vocabulary | None:
        """Return the tokens that the inputs are indices of; None, the default, where they are no text."""
        return None

    def steps(self) -> Mapping[Literal["inputs", "targets"], Sequence[Transform]]:
        """Return what inputs and targets go through before the document's transforms; by default nothing."""
        return {}

    def series(self) -> SeriesScales | None:
        """Return what is known of each series of the training; None, the default, where rows are no windows."""
        return None

    def is_sound(self) -> bool:
        """Return whether all values are known to be small finite numbers before any is read or made; by default not."""
        return False

    @property
    def is_encoded_together(self) -> bool:
        """Whether several cores encode its rows, so that none is left for anything else; by default not."""
        return False

    def digests(self) -> Mapping[Path, str]:
        """Return the SHA-256 of files and folders that reading them has told, by their paths; by default of none."""
        return {}

    def decoded(self) -> int:
        """Return how many numbers are decoded to read all rows, where they are more than the rows hold; 0 elsewhere."""
        return 0

    def samples(self) -> dict[str, Sample]:
        """Return rows of each split for `specnet validate` to look at, those of large arrays in part.

        By default there are none, as of data that are made up. Raises SpecError where the data are damaged.
        """
        return {}

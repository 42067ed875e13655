from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from math import prod
from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, cast

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.data.augmentations import AUGMENTATIONS, Augmentation
from specnet.data.files import DataContext, FilePlace, Wanted
from specnet.data.rows import ArrayRows
from specnet.data.source import DataSource
from specnet.data.splits import SplitSpec
from specnet.data.transforms import TRANSFORMS, Transform
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.vocabulary.kind import Kind, NamesFile, fault, table_check

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.new_rows import KnownRows, LabelledRows, RowBlock, RowFile
    from specnet.data.rows import Rows
    from specnet.data.tables.cell_rows import CellRows

FilePath = Annotated[str, Field(min_length=1), NamesFile()]
"""The path of a file or a folder of data."""

T = TypeVar("T")

Load = Literal["auto", "whole", "batches"]

BATCHES = 'with `load = "batches"`, rows stay in the file until they are needed'
"""What helps where data are too large for the memory."""


class DataFormat(Kind):
    """Where the rows come from that a model learns from.

    A format is a class with the fields that a document gives, and `open`, which returns a `DataSource`: what the
    data are, and how they are read. Splits by fractions, transforms, batches and the stored state follow from
    these. A format whose data lie in files says with `suffixes` and `read_array` how new rows are read from a file
    for predictions, and with `labelled_rows` how rows with targets are read for an evaluation; without them, they
    come in CSV, JSON, npz and the like. The other methods have defaults that hold wherever inputs are arrays;
    a table overrides them (`data/tables`).

    Everything that is wrong is raised as SpecError. `FilePlace.error` makes one for a file, and
    `Collector.together` collects those of several parts, so that a user sees them at once.
    """

    split: SplitSpec | None = None
    """Which of the rows are held out of the training: fractions or folds, at random, by group or by time."""
    transforms: tuple[Annotated[Transform, TRANSFORMS], ...] = ()
    """Steps from the data's numbers to the model's, in order; fitted on the training split alone."""
    augmentations: tuple[Annotated[Augmentation, AUGMENTATIONS], ...] = ()
    """Random changes of each training batch, in order, after all transforms; no other rows are changed."""

    reads: ClassVar[Wanted] = "file"
    """What a path of new rows leads to: `folder` for one whose files are the rows."""
    passed: ClassVar[bool] = False
    """Whether its data come from a program alone, and never from a file."""
    is_table: ClassVar[bool] = False
    """Whether its data are columns with names, so that a frame can replace its files."""
    weights_apart: ClassVar[bool] = True
    """Whether a split that has a table of its own has weights of its own, and not in a column or array of one name."""
    has_keys: ClassVar[bool] = False
    """Whether rows can be split by groups, by times or as a column says: `open` describes them as `keys`."""
    has_steps: ClassVar[bool] = False
    """Whether rows are windows of series, which are split by time, in steps."""
    suffixes: ClassVar[tuple[str, ...] | None] = ()
    """The suffixes of files of new rows that are read by `new_rows`; None for all but those of other formats."""

    @table_check()
    def _one_source_of_validation(self) -> Iterator[PydanticCustomError]:
        return self._one_source("validation")

    @table_check()
    def _one_source_of_test(self) -> Iterator[PydanticCustomError]:
        return self._one_source("test")

    def _one_source(self, name: str) -> Iterator[PydanticCustomError]:
        key = self.split.taken.get(name) if self.split else None
        if key is not None and getattr(self, name, None) is not None:
            what = "a fraction" if key == name else f"`{key}`"
            message = f"the {name} split has both {what} here and a table of its own: keep one of them"
            yield fault(message, key=("split", key))

    @table_check()
    def _columns_to_split_by(self) -> Iterator[PydanticCustomError]:
        for key in self.split.keys if self.split and not self.has_keys else ():
            message = f"`{key}` names a column of a table, or an array, and `{self.type}` data have none"
            help = "csv, parquet and frame data have columns; npz and arrays have arrays with names"
            yield fault(message, key=("split", key), help=help)

    @table_check()
    def _steps_to_split_by(self) -> Iterator[PydanticCustomError]:
        if self.split is None or self.has_steps:
            return
        for name in ("validation", "test"):
            if getattr(self.split, f"{name}_steps"):
                message = f"`{name}_steps` counts times of series, and `{self.type}` data have none"
                yield fault(
                    message, key=("split", f"{name}_steps"), help=f"`{name}` is a fraction of the rows"
                )

    @table_check()
    def _one_aim_of_validation(self) -> Iterator[PydanticCustomError]:
        return self._one_aim("validation")

    @table_check()
    def _one_aim_of_test(self) -> Iterator[PydanticCustomError]:
        return self._one_aim("test")

    def _one_aim(self, name: str) -> Iterator[PydanticCustomError]:
        """Yield a fault where a split lacks targets, or gives them although they are the inputs."""
        table = getattr(self, name, None)
        if table is None:
            return
        needed = "targets" in type(table).model_fields and type(self).model_fields["targets"].is_required()
        given = getattr(table, "targets", None) is not None
        if given and self.reproduces:
            message = "the targets are the inputs, here as in training: leave `targets` out"
            yield fault(message, key=(name, "targets"))
        if needed and not given and not self.reproduces:
            yield fault(f"`targets` is missing: {name} needs it", key=name, part="table")

    @table_check()
    def _weighted_as_validation(self) -> Iterator[PydanticCustomError]:
        return self._weighted_alike("validation")

    @table_check()
    def _weighted_as_test(self) -> Iterator[PydanticCustomError]:
        return self._weighted_alike("test")

    def _weighted_alike(self, name: str) -> Iterator[PydanticCustomError]:
        """Yield a fault where the rows of a split have weights and those of the training do not, or the reverse."""
        table = getattr(self, name, None)
        if table is None or "weight" not in type(table).model_fields:
            return
        own, theirs = getattr(self, "weight", None), table.weight
        if own is None and theirs is not None:
            yield fault("the training rows have no `weight`", key=(name, "weight"))
        elif own is not None and theirs is None and self.weights_apart:
            message = f"`weight` is missing: the training rows have weights, and those of {name} need some"
            yield fault(message, key=name, part="table", help="weights of 1 count all rows alike")

    @table_check(each="transforms")
    def _targets_stay(self, index: int, transform: Transform) -> Iterator[PydanticCustomError]:
        """Yield a fault where a transform would change targets that are the inputs."""
        if transform.on == "targets" and self.reproduces:
            message = 'the targets are the transformed inputs, so no transform can have `on = "targets"`'
            yield fault(message, key=("transforms", index, "on"))

    @property
    def reproduces(self) -> bool:
        """Whether the targets are the inputs, as the inputs' transforms leave them: for autoencoders."""
        return "inputs" in (getattr(self, "target", None), getattr(self, "targets", None))

    @property
    def continues(self) -> bool:
        """Whether each row goes on where the row before it ended, so that rows in order are one long stream."""
        return False

    @property
    def aim(self) -> Literal["target", "targets"]:
        """The key that says what is to be predicted."""
        return "target" if "target" in type(self).model_fields else "targets"

    @property
    def drawn(self) -> SplitSpec | None:
        """The split whose rows are drawn from the training rows; None where the source itself makes the splits."""
        return self.split

    @property
    def target_columns(self) -> tuple[str, ...] | None:
        """The names of the numbers that one target holds; None where they have none."""
        target = getattr(self, "target", None)
        return tuple(map(str, target)) if isinstance(target, tuple) else None

    @property
    def tables(self) -> dict[str, Any]:
        """The splits that have a table of their own."""
        found = {name: getattr(self, name, None) for name in ("validation", "test")}
        return {name: table for name, table in found.items() if table is not None}

    def same_rows(self, split: str) -> tuple[str, ...] | None:
        """Return the key at which the table of a split names the training's own rows; None where it names others."""
        return self.same_value(split, "path")

    def same_value(self, split: str, key: str) -> tuple[str, ...] | None:
        """Return the key of a split's table if its value is that of the training rows; None where it is another."""
        own, training = getattr(self.tables.get(split), key, None), getattr(self, key, None)
        return (split, key) if own is not None and own == training else None

    @abstractmethod
    def open(self, context: DataContext) -> DataSource:
        """Return the data, looked into as far as a description needs; raise SpecError for all that is wrong.

        Only what cannot be known otherwise is read here: a header, the classes. `context.find` returns the path of
        a file that the document names, and NumPy is imported here, not at the top of the format's module.
        """

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Return the inputs (rows, ...) in a file like the format's own, which needs no targets."""
        raise place.context.collector.error("SN571", f"`{self.type}` data are not read from a file", "type")

    def read_rows(self, known: KnownRows, place: FilePlace) -> Rows:
        """Return the inputs in a file like the format's own as rows, of which any can be taken."""
        return ArrayRows(self.read_array(place))

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the inputs in a file like the format's own block by block, for predictions."""
        return file.array_blocks(file.read(self.read_array, path))

    def rows_of_stream(self, file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock] | None:
        """Return the inputs that a stream holds in blocks; None where these come as CSV or JSON lines."""
        return None

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows | None:
        """Return rows and targets of a file, for an evaluation; None where they come in npz files instead."""
        return None

    def read_each(self, context: DataContext, read: Callable[[FilePlace], T]) -> dict[str, T]:
        """Return what is read of the file `path`, and of that of each split that has a table of its own.

        Raises SpecError with the faults of all files.
        """
        found = {}
        with context.collector.together() as faults:
            for name, table in {"train": cast("Any", self), **self.tables}.items():
                key: KeyPath = ("path",) if name == "train" else (name, "path")
                with faults.catch():
                    found[name] = read(FilePlace(context.find(table.path, *key), table.path, key, context))
        return found

    def check_given(self, context: DataContext) -> None:
        """Note frames that cannot take the place of files."""
        if context.frames:
            message = f"a frame replaces the file of a table, and `{self.type}` data are not a table"
            help = '`type = "frame"` describes its columns; arrays are passed as (inputs, targets)'
            context.collector.add("SN571", message, "type", help=help)

    def rows_of_cells(self, rows: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return rows that are given as an array or nested lists; raise SpecError for what is none."""
        import numpy as np

        from specnet.data.arrays.given import as_numbers

        array = as_numbers(rows, "the inputs are", collector)
        return ArrayRows(np.empty((0, *known.shape)) if array.ndim and not len(array) else array)

    def rows_of_columns(self, rows: CellRows, known: KnownRows, collector: Collector) -> Rows:
        """Return rows of cells that are held by column; raise SpecError for what is none."""
        return self.rows_of_cells(list(rows), known, collector)

    def rows_of_frame(self, frame: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return the rows of a pandas or Polars frame; raise SpecError naming what is wrong with it."""
        from specnet.data.arrays.given import of_frame

        names, width = known.features, prod(known.shape)
        if names is None or width != len(names):
            names = tuple(map(str, frame.columns))
        array = of_frame(frame, names, collector)
        return ArrayRows(array.reshape(len(array), *known.shape) if array.shape[1] == width else array)

    def labelled_frame(self, frame: Any, known: KnownRows, collector: Collector) -> LabelledRows:
        """Return rows and targets of a frame; raise SpecError naming what is wrong with it."""
        message = f"a frame has the columns of a table, and `{self.type}` data are not"
        raise SpecError([Diagnostic("SN571", message)])

    @property
    def row_fields(self) -> set[str]:
        """The fields that hold rows themselves: data, not a way to read them."""
        return set()

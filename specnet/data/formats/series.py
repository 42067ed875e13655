"""Series over time, of which windows are learnt from and the next steps forecast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath
from specnet.data.formats import FORMATS, SUFFIXES
from specnet.data.tables.date_cells import format_problem
from specnet.vocabulary.kind import fault, table_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.new_rows import KnownRows, LabelledRows, RowBlock, RowFile
    from specnet.data.series.panel import Role, SeriesPanel
    from specnet.data.series.source import SeriesSource
    from specnet.data.tables.table import DataTable
    from specnet.data.tables.tabular import Tabular

ARRAYS = (".npy", ".npz")

ColumnName = Annotated[str, Field(min_length=1)] | int
Columns = tuple[ColumnName, ...]


class SeriesFormat(DataFormat):
    """Series over time in a table (CSV, Parquet) or an array (npy, npz), for forecasting.

    One example is a window: `lookback` steps that a network sees, (lookback, features), and the targets of the
    `horizon` steps after them, (horizon,), or (horizon, targets) with several. The features of a step are the targets,
    the `past` covariates, what is known of the step ahead (`known`, `calendar`), and the same of the step `horizon`
    steps later. With a lookback of at least the horizon, a network so sees all that is known of the steps that it
    forecasts. Windows are views of one array.

    Rows are steps, in the order of time; a table with several series has a column of their ids, `series`. Rows at the
    end of a series without a target are the future: training ignores them, and `specnet forecast` takes what is known
    ahead from them.
    """

    type: Literal["series"] = "series"
    path: FilePath = Field(examples=["sales.csv"])
    """The file: .csv (also compressed), .parquet, or an array (steps,) or (steps, columns) in .npy or .npz; relative to
    the document, then to $SPECNET_DATA."""
    array: str | None = Field(default=None, examples=["values"])
    """The array of an npz file that holds the steps."""
    header: bool = True
    """Whether the first line of a CSV file contains the names of the columns; without, columns are named by their
    indices from 0."""
    delimiter: str = Field(default=",", examples=[";"])
    """The character between two cells of a CSV file, or `whitespace` for one or more blanks or tabs."""
    time: ColumnName | None = Field(default=None, examples=["date"])
    """The column of dates or numbers that orders the steps of each series, without gaps; by default rows are steps."""
    date_format: str | None = Field(default=None, examples=["%d.%m.%Y"])
    """How `time` writes dates, as a format of `strptime`; by default ISO 8601 or another usual form."""
    series: ColumnName | None = Field(default=None, examples=["shop"])
    """The column of the ids of several series; by default there is one."""
    target: ColumnName | Columns = Field(examples=["sales"])
    """The column to forecast, by its name or its index from 0; a list for several."""
    known: Columns = Field(default=(), examples=[["holiday"]])
    """Columns of numbers that are known ahead, also for the steps to be forecast."""
    past: Columns = Field(default=(), examples=[["price"]])
    """Columns of numbers that are known up to the present."""
    calendar: tuple[Literal["minute", "hour", "weekday", "day", "day_of_year", "month"], ...] = Field(
        default=(), examples=[["weekday", "month"]]
    )
    """What a network sees of each date of `time`, as numbers from -0.5 to 0.5."""
    lookback: PositiveInt = Field(examples=[56])
    """How many steps a network sees."""
    horizon: PositiveInt = Field(examples=[14])
    """How many steps after them it forecasts."""
    stride: PositiveInt = 1
    """How many steps lie between the first steps of two windows."""
    scale: Literal["none", "standardize", "minmax"] = Field(default="none", examples=["standardize"])
    """How targets and covariates are scaled: to mean 0 and standard deviation 1, or to the range from 0 to 1, over the
    steps before all held-out ones. Forecasts and metrics are in the data's units."""
    scale_by: Literal["series", "together"] = "series"
    """Whether each series is scaled by its own steps, or all by those of all."""
    season: PositiveInt = Field(default=1, examples=[7])
    """How many steps a season has: the seasonal naive forecast, by which `mase` is scaled, repeats the last one."""
    gaps: Literal["refuse", "ignore"] = "refuse"
    """How times that are not one step after the ones before them are handled: an error, or rows are taken for
    consecutive steps all the same."""
    missing: Literal["refuse", "forward"] = "refuse"
    """How missing values before the end of a series are handled: an error, or the last value before is repeated."""

    suffixes: ClassVar[tuple[str, ...] | None] = (".csv", ".parquet", ".pq")
    has_steps: ClassVar[bool] = True

    @table_check()
    def _split_by_time(self) -> Iterator[PydanticCustomError]:
        split = self.split
        given = [] if split is None else [*split.keys, *(("stratify",) if split.stratify else ())]
        given += ["folds"] if split is not None and split.folds is not None else []
        for key in given:
            message = f"`{key}` cannot split windows, which overlap: the last times are held out"
            yield fault(message, key=("split", key), help="`validation_steps` and `test_steps` say how many")

    @table_check()
    def _dates_for_calendar(self) -> Iterator[PydanticCustomError]:
        if self.calendar and self.time is None:
            yield fault(
                "`calendar` takes the dates of the column that `time` names: give one", key="calendar"
            )

    @table_check()
    def _dates_for_format(self) -> Iterator[PydanticCustomError]:
        if self.date_format is not None and self.time is None:
            yield fault("`date_format` says how `time` writes dates: give one", key="date_format", part="key")

    @table_check()
    def _format_of_dates(self) -> Iterator[PydanticCustomError]:
        if self.date_format is not None and (problem := format_problem(self.date_format)):
            yield fault(problem, key="date_format")

    @table_check()
    def _something_to_forecast(self) -> Iterator[PydanticCustomError]:
        if self.target == ():
            yield fault("`target` lists no column", key="target")

    @table_check()
    def _scale_applies(self) -> Iterator[PydanticCustomError]:
        if self.scale == "none" and self.scale_by != "series":
            yield fault("`scale_by` applies only with `scale`", key="scale_by", part="key")

    @property
    def drawn(self) -> None:
        """None: windows belong to the splits that their targets lie in."""
        return

    @property
    def reproduces(self) -> bool:
        """False: targets are later than inputs."""
        return False

    @property
    def target_columns(self) -> tuple[str, ...] | None:
        """The steps of the horizon, of a single target."""
        single = len(self.targets_of) == 1
        return tuple(f"+{step}" for step in range(1, self.horizon + 1)) if single else None

    @property
    def targets_of(self) -> Columns:
        """The columns to forecast."""
        return self.target if isinstance(self.target, tuple) else (self.target,)

    @property
    def roles(self) -> dict[Role, Columns]:
        """The columns that are read, by what they are for."""
        return {"target": self.targets_of, "past": self.past, "known": self.known}

    def open(self, context: DataContext) -> SeriesSource:
        """Return the series, read and checked."""
        from specnet.data.series.source import open_series

        path = context.find(self.path, "path")
        place = FilePlace(path, self.path, ("path",), context)
        return open_series(self, self.panel(self.table(place)), context.collector)

    def table(self, place: FilePlace) -> DataTable:
        """Return the table in a file, or the columns of an array."""
        suffix = place.path.suffix.lower()
        if suffix in ARRAYS:
            from specnet.data.series.arrays import ArrayTable

            if suffix == ".npz" and self.array is None:
                message = f"`{place.name}` may hold several arrays, and `array` names none"
                raise place.error(
                    "SN521", message, help='array = "values" names the one that holds the steps'
                )
            names = {"inputs": self.path} if suffix == ".npy" else {"path": self.path, "inputs": self.array}
            reader = FORMATS.kinds[suffix.removeprefix(".")].model_validate({**names, "targets": "inputs"})
            return ArrayTable(place, reader.read_array(place))
        kind = SUFFIXES.get(suffix, "csv")
        fields: dict[str, Any] = {"path": self.path, "target": self.targets_of[0]}
        if kind == "csv":
            fields |= {"header": self.header, "delimiter": self.delimiter}
        settings = cast("type[Tabular]", FORMATS.kinds[kind]).model_validate(fields)
        return settings.table(place)

    def panel(self, table: DataTable) -> SeriesPanel:
        """Return the series in a table; raise SpecError with all that is wrong with them."""
        from specnet.data.series.reading import TableReader

        return TableReader(self, table).read()

    def frame_panel(self, frame: Any, collector: Collector) -> SeriesPanel:
        """Return the series in a pandas or Polars frame."""
        from specnet.data.tables.cells import TypedCellParser
        from specnet.data.tables.frames import FrameTable
        from specnet.data.tables.settings import MARKERS

        place = FilePlace(Path(), "the frame", (), DataContext(Path(), collector))
        return self.panel(FrameTable(place, TypedCellParser(frozenset(MARKERS), {}), frame))

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Raise SpecError: rows are windows, and a table of series is not a table of windows."""
        message = f"`{file.name}` holds series, and the rows of the model are windows of them"
        help = "`specnet forecast` forecasts what comes after series; windows are arrays in npz or npy files"
        raise file.error("SN571", message, help)

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Raise SpecError, as `new_rows`."""
        message = f"`{place.name}` holds series, and the rows of the model are windows of them"
        raise place.error("SN571", message, help="`forecast` forecasts what comes after series")

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows:
        """Return all windows of a file, with their targets."""
        from specnet.data.series.source import labelled_windows

        return labelled_windows(self, known, self.panel(self.table(place)), place.context.collector)

    def labelled_frame(self, frame: Any, known: KnownRows, collector: Collector) -> LabelledRows:
        """Return all windows of a frame, with their targets."""
        from specnet.data.series.source import labelled_windows

        return labelled_windows(self, known, self.frame_panel(frame, collector), collector)

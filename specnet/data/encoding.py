"""How raw rows become what a model sees, and its predictions become values in the units of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat
from specnet.data.given_rows import given_rows
from specnet.data.inputs import Encoded, cut, holds, plain
from specnet.data.new_rows import KnownRows
from specnet.data.pipeline import Pipeline
from specnet.data.rows import BLOCK, Rows, StoredRows
from specnet.data.series.scaling import SeriesScales
from specnet.data.signature import InputArray, Signature, only_array
from specnet.data.stored_encoding import pipeline_state, signature_state, stored_pipeline, stored_signature
from specnet.data.streamed import Inputs, StreamedRows, whole_rows
from specnet.data.tables.cell_rows import CellRows
from specnet.data.tables.frames import is_frame
from specnet.data.tables.plan import TablePlan
from specnet.data.text.vocabulary import Vocabulary
from specnet.data.transforms import TransformError
from specnet.data.transforms.fixed import OneHot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.graph.sizes import DType


@dataclass(slots=True)
class Encoding:
    """How raw rows become what the model sees: columns, categories, means and fitted transforms.

    It is learnt from the training split, belongs to the model, and can be stored as plain data and arrays.
    """

    format: DataFormat
    signature: Signature
    raw_shape: tuple[int, ...]
    """The shape of one raw input, before any transform."""
    dtype: DType
    inputs: Pipeline
    targets: Pipeline
    columns: TablePlan | None = None
    """How the columns of a table become numbers, for tables."""
    arrays: tuple[InputArray, ...] = ()
    """The arrays that the model takes; all elements as one in the document's dtype if left out."""
    vocabulary: Vocabulary | None = None
    """The tokens that the inputs are indices of, where the data are text."""

    series: SeriesScales | None = None
    """What is known of each series, for windows of such."""

    def __post_init__(self) -> None:
        s = self.signature
        self.arrays = self.arrays or only_array(s.inputs, self.dtype, s.tokens, s.padding)

    @property
    def known(self) -> KnownRows:
        """What new rows must be."""
        signature = self.signature
        return KnownRows(
            self.raw_shape,
            self.columns,
            signature.features,
            signature.classes,
            self.vocabulary,
            self.series,
            signature.target,
        )

    def encode(self, rows: Any) -> Any:
        """Return new raw inputs as the model takes them (rows, ...): an array, or several by their names.

        `rows` is an array or nested lists (rows, ...); for a table, rows of cells in the order of its
        features, or mappings from column to cell; or a pandas or Polars frame, whose columns are found by
        their names (in their order, where the inputs have none). A single mapping from column to cell, or a pandas
        Series of one row, is one row. Where the inputs are several arrays, it may be a mapping from their names to
        arrays, or from the names that the document gives its inputs. Raises SpecError naming each row and column at
        fault.
        """
        sound = self._encoded(rows)
        if sound is not None:
            return sound
        collector = Collector(())
        return self._run(self.rows(rows, collector), collector)

    def rows(self, rows: Any, collector: Collector) -> Rows:
        """Return what `encode` takes as rows before all transforms; raise SpecError as it does."""
        with collector.limited():
            return given_rows(rows, self.format, self.known, self.signature, self.arrays, collector)

    def encode_file(self, path: str | Path, base: Path | None = None) -> Any:
        """Return the inputs of a file like the one that the model learnt from, as the model takes them.

        The file needs no targets. Raises SpecError naming what is wrong with it.
        """
        collector = Collector(())
        context = DataContext(Path() if base is None else base, collector)
        found = context.find(str(path), what="either" if self.format.reads == "folder" else "file")
        with collector.limited():
            rows = self.format.read_rows(self.known, FilePlace(found, str(path), (), context))
        return self._run(rows, collector)

    def numbers(self, rows: Any) -> NDArray[Any] | None:
        """Return raw inputs (rows, ...) that are numbers as an array of them; None for all others, and for no rows."""
        if type(rows) is not np.ndarray and (is_frame(rows) or isinstance(rows, CellRows)):
            return None
        if self.columns is not None and any(c.coded or c.type == "text" for c in self.columns.features):
            return None
        try:
            array = np.asarray(rows)
        except ValueError:
            return None
        fits = array.dtype.kind in "buif" and array.shape[1:] == self.raw_shape and array.size
        return array if fits else None

    @property
    def is_direct(self) -> bool:
        """Whether the model takes one array, for which numbers need not be looked at before they are converted."""
        only = self.arrays[0]
        return only.spans is None and (only.dtype != "int64" or not self.inputs.transforms)

    def put(self, rows: NDArray[Any], out: NDArray[Any]) -> bool:
        """Write `numbers` into the only array that the model takes; return whether they are what it can take.

        What is wrong with others `encode` finds out. NumPy must already ignore what overflows.
        """
        only = self.arrays[0]
        if self.columns is not None and not np.isfinite(rows).all():
            return False
        if not self.inputs.transforms:
            out[...] = rows
            return holds(out, rows, only)
        try:
            self.inputs.runner(rows.shape[1:]).put(rows, out)
        except TransformError:
            return False
        return holds(out, out, only)

    def _encoded(self, rows: Any) -> Encoded | None:
        """Return `encode` of a few rows that are plain finite numbers, without what finds faults.

        None for all others. One row from a program is the case that must take microseconds.
        """
        array = self.numbers(rows)
        if array is None or array.size > BLOCK:
            return None
        if self.is_direct and self.inputs.transforms:
            only = self.arrays[0]
            out = np.empty((len(array), *only.shape), only.dtype)
            with np.errstate(all="ignore"):
                return plain({only.name: out}) if self.put(array, out) else None
        if self.columns is not None and not np.isfinite(array).all():
            return None
        made, encoded = array, {}
        if self.inputs.transforms:
            try:
                made = self.inputs.apply(array)
            except TransformError:
                return None
        with np.errstate(all="ignore"):
            for each in self.arrays:
                part = cut(made, each)
                own = encoded[each.name] = np.ascontiguousarray(part, each.dtype)
                if not holds(own, part, each):
                    return None
        return plain(encoded)

    def _run(self, raw: Rows, collector: Collector) -> Encoded:
        encoded = self.run(raw, "the new rows", collector)
        collector.check()
        return encoded

    def run(self, raw: Rows, whose: str, collector: Collector) -> Encoded:
        """Return raw rows as the model takes them, and note as `whose` what it cannot take.

        Raises SpecError where they have another shape than those that it was trained on.
        """
        self._check_shape(raw, collector)
        return plain(self.inputs.run(raw, None, self.arrays, whose, collector))

    def streamed(self, raw: StoredRows, whose: str, collector: Collector) -> StreamedRows:
        """Return raw rows that are read as they are needed, as the model takes them; as `run` otherwise."""
        self._check_shape(raw, collector)
        self.inputs.check(raw, None, self.arrays, whose, collector)
        return StreamedRows(raw, None, self.inputs, self.arrays[0])

    def _check_shape(self, raw: Rows, collector: Collector) -> None:
        if raw.shape != self.raw_shape:
            shapes = f"{list(raw.shape)}; the model was trained on {list(self.raw_shape)}"
            collector.add("SN572", f"one input has shape {shapes}")
            collector.check()

    def raw_rows(self, inputs: Inputs) -> NDArray[Any]:
        """Return the rows of which the model takes these inputs; NaN for elements that it does not take."""
        rows = whole_rows(inputs, self.arrays, prod(self.signature.inputs))
        if not self.inputs.transforms:
            return rows
        return self.inputs.invert(rows.reshape(len(rows), *self.signature.inputs))

    def decode(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return predictions (rows, ...) in the units that the data's targets have.

        Probabilities of classes stay as they are, also where the targets were made one-hot. What a model
        makes of inputs that it reproduces comes in the units of the inputs.
        """
        way = self.way_back
        return targets if way is None else way.invert(targets)

    @property
    def way_back(self) -> Pipeline | None:
        """The transforms that lead from what the model gives back to the units of the data's targets."""
        way = self.inputs if self.format.reproduces else self.targets
        # What the model gives may be probabilities of what the data have as indices.
        probabilities = any(isinstance(transform, OneHot) for transform, _ in way.steps)
        return way if way.transforms and not probabilities else None

    def target_affine(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Return (scale, offset) with model's target = data's · scale + offset; None if it isn't so."""
        if not self.targets.transforms:
            return np.ones(self.signature.target), np.zeros(self.signature.target)
        return self.targets.affine(self.targets.lower(self.signature.target, inverse=True).shape)

    def state(self) -> dict[str, Any]:
        """Return all of it: under `encoding` plain data, ready for JSON, and arrays under other names."""
        plain = {
            "version": 1,
            "reader": self.format.model_dump(mode="json", exclude=self.format.row_fields),
            "signature": signature_state(self.signature),
            "raw_shape": list(self.raw_shape),
            "dtype": self.dtype,
            "columns": None if self.columns is None else self.columns.state(),
        }
        if self.vocabulary is not None:
            plain["vocabulary"] = self.vocabulary.state()
        if self.series is not None:
            plain["series"] = self.series.state()
        state: dict[str, Any] = {"encoding": plain}
        for pipeline in (self.inputs, self.targets):
            plain[pipeline.on], arrays = pipeline_state(pipeline)
            state |= arrays
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any], data_format: DataFormat) -> Encoding:
        """Return the encoding of which `state` is the state; lists may stand for tuples, as after JSON.

        `data_format` is the spec's. The state has its fields as well, for those who read the file without a spec,
        but not the rows of a document. Raises ValueError where they are of another kind.
        """
        plain = state["encoding"]
        if plain["reader"]["type"] != data_format.type:
            raise ValueError(f"its data have another type than the spec's, `{data_format.type}`")
        return cls(
            data_format,
            stored_signature(plain["signature"]),
            tuple(plain["raw_shape"]),
            plain["dtype"],
            stored_pipeline(state, "inputs"),
            stored_pipeline(state, "targets"),
            None if plain["columns"] is None else TablePlan.from_state(plain["columns"]),
            vocabulary=Vocabulary.from_state(plain["vocabulary"]) if "vocabulary" in plain else None,
            series=SeriesScales.from_state(plain["series"]) if "series" in plain else None,
        )

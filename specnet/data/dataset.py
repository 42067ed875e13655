from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.assigning import draw_rows
from specnet.data.by_columns import THREADS
from specnet.data.collector import Collector
from specnet.data.digests import Digests, digesting
from specnet.data.encoding import Encoding
from specnet.data.format import DataFormat
from specnet.data.inputs import Encoded, plain
from specnet.data.opened import OpenedData, open_data
from specnet.data.passed import PassedData
from specnet.data.pipeline import Pipeline
from specnet.data.rows import ChosenRows, Rows, StoredRows, TargetRows
from specnet.data.signature import InputArray, Signature, only_array
from specnet.data.source import DataPart
from specnet.data.streamed import ArrayOrStreamed, Inputs, StreamedRows, taken, taken_inputs
from specnet.data.weights import check_weights, chosen_weights
from specnet.diagnostics import KeyPath
from specnet.graph.sizes import DType
from specnet.passes.cores import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.rows import Chosen

    Drawn = dict[str, tuple[DataPart, Chosen]]


@dataclass(frozen=True, slots=True)
class Split:
    """Rows that are ready for the model."""

    inputs: Inputs
    """(rows, ...), as the model takes them: a C-contiguous array, rows that stay in their file, or several by name."""
    targets: ArrayOrStreamed
    """(rows,) int64 where the signature says `integers`, (rows, ...) int64 for masks of class indices, else (rows, ...)
    in the document's dtype; as `inputs`. Where the targets are the inputs, it is the same object."""
    weights: NDArray[np.float64] | None = None
    """(rows,): how much each row counts, as the data say it; None where all count alike."""
    scales: NDArray[np.float64] | None = None
    """(rows, 3, targets): center, span and naive error of each row's targets, for windows of series."""

    def __len__(self) -> int:
        return len(self.targets)

    def at(self, places: NDArray[np.intp]) -> tuple[Encoded, NDArray[Any]]:
        """Return inputs and targets of the rows at some places, as arrays of their own."""
        inputs = taken_inputs(self.inputs, places)
        return inputs, self.targets_at(places, inputs)

    def targets_at(self, places: NDArray[np.intp], inputs: Encoded) -> NDArray[Any]:
        """Return the targets of the rows at some places, whose inputs are given: these, where targets are inputs."""
        if isinstance(inputs, Mapping) or self.targets is not self.inputs:
            return taken(self.targets, places)
        return inputs


@dataclass(frozen=True, slots=True)
class Dataset:
    """All that one experiment learns from, and is judged by."""

    splits: dict[str, Split]
    """`train`, and `validation` and `test` where the document asks for them."""
    signature: Signature
    encoding: Encoding
    """How new rows are converted to the same form."""
    sources: Sequence[tuple[str, str]]
    """Each file that was read, as the document names it, with its SHA-256; what a program passed is `frame:train`,
    `arrays:train` and the like. Who looks at them first may have to wait for the SHA-256 of large files."""
    places: Mapping[str, NDArray[np.intp]] = field(default_factory=dict)
    """The places of a split's rows among the training rows that it was taken from, for each split that was."""
    raw: Mapping[str, ChosenRows] = field(default_factory=dict)
    """The inputs of each split before all transforms, where they were asked for."""

    def encode(self, rows: Any) -> Any:
        """Return new raw inputs as the model takes them; see Encoding.encode."""
        return self.encoding.encode(rows)

    def state(self) -> dict[str, Any]:
        """Return what a run must keep, beside its spec, to encode new rows; `Encoding.from_state` takes it back."""
        return self.encoding.state()


def load_data(
    data_format: DataFormat,
    base: Path,
    *,
    seed: int,
    dtype: DType,
    arrays: tuple[InputArray, ...] = (),
    root_path: KeyPath = ("data",),
    target: InputArray | None = None,
    passed: PassedData | None = None,
    raw: bool = False,
) -> Dataset:
    """Open and read the data that a format names: see `open_data` and `read_data`."""
    opened = open_data(data_format, base, root_path, seed=seed, passed=passed, will_read=True)
    return read_data(opened, seed=seed, dtype=dtype, arrays=arrays, target=target, raw=raw)


def read_data(
    opened: OpenedData,
    *,
    seed: int,
    dtype: DType,
    arrays: tuple[InputArray, ...] = (),
    target: InputArray | None = None,
    raw: bool = False,
) -> Dataset:
    """Return opened data: read, split with the seed, encoded and transformed.

    `arrays` are the inputs that the model takes; all elements as one in `dtype` (float32 or float64) if left out.
    `target` is how it takes targets that are masks of class indices. With `raw`, the inputs before all transforms are
    kept as well, which takes their memory. Raises SpecError with every fault that was found.
    """
    with digesting(opened.context.files) as digests:
        return _read(opened, digests, seed, dtype, arrays, target, raw=raw)


def _read(
    opened: OpenedData,
    digests: Digests,
    seed: int,
    dtype: DType,
    arrays: tuple[InputArray, ...],
    target: InputArray | None,
    *,
    raw: bool,
) -> Dataset:
    data_format, source, context, signature = opened.format, opened.source, opened.context, opened.signature
    collector = context.collector
    if not source.is_encoded_together or share() > THREADS:
        digests.begin()
    arrays = arrays or only_array(signature.inputs, dtype, signature.tokens, signature.padding)
    with collector.limited():
        parts = source.read(seed)
    if source.description.class_count is not None and not source.description.target:
        for each in parts.values():
            if isinstance(each.targets, np.ndarray):
                each.targets = each.targets.reshape(-1)
    drawn = drawn_rows(opened, parts, seed)
    del parts
    check_weights(drawn, data_format, collector)
    part, chosen = drawn["train"]
    raw_shape = part.inputs.shape
    part.inputs.fit(slice(None) if chosen is None else chosen, collector)
    collector.check()
    plan = source.columns()
    before = source.steps()
    inputs = Pipeline.of(opened.transforms, "inputs", before.get("inputs", ()))
    targets = Pipeline.of(opened.transforms, "targets", before.get("targets", ()))
    inputs.fit(part.inputs, chosen, collector)
    if part.targets is not None:
        targets.fit(_target_rows(part.targets), chosen, collector)
    collector.check()
    splits: dict[str, Split] = {}
    unencoded: dict[str, ChosenRows] = {}
    places = {name: rows for name, (_, rows) in drawn.items() if rows is not None}
    for name in tuple(drawn):
        # Taken out, so that a file's own array is given up once the split that it made is ready.
        part, chosen = drawn.pop(name)
        whose = f"the {name} split"
        help = source.description.help
        x = _brought(inputs, part.inputs, chosen, arrays, whose, collector, help)
        y: Inputs
        if data_format.reproduces or part.targets is None:
            y = x
        elif signature.integers:
            assert isinstance(part.targets, np.ndarray)
            kept = part.targets if chosen is None else part.targets[chosen]
            y = np.ascontiguousarray(kept, dtype=np.int64)
        else:
            rows = _target_rows(part.targets)
            only = targets.only(rows, dtype) if target is None else (target,)
            y = _brought(targets, rows, chosen, only, whose, collector, help)
        assert not isinstance(y, Mapping)
        # What one split's faults are may only be reported once the training split, fitted on, is sound.
        collector.check()
        splits[name] = Split(x, y, chosen_weights(part, chosen), _chosen_scales(part, chosen))
        if raw:
            unencoded[name] = ChosenRows(part.inputs, chosen)
    encoding = Encoding(
        data_format,
        signature,
        raw_shape,
        dtype,
        inputs,
        targets,
        plan,
        arrays,
        source.vocabulary(),
        source.series(),
    )
    sources = digests.of(dict(context.files), source.digests(), dict(context.digests))
    return Dataset(splits, signature, encoding, sources, places, unencoded)


def _chosen_scales(part: DataPart, chosen: Chosen) -> NDArray[np.float64] | None:
    return part.scales if part.scales is None or chosen is None else part.scales[chosen]


def _target_rows(targets: NDArray[Any] | StoredRows) -> Rows | StoredRows:
    return TargetRows(targets) if isinstance(targets, np.ndarray) else targets


def _brought(
    pipeline: Pipeline,
    rows: Rows | StoredRows,
    chosen: Chosen,
    arrays: tuple[InputArray, ...],
    whose: str,
    collector: Collector,
    help: str | None,
) -> Inputs:
    """Return the chosen rows after all transforms; such as stay in their file are read through once for faults."""
    if not isinstance(rows, StoredRows):
        return plain(pipeline.run(rows, chosen, arrays, whose, collector, help))
    pipeline.check(rows, chosen, arrays, whose, collector)
    return StreamedRows(rows.apart(chosen), chosen, pipeline, arrays[0])


def drawn_rows(opened: OpenedData, parts: dict[str, DataPart], seed: int) -> Drawn:
    """Return the part of the data, and the rows of it, that each split has."""
    drawn: Drawn = {name: (part, None) for name, part in parts.items()}
    split, part = opened.format.drawn, parts["train"]
    assigned = opened.assigned
    if assigned is None and split is not None and split.taken:
        classes = part.targets if split.stratify and isinstance(part.targets, np.ndarray) else None
        assigned = draw_rows(len(part.inputs), split, classes, seed)
    if assigned is not None:
        drawn |= {name: (part, rows) for name, rows in assigned.items()}
    order = [name for name in ("train", "validation", "test") if name in drawn]
    return {name: drawn[name] for name in order}

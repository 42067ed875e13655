"""The one way to open the data that a document names: for validating it, and for running it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.data.access import Access
from specnet.data.assigning import assigned_rows
from specnet.data.collector import Collector
from specnet.data.files import DataContext
from specnet.data.format import DataFormat
from specnet.data.inferring import infer_signature
from specnet.data.passed import PassedData
from specnet.data.resolved_transforms import resolve
from specnet.data.signature import Signature
from specnet.data.source import DataSource
from specnet.data.text.outside import OutsideVocabularyError
from specnet.data.training_rows import TrainingRows
from specnet.diagnostics import KeyPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specnet.data.assigning import Assigned
    from specnet.data.confine import Confine
    from specnet.data.readers import Readers
    from specnet.data.transforms import Transform


@dataclass(frozen=True, slots=True)
class OpenedData:
    """Data whose files have been opened and described; what they hold is read once it is known what is needed."""

    format: DataFormat
    source: DataSource
    context: DataContext
    signature: Signature
    transforms: tuple[Transform, ...]
    """Those of the format, with the places of the columns that they list."""
    assigned: Assigned | None = None
    """The rows of each split, where they are not drawn freely."""


def open_data(
    data_format: DataFormat,
    base: Path,
    root_path: KeyPath = ("data",),
    *,
    seed: int = 0,
    passed: PassedData | None = None,
    confine: Confine | None = None,
    readers: Readers | None = None,
    will_read: bool = False,
    meanwhile: Iterator[object] | None = None,
) -> OpenedData:
    """Return the data that a format names, opened and described.

    `base` is the folder that relative paths start from, and `root_path` where in the document the format is. `seed`
    is what groups are assigned to splits with, so that sizes of these depend on it.
    `passed` holds rows in memory that take the place of files. With `confine`, no path may lead
    out of a folder. Until this returns, `readers` read parts of files for this process. While other threads read,
    this one does a piece of what it can do `meanwhile` at each step of that iterator. Of binary files only the headers
    and whole-number targets are read; of CSV files everything, since any cell can be a new category. Other processes
    may begin with the rest if the caller `will_read` all rows. Raises SpecError with every fault that was found.
    """
    passed = passed or PassedData()
    collector = Collector(root_path)
    context = DataContext(
        base,
        collector,
        frames=passed.frames,
        arrays=passed.arrays,
        access=Access(base, confine),
        readers=readers,
        will_read=will_read,
        meanwhile=meanwhile,
    )
    data_format.check_given(context)
    collector.check()
    with collector.limited():
        source = data_format.open(context)
        assigned = assigned_rows(data_format.drawn, source.description.keys, seed, collector)
        try:
            source.learn(TrainingRows(data_format.drawn, assigned, seed), collector)
        except OutsideVocabularyError as error:
            raise collector.error("SN548", str(error), "tokens", help=error.help) from error
    resolved = resolve(data_format.transforms, source.description, source.columns(), collector)
    collector.check()
    signature = infer_signature(
        source.description,
        data_format.drawn,
        resolved.transforms,
        collector,
        assigned=None if assigned is None else {name: len(rows) for name, rows in assigned.items()},
        reproduces=data_format.reproduces,
        column_slices=resolved.column_slices,
    )
    collector.check()
    context.readers = None
    return OpenedData(data_format, source, context, signature, resolved.transforms, assigned)


def inspect_data(
    data_format: DataFormat,
    base: Path,
    root_path: KeyPath = ("data",),
    *,
    seed: int = 0,
    confine: Confine | None = None,
) -> Signature:
    """Return what a model must know of the data that a format names; see `open_data`."""
    return open_data(data_format, base, root_path, seed=seed, confine=confine).signature

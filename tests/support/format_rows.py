"""A row for each data format: how a small data set of it is written, and what is read of that."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data.passed import PassedData, PassedRows
from specnet.data.passing import Columns
from tests.support.pictures import write_png

Array = np.ndarray[Any, Any]

X = np.random.default_rng(5).integers(-40, 40, (24, 3)) / 8
"""Inputs that every format can hold exactly."""
Y = np.arange(24) % 3
"""Targets: three classes of eight rows each."""
PIXELS = np.random.default_rng(6).integers(0, 256, (24, 2, 2, 3), dtype=np.uint8)


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def empty(path: Path) -> None:
    """Leave nothing of a file."""
    path.write_bytes(b"")


def replace_by_folder(path: Path) -> None:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


@dataclass(frozen=True)
class Row:
    """What there is to know of a format for all tests of it."""

    type: str
    write: Callable[[Path, Array, Array], dict[str, Any]]
    """Writes inputs and targets into a folder, and returns the keys of the document's `data` that read them."""
    new: Callable[[Path, Array], Path] | None = None
    """Writes a file of inputs without targets, if the format has such files, and returns its path."""
    labelled: Callable[[Path, Array, Array], Path] | None = None
    """Writes a file of inputs and targets of any rows, if the format has such files, and returns its path."""
    inputs: Array | None = field(default_factory=lambda: X)
    """What is read as inputs; None where the rows come with the format."""
    targets: Array | None = field(default_factory=lambda: Y)
    passed: Callable[[Array, Array], PassedData] | None = None
    """Returns what a program passes, if the rows do not come from files."""
    is_text: bool = False
    """Whether the inputs are indices of tokens, which no transform changes, and of which there are no samples."""
    damages: tuple[Callable[[Path], None], ...] = (Path.unlink, empty, cut, replace_by_folder)
    """What can be done to any one of the files that were written, so that they are no data."""


def _csv(path: Path, x: Array, y: Array | None = None) -> Path:
    lines = ["a,b,c" if y is None else "a,b,c,y"]
    for i, row in enumerate(x.tolist()):
        lines.append(",".join(map(repr, row)) + ("" if y is None else f",{'uvw'[y[i]]}"))
    # Half of it ends within a row.
    path.write_text("\n".join(lines) + "\n")
    return path


def _of_csv(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _csv(folder / "rows.csv", x, y)
    return {"path": "rows.csv", "target": "y"}


def _parquet(path: Path, x: Array, y: Array | None = None) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    columns = dict(zip("abc", x.T, strict=True)) | ({} if y is None else {"y": ["uvw"[i] for i in y]})
    parquet.write_table(pa.table(columns), path)
    return path


def _of_parquet(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _parquet(folder / "rows.parquet", x, y)
    return {"path": "rows.parquet", "target": "y"}


def _npz(path: Path, **arrays: Array) -> Path:
    np.savez(path, **arrays)
    return path


def _of_npz(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _npz(folder / "rows.npz", inputs=x, targets=y)
    return {"path": "rows.npz"}


def _npy(path: Path, array: Array) -> Path:
    np.save(path, array)
    return path


def _of_npy(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _npy(folder / "x.npy", x)
    _npy(folder / "y.npy", y)
    return {"inputs": "x.npy", "targets": "y.npy"}


def _idx(path: Path, array: Array) -> Path:
    code = {"u": 0x08, "f": 0x0E}[array.dtype.kind]
    sizes = b"".join(size.to_bytes(4) for size in array.shape)
    content = bytes([0, 0, code, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def _of_idx(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _idx(folder / "x", x)
    _idx(folder / "y", y.astype(np.uint8))
    return {"inputs": "x", "targets": "y"}


def _images(folder: Path, pixels: Array, labels: Array | None = None) -> Path:
    for i, image in enumerate(pixels):
        place = folder if labels is None else folder / "uvw"[labels[i]]
        place.mkdir(parents=True, exist_ok=True)
        write_png(place / f"{i:02}.png", image)
    return folder


def _of_images(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _images(folder / "all", x, y)
    return {"path": "all", "size": [2, 2]}


LETTERS = np.random.default_rng(7).integers(2, 9, (24, 4))
"""Four letters a row: the indices of a to g, after those of padding and of unknown letters."""


def _text(path: Path, x: Array, y: Array | None = None) -> Path:
    lines = ["".join("__abcdefg"[i] for i in row) for row in x]
    if y is not None:
        lines = [f"{'uvw'[label]} {line}" for label, line in zip(y, lines, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _of_text(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _text(folder / "lines.txt", x, y)
    return {"path": "lines.txt", "lines": "label_first"}


def _ucr(path: Path, x: Array, y: Array | None = None) -> Path:
    lines = ["# Made for tests.", f"@classLabel {'false' if y is None else 'true u v w'}", "@data"]
    for i, row in enumerate(x):
        series = ":".join(",".join(map(repr, values)) for values in row.T.tolist())
        lines.append(series if y is None else f"{series}:{'uvw'[y[i]]}")
    path.write_text("\n".join(lines) + "\n")
    return path


def _of_ucr(folder: Path, x: Array, y: Array) -> dict[str, Any]:
    _ucr(folder / "rows.ts", x, y)
    return {"path": "rows.ts"}


def _inline(_: Path, x: Array, y: Array) -> dict[str, Any]:
    return {"inputs": x.tolist(), "targets": y.tolist()}


def _frame(x: Array, y: Array) -> Any:
    columns = dict(zip("abc", x.T.tolist(), strict=True))
    return Columns(columns | {"y": ["uvw"[i] for i in y]})


# A folder of images is read class by class.
BY_CLASS = np.argsort(Y, kind="stable")

TABLE = [
    Row("inline", _inline),
    Row(
        "csv",
        _of_csv,
        new=lambda folder, x: _csv(folder / "new.csv", x),
        labelled=lambda folder, x, y: _csv(folder / "labelled.csv", x, y),
    ),
    Row(
        "parquet",
        _of_parquet,
        new=lambda folder, x: _parquet(folder / "new.parquet", x),
        labelled=lambda folder, x, y: _parquet(folder / "labelled.parquet", x, y),
    ),
    Row(
        "npz",
        _of_npz,
        new=lambda folder, x: _npz(folder / "new.npz", inputs=x),
        labelled=lambda folder, x, y: _npz(folder / "labelled.npz", inputs=x, targets=y),
    ),
    Row("npy", _of_npy, new=lambda folder, x: _npy(folder / "new.npy", x)),
    Row("idx", _of_idx, new=lambda folder, x: _idx(folder / "new", x)),
    Row(
        "images",
        _of_images,
        new=lambda folder, x: _images(folder / "new", x),
        labelled=lambda folder, x, y: _images(folder / "labelled", x, y),
        inputs=PIXELS[BY_CLASS],
        targets=Y[BY_CLASS],
        damages=(empty, cut, replace_by_folder),
    ),
    Row(
        "text",
        _of_text,
        new=lambda folder, x: _text(folder / "new.txt", x),
        labelled=lambda folder, x, y: _text(folder / "labelled.txt", x, y),
        inputs=LETTERS,
        is_text=True,
        damages=(Path.unlink, empty, replace_by_folder),
    ),
    Row(
        "ucr",
        _of_ucr,
        new=lambda folder, x: _ucr(folder / "new.ts", x),
        labelled=lambda folder, x, y: _ucr(folder / "labelled.ts", x, y),
        inputs=X[..., None],
    ),
    Row("builtin", lambda *_: {"name": "iris"}, inputs=None, targets=None),
    Row("synthetic", lambda *_: {"kind": "moons", "samples": 24}, inputs=None, targets=None),
    Row(
        "arrays",
        lambda *_: {},
        passed=lambda x, y: PassedData(arrays={"train": PassedRows(x, y)}),
        damages=(),
    ),
    Row(
        "frame",
        lambda *_: {"target": "y"},
        new=lambda folder, x: _csv(folder / "new.csv", x),
        labelled=lambda folder, x, y: _csv(folder / "labelled.csv", x, y),
        passed=lambda x, y: PassedData(frames={"train": _frame(x, y)}),
        damages=(),
    ),
]

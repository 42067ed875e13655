from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from specnet.data.files import DataContext
from specnet.data.format import DataFormat
from specnet.data.signature import DataDescription, names
from specnet.data.source import DataPart, DataSource

FOLDER = Path(__file__).parent.parent / "builtin"
IRIS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = ("setosa", "versicolor", "virginica")


class Builtin(DataFormat):
    """Real measurements that come with specnet (CC BY 4.0; sources in `specnet/data/builtin/SOURCES.md`).

    - `iris`: 150 flowers; four lengths in cm, shape (4,); three species, 50 flowers each. Fisher, 1936.
    - `digits`: 1797 handwritten digits; 8 x 8 counts from 0 to 16, flattened row by row, shape (64,) (a
      `reshape` transform to [8, 8, 1] turns them into images); ten classes. Alpaydin and Kaynak, 1998.
    """

    type: Literal["builtin"] = "builtin"
    name: Literal["iris", "digits"]
    """The name of the data set."""
    target: Literal["inputs"] | None = None
    """`inputs` to predict the transformed inputs; by default the classes."""

    def open(self, context: DataContext) -> BuiltinSource:
        """Return what is known of the data set."""
        if self.name == "iris":
            raw = DataDescription((4,), (), {"train": 150}, "class", 3, SPECIES, IRIS, [50] * 3)
        else:
            features = tuple(f"pixel_{i}_{j}" for i in range(8) for j in range(8))
            per_class = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
            raw = DataDescription((64,), (), {"train": 1797}, "class", 10, names(10), features, per_class)
        return BuiltinSource(self.name, raw, context)


@dataclass
class BuiltinSource(DataSource):
    """One of the shipped data sets."""

    name: str
    description: DataDescription
    context: DataContext

    def is_sound(self) -> bool:
        """Return that all values are known: they come with specnet."""
        return True

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the shipped arrays."""
        import gzip

        import numpy as np

        from specnet.data.rows import ArrayRows

        if self.name == "iris":
            cells = np.loadtxt(self._file("iris.csv"), delimiter=",", skiprows=1, dtype=str, encoding="utf-8")
            species = np.searchsorted(SPECIES, cells[:, 4]).astype(np.int64)
            return {"train": DataPart(ArrayRows(cells[:, :4].astype(np.float64)), species)}
        inputs, targets = (
            np.frombuffer(gzip.decompress(self._file(f"digits-{part}.idx.gz").read_bytes()), np.uint8)
            for part in ("inputs", "targets")
        )
        # The header of an idx file: four bytes, and four for each axis.
        pixels = inputs[12:].reshape(-1, 64)
        return {"train": DataPart(ArrayRows(pixels), targets[8:].astype(np.int64))}

    def _file(self, name: str) -> Path:
        path = FOLDER / name
        self.context.files[f"builtin:{name}"] = path
        return path

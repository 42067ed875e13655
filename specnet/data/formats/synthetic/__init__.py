from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.files import DataContext
from specnet.data.format import DataFormat
from specnet.data.signature import DataDescription, names
from specnet.data.source import DataPart, DataSource
from specnet.diagnostics.text import joined
from specnet.vocabulary.kind import Table, fault, table_check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

Samples = Annotated[int, Field(ge=1, le=2**31)]
Noise = Annotated[float, Field(ge=0, allow_inf_nan=False)]

LOUDEST = 1e30
"""The standard deviation from which on noise may exceed what float32 can hold."""


SEQUENCES = ("copy", "adding", "addition")
"""The kinds whose rows are sequences."""

MOST_DIGITS = 15
"""How many digits the numbers of a sum have at most."""


class SyntheticRows(Table):
    """More rows of the same kind, drawn independently of the training rows."""

    samples: Samples = 100
    """The number of rows."""
    noise: Noise | None = None
    """The standard deviation of the noise; by default that of the training rows."""


class Synthetic(DataFormat):
    """Synthetic rows for trying things out, drawn with the document's seed.

    For point i of n in its class, t = i / (n - 1), before Gaussian noise of standard deviation `noise`:

    - `xor`: the corners (0, 0), (0, 1), (1, 0), (1, 1) in turn; class x₁ xor x₂.
    - `moons`: (cos πt, sin πt), and (1 - cos πt, ½ - sin πt): two half circles, each around the other's end.
    - `circles`: angle 2πi/n on radius 1, and on radius ½.
    - `spirals`: `classes` arms; arm k has radius t and angle 2πk/classes + 3πt/2.
    - `blobs`: `classes` Gaussian clouds around centres drawn uniformly from [-1, 1] in each of `features` axes.
    - `sine`: x drawn uniformly from [-π, π], target sin x; the noise is added to the target.
    - `linear`: `features` standard normal inputs, target x·w + b with w and b standard normal; the noise is
      added to the target.
    - `copy`: sequences of `length` symbols, `delay` blanks of which the last is a signal, and `length` blanks; the
      target at each step is a blank, and at the last `length` steps the symbols in their order. `classes` is the number
      of symbols; blanks are 0, and the signal comes after the last symbol.
    - `adding`: sequences of `length` steps with a number drawn uniformly from [0, 1] and a mark, which is 1 at one step
      in each half and else 0; the target is the sum of the two numbers that are marked.
    - `addition`: pairs of sequences as `pairs` data have them, such as `12+345` and `357`, of two numbers of up to
      `length` digits and their sum; the tokens are characters.

    `copy` and `adding` are tasks for networks with a memory (Hochreiter and Schmidhuber, 1997; Arjovsky et al., 2016).
    Classes alternate row by row. `moons` and `circles` are as in scikit-learn's functions of those names.
    """

    type: Literal["synthetic"] = "synthetic"
    kind: Literal[
        "xor", "moons", "circles", "spirals", "blobs", "sine", "linear", "copy", "adding", "addition"
    ]
    """The kind of rows."""
    samples: Samples = 200
    """The number of rows."""
    noise: Noise | None = None
    """The standard deviation of the Gaussian noise (default 0.1): of each input for classes, of the target for
    numbers. Sequences have none."""
    classes: Annotated[int, Field(ge=2, le=1000)] | None = None
    """The number of classes of `spirals` (default 2) and `blobs` (default 3), and of symbols of `copy` (default 8)."""
    features: PositiveInt | None = None
    """The number of inputs of `blobs` (default 2) and `linear` (default 1)."""
    length: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """The number of symbols of `copy` (default 10), of steps of `adding` (default 50), and of digits of `addition`
    (default 3, at most 15)."""
    delay: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many steps after the last symbol the copy begins (default 20)."""
    target: Literal["inputs"] | None = None
    """`inputs` to predict the transformed inputs; by default the target of the kind."""
    validation: SyntheticRows | None = None
    """Rows to validate on during training."""
    test: SyntheticRows | None = None
    """Rows to test the finished model on."""

    @table_check()
    def _classes_apply(self) -> Iterator[PydanticCustomError]:
        if self.classes is not None:
            yield from self._only("classes", ("spirals", "blobs", "copy"))

    @table_check()
    def _features_apply(self) -> Iterator[PydanticCustomError]:
        if self.features is not None:
            yield from self._only("features", ("blobs", "linear"))

    @table_check()
    def _length_applies(self) -> Iterator[PydanticCustomError]:
        if self.length is not None:
            yield from self._only("length", SEQUENCES)
            if self.kind == "addition" and self.length > MOST_DIGITS:
                yield fault(f"numbers have at most {MOST_DIGITS} digits, not {self.length}", key="length")

    @table_check()
    def _delay_applies(self) -> Iterator[PydanticCustomError]:
        if self.delay is not None:
            yield from self._only("delay", ("copy",))

    @table_check()
    def _noise_applies(self) -> Iterator[PydanticCustomError]:
        if self.noise is not None:
            yield from self._no_noise("noise")

    @table_check()
    def _noise_of_validation_applies(self) -> Iterator[PydanticCustomError]:
        if self.validation is not None and self.validation.noise is not None:
            yield from self._no_noise("validation", "noise")

    @table_check()
    def _noise_of_test_applies(self) -> Iterator[PydanticCustomError]:
        if self.test is not None and self.test.noise is not None:
            yield from self._no_noise("test", "noise")

    def _no_noise(self, *key: str) -> Iterator[PydanticCustomError]:
        if self.kind in SEQUENCES:
            yield fault(f"`noise` does not apply to {self.kind}", key=key)

    def _only(self, key: str, kinds: tuple[str, ...]) -> Iterator[PydanticCustomError]:
        if self.kind not in kinds:
            only = f"{joined(kinds)} only, not to {self.kind}"
            yield fault(f"`{key}` applies to {only}", key=key)

    @property
    def noisy(self) -> float:
        """The standard deviation of the training rows' noise."""
        return 0.1 if self.noise is None else self.noise

    def open(self, context: DataContext) -> DataSource:
        """Return what the rows will be."""
        from specnet.data.formats.synthetic.tasks import describe_copying

        spans = {"train": self.samples, **{name: table.samples for name, table in self.tables.items()}}
        if self.kind == "copy":
            return SyntheticSource(
                self, describe_copying(self.classes or 8, self.length or 10, self.delay or 20, spans)
            )
        if self.kind == "addition":
            from specnet.data.formats.synthetic.sums import SumSource

            return SumSource(spans, self.length or 3, context)
        if self.kind == "adding":
            return SyntheticSource(self, DataDescription((self.length or 50, 2), (), spans))
        if self.kind in ("sine", "linear"):
            width = 1 if self.kind == "sine" else self.features or 1
            return SyntheticSource(self, DataDescription((width,), (), spans))
        count = {"spirals": self.classes or 2, "blobs": self.classes or 3}.get(self.kind, 2)
        width = self.features or 2
        labels = [int(i % 4 in (1, 2)) for i in range(4)] if self.kind == "xor" else list(range(count))
        per_class = [0] * count
        for i, label in enumerate(labels):
            per_class[label] += len(range(i, self.samples, len(labels)))
        description = DataDescription((width,), (), spans, "class", count, names(count), per_class=per_class)
        return SyntheticSource(self, description)


@dataclass
class SyntheticSource(DataSource):
    """Rows that are made when they are read."""

    format: Synthetic
    description: DataDescription = field(repr=False)

    def is_sound(self) -> bool:
        """Return whether noise leaves the numbers far below what float32 can hold."""
        noises = [self.format.noisy, *(table.noise or 0.0 for table in self.format.tables.values())]
        return max(noises) < LOUDEST

    def read(self, seed: int) -> dict[str, DataPart]:
        """Draw the rows: from the stream `data/synthetic`, for another split `data/synthetic/<split>`."""
        import numpy as np

        from specnet.data.rows import ArrayRows
        from specnet.engines.random import stream

        parts = {}
        for split, samples in self.description.rows.items():
            rng = stream(seed, "data/synthetic" if split == "train" else f"data/synthetic/{split}")
            table = self.format.tables.get(split)
            noise = self.format.noisy if table is None or table.noise is None else table.noise
            # What all splits share, such as the centres of the clouds, has a stream of its own.
            shared = stream(seed, "data/synthetic/shared")
            with np.errstate(over="ignore", invalid="ignore"):  # values that are not finite are reported
                inputs, targets = self._make(samples, noise, rng, shared)
            parts[split] = DataPart(ArrayRows(inputs), targets)
        return parts

    def _make(
        self, samples: int, noise: float, rng: np.random.Generator, shared: np.random.Generator
    ) -> tuple[Array, Array]:
        import numpy as np

        from specnet.data.formats.synthetic.tasks import adding, copying

        own, width = self.format, self.description.inputs[0]
        if own.kind == "copy":
            return copying(samples, own.classes or 8, own.length or 10, own.delay or 20, rng)
        if own.kind == "adding":
            return adding(samples, width, rng)
        if self.format.kind == "sine":
            inputs = rng.uniform(-np.pi, np.pi, (samples, 1))
            return inputs, np.sin(inputs[:, 0]) + noise * rng.standard_normal(samples)
        if self.format.kind == "linear":
            weights, bias = shared.standard_normal(width), shared.standard_normal()
            inputs = rng.standard_normal((samples, width))
            return inputs, inputs @ weights + bias + noise * rng.standard_normal(samples)
        inputs, labels = self._points(samples, shared)
        return inputs + noise * rng.standard_normal(inputs.shape), labels.astype(np.int64)

    def _points(self, samples: int, shared: np.random.Generator) -> tuple[Array, Array]:
        import numpy as np

        kind, count = self.format.kind, self.description.class_count or 2
        row = np.arange(samples)
        if kind == "xor":
            corner = row % 4
            return np.stack([corner // 2, corner % 2], axis=1).astype(np.float64), (corner == 1) | (
                corner == 2
            )
        label = row % count
        if kind == "blobs":
            centers = shared.uniform(-1.0, 1.0, (count, self.description.inputs[0]))
            return centers[label], label
        place = row // count
        # Rows in the class of each row: the first classes get one more where the rows don't go evenly.
        size = samples // count + (label < samples % count)
        if kind == "circles":
            angle, radius = 2 * np.pi * place / size, np.where(label == 0, 1.0, 0.5)
            return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label
        t = place / np.maximum(1, size - 1)
        if kind == "spirals":
            angle = 2 * np.pi * label / count + 1.5 * np.pi * t
            return np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1), label
        x, y = np.cos(np.pi * t), np.sin(np.pi * t)
        return np.where(label[:, np.newaxis] == 0, np.stack([x, y], 1), np.stack([1 - x, 0.5 - y], 1)), label

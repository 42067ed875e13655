from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.data.files import DataContext
from specnet.data.format import DataFormat
from specnet.data.joining import joined
from specnet.data.signature import LARGEST_INDEX
from specnet.diagnostics.text import clipped, listed

if TYPE_CHECKING:
    import numpy as np

    from specnet.data.arrays.passed_array import PassedArray
    from specnet.data.arrays.source import ArraySource, Pair, StoredInputs
    from specnet.data.passed import PassedRows
    from specnet.data.signature import DataDescription
    from specnet.data.split_keys import SplitKeys
    from specnet.data.splits import SplitSpec


class Arrays(DataFormat):
    """Arrays that a program passes: `specnet.run("model.toml", data=(x, y))`.

    The inputs are an array (rows, ...), or several by name, whose rows are flattened and concatenated:
    `[inputs.NAME]` with `array` selects one of them in its own shape. Targets are numbers (rows, ...), class
    indices (rows,), or the names of classes (rows,), which are indexed in alphabetical order. A third array has the
    sample weights (rows,): `data=(x, y, weights)`. The command line has
    none to pass: there, such a document can be validated, and its layers are checked if `input_shape` is given.
    """

    type: Literal["arrays"] = "arrays"
    target: Literal["inputs"] | None = None
    """`inputs` to predict the transformed inputs; by default the targets that are passed."""

    passed: ClassVar[bool] = True
    has_keys: ClassVar[bool] = True

    @property
    def continues(self) -> bool:
        """Whether rows in order are one long stream."""
        return self.split is None

    def open(self, context: DataContext) -> ArraySource:
        """Return the arrays, their shapes checked."""
        from specnet.data.arrays.pairs import describe_all
        from specnet.data.arrays.source import ArraySource

        pairs: dict[str, Pair] = {}
        classes = _classes(context.arrays)
        weighted = any(given.weights is not None for given in context.arrays.values())
        with context.collector.together() as faults:
            for name, given in context.arrays.items():
                with faults.catch():
                    pairs[name] = _pair(
                        name, given, classes, context, reproduces=self.reproduces, weighted=weighted
                    )
            parts = describe_all(pairs, faults)
        for part in parts.values():
            _name_classes(part, classes)
        if "train" in parts:
            first = context.arrays["train"]
            parts["train"].features = first.features
            if self.split is not None and self.split.keys and "train" in pairs:
                parts["train"].keys = _keys(first, self.split, pairs["train"], parts["train"], context)
        context.digests |= {
            f"arrays:{name}": _digest(pair, context.arrays[name].keys) for name, pair in pairs.items()
        }
        return ArraySource.of("whole", pairs, joined(parts, context), context)

    def check_given(self, context: DataContext) -> None:
        """Note that nothing was passed, or what the document splits otherwise."""
        if not context.arrays:
            message = "the data of this document are passed by a program, and none were"
            help = 'specnet.run("model.toml", data=(x, y)) passes them in Python'
            context.collector.add("SN576", message, "type", help=help)


def _pair(
    split: str,
    given: PassedRows,
    classes: tuple[str, ...] | None,
    context: DataContext,
    *,
    reproduces: bool,
    weighted: bool,
) -> Pair:
    """Return the arrays of one split; raise SpecError with all that is wrong with them.

    Where the training rows are `weighted`, those of a split without weights count 1 each.
    """
    import numpy as np

    from specnet.data.arrays.passed_array import PassedArray
    from specnet.data.arrays.side_by_side import SideBySide
    from specnet.data.arrays.source import Pair

    help = (
        None
        if given.features is None
        else 'describe it as a table: data = { type = "frame", target = "..." }'
    )
    whose = "" if split == "train" else f"{split}: "
    targets: PassedArray | None = None
    weights: PassedArray | None = None
    with context.collector.together() as faults:
        parts: dict[str, PassedArray] = {}
        named = given.inputs if isinstance(given.inputs, Mapping) else {"inputs": given.inputs}
        for name, array in named.items():
            with faults.catch():
                parts[name] = PassedArray.of(f"{whose}{name}", array, context, help)
        if not reproduces:
            with faults.catch():
                targets = PassedArray.of(
                    f"{whose}targets", _targets(given.targets, classes, context), context
                )
        if weighted:
            ones = np.ones(len(next(iter(parts.values())).array)) if given.weights is None and parts else None
            with faults.catch():
                weights = PassedArray.of(
                    f"{whose}weights", ones if given.weights is None else given.weights, context
                )
    inputs: StoredInputs = next(iter(parts.values()))
    if isinstance(given.inputs, Mapping):
        inputs = SideBySide.of(tuple(parts), tuple(parts.values()))
    return Pair(inputs, targets, weights)


def _keys(
    given: PassedRows, split: SplitSpec, pair: Pair, part: DataDescription, context: DataContext
) -> SplitKeys:
    """Return what the passed arrays say that the rows are split by; raise SpecError for what is wrong with them."""
    import numpy as np

    from specnet.data.arrays.key_arrays import keys_of_arrays
    from specnet.data.tables.frames import plain

    arrays = {}
    with context.collector.together() as faults:
        for key, name in ((key, str(name)) for key, name in split.keys.items()):
            if name not in given.keys:
                message = f"there is no array or column `{name}` among the inputs that were passed"
                help = f'pass it with them, as in data=({{"inputs": x, "{name}": ...}}, y)'
                faults.add("SN521", message, "split", key, help=help)
                continue
            array = given.keys[name]
            if isinstance(array, list):  # a column of a frame
                column = np.empty(len(array), object)
                column[:] = plain(array)[0]
                array = column
            arrays[key] = (f"`{name}`", np.asarray(array))
    return keys_of_arrays(arrays, split, pair, part, context.collector)


def _targets(given: Any, classes: tuple[str, ...] | None, context: DataContext) -> Any:
    """Return targets as numbers: those that can be class indices as whole numbers, names as their indices."""
    import numpy as np

    if given is None:
        help = 'pass (x, y), or write `target = "inputs"` where the targets are the inputs'
        raise context.collector.error("SN542", "there are inputs and no targets", help=help)
    if classes is not None:
        index = {name: i for i, name in enumerate(classes)}
        found = [index.get(str(name), -1) for name in np.asarray(given).tolist()]
        if -1 in found:
            row = found.index(-1)
            name = np.asarray(given).tolist()[row]
            message = f"row {row + 1}: the target `{clipped(str(name))}` is not a class of the training rows"
            help = f"their classes are {listed(classes)}"
            raise context.collector.error("SN514", message, help=help)
        return np.array(found, np.int64)
    try:
        array = np.asarray(given)
    except ValueError:
        return given
    if array.ndim == 1 and array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.ndim == 1 and array.dtype.kind == "f" and np.isfinite(array).all():
        whole = array.astype(np.int64) if np.abs(array).max(initial=0) < LARGEST_INDEX else None
        return whole if whole is not None and np.array_equal(whole, array) else array
    return array


def _classes(given: Mapping[str, PassedRows]) -> tuple[str, ...] | None:
    """Return the names of the classes of the training rows; None where their targets are numbers."""
    import numpy as np

    try:
        targets = np.asarray(given["train"].targets)
    except (KeyError, ValueError):
        return None
    if targets.ndim != 1 or not len(targets):
        return None
    if targets.dtype.kind != "U" and not (
        targets.dtype.kind == "O" and all(isinstance(name, str) for name in targets.tolist())
    ):
        return None
    return tuple(sorted(set(map(str, targets.tolist()))))


def _name_classes(part: DataDescription, classes: tuple[str, ...] | None) -> None:
    if classes is None:
        return
    part.target_kind, part.classes, part.class_count = "class", classes, len(classes)
    if part.per_class is not None:
        part.per_class += [0] * (len(classes) - len(part.per_class))


def _digest(pair: Pair, keys: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what was passed: types, shapes and elements, and what the rows are split by."""
    import numpy as np

    digest = hashlib.sha256()
    for stored in [*pair.arrays, *([] if pair.weights is None else [pair.weights])]:
        for part in stored.parts:
            array: np.ndarray[Any, Any] = part.read()
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
    for name, values in keys.items():
        digest.update(repr((name, np.asarray(values).tolist())).encode())
    return digest.hexdigest()

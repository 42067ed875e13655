from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.compiler.heads import INPUTS, Part
from specnet.compiler.network import Network
from specnet.compiler.parameters import Parameters, initial_parameters, multipliers, views
from specnet.compiler.predicting import Predictor
from specnet.compiler.programs import gradient_graph
from specnet.data.encoding import Encoding
from specnet.data.lazy import Held, taken
from specnet.data.pipeline import Pipeline
from specnet.passes.pipeline import plan
from specnet.runtime.execution import Executable
from specnet.runtime.random import stream
from specnet.runtime.use import ModelUse
from specnet.vocabulary.losses import Loss

Array = np.ndarray[Any, Any]


class Model:
    """A compiled network with parameters of its own, and with the data's encoding where it has seen data.

    Any number of threads may predict with a model, and call its other methods, at once. While a training makes
    steps, other threads cannot: the methods raise ModelInUseError, and so does the training when it is asked
    for its next event while another thread predicts. Between two events, any thread may predict. What is
    written to `parameters` while another thread uses them is not guarded against.
    """

    def __init__(self, network: Network, encoding: Encoding | None = None) -> None:
        self._start(network, encoding, initial_parameters(network))

    def _start(self, network: Network, encoding: Encoding | None, parameters: Parameters) -> None:
        self.network = network
        self.encoding = encoding
        self.parameters = parameters
        self.use = ModelUse()
        self._own: dict[str, Array] = {"parameters": parameters.trained, **parameters, **parameters.joined}
        if network.rates_differ:
            self._own["multipliers"] = multipliers(network)
        self._predictor = Predictor(network, self._own, self.use)

    def __getstate__(self) -> tuple[Network, Encoding | None, Array]:
        with self.use.reading():
            return self.network, self.encoding, self.parameters.flat.copy()

    def __setstate__(self, state: tuple[Network, Encoding | None, Array]) -> None:
        network, encoding, flat = state
        parameters = Parameters(network.arrays, network.spec.dtype)
        parameters.flat[...] = flat
        self._start(network, encoding, parameters)

    def loss_and_gradients(
        self, inputs: Any, targets: Any, *, training: bool = False
    ) -> tuple[float, Mapping[str, Array]]:
        """Return the loss, penalties included, and its gradient with respect to each parameter.

        `inputs` (rows, ...) and `targets` (rows, ...) are as the network takes them: after the document's
        transforms. With `training`, layers act as in training (dropout drops). Raises ValueError where shapes
        do not fit.
        """
        x = as_inputs(self.network, inputs)
        given = np.asarray(targets)
        if given.ndim and not 0 < len(x) == len(given):
            raise ValueError(f"{len(x)} inputs cannot be compared with {len(given)} targets")
        t = as_targets(self.network, given, x)
        compiled = plan(gradient_graph(self.network, training=training), len(x))
        executable = Executable(compiled, streams(self.network.spec.seed, compiled.streams))
        bound = executable.bind(len(x), self.leaves(inputs=x, targets=t))
        with self.use.reading(), np.errstate(all="ignore"):
            loss = bound.step()[0]
        return loss, views(self.network.trained, bound.arrays["gradients"])

    def predict(self, inputs: Any) -> Any:
        """Return the predictions (rows, ...) for raw inputs: as the data hold them, before any transform.

        Classes come as probabilities; numbers in the units that the data's targets have. Where the document has
        several `outputs`, it is a dictionary of their predictions by name. Raises ValueError where the shape does
        not fit, and SpecError for cells of a table that it cannot read.
        """
        encoded = inputs if self.encoding is None else self.encoding.encode(inputs)
        made = self.outputs(self.forward(encoded))
        return made if self.network.parts else made[""]

    def outputs(self, predictions: Array) -> dict[str, Array]:
        """Return what `forward` gives by output, in the units of the data; that of the only one is called ``."""
        encoding, parts = self.encoding, self.network.parts
        if not parts:
            return {"": predictions if encoding is None else encoding.decode(predictions)}
        made = {}
        for part in parts:
            own = predictions[:, part.start : part.start + part.size].reshape(-1, *part.shape)
            way = self.way_back(part)
            made[part.name] = own if way is None else way.invert(own)
        return made

    def way_back(self, part: Part | None = None) -> Pipeline | None:
        """Return the transforms that lead from an output, or the only one, back to the units of the data."""
        encoding = self.encoding
        if encoding is None:
            return None
        if part is not None and part.head.loss.link not in ("identity", "mean"):
            return None
        if part is not None and part.head.target == INPUTS:
            return encoding.inputs if encoding.inputs.transforms else None
        return encoding.outputs if encoding.outputs.transforms and not encoding.keeps_one_hot else None

    @property
    def no_predictions(self) -> dict[str, Array]:
        """What `outputs` gives for no rows."""
        dtype = self.network.spec.dtype
        if not self.network.parts:
            return {"": np.empty((0, *self.network.prediction_shape), dtype)}
        return {part.name: np.empty((0, *part.shape), dtype) for part in self.network.parts}

    def forward(self, inputs: Any) -> Array:
        """Return what the network makes of inputs (rows, ...) as it takes them: after the transforms."""
        x = as_inputs(self.network, inputs)
        with np.errstate(all="ignore"):
            return self._predictor.predict(x)

    def leaves(self, **arrays: Array) -> dict[str, Array]:
        """Return what a program over this model's parameters is bound to, with some arrays beside them."""
        return {**self._own, **arrays}


def streams(seed: int, names: Any) -> dict[str, np.random.Generator]:
    """Return the generators that a plan draws from, by name."""
    return {name: stream(seed, name) for name in names}


def as_inputs(network: Network, inputs: Any) -> Array:
    """Return inputs as a contiguous array of the model's dtype; raise ValueError for another shape."""
    shape = network.signature.inputs
    x = np.ascontiguousarray(inputs, network.spec.dtype)
    if x.shape[1:] != shape or np.ndim(inputs) == 0:
        raise ValueError(f"inputs are {x.shape}, and the model takes (rows, {', '.join(map(str, shape))})")
    return x


def as_targets(network: Network, targets: Array, inputs: Array) -> Array:
    """Return targets (rows, ...) in the shape and dtype that the network's loss takes.

    `inputs` are the same rows' inputs, which some outputs may be compared with. Raises ValueError where they
    cannot be: another shape, classes that are no whole numbers or out of range.
    """
    if network.parts:
        return packed_targets(network.parts, inputs, targets, network.spec.dtype)
    classes = _named(network.spec.loss, network.prediction_shape)
    return fitted_targets(targets, network.target_shape, network.target_dtype, classes)


def _named(loss: Loss, shape: tuple[int, ...]) -> int | None:
    """Return how many classes have an output of their own; None where an index names no output."""
    return shape[-1] if loss.targets == "classes" and shape else None


def packed_targets(parts: tuple[Part, ...], inputs: Array, targets: Array, dtype: str) -> Array:
    """Return the targets of several outputs side by side (rows, n), given the rows' inputs and the data's targets."""
    out = np.empty((len(targets), sum(part.target_size for part in parts)), dtype)
    for part in parts:
        own = inputs if part.head.target == INPUTS else targets
        classes = _named(part.head.loss, part.shape)
        fitted = fitted_targets(own, part.target_shape, part.target_dtype, classes)
        end = part.target_start + part.target_size
        out[:, part.target_start : end] = fitted.reshape(len(targets), -1)
    return out


def fitted_targets(targets: Array, shape: tuple[int, ...], dtype: str, classes: int | None) -> Array:
    """Return targets (rows, ...) as contiguous rows of a shape and dtype; int64 stands for class indices.

    `classes` is how many classes an index may name, where it names an output.
    """
    if dtype == "int64":
        if targets.ndim != 1 or targets.dtype.kind not in "iu":
            raise ValueError(
                f"targets are {targets.dtype}{targets.shape}, and the loss takes a class index a row"
            )
        if classes is not None and len(targets) and not 0 <= targets.min() <= targets.max() < classes:
            low, high = targets.min(), targets.max()
            raise ValueError(f"classes go from {low} to {high}, and the model gives 0 to {classes - 1}")
        return np.ascontiguousarray(targets, np.int64)
    t = np.ascontiguousarray(targets, dtype)
    if t.ndim == 1 and shape == (1,) and targets.ndim == 1:
        t = t.reshape(-1, 1)
    if t.shape[1:] != shape or targets.ndim == 0:
        raise ValueError(f"targets are {t.shape}, and the loss takes (rows, {', '.join(map(str, shape))})")
    return t


def held_targets(network: Network, targets: Held, inputs: Held) -> Held | PackedTargets:
    """Return a split's targets as the network's loss takes them, or what makes them of a batch.

    Raises ValueError as `as_targets` does.
    """
    if isinstance(targets, np.ndarray) and (isinstance(inputs, np.ndarray) or not network.targets_inputs):
        return as_targets(network, targets, inputs if isinstance(inputs, np.ndarray) else np.empty(0))
    if network.parts:
        return PackedTargets(network, len(targets), None if targets is inputs else targets)
    assert not isinstance(targets, np.ndarray)
    if targets.shape[1:] != network.target_shape or targets.dtype != network.target_dtype:
        shape = ", ".join(map(str, network.target_shape))
        raise ValueError(f"targets are {targets.dtype}{targets.shape}, and the loss takes (rows, {shape})")
    return targets


class PackedTargets:
    """Targets of several outputs, some of which stay in a file: put side by side when their batch is there.

    `data` holds the data's own; None where these are the inputs.
    """

    def __init__(self, network: Network, rows: int, data: Held | None) -> None:
        self._network, self.data = network, data
        self.shape = (rows, *network.target_shape)
        self.dtype = np.dtype(network.spec.dtype)

    def apart(self) -> PackedTargets:
        """Return the same targets, with a position in their file of their own."""
        if self.data is None or isinstance(self.data, np.ndarray):
            return self
        return PackedTargets(self._network, self.shape[0], self.data.apart())

    def pack(self, places: Array, inputs: Array, out: Array) -> None:
        """Put the targets of the rows at these places, whose inputs are given, into `out`."""
        data = inputs if self.data is None else taken(self.data, places)
        out[...] = as_targets(self._network, data, inputs)

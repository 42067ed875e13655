"""What layers are tried with against PyTorch: a row says how, and this file compares.

The rows stand in `layer_rows/`, a file a family of layers, each with a list `ROWS`.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.leaves import leaf, name_of
from specnet.graph.sizes import at
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from specnet.vocabulary.layers import LAYERS, Layer
from tests.support.compiled import checked
from tests.support.graphs import pulled_back
from tests.support.lowering import lowered
from tests.support.memory import growth

torch = pytest.importorskip("torch")
# Arrays this small are done before a second thread has woken up.
torch.set_num_threads(1)

STARTS = {"gamma_init": "ones", "beta_init": "zeros", "frequencies_init": "normal", "edges_init": "edges"}
"""Where parameters start that have no field for it."""

RTOL = 1e-8
"""How near to PyTorch's numbers ours must be, in float64."""


class ArrayOrStreamed(dict[str, Any]):
    """A layer's arrays as PyTorch's, by their names in the document; `training` says what it is used for."""

    training = False


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw what a layer gets, unless its row says otherwise."""
    return rng.normal(size=shape)


@dataclass(frozen=True)
class Row:
    """A layer with some options, and the same in PyTorch."""

    options: dict[str, Any]
    """The layer as a document writes it."""
    shape: tuple[int, ...]
    """The shape of one example's input."""
    meant: Callable[[Any, ArrayOrStreamed], Any]
    """What PyTorch makes of inputs (batch, *shape) and our parameters, in our layouts."""
    parameters: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Name and shape of each parameter, in order."""
    statistics: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The same of its running statistics, which `meant` changes in training."""
    unmoved: frozenset[str] = frozenset()
    """Those of its statistics that training leaves as they are."""
    penalty: Callable[[ArrayOrStreamed], Any] | None = None
    """What the layer's regularizers add to the loss."""
    random: bool = False
    """Whether its output in training is drawn: then only evaluation is compared."""
    indices: bool = False
    """Whether its inputs are indices, so that it stands first in a network and no gradient flows to them."""
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray] = normal
    """Draws its inputs."""
    batches: tuple[int, ...] = (1, 5)

    def __str__(self) -> str:
        options = {k: v for k, v in self.options.items() if k != "type"}
        return "-".join([self.options["type"], *map(str, self.shape), *map(_short, options.items())])


def _short(option: tuple[str, Any]) -> str:
    return f"{option[0]}={json.dumps(option[1])}".replace('"', "").replace(" ", "")


def rows() -> list[Row]:
    """Return the rows of all files."""
    found: list[Row] = []
    for path in sorted((Path(__file__).parent / "layer_rows").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"layer_rows_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.ROWS
    return found


def own_fields(kind: type[Layer]) -> set[str]:
    """Return the fields that a layer has beside those of all layers."""
    return set(kind.model_fields) - set(Layer.model_fields)


def changed_fields(row: Row) -> set[str]:
    """Return the fields that a row sets to something else than their defaults."""
    kind = LAYERS.kinds[row.options["type"]]
    made = LAYERS.validate(row.options)
    return {
        name
        for name in own_fields(kind) & set(row.options)
        if kind.model_fields[name].is_required()
        or getattr(made, name) != kind.model_fields[name].get_default(call_default_factory=True)
    }


def close(ours: Any, theirs: Any, what: str = "") -> None:
    """Complain where numbers differ by more than 1e-8 of theirs, or of 1e-4 of the largest of them."""
    theirs = np.asarray(theirs.detach() if isinstance(theirs, torch.Tensor) else theirs)
    assert np.shape(ours) == theirs.shape, f"{what}: {np.shape(ours)} is not {theirs.shape}"
    floor = 1e-4 * RTOL * max(1.0, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(ours, theirs, RTOL, floor, err_msg=what)


def compare_lowered(row: Row, batch: int, *, training: bool, seed: int = 0) -> None:
    """Compare output and gradients of the layer alone, in plans of every kind, with PyTorch's."""
    rng = np.random.default_rng(seed)
    graph, build, x, y = lowered(row.options, row.shape, training=training)
    _declared(row, build)
    # Statistics may be variances.
    given = {
        name: rng.normal(size=p.shape) if p.role == "parameter" else rng.uniform(0.5, 2.0, p.shape)
        for name, p in build.parameters.items()
    }
    fitted = [build.leaves[name] for name, p in build.parameters.items() if p.role == "parameter"]
    inputs = row.draw(rng, (batch, *row.shape))
    weight = leaf(graph, "w", "input", y.shape)
    weights = rng.normal(size=at(y.shape, batch))
    loss = ops.sum_all(y * weight)
    wanted = [*([] if row.indices else [x]), *fitted]
    # A loop has no pullback: `differentiate` makes its gradient.
    slopes = [] if any(node.regions for node in graph) else pulled_back(graph, loss, wanted)
    compiled = differentiate(graph, loss, wanted)
    observed = [seen for _, seen, _, _ in build.followed]
    got = checked(
        graph, {"x": inputs, "w": weights, **given}, [y * 1.0, *slopes, *compiled, *observed], batch
    )

    there = torch.tensor(inputs, requires_grad=not row.indices)
    held = _held(row, {n.removeprefix("layer."): array for n, array in given.items()}, training=training)
    meant = row.meant(there, held)
    meant.backward(torch.tensor(weights))
    leaves = [*([] if row.indices else [there]), *(held[name] for name in row.parameters)]
    flowed = [torch.zeros_like(v) if v.grad is None else v.grad for v in leaves]
    ways = 2 if slopes else 1
    names = ["output", *ways * [name_of(v) for v in wanted]]
    compared = len(names)
    for name, ours, theirs in zip(names, got[:compared], [meant, *ways * flowed], strict=True):
        close(ours, theirs, f"{name}, {training=}")
    assert len(build.followed) == (len(row.statistics) - len(row.unmoved) if training else 0)
    for (statistic, _, momentum, _), seen in zip(build.followed, got[compared:], strict=True):
        name = name_of(statistic).removeprefix("layer.")
        close(momentum * given[f"layer.{name}"] + (1.0 - momentum) * seen, held[name], name)


def bytes_of_a_step(row: Row, *, training: bool, most: Callable[[int], int]) -> tuple[int, int]:
    """Return the bytes that a step over long arrays, forward and backward, has in use beyond what it found.

    And the `most` that it may have, for the number of workers that share it.
    """
    graph, build, x, y = lowered(row.options, row.shape, training=training)
    batch = 1 + 66_000 // x.count.each
    fitted = [build.leaves[name] for name, p in build.parameters.items() if p.role == "parameter"]
    slopes = differentiate(graph, ops.sum_all(ops.square(y)), [*([] if row.indices else [x]), *fitted])
    observed = [seen for _, seen, _, _ in build.followed]
    graph.outputs = {f"{i}": value for i, value in enumerate([y, *slopes, *observed]) if value.shape}
    made = plan(graph, batch)
    rng = np.random.default_rng(0)
    draw = {"x": row.draw(rng, (batch, *row.shape))}
    leaves = {n: draw.get(n, np.full(at(shape, batch), 0.5)) for n, (shape, _) in made.leaves.items()}
    streams = {name: stream(0, name) for name in made.streams}
    bound = Executable(made, streams).bind(batch, {n: np.ascontiguousarray(a) for n, a in leaves.items()})
    return growth(bound.step, most(made.workers)), most(made.workers)


def _held(row: Row, arrays: Mapping[str, np.ndarray], *, training: bool) -> ArrayOrStreamed:
    """Return arrays as PyTorch's; all but the layer's statistics have gradients."""
    held = ArrayOrStreamed()
    for name, array in arrays.items():
        fitted = name.removeprefix("layer.") not in row.statistics
        held[name] = torch.tensor(np.array(array), requires_grad=fitted)
    held.training = training
    return held


def _declared(row: Row, build: Builder) -> None:
    """Check the layer's parameters: names, shapes, and that each starts where its field says."""
    made = LAYERS.validate(row.options)
    declared = {name.removeprefix("layer."): p for name, p in build.parameters.items()}
    for role, expected in (("parameter", row.parameters), ("statistic", row.statistics)):
        assert {name: p.shape for name, p in declared.items() if p.role == role} == expected
    assert len(declared) == len(row.parameters) + len(row.statistics)
    for name, parameter in declared.items():
        initial = getattr(parameter.initial, "others", parameter.initial)  # for the parts that are not given
        if hasattr(made, parameter.field):
            assert initial == getattr(made, parameter.field), f"{name} starts as no field says"
        elif parameter.field in STARTS:  # the norms of a block, and what no option says
            assert initial.type == STARTS[parameter.field]
        else:
            assert initial.type in ("uniform", "zeros")
        assert parameter.initial.fault(parameter.shape) is None


def compare_training(row: Row, folder: Path, *, rate: float = 0.05) -> None:
    """Train a network around the layer for three steps, and compare with PyTorch, step by step.

    A dense layer stands before it, so that its gradient flows on, and one behind it; the third batch is smaller.
    """
    rng = np.random.default_rng(1)
    size = 4
    inputs, targets = row.draw(rng, (3 * size - 1, *row.shape)), rng.normal(size=(3 * size - 1, 2))
    spec = specnet.load(json.dumps(document_of(row, inputs, targets, size, rate, folder)))
    start = specnet.compile(spec)
    held = _held(row, start.parameters, training=True)
    optimizer = torch.optim.SGD([v for v in held.values() if v.requires_grad], lr=rate, momentum=0.9)
    losses = []
    for begin in range(0, len(inputs), size):
        part = slice(begin, begin + size)
        optimizer.zero_grad()
        output, own = _network(row, torch.tensor(inputs[part]), held)
        loss = torch.nn.functional.mse_loss(output, torch.tensor(targets[part]))
        losses.append((loss.item(), len(output)))
        (loss if row.penalty is None else loss + row.penalty(own)).backward()
        optimizer.step()
    events = list(specnet.train(spec))
    (ended,) = (event for event in events if isinstance(event, specnet.EpochEnded))
    model = events[0].model
    for name, theirs in held.items():
        close(model.parameters[name], theirs, name)
    penalty = 0.0 if row.penalty is None else _last_penalty(row, held, optimizer, rate)
    close(ended.loss, sum(cost * rows for cost, rows in losses) / len(inputs) + penalty, "loss")
    held.training = False
    with torch.no_grad():
        close(model.forward(inputs), _network(row, torch.tensor(inputs), held)[0], "predictions")


def document_of(
    row: Row, inputs: np.ndarray, targets: np.ndarray, size: int, rate: float, folder: Path
) -> dict[str, Any]:
    """Return a document that trains a network around the layer on arrays, which are written into a folder."""
    np.savez(folder / "data.npz", inputs=inputs, targets=targets)
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "npz", "path": str(folder / "data.npz")},
        "layers": [
            *([] if row.indices else [_before(row)]),
            {**row.options, "name": "layer"},
            {"type": "flatten"},
            {"type": "dense", "name": "after", "units": 2},
        ],
        "loss": "mse",
        "training": {
            "epochs": 1,
            "batch_size": size,
            "shuffle": False,
            "optimizer": {"type": "sgd", "learning_rate": rate, "momentum": 0.9},
        },
    }


def _before(row: Row) -> dict[str, Any]:
    return {"type": "dense", "name": "before", "units": row.shape[-1], "activation": "tanh"}


def _network(row: Row, x: Any, held: ArrayOrStreamed) -> tuple[Any, ArrayOrStreamed]:
    """Return what PyTorch's network around the layer gives, and the layer's own arrays."""
    own = ArrayOrStreamed({n.removeprefix("layer."): v for n, v in held.items() if n.startswith("layer.")})
    own.training = held.training
    if not row.indices:
        x = torch.tanh(x @ held["before.kernel"] + held["before.bias"])
    y = row.meant(x, own).flatten(1)
    return y @ held["after.kernel"] + held["after.bias"], own


def _last_penalty(row: Row, held: ArrayOrStreamed, optimizer: Any, rate: float) -> float:
    """Return the penalty of the last step, before it moved the parameters."""
    moved = ArrayOrStreamed()
    for name, value in held.items():
        if name.startswith("layer.") and value.requires_grad:
            back = rate * optimizer.state[value]["momentum_buffer"]
            moved[name.removeprefix("layer.")] = value.detach() + back
    return float(row.penalty(moved))


def named(found: Sequence[Row]) -> Any:
    """Return the mark that runs a test for each row."""
    return pytest.mark.parametrize("row", [pytest.param(row, id=str(row)) for row in found])

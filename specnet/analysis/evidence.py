"""What the fit verdict goes by, beside the curves: how costs vary from row to row, and the best constant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf, prod, sqrt
from typing import Any

import numpy as np

from specnet.analysis.chance import chance_of_costing_more
from specnet.analysis.verdict import Baseline, BaselineScore, Costs, Evidence, Verdict, judge
from specnet.analysis.weighting import counted_costs, mean_of, median_of, variance_of
from specnet.data import Dataset, Split
from specnet.data.streamed import by_name, taken, taken_inputs
from specnet.engines.execution import Bound, Executable
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.model.arrays import as_arrays, as_targets
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.model.outputs import NetworkOutput, array_name, total
from specnet.passes.pipeline import plan
from specnet.vocabulary.losses import Loss

Array = np.ndarray[Any, Any]
Targets = Mapping[str, Array]
"""Arrays of targets by their names, as the losses take them."""

ROWS_AT_ONCE = 256
"""Rows measured at once: few, so that the end of a run takes no more memory than its training."""

ENOUGH_NUMBERS = 1 << 20
"""Up to how many numbers are held at once of targets that stay in their file."""

ENOUGH_ROWS = 20_000
"""Of a larger split as many rows are measured, spread evenly: more would sharpen no verdict."""


def verdict_of(
    model: CompiledModel,
    data: Dataset,
    history: Iterable[Mapping[str, Any]],
    splits: Mapping[str, Mapping[str, Any]],
    best_epoch: int | None = None,
) -> Verdict:
    """Return how well a trained model fits; without a validation split, nothing is measured for it.

    `history`, `splits` and `best_epoch` are as `judge` takes them.
    """
    if "validation" not in splits:
        return judge(history, splits, None)
    train, validation = data.splits["train"], data.splits["validation"]
    baseline = best_constant(model.network, train)
    evidence = None if baseline is None else row_evidence(model, train, validation, baseline)
    return judge(history, splits, baseline, evidence, best_epoch)


def row_evidence(model: CompiledModel, train: Split, validation: Split, baseline: Baseline) -> Evidence:
    """Return how the losses of two splits are made up of their rows': as in evaluation, without penalties."""
    network = model.network
    loss = network.spec.loss
    executable = _cost_program(model, max(len(train), len(validation)))

    def measured(split: Split) -> tuple[Costs, Array]:
        costs = counted_costs(_row_costs(model, executable, split), _some_weights(split, 1))
        unit = loss.scale * (len(split) * network.elements_per_row if loss.reduction == "sum" else 1)
        spread = float(costs.std(ddof=1)) if len(costs) > 1 else 0.0
        return Costs(len(costs), float(costs.mean()), spread, unit), costs

    with np.errstate(all="ignore"):
        of_train, trained = measured(train)
        of_validation, validated = measured(validation)
        constant = _constant_on(network, validation, validated, train, baseline)
    chance = chance_of_costing_more(validated, trained, baseline.loss)
    return Evidence(of_train, of_validation, chance, constant)


def row_costs(model: CompiledModel, split: Split) -> tuple[Array, Array]:
    """Return the indices of rows, all or enough of them, and what each costs: as in evaluation, without penalties."""
    with np.errstate(all="ignore"):
        return _chosen(len(split)), _row_costs(model, _cost_program(model, len(split)), split)


def _cost_program(model: CompiledModel, rows: int) -> Executable:
    lowered = model.network.lower(training=False)
    lowered.graph.outputs = {"costs": _by_row(lowered.elements)}
    return Executable(plan(lowered.graph, min(rows, ROWS_AT_ONCE), threads=model.network.threads))


def _row_costs(model: CompiledModel, executable: Executable, split: Split) -> Array:
    network, chosen = model.network, _chosen(len(split))
    costs = np.empty(len(chosen))
    maximum = executable.plan.batch
    arrays = {each.name: np.empty((maximum, *each.shape), each.dtype) for each in network.inputs}
    for output in network.outputs.values():
        arrays[output.target] = np.empty((maximum, *output.target_shape), output.target_dtype)
    bounds: dict[int, Bound] = {}
    for cut in _cuts(len(chosen)):
        part = chosen[cut]
        rows = len(part)
        if rows not in bounds:
            given = {name: array[:rows] for name, array in arrays.items()}
            bounds[rows] = executable.bind(rows, model.leaves(**given))
        for name, array in as_arrays(network, *split.at(part)).items():
            arrays[name][:rows] = array
        bounds[rows].step()
        costs[cut] = bounds[rows].arrays["costs"]
    return costs


def best_constant(network: Network, train: Split) -> Baseline | None:
    """Return what always predicting one thing costs at best on the training split.

    It is the cheapest of a few candidates: the shares of the classes, or the mean of the targets, their
    median, and what lies between. None where the loss is finite for none of them, or compares rows with each other.
    """
    if network.spec.loss.targets == "groups":
        return None  # one point for all rows says nothing of them
    targets = _some_targets(network, train)
    weights = _some_weights(train, _thinned(network, train))
    best: Baseline | None = None
    share = _share_of_most_frequent(network, (targets, weights), (targets, weights))
    for prediction, constants in _candidates(network, targets, weights):
        loss = float(counted_costs(_constant_costs(network, constants, targets), weights).mean())
        if np.isfinite(loss) and (best is None or loss < best.loss):
            best = Baseline(loss, prediction, share, constants)
    return best


def _constant_on(
    network: Network, validation: Split, costs: Array, train: Split, baseline: Baseline
) -> BaselineScore:
    """Return what the baseline's prediction comes to on validation rows, of which `costs` are the model's costs."""
    targets = _some_targets(network, validation)
    weights = _some_weights(validation, _thinned(network, validation))
    constant = counted_costs(_constant_costs(network, baseline.constants, targets), weights)
    difference = costs[:: _thinned(network, validation)] - constant
    error = float(difference.std(ddof=1)) / sqrt(len(difference)) if len(difference) > 1 else inf
    return BaselineScore(
        float(costs.mean() - difference.mean()),
        error,
        float(variance_of(targets["targets"], weights).mean()) if network.spec.loss.type == "mse" else None,
        _share_of_most_frequent(
            network,
            (_some_targets(network, train), _some_weights(train, _thinned(network, train))),
            (targets, weights),
        )
        if _counts_classes_alike(network.spec.loss)
        else None,
    )


def _counts_classes_alike(loss: Loss) -> bool:
    """Return whether a loss is after the most hits: weights and overlaps give them up for rare classes."""
    weights = (getattr(loss, "class_weights", None), getattr(loss, "alpha", None))
    alike = weights == (None, None) and getattr(loss, "positive_weight", 1.0) == 1.0
    return alike and loss.type not in {"dice", "binary_dice"}


def _some_targets(network: Network, split: Split) -> Targets:
    """Return the targets of enough rows, as the losses take them."""
    chosen = _chosen(len(split))[:: _thinned(network, split)]
    # The same rows' inputs, where these are compared with, too.
    inputs = taken_inputs(split.inputs, chosen) if _compares_inputs(network) else np.empty(0)
    return as_targets(network, taken(split.targets, chosen), inputs)


def _some_weights(split: Split, thinned: int) -> Array | None:
    """Return the weights of as many rows, with a mean of 1; None where all rows count alike."""
    if split.weights is None:
        return None
    weights = split.weights[_chosen(len(split))[::thinned]]
    return weights / weights.mean() if weights.any() else None


def _frequencies(targets: Array, weights: Array | None, loss: Loss, classes: int = 0) -> Array:
    """Return how many class indices (rows, ...) there are of each class, or the sum of their rows' weights.

    Those that the loss ignores are left out.
    """
    flat = targets.reshape(-1)
    each = None if weights is None else np.repeat(weights, len(flat) // len(targets))
    ignored = loss.ignored
    if ignored is not None:
        there = flat != ignored
        flat, each = flat[there], None if each is None else each[there]
    return np.bincount(flat, each, minlength=classes)


def _thinned(network: Network, split: Split) -> int:
    """Return of how many measured rows one's targets are held: rows in a file may be too wide for all of them."""
    parts = [split.targets, *(by_name(split.inputs).values() if _compares_inputs(network) else [])]
    wide = sum(prod(held.shape[1:]) for held in parts if not isinstance(held, np.ndarray))
    return max(1, -(-len(_chosen(len(split))) * wide // ENOUGH_NUMBERS))


def _compares_inputs(network: Network) -> bool:
    return any(output.of_inputs for output in network.outputs.values())


def _candidates(
    network: Network, targets: Targets, weights: Array | None
) -> Iterator[tuple[str, dict[str, Array]]]:
    """Yield a constant for each output, as its loss takes it, with what they predict."""
    if not network.several:
        for prediction, constant in _constants(network.outputs[""], targets["targets"], weights):
            yield prediction, {"": constant}
        return
    first = {
        name: next(iter(_constants(output, targets[output.target], weights)))[1]
        for name, output in network.outputs.items()
    }
    yield "the same for every row", first


def _constants(output: NetworkOutput, targets: Array, weights: Array | None) -> Iterator[tuple[str, Array]]:
    loss, tiny = output.loss, 1e-30
    if output.target_dtype == "int64":
        counts = _frequencies(targets, weights, loss, output.shape[-1])
        shares = counts / max(counts.sum(), 1)
    else:
        shares = mean_of(targets, weights)
    if loss.output_activation == "softmax":
        of_classes = np.asarray(getattr(loss, "class_weights", None) or 1.0)
        yield (
            "the shares of the classes",
            np.log(np.maximum(shares * of_classes / np.sum(shares * of_classes), tiny)),
        )
    elif loss.output_activation == "sigmoid":
        weighted = shares * getattr(loss, "positive_weight", 1.0)
        shares = np.clip(weighted / (weighted + 1.0 - shares), 1e-12, 1.0 - 1e-12)
        yield "the share of each label", np.log(shares) - np.log1p(-shares)
    elif loss.output_activation == "exp":
        yield "the mean of the targets", np.log(np.maximum(shares, tiny))
    elif loss.output_activation == "mean":
        spread = variance_of(targets, weights)
        yield (
            "the mean and the variance of the targets",
            np.concatenate([shares, np.log(np.maximum(spread, tiny))], axis=-1),
        )
    elif loss.targets == "binary":
        yield "the more frequent class", np.where(shares > (targets.max() + targets.min()) / 2, 1.0, -1.0)
        yield "a score between the classes", np.clip(2.0 * shares - 1.0, -1.0, 1.0)
    else:
        median = median_of(targets, weights)
        yield "the mean of the targets", shares
        yield "the median of the targets", median
        for part in (0.25, 0.5, 0.75):
            yield "one number between the mean and the median", shares + part * (median - shares)


def _constant_costs(network: Network, constants: Mapping[str, Array], targets: Targets) -> Array:
    """Return what each row costs where every row is given the same outputs."""
    graph = Graph(network.spec.dtype)
    elements = {}
    for name, output in network.outputs.items():
        given = leaf(graph, array_name("outputs", name), "input", (BATCH, *output.loss_shape))
        target = leaf(graph, output.target, "target", (BATCH, *output.target_shape), output.target_dtype)
        elements[name] = output.loss.elements(given, target)
    graph.outputs["costs"] = _by_row(total(network.outputs, elements))
    count = len(next(iter(targets.values())))
    executable = Executable(plan(graph, min(count, ROWS_AT_ONCE), threads=network.threads))
    costs = np.empty(count)
    with np.errstate(all="ignore"):
        for cut in _cuts(count):
            rows = cut.stop - cut.start
            arrays = {name: array[cut] for name, array in targets.items()}
            for name, output in network.outputs.items():
                same = np.empty((rows, *output.loss_shape), network.spec.dtype)
                constant = constants[name]
                if constant.shape == output.loss_shape[-1:]:
                    same[...] = constant  # the same at every place of a row
                else:
                    # A constant of one number for all elements is spread over them.
                    same.reshape(rows, -1)[...] = constant.reshape(-1)
                arrays[array_name("outputs", name)] = same
            bound = executable.bind(rows, arrays)
            bound.step()
            costs[cut] = bound.arrays["costs"]
    return costs


def _share_of_most_frequent(
    network: Network, known: tuple[Targets, Array | None], others: tuple[Targets, Array | None]
) -> float | None:
    """Return the share among `others` of the class most frequent in `known`; None without one class a row.

    Both are targets with the weights of their rows.
    """
    if network.several:
        return None
    only, seen, compared = network.outputs[""], known[0]["targets"], others[0]["targets"]
    if only.target_dtype == "int64":
        most = _frequencies(seen, known[1], only.loss, only.shape[-1]).argmax()
        if only.loss.ignored is not None:
            among_counted = _frequencies(compared, others[1], only.loss, only.shape[-1])
            return float(among_counted[most] / max(among_counted.sum(), 1))
        return float(mean_of(compared == most, others[1]).mean())
    if only.loss.targets == "binary" and only.target_shape == (1,):
        middle = (seen.max() + seen.min()) / 2
        share = float(mean_of(seen > middle, known[1]).mean())
        among = float(mean_of(compared > middle, others[1]).mean())
        return among if share > 0.5 else 1.0 - among
    return None


def _by_row(elements: Value) -> Value:
    return elements if elements.rank == 1 else ops.mean(elements, axes=tuple(range(1, elements.rank)))


def _chosen(rows: int) -> Array:
    """Return the indices of the rows to measure: all, or enough of them."""
    return np.arange(rows) if rows <= ENOUGH_ROWS else np.linspace(0, rows - 1, ENOUGH_ROWS).astype(np.intp)


def _cuts(rows: int) -> list[slice]:
    return [slice(start, min(start + ROWS_AT_ONCE, rows)) for start in range(0, rows, ROWS_AT_ONCE)]

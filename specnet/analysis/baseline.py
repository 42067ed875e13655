"""What always predicting one thing costs at best, which a model is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, sqrt

import numpy as np

from specnet.analysis.sampling import (
    Array,
    Targets,
    chunks,
    cost_by_row,
    rows_at_once,
    sampled_targets,
    sampled_weights,
    thinning,
)
from specnet.analysis.verdict import Baseline, BaselineScore
from specnet.analysis.weighting import counted_costs, mean_of, median_of, quantile_of, variance_of
from specnet.data import Split
from specnet.data.inputs import is_padded
from specnet.data.signature import Padding
from specnet.engines.execution import Executable
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.model.costs import element_costs, whole_cost
from specnet.model.network import Network
from specnet.model.outputs import NetworkOutput, OutputValues, array_name
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.losses.ctc import CTC


def best_constant(network: Network, train: Split) -> Baseline | None:
    """Return what always predicting one thing costs at best on the training split.

    It is the cheapest of a few candidates: the shares of the classes, or the mean of the targets, their
    median, and what lies between. None where the loss is finite for none of them, or compares rows with each other.
    """
    if network.spec.loss.targets == "groups":
        return None  # one point for all rows says nothing of them
    if _spelling(network) and _has_padding(network):
        return None  # the targets do not show how many steps there are
    if any(output.is_masked and _padding(network, output) is None for output in network.outputs.values()):
        return None  # the targets do not show which steps there are
    targets = sampled_targets(network, train)
    weights = sampled_weights(train, thinning(network, train))
    best: Baseline | None = None
    share = _share_of_most_frequent(network, (targets, weights), (targets, weights))
    for prediction, constants in _candidates(network, targets, weights):
        loss = float(counted_costs(_constant_costs(network, constants, targets), weights).mean())
        if np.isfinite(loss) and (best is None or loss < best.loss):
            best = Baseline(loss, prediction, share, constants)
    return best


def score_on(
    network: Network, validation: Split, costs: Array, train: Split, baseline: Baseline
) -> BaselineScore:
    """Return what the baseline's prediction comes to on validation rows, of which `costs` are the model's costs."""
    targets = sampled_targets(network, validation)
    weights = sampled_weights(validation, thinning(network, validation))
    constant = counted_costs(_constant_costs(network, baseline.constants, targets), weights)
    difference = costs[:: thinning(network, validation)] - constant
    error = float(difference.std(ddof=1)) / sqrt(len(difference)) if len(difference) > 1 else inf
    return BaselineScore(
        float(costs.mean() - difference.mean()),
        error,
        float(variance_of(targets["targets"], weights).mean()) if network.spec.loss.type == "mse" else None,
        _share_of_most_frequent(
            network,
            (sampled_targets(network, train), sampled_weights(train, thinning(network, train))),
            (targets, weights),
        )
        if _counts_classes_alike(network.spec.loss)
        else None,
    )


def _spelling(network: Network) -> bool:
    """Return whether steps spell targets, which have no class each."""
    return not all(output.loss.by_step for output in network.outputs.values())


def _has_padding(network: Network) -> bool:
    """Return whether steps of some output may be padding."""
    return any(own.exists is not None for own in network.lower(training=False).outputs.values())


def _counts_classes_alike(loss: Loss) -> bool:
    """Return whether a loss is after the most hits: weights and overlaps give them up for rare classes."""
    weights = (getattr(loss, "class_weights", None), getattr(loss, "alpha", None))
    alike = weights == (None, None) and getattr(loss, "positive_weight", 1.0) == 1.0
    return alike and loss.type not in {"dice", "binary_dice"}


def _padding(network: Network, output: NetworkOutput) -> Padding | None:
    """Return how an output's targets show which of their steps are padding; None where they do not, or none are."""
    found = {array.padding for array in network.inputs}
    if output.target_dtype != "int64" or not output.is_masked:
        return None
    return "token" if "token" in found else "boundary" if "boundary" in found else None


def _frequencies(
    targets: Array, weights: Array | None, loss: Loss, classes: int = 0, padding: Padding | None = None
) -> Array:
    """Return how many class indices (rows, ...) there are of each class, or the sum of their rows' weights.

    Those that the loss ignores are left out, and steps of padding.
    """
    flat = targets.reshape(-1)
    each = None if weights is None else np.repeat(weights, len(flat) // len(targets))
    if padding is not None or loss.ignored is not None:
        there = flat != loss.ignored if padding is None else ~is_padded(targets, padding).reshape(-1)
        flat, each = flat[there], None if each is None else each[there]
    return np.bincount(flat, each, minlength=classes)


def _candidates(
    network: Network, targets: Targets, weights: Array | None
) -> Iterator[tuple[str, dict[str, Array]]]:
    """Yield a constant for each output, as its loss takes it, with what they predict."""
    if not network.several:
        for prediction, constant in _constants(network, network.outputs[""], targets["targets"], weights):
            yield prediction, {"": constant}
        return
    first = {
        name: next(iter(_constants(network, output, targets[output.target], weights)))[1]
        for name, output in network.outputs.items()
    }
    yield "the same for every row", first


def _constants(
    network: Network, output: NetworkOutput, targets: Array, weights: Array | None
) -> Iterator[tuple[str, Array]]:
    loss, tiny = output.loss, 1e-30
    if isinstance(loss, CTC):
        yield from _spelt(loss, output, targets, weights)
        return
    if output.target_dtype == "int64":
        counts = _frequencies(targets, weights, loss, output.shape[-1], _padding(network, output))
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
    elif loss.output_activation == "median":
        levels: tuple[float, ...] = getattr(loss, "quantiles", ())
        constants = np.stack([quantile_of(targets, level, weights) for level in levels], axis=-1)
        yield "the quantiles of the targets", constants.reshape(*targets.shape[1:-1], -1)
    elif loss.targets == "binary":
        yield "the more frequent class", np.where(shares > (targets.max() + targets.min()) / 2, 1.0, -1.0)
        yield "a score between the classes", np.clip(2.0 * shares - 1.0, -1.0, 1.0)
    else:
        median = median_of(targets, weights)
        yield "the mean of the targets", shares
        yield "the median of the targets", median
        for part in (0.25, 0.5, 0.75):
            yield "one number between the mean and the median", shares + part * (median - shares)


def _spelt(
    loss: CTC, output: NetworkOutput, targets: Array, weights: Array | None
) -> Iterator[tuple[str, Array]]:
    """Yield probabilities that are the same at every step: of each class its share, and of the blank some more."""
    counts = _frequencies(targets, weights, loss, output.loss_shape[-1]).astype(np.float64)
    counts[loss.blank] = 0.0
    rows = float(len(targets)) if weights is None else float(weights.sum())
    said = min(1.0, counts.sum() / max(rows, 1.0) / output.loss_shape[0])
    for times in (0.5, 1.0, 1.5, 2.0):
        shares = np.maximum(counts / max(counts.sum(), 1.0) * min(0.99, times * said), 1e-30)
        shares[loss.blank] = 1.0 - min(0.99, times * said)
        yield "the shares of the classes at every step", np.log(shares)


def _constant_costs(network: Network, constants: Mapping[str, Array], targets: Targets) -> Array:
    """Return what each row costs where every row is given the same outputs."""
    graph = Graph(network.spec.dtype)
    values, masks = {}, dict[str, Array]()
    for name, output in network.outputs.items():
        given = leaf(graph, array_name("outputs", name), "input", (BATCH, *output.loss_shape))
        target = leaf(graph, output.target, "target", (BATCH, *output.target_shape), output.target_dtype)
        padding, mask = _padding(network, output), None
        if padding is not None:
            mask = leaf(graph, array_name("masks", name), "input", (BATCH, *output.target_shape))
            masks[array_name("masks", name)] = ~is_padded(targets[output.target], padding)
        elements, _ = element_costs(output.loss, given, target, mask)
        values[name] = OutputValues(target, given, given, elements, mask)
    whole, _ = whole_cost(network.outputs, values, (), network.spec.loss)
    graph.outputs["costs"] = cost_by_row(whole)
    count = len(next(iter(targets.values())))
    executable = Executable(network.plan(graph, rows_at_once(network, count)))
    costs = np.empty(count)
    with np.errstate(all="ignore"):
        for cut in chunks(count, executable.plan.batch):
            rows = cut.stop - cut.start
            arrays = {name: array[cut] for name, array in targets.items()}
            arrays |= {name: mask[cut].astype(network.spec.dtype) for name, mask in masks.items()}
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
    if network.several or _spelling(network):
        return None
    only, seen, compared = network.outputs[""], known[0]["targets"], others[0]["targets"]
    if only.target_dtype == "int64":
        padding = _padding(network, only)
        most = _frequencies(seen, known[1], only.loss, only.shape[-1], padding).argmax()
        if padding is not None or only.loss.ignored is not None:
            among_counted = _frequencies(compared, others[1], only.loss, only.shape[-1], padding)
            return float(among_counted[most] / max(among_counted.sum(), 1))
        return float(mean_of(compared == most, others[1]).mean())
    if only.loss.targets == "binary" and only.target_shape == (1,):
        middle = (seen.max() + seen.min()) / 2
        share = float(mean_of(seen > middle, known[1]).mean())
        among = float(mean_of(compared > middle, others[1]).mean())
        return among if share > 0.5 else 1.0 - among
    return None

"""Whether a machine can hold a training, known before anything is allocated."""

from __future__ import annotations

from specnet.data import files
from specnet.data.format import BATCHES
from specnet.diagnostics import Diagnostic, KeyPath, Part, SpecError
from specnet.diagnostics.text import sized
from specnet.graph.parameter import Parameter
from specnet.graph.sizes import ITEM_BYTES
from specnet.language.spec import Spec
from specnet.model.network import Network
from specnet.model.row_memory import augmentation_memory
from specnet.model.settings import batch_rows, evaluation_rows
from specnet.vocabulary.optimizers import Searching

FALLBACK = 64 * 2**30
"""The memory that a machine is taken to have where its system does not report it."""


def check_memory(network: Network, ranks: int = 1, beside: int = 1, *, shared: bool = False) -> None:
    """Raise SpecError where a training needs more than the machine's memory; see `memory_fault`."""
    found = memory_fault(network, ranks, beside, shared=shared)
    if found:
        raise SpecError(found)


def memory_fault(
    network: Network, ranks: int = 1, beside: int = 1, *, shared: bool = False
) -> list[Diagnostic]:
    """Return the finding that a training needs more than the machine's memory, or nothing.

    It may be one of several `ranks`, of which so many run on this machine `beside` each other; with `shared`, these
    hold their rows once. Call it once the training settings are known to be sound. Small networks are not planned for
    it.
    """
    there = files.memory() or FALLBACK
    if beside * _at_most(network) <= there:
        return []
    from specnet.model.training_memory import shared_memory

    parts = _needed(network, ranks)
    needed = sum(parts.values())
    once = shared_memory(network, network.signature.rows) if shared and beside > 1 else 0
    # The process that reads the rows has them for itself until all have them.
    most = max(once + beside * (needed - once), 2 * once)
    if max(needed, most) <= there:
        return []
    path, part, largest = _of_metric(network, needed, ranks) or _largest(network, parts)
    each = "" if beside == 1 else f" in each of {beside} processes"
    if once:
        needed, each = most, f" in {beside} processes together"
    return [
        Diagnostic(
            "SN605",
            f"the training needs {sized(needed)}{each}, of the machine's {sized(there)}: {largest}",
            path,
            part=part,
            help=_help(network, path),
        )
    ]


def _needed(network: Network, ranks: int) -> dict[str, int]:
    """Return the bytes that a training needs, by what they are for."""
    from specnet.model.plans import plan_training
    from specnet.model.training_memory import memory

    rows, batches = network.signature.rows, None
    if network.varies:
        from specnet.model.batching import of_one_length

        batches = of_one_length(network, rows)
    return memory(network, plan_training(network, rows, units=False, batches=batches, ranks=ranks), rows)


def _of_metric(network: Network, needed: int, ranks: int) -> tuple[KeyPath, Part, str] | None:
    """Return the metric without which a training needs less than half, as a table of all classes; None without one."""
    metrics = network.spec.metrics or ()
    for place, metric in enumerate(metrics):
        others = {"metrics": (*metrics[:place], *metrics[place + 1 :])}
        without = Network(network.spec.model_copy(update=others), network.signature, found=[])
        own = needed - sum(_needed(without, ranks).values())
        if 2 * own > needed:
            return ("metrics", place), "value", f"{sized(own)} of it are what `{metric.type}` needs"
    return None


def least_memory_fault(
    spec: Spec, inputs: tuple[int, ...], parameters: tuple[Parameter, ...]
) -> list[Diagnostic]:
    """Return the finding that parameters or one row alone need more than the machine's memory, or nothing.

    It is for a network whose data are not known.
    """
    there, item = files.memory() or FALLBACK, ITEM_BYTES[spec.dtype]
    fitted = sum(p.size * (2 if p.role == "parameter" else 1) for p in parameters) * item
    row = _product(inputs) * item
    if max(fitted, row) <= there:
        return []
    most = f"of the machine's {sized(there)}"
    largest = max(parameters, key=lambda p: p.size, default=None)
    if largest is None or row >= fitted:
        message = f"one row needs {sized(row)}, {most}"
        return [Diagnostic("SN605", message, ("input_shape",), help="a smaller input")]
    own = _named(largest, largest.size * item)
    message = f"parameters and their gradients need {sized(fitted)}, {most}: {own}"
    return [Diagnostic("SN605", message, largest.key_path, part="type", help="a smaller network or input")]


def _help(network: Network, path: KeyPath) -> str:
    loading = getattr(network.spec.data, "load", None)
    if path == ("data",) and loading is not None and not network.signature.batches:
        return f"a smaller network, batch or data set; {BATCHES}"
    return "another metric" if path[:1] == ("metrics",) else "a smaller network, batch or data set"


def _at_most(network: Network) -> int:
    """Return more bytes than a training can need, from the shapes alone.

    Parameters count with a copy, their gradients, a sum of these, and the slots that any optimizer keeps; each
    value of the network with its gradient and what its rule and the metrics may need beside it, and what metrics keep.
    """
    rows = network.signature.rows
    batch = max(batch_rows(network.spec, rows["train"]), evaluation_rows(network, max(rows.values())))
    lowered = network.forward(training=True, spread=network.fed_targets.spread)
    passing = sum(value.count.at(batch) for value in lowered.graph.values)
    one = _product(network.signature.inputs) + _product(network.signature.target)
    one += sum(_product(output.target_shape) for output in network.outputs.values())
    kept = sum(p.size for p in network.arrays)
    optimizer = network.spec.training.optimizer
    if isinstance(optimizer, Searching):
        kept += sum(_product(shape) for shape in optimizer.slot_shapes(network.trained_size).values())
    lasting = len(rows) + 1
    reading = network.signature.reading * lasting + network.signature.passing + network.signature.loading
    numbers = (
        12 * kept
        + 8 * passing
        + _measured(network)
        + 2 * (sum(rows.values()) + 2 * lasting * batch) * (one + 2)
    )
    return 8 * numbers + reading + augmentation_memory(network, batch)


def _measured(network: Network) -> int:
    """Return more numbers than metrics can need apart from batches: of whole splits, and tables of all classes."""
    rows = sum(network.signature.rows.values())
    return sum(
        rows * _product(output.shape) + (0 if figure.is_number else 8 * max(output.shape, default=1) ** 2)
        for output in network.outputs.values()
        for figure in output.figures
    )


def _largest(network: Network, parts: dict[str, int]) -> tuple[KeyPath, Part, str]:
    """Return where in the document the most memory is asked for, and what it is for."""
    largest = max(network.parameters, key=lambda p: p.size, default=None)
    item = ITEM_BYTES[network.spec.dtype]
    # Whatever else lies in the arena, the gradients of all parameters do.
    gradients = network.trained_size * item
    fitted = parts["parameters"] + parts["slots"] + gradients
    passing = parts["arena"] + parts["kept"] - gradients
    rows = parts["data"] + parts["batches"] + parts["augmentation"]
    if rows >= max(fitted, passing):
        return ("data",), "type", f"{sized(rows)} of it are the data"
    if largest is not None and fitted >= passing:
        own = largest.size * item
        return (
            largest.key_path,
            "type",
            f"{sized(fitted)} of it are parameters and what trains them, {_named(largest, own)}",
        )
    return _widest(network, passing)


def _widest(network: Network, passing: int) -> tuple[KeyPath, Part, str]:
    rows = network.signature.rows["train"]
    batch = batch_rows(network.spec, rows)
    wide = max(network.layers, key=lambda layer: _width(layer.output))
    message = (
        f"{sized(passing)} of it are values between layers, for {batch} rows at once, most from `{wide.name}`"
    )
    return wide.path, "type", message


def _width(shape: tuple[object, ...]) -> int:
    return _product(tuple(dim for dim in shape if isinstance(dim, int)))


def _named(parameter: Parameter, size: int) -> str:
    shape = " x ".join(map(str, parameter.shape))
    return f"{sized(size)} in `{parameter.name}` alone ({shape})"


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for dim in shape:
        size *= dim
    return size

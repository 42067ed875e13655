"""The memory that a training takes, by what it is for."""

from __future__ import annotations

from math import prod

from specnet.data.rows import rows_at_once
from specnet.engines.bound_size import bound_bytes
from specnet.engines.program import NumpyProgram, steps_bytes
from specnet.graph.declarations import CARRIED
from specnet.graph.sizes import ITEM_BYTES, Sizes, at
from specnet.model.augmenting import augments_by_row
from specnet.model.batching import Batchings
from specnet.model.network import Network
from specnet.model.outputs import SCALES, WEIGHTS, scales_shape
from specnet.model.plans import Plans
from specnet.model.row_memory import augmentation_memory, row_bytes
from specnet.model.updates import AVERAGE
from specnet.passes.plan import Plan

BATCH = 220
"""Bytes of the objects that say which rows of a split a batch has, as measured."""


def memory(network: Network, plans: Plans, rows: dict[str, int]) -> dict[str, int]:
    """Return the bytes that a training holds at once, by what they are for.

    `data` the splits themselves, or for what stays in files the memory that reading it takes; `parameters`,
    `slots` of the optimizer, `batches` what the plans read and the order of the rows, `augmentation` what
    changes them, `arena` values between the steps of the plans, `kept` what they compute once, and what
    metrics must see whole, `loops` the views of each step of the loops, and `bindings` what else plans with loops, and
    those of batches by length, have ready. `loading` is by how much more than all of
    these the rows take before the training, while its arrays are made of them. `batches` are those by length.
    """
    spec, signature = network.spec, network.signature
    item, batches = ITEM_BYTES[spec.dtype], plans.batches
    scale = _scale(network)
    own, converted = _held(network, rows)
    stopping = spec.training.early_stopping
    copies = 2 if stopping is not None and stopping.restore_best else 1
    kept = sum(p.size for p in network.arrays)
    per_element = int(network.rates_differ) + int(network.weight_decays is not None)
    feeds = [(plans.step, rows["train"])] + [(plans.evaluation, n) for n in rows.values()]
    whole_step = not augments_by_row(spec)  # all rows of a batch go through augmentations
    cut = [
        (
            p.batch if whole_step and p is plans.step else plans.own(p.batch),
            8 * n + BATCH * -(-n // p.batch),
            row_bytes(network, apart=p is plans.step and bool(spec.data.augmentations))
            + (scale * item if p is plans.evaluation else 0),
        )
        for p, n in feeds
        if n > p.batch
    ]
    reading = signature.reading * len(feeds) + signature.passing
    in_one = sum(plans.own(n) for p, n in feeds if n <= p.batch)
    if batches is not None:
        cut, in_one = [], 0
    bound = _bound(plans, rows)
    loops = _loops(bound)
    plans_used = [plans.step, plans.evaluation] + ([plans.update] if plans.update is not None else [])
    parts = {
        "data": sum(rows.values()) * (own + converted) + reading + signature.held,
        "parameters": (copies * kept + per_element * network.trained_size) * item,
        "slots": sum(
            # A running mean is whole wherever it is measured.
            prod(shape if name == f"slot/{AVERAGE}" else plans.slot_shape(name)) * item
            for name, (shape, _) in plans.slots.items()
        ),
        "batches": sum(batch * row + order for batch, order, row in cut)
        + sum(_states(p) for p, _ in feeds)
        + in_one * row_bytes(network, held=False)
        + (_by_length(network, plans, batches) if batches is not None else 0),
        "augmentation": augmentation_memory(
            network, plans.step.batch, plans.step.batch if whole_step else plans.own(plans.step.batch)
        ),
        "arena": sum(p.arena for p in plans_used),
        "kept": sum(p.prologue * len(sizes) for p, sizes in bound)
        + (plans.update.prologue if plans.update is not None else 0)
        + (
            sum(rows.values()) * _seen(plans.evaluation, plans.sizes(1))
            if batches is None
            else _seen_by_length(plans, batches)
        ),
        **loops,
        **({"bindings": _ready(bound)} if batches is not None or loops else {}),
    }
    loading = _loading(network, rows) - sum(parts.values())
    return {**parts, "loading": loading} if loading > 0 else parts


def shared_memory(network: Network, rows: dict[str, int]) -> int:
    """Return which bytes of `data` processes of one machine hold together: the rows as the data have them."""
    return sum(rows.values()) * _held(network, rows)[0] + network.signature.held


def _scale(network: Network) -> int:
    """Return how many numbers the scales of a window have."""
    return prod(scales_shape(network.signature)) if network.signature.scaled else 0


def _held(network: Network, rows: dict[str, int]) -> tuple[int, int]:
    """Return the bytes of a row as the data have it, and of what is made of it for the training beside that."""
    spec, signature = network.spec, network.signature
    item, scale = ITEM_BYTES[spec.dtype], _scale(network)
    indices = signature.integers or network.fed_targets.array is not None
    raw_target = (8 if indices else item) * prod(signature.target)
    if spec.data.reproduces:
        raw_target = 0  # the inputs' own array
    # Weights and the scales of windows, as the data have them, and as plans read them.
    held = (8 if network.weighted else 0) + scale * 8
    made = (2 * item if network.weighted else 0) + scale * (0 if item == 8 else item)
    # Whole numbers that a loss compares with numbers are held as both.
    numbers = any(o.target_dtype != "int64" and not o.of_inputs for o in network.outputs.values())
    converted = item * prod(signature.target) if signature.integers and numbers else 0
    if "targets" not in signature.batches:
        held, made = held + raw_target, made + converted
    if not signature.batches:
        return held + sum(ITEM_BYTES[array.dtype] * prod(array.shape) for array in network.inputs), made
    if spec.data.split is not None and spec.data.split.taken:
        # Which rows of the file a split has, by number, and for a file that is parsed also by a mark a row.
        held += 8 + (len(rows) if signature.passing else 0)
    return held, made


def _loading(network: Network, rows: dict[str, int]) -> int:
    """Return the most that rows take while arrays are made of them: as they are stored, and what has been made.

    Files of their own are given up one by one; of one file that is split, all rows stay until the last split is made.
    """
    signature, item = network.signature, ITEM_BYTES[network.spec.dtype]
    if not signature.loading:
        return 0
    taken = signature.stored == f"f{item}" and len(network.inputs) == 1
    row = sum(ITEM_BYTES[array.dtype] * prod(array.shape) for array in network.inputs if not taken)
    if not network.spec.data.reproduces:
        row += (8 if signature.integers or network.fed_targets.array else item) * prod(signature.target)
    total = sum(rows.values())
    one_file = network.spec.data.split is not None and bool(network.spec.data.split.parts)
    made, left, most = 0, signature.loading, 0
    for count in rows.values():
        made += count * row
        most = max(most, left + made)
        left -= 0 if one_file else signature.loading * count // total
    worked_on = any(t.on == "inputs" for t in network.spec.data.transforms) or bool(signature.column_slices)
    block = min(max(rows.values()), rows_at_once(signature.inputs)) if worked_on else 0
    return most + block * (item + 8) * prod(signature.inputs)


Bound = list[tuple[Plan, list[Sizes]]]
"""To which sizes each plan is bound."""


def _bound(plans: Plans, rows: dict[str, int]) -> Bound:
    """Return to which sizes plans are bound, for each split that they go through."""
    if plans.batches is not None:
        found: Bound = [(plans.step, list(map(plans.sizes, plans.batches.train.forms)))]
        for each in plans.batches.measured.values():
            found.append((plans.evaluation, list(map(plans.sizes, each.forms))))
        return found
    feeds = [(plans.step, rows["train"])] + [(plans.evaluation, n) for n in rows.values()]
    return [(p, list(map(plans.sizes, _bindings(p, n)))) for p, n in feeds]


def _ready(bound: Bound) -> int:
    """Return what plans name once they are bound, for all of many sizes."""
    programs = {id(p): _program(p) for p, _ in bound}
    return sum(bound_bytes(programs[id(p)], size) for p, sizes in bound for size in sizes)


def _program(read: Plan) -> NumpyProgram:
    """Return a plan as its engine executes it."""
    if read.engine == "numpy":
        from specnet.engines.numpy.emit import emit  # which does without NumPy

        return emit(read)
    from specnet.engines.execution import emitted

    return emitted(read)


def _loops(bound: Bound) -> dict[str, int]:
    """Return what loops have ready for each of their steps, as `loops`, where a plan has some."""
    ready = sum(steps_bytes(p, size) for p, sizes in bound for size in sizes)
    return {"loops": ready} if ready else {}


def _by_length(network: Network, plans: Plans, batches: Batchings) -> int:
    """Return the bytes of the memory that batches by length are put into, and of what says which rows they have."""
    total = 0
    feeds = [(plans.step, batches.train), *((plans.evaluation, each) for each in batches.measured.values())]
    for read, each in feeds:
        forms = [{**form, "batch": plans.own(form["batch"])} for form in each.forms]
        shapes = {name: kind for name, kind in read.leaves.items() if name in _arrays_of_rows(network)}
        total += sum(
            max(prod(at(shape, form)) for form in forms) * ITEM_BYTES[d] for shape, d in shapes.values()
        )
        index = max(prod(form.values()) for form in forms) + max(form["batch"] for form in forms)
        total += 8 * (index + 2 * len(each.order) + len(each.cuts))
    return total


def _arrays_of_rows(network: Network) -> set[str]:
    """Return the names of the arrays that hold a batch's rows."""
    return {WEIGHTS, SCALES, *(a.name for a in network.inputs), *(o.target for o in network.outputs.values())}


def _seen_by_length(plans: Plans, batches: Batchings) -> int:
    """Return the bytes that metrics keep for whole splits; sequences are kept as long as the longest."""
    longest = {name: 1 if "batch" in name else most for name, most in plans.evaluation.sizes.items()}
    rows = sum(len(each.order) for each in batches.measured.values())
    return rows * _seen(plans.evaluation, longest)


def _states(plan: Plan) -> int:
    """Return the bytes of what stateful layers leave to the next batch."""
    kept = [leaf for name, leaf in plan.leaves.items() if name.startswith(CARRIED)]
    return sum(prod(at(shape, plan.sizes)) * ITEM_BYTES[dtype] for shape, dtype in kept)


def _seen(plan: Plan, row: Sizes) -> int:
    """Return the bytes a row that metrics keep for a whole split: the outputs named `label:name`."""
    kept = [value for name, value in plan.arrays.items() if ":" in name]
    return sum(value.count.at(row) * ITEM_BYTES[value.dtype] for value in kept)


def _bindings(plan: Plan, rows: int) -> list[Sizes]:
    """Return to which batch sizes a plan is bound."""
    return [plan.batch, plan.batch] if rows > plan.batch and rows % plan.batch else [plan.batch]

from __future__ import annotations

from dataclasses import dataclass

from specnet.graph.portions import Portion
from specnet.graph.sizes import Sizes, shared_sizes
from specnet.model.batching import Batchings, largest
from specnet.model.network import Network
from specnet.model.programs import accumulating_graph, evaluation_graph, searching_graph, training_graph
from specnet.model.run_length import run_length
from specnet.model.settings import batch_rows, evaluation_rows
from specnet.model.updates import Update, update_graph
from specnet.passes.collecting import no_collection
from specnet.passes.plan import Plan
from specnet.passes.share_update import portion_of
from specnet.vocabulary.optimizers import Searching


@dataclass(frozen=True, slots=True)
class Plans:
    """Everything that a training executes, as plans, and the slots that its optimizer keeps.

    One plan does a whole step. Where several batches share a step (`accumulate`), `step` adds up their
    gradients and `update` ends the step. For an optimizer that searches, `step` is one evaluation of the loss and
    its gradient, of which a step makes several.
    """

    step: Plan
    update: Plan | None
    evaluation: Plan
    slots: dict[str, tuple[tuple[int, ...], float]]
    """Shape and first value of each slot, by name."""
    batches: Batchings | None = None
    """The batches by length, where a document asks for them."""
    ranks: int = 1
    """How many processes share every batch."""
    portion: Portion | None = None
    """Which part of the parameters one of them updates, where they share that, too."""

    def sizes(self, sizes: Sizes) -> Sizes:
        """Return what one process sees of a batch of these sizes."""
        return shared_sizes(sizes, self.ranks)

    def own(self, rows: int) -> int:
        """Return the most rows that one process has of a batch."""
        return -(-rows // self.ranks)

    def in_portions(self, slot: str) -> bool:
        """Return whether a process keeps its portion of a slot alone."""
        return self.portion is not None and self.slots[slot][0] == (self.portion.size,)

    def slot_shape(self, slot: str) -> tuple[int, ...]:
        """Return the shape of what a process keeps of a slot."""
        if self.portion is not None and self.in_portions(slot):
            return (len(self.portion),)
        return self.slots[slot][0]


@no_collection()
def plan_training(
    network: Network,
    rows: dict[str, int],
    *,
    units: bool,
    batches: Batchings | None = None,
    ranks: int = 1,
    rank: int = 0,
) -> Plans:
    """Compile a network's training on splits of so many rows.

    With `units`, metrics are measured in the units of the data (see `evaluation_graph`). With several `ranks`, the
    plans are those of the process `rank` of so many, for its own rows of every batch, and for its portion of the update
    where it pays to share that: the first process has the largest.
    """
    settings = network.spec.training
    size: Sizes = batch_rows(network.spec, rows["train"])
    most: Sizes = evaluation_rows(network, max(rows.values()))
    length = run_length(network.spec, rows["train"], None if batches is None else len(batches.train.cuts))
    varying = batches is not None
    # Augmented rows are others at every step, even where the batch is the whole split.
    whole = size == rows["train"] and not network.spec.data.augmentations and not varying
    if batches is not None:
        size, most = largest([batches.train]), largest(batches.measured.values())
    shared = settings.accumulate > 1
    slots: dict[str, tuple[tuple[int, ...], float]] = {}
    update: Update | None = None
    if isinstance(settings.optimizer, Searching):
        graph = searching_graph(network)
        shapes = settings.optimizer.slot_shapes(network.trained_size)
        slots = {f"slot/{name}": (shape, 0.0) for name, shape in shapes.items()}
    elif shared:
        update = update_graph(network, length)
        graph = accumulating_graph(network, varying=varying)
        slots["accumulated"] = ((network.trained_size,), 0.0)
    else:
        update = training_graph(network, length, varying=varying)
        graph = update.graph
    if update is not None:
        slots |= {f"slot/{name}": slot for name, slot in update.slots.items()}
    portion = None
    if update is not None and ranks > 1:
        vectors = sum(shape == (network.trained_size,) for shape, _ in slots.values())
        portion = portion_of(update.graph, network.trained_size, vectors, rank, ranks)
    evaluation = evaluation_graph(network, units=units, varying=varying)
    return Plans(
        step=network.plan(
            graph,
            shared_sizes(size, ranks),
            guard="loss",
            fixed_inputs=whole,
            ranks=ranks,
            portion=portion,
        ),
        update=network.plan(update.graph, shared_sizes(1, ranks), portion=portion)
        if update is not None and shared
        else None,
        evaluation=network.plan(evaluation, shared_sizes(most, ranks), ranks=ranks),
        slots=slots,
        batches=batches,
        ranks=ranks,
        portion=portion,
    )

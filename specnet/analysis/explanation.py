"""What a document is compiled to, as data: layers, plans, counts and memory. Nothing is allocated for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from specnet.analysis.generating import Generating, generating
from specnet.analysis.learning_rate import rate_function
from specnet.data.transforms import CURVES, Transform
from specnet.engines.execution import emitted
from specnet.graph.graph import KeyPath
from specnet.graph.parameter import Role
from specnet.graph.scopes import LayerInfo
from specnet.graph.sizes import Shape, Size
from specnet.language.spec import Spec
from specnet.model.batching import Batchings, of_one_length
from specnet.model.network import Network
from specnet.model.plans import Plans, plan_training
from specnet.model.run_length import run_length
from specnet.model.training_memory import memory
from specnet.passes.collecting import no_collection
from specnet.passes.plan import Plan, Step
from specnet.vocabulary.optimizers import Searching

Phase = Literal["forward", "backward", "update"]


PHASES: tuple[Phase, ...] = ("forward", "backward", "update")


@dataclass(frozen=True)
class Explanation:
    """A network and the plans that its training is compiled to."""

    network: Network
    plans: Plans
    memory: dict[str, int]
    """Bytes that a training holds at once, by what they are for."""
    data: bool = True
    """Whether the data are known; without them, there are the rows of one batch, and memory is counted without data."""

    @property
    def batch(self) -> int:
        """Rows of a step."""
        return self.plans.step.batch

    @property
    def programs(self) -> dict[str, Plan]:
        """The plans by name: `step`, `update` where several batches share one, and `evaluation`."""
        plans = self.plans
        update = {} if plans.update is None else {"update": plans.update}
        return {"step": plans.step, **update, "evaluation": plans.evaluation}

    @staticmethod
    def code(plan: Plan) -> tuple[tuple[str, ...], ...]:
        """Return the statements of each step of a plan, as its engine executes them."""
        return emitted(plan).code

    def flops(self) -> dict[Phase, int]:
        """Return the floating-point operations of a step at full batch, by phase."""
        counts: dict[Phase, int] = dict.fromkeys(PHASES, 0)
        plans, share = self.plans, self.network.spec.training.accumulate
        for plan, times in ((plans.step, share), (plans.update, 1)):
            for step in () if plan is None else plan.steps:
                if not step.prologue:
                    counts[step.phase] += times * step.flops.at(plan.sizes if plan is not None else 1)
        return counts

    def size_of(self, layer: LayerInfo) -> int:
        """Return how many numbers a layer's parameters hold."""
        return sum(self._sizes.get(name, 0) for name in layer.parameters)

    def trained_of(self, layer: LayerInfo) -> int:
        """Return how many numbers of a layer training fits."""
        return self.size_of(layer) - sum(self._frozen.get(name, 0) for name in layer.parameters)

    def not_trained_of(self, layer: LayerInfo) -> int:
        """Return how many numbers of a layer training does not fit: frozen parameters and running statistics."""
        return sum(self._not_trained.get(name, 0) for name in layer.parameters)

    @property
    def by_length(self) -> dict[str, Any] | None:
        """How many batches an epoch has, their rows and their lengths, by named size, where they are made by length."""
        if self.plans.batches is None:
            return None
        train = self.plans.batches.train
        lengths = {
            name: sorted({cut.lengths[place] for cut in train.cuts}) for place, name in enumerate(train.names)
        }
        rows = sorted({cut.stop - cut.start for cut in train.cuts})
        return {"batches": len(train.cuts), "rows": rows, "lengths": lengths}

    @property
    def tokens(self) -> dict[str, Any] | None:
        """How many tokens the data have, and the first ones; None where the inputs are no tokens."""
        signature = self.network.signature
        return (
            {"count": signature.tokens, "first": list(signature.first_tokens)} if signature.tokens else None
        )

    @property
    def text_columns(self) -> dict[str, dict[str, Any]]:
        """How many tokens each text column of a table has, and the first ones, by the column's name."""
        signature = self.network.signature
        columns = [each for each in signature.column_slices or () if each.kind == "tokens"]
        return {
            each.name: {"count": each.categories, "first": list(first)}
            for each, first in zip(columns, signature.column_tokens, strict=False)
        }

    @property
    def not_trained(self) -> dict[Role, int]:
        """How many numbers training does not fit, by what becomes of them; only those that there are."""
        counts: dict[Role, int] = {}
        for p in self.network.arrays:
            if p.role != "parameter":
                counts[p.role] = counts.get(p.role, 0) + p.size
        return counts

    def place_of(self, step: Step) -> str:
        """Return what in the document a step comes from, as a name."""
        if step.key_path in self._names:
            return self.layer_at(step.key_path)
        return str(step.key_path[-1]) if step.key_path else "all parameters"

    def layer_at(self, path: KeyPath) -> str:
        """Return what the layer at a place of the document is called; `*` stands for the number of a repetition."""
        return self._names[path]

    def learning_rate(self) -> list[str]:
        """Return the function that gives the learning rate of a step, as lines; none where no formula does.

        Steps are counted from 0, and the rate that a plateau schedule has come to is the argument `rate`.
        """
        spec = self.network.spec
        if isinstance(spec.training.optimizer, Searching) or not self.data:
            return []
        batches = self.plans.batches
        count = None if batches is None else len(batches.train.cuts)
        run = run_length(spec, self.network.signature.rows["train"], count)
        return rate_function(spec.training.schedule, spec.training.optimizer.learning_rate, run) or []

    @cached_property
    def generating(self) -> Generating | None:
        """How the model generates; None if it does not predict tokens of its input."""
        return generating(self.network)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {p.name: p.size for p in self.network.parameters}

    @cached_property
    def _frozen(self) -> dict[str, int]:
        return {p.name: p.size for p in self.network.arrays if p.role == "frozen"}

    @cached_property
    def _not_trained(self) -> dict[str, int]:
        return {p.name: p.size for p in self.network.arrays if p.role != "parameter"}

    @cached_property
    def _names(self) -> dict[KeyPath, str]:
        names: dict[KeyPath, list[list[str]]] = {}
        for layer in self.network.layers:
            names.setdefault(layer.path, []).append(layer.name.split("."))
        return {path: _common(parts) for path, parts in names.items()}

    @no_collection()
    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain data, in the form that `explain --output json` prints."""
        from specnet._version import __version__

        network = self.network
        return {
            "specnet": __version__,
            "name": network.spec.name,
            "dtype": network.spec.dtype,
            "engine": network.engine,
            "batch": self.batch,
            **({"by_length": self.by_length} if self.by_length else {}),
            "parameters": network.size,
            "trained": network.trained_size,
            "not_trained": sum(self.not_trained.values()),
            "layers": [
                {
                    "name": layer.name,
                    "type": layer.type,
                    "output": shape(layer.output),
                    "parameters": self.size_of(layer),
                    "not_trained": self.not_trained_of(layer),
                }
                for layer in network.layers
            ],
            **({"tokens": self.tokens} if self.tokens else {}),
            **({"text_columns": self.text_columns} if self.text_columns else {}),
            "learning_rate": "\n".join(self.learning_rate()) or None,
            "plans": {name: self._plan(plan) for name, plan in self.programs.items()},
            "flops": self.flops(),
            "memory": {**self.memory, "total": sum(self.memory.values())},
            "generation": None if self.generating is None else self.generating.as_dict(),
        }

    def _plan(self, plan: Plan) -> dict[str, Any]:
        steps = [
            {
                "op": step.op,
                "phase": step.phase,
                "of": self.place_of(step),
                "output": shape(step.shape),
                "dtype": step.dtype,
                "memory": step.memory or None,
                "offset": step.offset if step.memory else None,
                "flops": step.flops.at(plan.sizes),
                "bytes": step.size,
                "once": step.prologue,
                "block": step.block,
                "loop": step.loop,
                "code": list(code),
            }
            for step, code in zip(plan.steps, self.code(plan), strict=True)
        ]
        return {"batch": plan.batch, "arena": plan.arena, "kept": plan.prologue, "steps": steps}


OF_DATA = ("data", "loading", "batches")
"""The parts of the memory that hold rows."""


@no_collection()
def explain(
    network: Network, *, data: bool = True, batches: Batchings | None = None, ranks: int = 1
) -> Explanation:
    """Return what a network's training is compiled to; without `data`, the network only has the rows of a batch.

    `batches` are those by length; where they are not known, all rows are taken to be as long as they can be. With
    several `ranks`, it is what each of so many processes executes and holds.
    """
    rows = network.signature.rows
    if batches is None and network.varies:
        batches = of_one_length(network, rows)
    plans = plan_training(network, rows, units=_units(network), batches=batches, ranks=ranks)
    parts = memory(network, plans, rows)
    if not data:
        parts = {name: size for name, size in parts.items() if name not in OF_DATA}
    return Explanation(network, plans, parts, data)


def _common(names: list[list[str]]) -> str:
    """Return several names of as many parts as one, with `*` for each part in which they differ."""
    return ".".join(parts[0] if len(set(parts)) == 1 else "*" for parts in zip(*names, strict=True))


def shape(dims: Shape) -> list[int | str]:
    """Return a shape as plain data, the batch's axis as a string."""
    return [str(dim) if isinstance(dim, Size) else dim for dim in dims]


def _units(network: Network) -> bool:
    """Whether metrics are measured in the units that the data's targets have."""
    transforms = [t for t in network.spec.data.transforms if _on_targets(t, network.spec)]
    return (
        any(output.in_units for output in network.outputs.values())
        and bool(transforms)
        and all(t.type not in CURVES for t in transforms)
    )


def _on_targets(transform: Transform, spec: Spec) -> bool:
    """Return whether a transform is on the targets, or lists one of them."""
    if isinstance(transform.on, str):
        return transform.on == "targets"
    target = getattr(spec.data, "target", None)
    return any(name in (target if isinstance(target, tuple) else (target,)) for name in transform.on)

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data import Dataset

if TYPE_CHECKING:
    from specnet.training.evaluation import Evaluator
    from specnet.training.loop import Trainer


def memory(trainer: Trainer, data: Dataset, evaluator: Evaluator) -> int:
    """Return the bytes that a training holds: data, parameters, slots, and what its plans pass through."""
    program, model = trainer.program, trainer.model
    held = sum(split.inputs.nbytes + split.targets.nbytes for split in data.splits.values())
    held += model.parameters.flat.nbytes + sum(slot.nbytes for slot in program.slots.values())
    plans = [program.plan, evaluator.plan]
    if program.update_plan is not None:
        plans.append(program.update_plan)
    return held + sum(plan.arena + plan.once for plan in plans)

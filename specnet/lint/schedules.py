"""The schedule against the length of the training; a warm-up that is too long the schedule finds by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from specnet.language.training import Training
from specnet.lint.rule import Finding, Subject, rule
from specnet.model.run_length import run_length
from specnet.model.settings import validations
from specnet.vocabulary.schedules import RunLength
from specnet.vocabulary.schedules.schedule import AT

if TYPE_CHECKING:
    from specnet.vocabulary.schedules.curves import Cosine
    from specnet.vocabulary.schedules.plateau import Plateau
    from specnet.vocabulary.schedules.staircases import MultiStep, StepDecay


@rule("SN720", "network")
def longer_than_the_training(subject: Subject) -> Iterator[Finding]:
    """A change of the rate that never comes."""
    spec = subject.spec
    length = run_length(spec, subject.network.signature.rows["train"])
    # How many batches there are of so many tokens is known once the rows have been read.
    if length.steps < 1 or spec.training.batch_size is None:
        return
    schedule = spec.training.schedule
    if schedule.type == "step":
        step = cast("StepDecay", schedule)
        if step.step_size * length.each(step.unit) >= length.steps:
            yield _never("step_size", step.step_size, step.unit, length)
    elif schedule.type == "cosine":
        cosine = cast("Cosine", schedule)
        if cosine.t_0 is not None and cosine.t_0 * length.each(cosine.unit) > length.steps:
            yield _never("t_0", cosine.t_0, cosine.unit, length)
    elif schedule.type == "multistep":
        stairs = cast("MultiStep", schedule)
        for index, milestone in enumerate(stairs.milestones):
            if milestone * length.each(stairs.unit) >= length.steps:
                yield _never("milestones", milestone, stairs.unit, length, index)
                return
    elif schedule.type == "plateau":
        yield from _plateau(cast("Plateau", schedule), spec.training, length)


def _plateau(schedule: Plateau, training: Training, length: RunLength) -> Iterator[Finding]:
    count = validations(training, length)
    if count is not None and schedule.patience >= count:
        yield Finding(
            f"the rate falls after more than {schedule.patience} validations without improvement, and the training "
            f"has {count}",
            (*AT, "patience"),
            "value" if "patience" in schedule.model_fields_set else "type",
            help=f"a patience below {count}, or more {training.unit}s",
        )


def _never(key: str, value: int, unit: str, length: RunLength, *index: int) -> Finding:
    whole = length.epochs if unit == "epoch" else length.steps
    return Finding(
        f"{value} {unit}s are not reached: the training has {whole}",
        (*AT, key, *index),
        help=f"at most {max(whole - (key != 't_0'), 1)}, or more {'epochs' if length.given is None else 'steps'}",
    )

"""The schedule against the length of the training; a warm-up that is too long the schedule finds by itself."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.compiler.lint.rule import Found, Subject, rule
from specnet.compiler.settings import run_length
from specnet.vocabulary.schedules import Cosine, MultiStep, Plateau, RunLength, Step
from specnet.vocabulary.schedules.schedule import AT


@rule("SN720", "network")
def longer_than_the_training(subject: Subject) -> Iterator[Found]:
    """A change of the rate that never comes."""
    spec = subject.spec
    length = run_length(spec, subject.network.signature.rows["train"])
    if length.steps < 1:
        return
    schedule = spec.training.schedule
    if isinstance(schedule, Step) and schedule.step_size * length.each(schedule.unit) >= length.steps:
        yield _never("step_size", schedule.step_size, schedule.unit, length)
    elif isinstance(schedule, Cosine) and schedule.t_0 is not None:
        if schedule.t_0 * length.each(schedule.unit) > length.steps:
            yield _never("t_0", schedule.t_0, schedule.unit, length)
    elif isinstance(schedule, MultiStep):
        for index, milestone in enumerate(schedule.milestones):
            if milestone * length.each(schedule.unit) >= length.steps:
                yield _never("milestones", milestone, schedule.unit, length, index)
                return
    elif isinstance(schedule, Plateau):
        validations = -(-spec.training.epochs // spec.training.validate_every)
        if schedule.patience >= validations:
            yield Found(
                f"the rate falls after more than {schedule.patience} validations without improvement, and the "
                f"training has {validations}",
                (*AT, "patience"),
                "value" if "patience" in schedule.model_fields_set else "type",
                help=f"a patience below {validations}, or more epochs",
            )


def _never(key: str, value: int, unit: str, length: RunLength, *index: int) -> Found:
    whole = length.epochs if unit == "epoch" else length.steps
    return Found(
        f"{value} {unit}s are not reached: the training has {whole}",
        (*AT, key, *index),
        help=f"at most {max(whole - (key != 't_0'), 1)}, or more epochs",
    )

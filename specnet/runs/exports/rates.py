"""Learning-rate schedules as functions of the step, from 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.vocabulary.schedules import RateSource, RunLength, Schedule

Array = np.ndarray[Any, Any]

SPOTS = 50
"""Steps at which a formula is compared with the schedule itself before it is written."""


def rate_function(schedule: Schedule, source: RateSource, base: float, run: RunLength) -> list[str] | None:
    """Return the lines of `learning_rate_at(step)`; None where no short formula says what the schedule does.

    A formula is tried at steps over the whole training, and taken only where it gives the schedule's rates.
    """
    formula = _formula(schedule, base, run)
    if formula is None:
        return None
    warm = schedule.warmup(run)
    lines = ["def learning_rate_at(step):"]
    if warm:
        start = source.rate(warm) if warm < run.steps else None
        if start is None:
            return None
        share = (
            "step"
            if not schedule.warmup_from
            else f"({schedule.warmup_from!r} * {warm} + {1 - schedule.warmup_from!r} * step)"
        )
        lines += [f"    if step < {warm}:  # warming up", f"        return {start!r} * {share} / {warm}"]
    lines.append(f"    return {formula}")
    return lines if _agrees(lines, source, run) else None


def _agrees(lines: list[str], source: RateSource, run: RunLength) -> bool:
    scope: dict[str, Any] = {"math": __import__("math")}
    exec("\n".join(lines), scope)  # noqa: S102  the lines are this module's own
    at = scope["learning_rate_at"]
    steps = {*range(0, run.steps, max(1, run.steps // SPOTS)), run.steps - 1, *range(min(run.steps, SPOTS))}
    return all(
        abs(at(step) - source.rate(step)) <= 1e-12 * abs(source.rate(0) + source.rate(step)) for step in steps
    )


def _formula(schedule: Schedule, base: float, run: RunLength) -> str | None:
    kind, fields = schedule.type, schedule.model_dump()
    warm = schedule.warmup(run)
    length = max(run.steps - warm, 1)
    gone = f"(step - {warm}) / {length}" if warm else f"step / {length}"
    if kind == "constant":
        return repr(base)
    if kind == "cosine":
        low = fields["minimum"]
        wave = f"{base - low!r} * (1 + math.cos(math.pi * {gone})) / 2"
        return f"{low!r} + {wave}" if low else wave
    if kind == "linear":
        first, last = fields["start_factor"] * base, fields["end_factor"] * base
        return f"{first!r} + {last - first!r} * {gone}" if last else f"{first!r} * (1 - {gone})"
    if kind == "polynomial":
        low = fields["end"]
        fall = f"{base - low!r} * (1 - {gone}) ** {fields['power']!r}"
        return f"{low!r} + {fall}" if low else fall
    if kind in ("exponential", "step"):
        each = fields.get("step_size", 1) * run.each(fields["unit"])
        return f"{base!r} * {fields['gamma']!r} ** (step // {each})"
    return None


def planned_rates(source: RateSource, run: RunLength) -> Array:
    """Return the rate of every step."""
    return np.array([source.rate(step) for step in range(run.steps)])

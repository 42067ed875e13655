from __future__ import annotations

from specnet.diagnostics.text import counted
from specnet.runs.kept import KeptRun


def outcome(run: KeptRun) -> str:
    """Return one sentence on how a run's training ended."""
    result = run.result or {}
    why = str(result.get("why") or "")
    if run.fold_count and run.result is not None:
        return f"{why[:1].upper()}{why[1:]}."
    if run.status == "completed":
        epochs, steps = result.get("epochs", 0), result.get("steps", 0)
        count, unit = (steps, "step") if isinstance(epochs, float) else (epochs, "epoch")
        whole = f"its only {unit}" if count == 1 else f"all {count:,} {unit}s"
        return f"Training completed {whole}{remark(why)}."
    if run.status == "early_stopping":
        return f"Training stopped early: {why}."
    if run.status == "diverged":
        return f"Training diverged: {why}."
    if run.status == "interrupted":
        # Version 0.1.0 did not say where.
        after = why if why.startswith("interrupted ") else _interrupted(result.get("steps", 0))
        return f"Training was {after}."
    return (
        "Training has not ended." if run.status == "running" else "Training did not end: it can be resumed."
    )


def remark(why: str) -> str:
    """Return what the reason of a completed training adds to that all epochs are done: `; early stopping ...`."""
    _, semicolon, added = why.partition("; ")
    return f"{semicolon}{added}"


def _interrupted(steps: int) -> str:
    return f"interrupted after {counted(steps, 'step')}"

"""The calibration and the intervals of a model in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specnet.diagnostics.text import counted


def certainty(uncertainty: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the `uncertainty` of a result comes to, in pairs of what is meant and a sentence on it."""
    found = [
        (_led(name, "calibration"), _calibration(own))
        for name, own in _by_output(uncertainty.get("calibration", {}), "type")
    ]
    intervals = uncertainty.get("intervals", {})
    share = f"{100 * intervals.get('level', 0.0):.4g}%"
    for name, own in _by_output(intervals, "kind"):
        sets = own["kind"] == "sets"
        words = f"cover {share} of new {'rows' if sets else 'targets'}"
        widths = own.get("half_widths", ())
        if "noise" in own:
            words += ", wider where members of the ensemble differ"
        elif len(widths) == 1 and not own["transformed"]:
            words += f": prediction ± {widths[0]:.4g}"
        words += f"; fitted to {counted(intervals['rows'], 'validation row')}"
        found.append((_led(name, "prediction sets" if sets else "intervals"), words))
    return found


def _by_output(facts: Mapping[str, Any], mark: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the facts of the only output, or those of each with its name; `mark` is a key that each has."""
    if mark in facts:
        yield "", facts
        return
    for name, own in facts.items():
        if isinstance(own, Mapping):
            yield name, own


def _calibration(own: Mapping[str, Any]) -> str:
    if own.get("note"):
        return f"none: {own['note']}"
    by = f"temperature {own['temperature']:.4g}" if own["type"] == "temperature" else "isotonic regression"
    loss = own["log_loss"]
    fall = f"whose log loss went from {loss['before']:.4g} to {loss['after']:.4g}"
    return f"{by}, fitted to {counted(own['rows'], 'validation row')}, {fall}"


def _led(name: str, what: str) -> str:
    return f"{what} of {name}" if name else what

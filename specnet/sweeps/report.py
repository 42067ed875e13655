"""A page about a sweep: one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.opening import open_regular
from specnet.reporting.drawings.curves import compared_drawing
from specnet.reporting.html.embedded import PagePictures
from specnet.reporting.html.rendering import rendered
from specnet.runs.directory import REPORT, RESOLVED
from specnet.runs.kept import KeptRun, read_runs
from specnet.storage.files import write_bytes
from specnet.sweeps import drawings
from specnet.sweeps.directory import read_sweep

if TYPE_CHECKING:
    from specnet.sweeps.result import SweepResult

CURVES = 5
"""How many of the best trials have their curves drawn."""


def write_sweep_report(sweep: Path, path: Path | None = None) -> Path:
    """Write one page about a sweep, and return where it is: `report.html` in the sweep's directory.

    Raises RunError where there is no sweep, or the extra is not installed, or the file cannot be written.
    """
    result = read_sweep(sweep)
    facts = _facts(sweep, result, PagePictures())
    text = rendered("specnet.sweeps", {"figure": _figure, "value": _value}, facts)
    target = sweep / REPORT if path is None else path
    write_bytes(target, text.encode())
    return target


def _facts(sweep: Path, result: SweepResult, pictures: PagePictures) -> dict[str, Any]:
    several = len(result.objectives) > 1
    drawn: dict[str, list[Any]] = {"history": [], "parameters": [], "curves": []}
    if result.complete:
        drawn["history"] = [
            drawings.history_drawing(result, place) for place in range(len(result.objectives))
        ]
        if several:
            drawn["history"].insert(0, drawings.front_drawing(result))
        drawn["parameters"] = [drawings.parallel_drawing(result), drawings.slices_drawing(result)]
    if result.importances:
        drawn["parameters"].append(drawings.importance_drawing(result))
    runs, missing = _best_runs(result)
    if runs:
        names = [f"trial {number}" for number, _ in runs]
        drawn["curves"] = [compared_drawing([run for _, run in runs], names)]
    counts: dict[str, int] = {}
    for trial in result.trials:
        counts[trial.state] = counts.get(trial.state, 0) + 1
    return {
        "result": result,
        "sweep": sweep,
        "several": several,
        "counts": counts,
        "names": drawings.parameter_names(result),
        "best": {trial.number for trial in result.best},
        "ranked": [*result.complete, *(t for t in result.trials if t.state != "complete")],
        "missing": missing,
        "document": _document(sweep),
        **{key: [pictures.embedded(each) for each in own] for key, own in drawn.items()},
    }


def _best_runs(result: SweepResult) -> tuple[list[tuple[int, KeptRun]], list[str]]:
    """Return the first runs of the best trials that are on this machine, with the trials' numbers."""
    trials = (result.best if len(result.objectives) > 1 else result.complete)[:CURVES]
    here = [(trial.number, trial.runs[0]) for trial in trials if trial.runs]
    found = [(number, run) for number, run in here if (run / RESOLVED).is_file()]
    missing = []
    if len(found) < len(trials):
        missing.append("Some of the best trials were trained on other machines: their curves are not shown.")
    kept, problems = read_runs([run for _, run in found])
    by_path = {run.path: run for run in kept}
    return [(number, by_path[run]) for number, run in found if run in by_path], [*missing, *problems]


def _document(sweep: Path) -> str:
    for name in ("best.toml", "best.json"):
        if (sweep / name).is_file():
            with open_regular(sweep / name) as file:
                return file.read().decode(errors="replace")
    return ""


def _figure(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict) and set(value) == {"type"}:
        return str(value["type"])
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Runs side by side: what they were made of that differs, and results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, Literal

from specnet.analysis.curves import Unit, unit_of
from specnet.diagnostics import RunError
from specnet.runs.directory import RESOLVED
from specnet.runs.kept import KeptRun, short_names
from specnet.runs.selecting import leaves
from specnet.storage.resolved import UnimportedPluginsError, read_resolved
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.metrics import Metric
from specnet.vocabulary.outputs import MultiOutput

VERSIONS = ("specnet", "python", "numpy")

MADE = ("version of ", "sha256 of ")
"""How the keys begin that the machine added, and not the user."""

MAXIMUM_NAME = 48
"""Letters of a name made of differences; more are no name."""

NAMELESS = {"name", "specnet", "plugins"}
"""The keys of a spec that say nothing about the experiment; the versions of plugins stand with those of specnet."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that the runs do not agree in."""

    key: str
    values: tuple[Any, ...]
    """A value a run; `ABSENT` where a run has no such key."""


class Absent:
    """Stands for what a run does not have."""

    def __repr__(self) -> str:
        return "-"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a split, in every run."""

    split: str
    name: str
    values: tuple[float | None, ...]
    better: Literal["lower", "higher"] | None
    """Which direction is good; None where the runs do not mean the same by it."""

    @property
    def best(self) -> tuple[int, ...]:
        """The runs with the best value; none where all are as good, or where they cannot be compared."""
        there = [value for value in self.values if value is not None and not isnan(value)]
        if self.better is None or len(there) < 2 or min(there) == max(there):
            return ()
        top = max(there) if self.better == "higher" else min(there)
        return tuple(n for n, value in enumerate(self.values) if value == top)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between runs, beside results."""

    runs: tuple[KeptRun, ...]
    differences: tuple[Difference, ...]
    figures: tuple[Figure, ...]
    problems: tuple[str, ...] = ()
    """Why the best values of some metrics are not known."""

    @property
    def names(self) -> tuple[str, ...]:
        """What to call each run: by what its document says otherwise than the others', or by its directory."""
        return tuple(run_names([run.path for run in self.runs], self.differences))

    @property
    def same_rows(self) -> bool:
        """Whether all were measured on the same rows: of the same data, split alike."""
        return len({_rows(run) for run in self.runs}) == 1

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `compare --output json` prints."""
        paths = [str(run.path) for run in self.runs]
        return {
            "runs": [
                {**run.as_dict(), "label": name} for run, name in zip(self.runs, self.names, strict=True)
            ],
            "differences": [
                {
                    "key": d.key,
                    "values": {p: v for p, v in zip(paths, d.values, strict=True) if v is not ABSENT},
                }
                for d in self.differences
            ],
            "figures": [
                {
                    "split": f.split,
                    "name": f.name,
                    "better": f.better,
                    "values": dict(zip(paths, f.values, strict=True)),
                    "best": [paths[n] for n in f.best],
                }
                for f in self.figures
            ],
            "same_rows": self.same_rows,
        }


def compare(runs: Sequence[KeptRun]) -> Comparison:
    """Return runs side by side, in the order given.

    Specs are compared with every default filled in, key by key; the versions that they ran under and the
    digests of their data like keys. Losses are only called better or worse where all runs have the same.
    """
    tables = [_flat(run) for run in runs]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    differences = []
    for key in keys:
        values = tuple(table.get(key, ABSENT) for table in tables)
        # Compared as they are written: 1, 1.0 and true are no less different for being equal in Python.
        if len({repr(value) for value in values}) > 1:
            differences.append(Difference(key, values))
    directions, problems = _directions(runs)
    return Comparison(
        tuple(runs), tuple(_ordered(differences)), tuple(_figures(runs, directions)), tuple(problems)
    )


def run_names(paths: Sequence[Path], differences: Sequence[Difference]) -> list[str]:
    """Return what to call each run, such as `learning_rate = 0.5`.

    Several differences are joined. A run is called by its directory instead where nothing in the documents differs,
    where too much does, or where it has none of the keys; and by both where two would be called the same.
    """
    folders = short_names(paths)
    chosen = [each for each in differences if not each.key.startswith(MADE)]
    keys = [each.key for each in chosen]
    short = [_short(key, keys) for key in keys]
    names = []
    for n, folder in enumerate(folders):
        own = [
            f"{key} = {shown(each.values[n])}"
            for key, each in zip(short, chosen, strict=True)
            if each.values[n] is not ABSENT
        ]
        name = ", ".join(own)
        names.append(name if 0 < len(name) <= MAXIMUM_NAME else folder)
    if any(name in folders for name in names):
        return folders
    alike = [names.count(name) > 1 for name in names]
    return [
        f"{name} ({folder})" if same else name
        for name, folder, same in zip(names, folders, alike, strict=True)
    ]


def _short(key: str, keys: Sequence[str]) -> str:
    """Return the end of a dotted key that distinguishes it from the others."""
    parts = key.split(".")
    for count in range(1, len(parts) + 1):
        short = ".".join(parts[-count:])
        if not parts[-count].isdecimal() and sum(f".{other}".endswith(f".{short}") for other in keys) == 1:
            return short
    return key


def shown(value: Any) -> str:
    """Return a value of a document as it is shown in a table."""
    return repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False).strip('"')


def _ordered(differences: Sequence[Difference]) -> list[Difference]:
    """Put what the user wrote before what the machine added."""
    return sorted(differences, key=lambda d: d.key.startswith(MADE))


def _flat(run: KeptRun) -> dict[str, Any]:
    spec = {key: value for key, value in run.made_of["spec"].items() if key not in NAMELESS}
    flat = dict(leaves(spec)) | {
        "engine": ", then ".join(run.engines),
        "processes": ", then ".join(map(str, run.processes)),
    }
    flat |= {f"version of {name}": run.made_of[name] for name in VERSIONS if name in run.made_of}
    for kind in run.made_of.get("kinds") or ():
        if isinstance(kind, Mapping) and kind.get("distribution"):
            flat[f"version of {kind['distribution']}"] = kind.get("version")
    digests = run.made_of.get("data", {})
    return flat | {f"sha256 of {name}": str(entry.get("sha256"))[:12] for name, entry in digests.items()}


def _figures(
    runs: Sequence[KeptRun], directions: Mapping[str, Literal["lower", "higher"]]
) -> Iterator[Figure]:
    comparable = len({repr(run.made_of["spec"].get("loss")) for run in runs}) == 1
    for split in ("train", "validation", "test"):
        names = dict.fromkeys(name for run in runs for name in run.splits.get(split, {}))
        for name in names:
            values = [run.splits.get(split, {}).get(name) for run in runs]
            if any(isinstance(value, list) for value in values):
                continue
            better: Literal["lower", "higher"] | None = directions.get(name)
            if name == "loss":
                better = "lower" if comparable else None
            yield Figure(split, name, tuple(None if v is None else float(v) for v in values), better)


def _directions(runs: Sequence[KeptRun]) -> tuple[dict[str, Literal["lower", "higher"]], list[str]]:
    """Return which direction of each metric is good, by its label, and which plugins would have to be imported."""
    found: dict[str, Literal["lower", "higher"]] = {}
    problems: list[str] = []
    for run in runs:
        try:
            spec = read_resolved(run.path / RESOLVED)
        except UnimportedPluginsError as error:
            problems.append(str(error))
            continue
        except RunError:  # of another version: its figures still stand beside the others
            continue
        if not isinstance(spec.loss, MultiOutput):
            found |= _of_loss(spec.loss, spec.metrics)
            continue
        for name, head in spec.loss.outputs.items():
            found[f"{name}.loss"] = "lower"
            own = _of_loss(head.loss, head.metrics)
            found |= {f"{name}.{label}": better for label, better in own.items()}
    return found, problems


def _of_loss(loss: Loss, chosen: tuple[Metric, ...] | None) -> dict[str, Literal["lower", "higher"]]:
    """Return which direction of each metric is good, of those that are measured beside a loss."""
    from specnet.vocabulary.metrics import METRICS

    measured = tuple(map(METRICS.validate, loss.default_metrics)) if chosen is None else chosen
    return {metric.under(loss).label: metric.better for metric in measured}


def _rows(run: KeptRun) -> str:
    """Return all that decides which rows a run was measured on, as a string."""
    spec = run.made_of["spec"]
    reader = {key: value for key, value in spec.get("data", {}).items() if key != "transforms"}
    drawn = reader.get("split") is not None or reader.get("type") == "synthetic"
    return repr((reader, run.made_of.get("data"), spec.get("seed") if drawn else None))


def shared_unit(histories: Sequence[Sequence[Mapping[str, Any]]]) -> Unit:
    """Return what the curves of runs are drawn over: steps, which all runs have, where one is counted in them."""
    return "step" if any(unit_of(history) == "step" for history in histories) else "epoch"


def compared_split(histories: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """Return the split whose loss all runs have a curve of: `validation`, or else `train`."""
    validated = all(any("validation" in row for row in history) for history in histories)
    return "validation" if validated else "train"

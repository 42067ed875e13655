"""Which of several runs are wanted, and in what order: by their figures, by their documents, by how they ended."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.runs.kept import KeptRun

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": le, ">=": ge, "!=": ne, "==": eq, "=": eq, "<": lt, ">": gt
}  # fmt: skip
_FILTER = re.compile(r"\s*([^<>=!\s]+)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)


def leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values in nested tables, each with its dotted key; tables in an array are numbered from 0."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list) and any(isinstance(item, Mapping) for item in data):
        for number, item in enumerate(data):
            yield from leaves(item, f"{path}.{number}")
    elif data is not None:
        yield path, data


class RunValues:
    """The values of several runs by key: see `filtered` and `ordered`."""

    def __init__(self, runs: Sequence[KeptRun]) -> None:
        self.runs = list(runs)
        self._values = [_values(run) for run in runs]
        self._keys = list(dict.fromkeys(key for values in self._values for key in values))

    def key(self, asked: str) -> str:
        """Return the key that a user means: the whole of one, or the end of only one.

        Raises ValueError where there is none, or more than one.
        """
        if asked in self._keys:
            return asked
        ending = [key for key in self._keys if key.endswith(f".{asked}")]
        if len(ending) == 1:
            return ending[0]
        if ending:
            raise ValueError(f"`{clipped(asked)}` stands for several keys: {listed(ending)}")
        meant = closest(asked, self._keys)
        help = (
            f"; did you mean `{meant}`?"
            if meant
            else ": name a figure such as test.loss, or a key of the spec"
        )
        raise ValueError(f"no run has `{clipped(asked)}`{help}")

    def of(self, key: str) -> list[Any]:
        """Return the value of a key in each run; None where a run has none."""
        return [values.get(key) for values in self._values]

    def filtered(self, expression: str) -> list[KeptRun]:
        """Return the runs for which an expression such as `test.accuracy>=0.9` holds.

        Raises ValueError for one that cannot be read.
        """
        found = _FILTER.fullmatch(expression)
        if found is None:
            raise ValueError(f"{clipped(expression)!r} is not a key, one of = != < <= > >=, and a value")
        asked, sign, text = found.groups()
        key, wanted = self.key(asked), _value(text)
        if sign in ("<", "<=", ">", ">="):
            return [run for run, value in self._each(key) if self._in_order(key, sign, value, wanted)]
        equal = [run for run, value in self._each(key) if _equal(value, wanted, text)]
        return equal if sign != "!=" else [run for run in self.runs if run not in equal]

    def ordered(self, asked: str) -> list[KeptRun]:
        """Return the runs by a key, from the smallest value, or with a leading `-` from the largest.

        Those without a value come last. Raises ValueError where there is no such key.
        """
        key = self.key(asked.removeprefix("-"))
        sized = [(value, run) for run, value in self._each(key) if _sortable(value)]
        numbers = all(_number(value) for value, _ in sized)
        sized.sort(key=lambda pair: pair[0] if numbers else str(pair[0]), reverse=asked.startswith("-"))
        first = [run for _, run in sized]
        return [*first, *(run for run in self.runs if run not in first)]

    def _each(self, key: str) -> list[tuple[KeptRun, Any]]:
        return list(zip(self.runs, self.of(key), strict=True))

    def _in_order(self, key: str, sign: str, value: Any, wanted: Any) -> bool:
        if value is None:
            return False
        if _number(value) and _number(wanted):
            return OPERATORS[sign](value, wanted)
        if key == "started":
            return OPERATORS[sign](value, str(wanted))
        raise ValueError(
            f"{sign} compares numbers, and {key} is {json.dumps(value)}, compared with {wanted!r}"
        )


def _values(run: KeptRun) -> dict[str, Any]:
    """Return what a run can be selected by: its document, what was set, its figures, and how it ended."""
    result = run.result or {}
    values = dict(leaves({key: value for key, value in run.made_of["spec"].items() if key != "specnet"}))
    for text in run.overrides:
        key, _, value = text.partition("=")
        values[key.strip()] = _value(value)
    figures = {
        f"{split}.{name}": value
        for split, own in run.splits.items()
        for name, value in own.items()
        if not isinstance(value, list)
    }
    values |= {
        key.partition(".")[2]: value for key, value in figures.items() if key.startswith(f"{run.judge}.")
    }
    values |= figures
    values |= {"run": str(run.path), "name": run.name, "status": run.status, "stopped": run.status}
    values |= {"started": run.made_of.get("created"), "epochs": run.epochs, "time": result.get("seconds")}
    return {**values, "seconds": result.get("seconds"), "parameters": result.get("parameters")}


def _value(text: str) -> Any:
    """Return a value as TOML reads it, or else as a string."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text


def _equal(value: Any, wanted: Any, text: str) -> bool:
    if value is None or isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if _number(value) and _number(wanted):
        return bool(value == wanted)
    if isinstance(value, str):
        return value in (wanted, text, text.replace(" ", "_"))
    return json.dumps(value) == json.dumps(wanted, default=str)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _sortable(value: Any) -> bool:
    return value is not None and (not isinstance(value, float) or isfinite(value))

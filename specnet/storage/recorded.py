"""What the JSON files of a run's directory must hold, whichever version wrote them; more is left alone."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from specnet.diagnostics.text import clipped

DEEPEST = 100
"""Tables and arrays within one another; no document is nested so deeply."""

Figures = dict[str, float | list[Any] | None]


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class RecordedVerdict(_Recorded):
    """The verdict on the fit, in `result.json`."""

    verdict: str
    why: str


class RecordedResult(_Recorded):
    """The file `result.json`."""

    name: str
    parameters: int
    epochs: float
    steps: int
    seconds: float
    stopped: Literal["completed", "early_stopping", "interrupted", "diverged"]
    why: str
    splits: dict[str, dict[str, float | list[Any] | dict[str, float | dict[str, float | None] | None] | None]]
    """`std` holds the standard deviations over folds, and `by_target` the metrics of each of several columns."""
    fit: RecordedVerdict
    best_epoch: float | None = None
    thresholds: dict[str, float] = {}


class RecordedEpoch(_Recorded):
    """A line of `metrics.jsonl`."""

    epoch: float
    step: int
    learning_rate: float | None
    seconds: float
    train: Figures
    validation: Figures | None = None


class RecordedDigest(_Recorded):
    """The digest of one data file."""

    sha256: str


class RecordedSpec(_Recorded):
    """The resolved document; the language checks the rest, where it is needed."""

    name: str = ""
    data: dict[str, JsonValue] | str = {}


class RecordedRun(_Recorded):
    """The file `resolved.json`."""

    specnet: str
    numpy: str
    spec: RecordedSpec
    created: str | None = None
    document: str | None = None
    folder: dict[str, str] = {}
    overrides: list[str] = []
    data: dict[str, RecordedDigest] = {}


def parsed(text: str | bytes) -> Any:
    """Return JSON data; raises ValueError for what is no JSON, also for NaN and infinities, and for deep nesting."""
    try:
        data = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [data]
    for _ in range(DEEPEST):
        level = [item for part in level if isinstance(part, dict | list) for item in _items(part)]
        if not level:
            return data
    raise ValueError("it is nested too deeply")


def misfit(shape: type[BaseModel], data: Any) -> str | None:
    """Return why data are not what a file must hold, or None."""
    try:
        shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        return clipped(f"`{where}`: {first['msg']}" if where else first["msg"], 200)
    except RecursionError:
        return "it is nested too deeply"
    return None


def _items(part: dict[str, Any] | list[Any]) -> list[Any]:
    return list(part.values()) if isinstance(part, dict) else part


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not valid JSON")

"""A declarative model-spec interpreter: TOML or JSON in, a trained and tested NumPy network out.

import specnet

spec = specnet.load("specs/mlp.toml")
result = specnet.run(spec)
print(result.splits["train"]["loss"])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from specnet._version import __version__

if TYPE_CHECKING:
    from specnet.analysis.gradients import GradientCheck
    from specnet.api import check_gradients, compile, evaluate, load, load_run, register, run, train, validate  # noqa: A004
    from specnet.diagnostics import (
        Diagnostic,
        ModelInUseError,
        Report,
        RunError,
        SpecError,
        SpecFileError,
        SpecnetError,
    )
    from specnet.language.spec import Spec
    from specnet.model.model import Model
    from specnet.runs.evaluating import Evaluation
    from specnet.runs.result import Result
    from specnet.training.events import Ended, EpochEnded, Event, Resumed, Span, Started, StepsDone

_HOMES = {
    "specnet.api": (
        "check_gradients",
        "compile",
        "evaluate",
        "load",
        "load_run",
        "register",
        "run",
        "train",
        "validate",
    ),
    "specnet.model.model": ("Model",),
    "specnet.diagnostics": (
        "Diagnostic",
        "ModelInUseError",
        "Report",
        "RunError",
        "SpecError",
        "SpecFileError",
        "SpecnetError",
    ),
    "specnet.language.spec": ("Spec",),
    "specnet.runs.evaluating": ("Evaluation",),
    "specnet.analysis.gradients": ("GradientCheck",),
    "specnet.runs.result": ("Result",),
    "specnet.training.events": ("Ended", "EpochEnded", "Event", "Resumed", "Span", "Started", "StepsDone"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Diagnostic",
    "Ended",
    "EpochEnded",
    "Evaluation",
    "Event",
    "GradientCheck",
    "Model",
    "ModelInUseError",
    "Report",
    "Result",
    "Resumed",
    "RunError",
    "Span",
    "Spec",
    "SpecError",
    "SpecFileError",
    "SpecnetError",
    "Started",
    "StepsDone",
    "__version__",
    "check_gradients",
    "compile",
    "evaluate",
    "load",
    "load_run",
    "register",
    "run",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Return a public name, imported when it is first asked for: `import specnet` itself costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

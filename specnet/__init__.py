"""A declarative model-spec interpreter: TOML or JSON in, a trained and tested NumPy network out.

A first program:

    import specnet

    spec = specnet.load("specs/mlp.toml")
    result = specnet.run(spec)
    print(result.splits["train"]["loss"])
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from specnet._version import __version__

if TYPE_CHECKING:
    from specnet.api import (
        check_gradients,
        compile,  # noqa: A004 (the name that the design fixes)
        load,
        register,
        run,
        sweep,
        trace,
        train,
        validate,
    )
    from specnet.classes import (
        AveragedModel,
        Backtest,
        Diagnostic,
        Ended,
        EpochEnded,
        Evaluation,
        Event,
        Figures,
        FoldEnded,
        FoldStarted,
        Forecast,
        GeneratedSequence,
        GeneratedToken,
        Generation,
        GradientCheck,
        History,
        Importance,
        Intervals,
        Model,
        ModelInUseError,
        OutOfFold,
        PredictionSets,
        Report,
        Result,
        Resumed,
        RunError,
        Span,
        Spec,
        SpecError,
        SpecFileError,
        SpecnetError,
        Started,
        StepsDone,
        SweepEnded,
        SweepEvent,
        SweepNoted,
        SweepResult,
        SweepStarted,
        Trace,
        TrialEnded,
        TrialRecord,
        TrialReported,
        TrialStarted,
    )
    from specnet.finished import evaluate, load_model, load_run, permutation_importance

__all__ = [
    "AveragedModel",
    "Backtest",
    "Diagnostic",
    "Ended",
    "EpochEnded",
    "Evaluation",
    "Event",
    "Figures",
    "FoldEnded",
    "FoldStarted",
    "Forecast",
    "GeneratedSequence",
    "GeneratedToken",
    "Generation",
    "GradientCheck",
    "History",
    "Importance",
    "Intervals",
    "Model",
    "ModelInUseError",
    "OutOfFold",
    "PredictionSets",
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
    "SweepEnded",
    "SweepEvent",
    "SweepNoted",
    "SweepResult",
    "SweepStarted",
    "Trace",
    "TrialEnded",
    "TrialRecord",
    "TrialReported",
    "TrialStarted",
    "__version__",
    "check_gradients",
    "compile",
    "evaluate",
    "load",
    "load_model",
    "load_run",
    "permutation_importance",
    "register",
    "run",
    "sweep",
    "trace",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Return a public name, imported when it is first asked for: `import specnet` itself costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_home(name), name)
    return value


def _home(name: str) -> ModuleType:
    """Return the module that has a public name; a class is imported without the functions."""
    from specnet import classes

    if name in classes.__all__:
        return classes
    from specnet import api, finished

    return finished if name in finished.__all__ else api


def __dir__() -> list[str]:
    return __all__

"""The classes of the Python interface, each imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specnet.analysis.gradients import GradientCheck
    from specnet.analysis.importance import Importance
    from specnet.analysis.traced import Trace
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
    from specnet.model.averaged import AveragedModel
    from specnet.model.conformal import Intervals, PredictionSets
    from specnet.model.evaluation import Evaluation, Figures
    from specnet.model.forecast import Backtest, Forecast
    from specnet.model.generation.generating import GeneratedSequence, GeneratedToken, Generation
    from specnet.model.model import Model
    from specnet.runs.out_of_fold import OutOfFold
    from specnet.runs.result import Result
    from specnet.sweeps.events import (
        SweepEnded,
        SweepEvent,
        SweepNoted,
        SweepStarted,
        TrialEnded,
        TrialReported,
        TrialStarted,
    )
    from specnet.sweeps.result import SweepResult, TrialRecord
    from specnet.training.events import (
        Ended,
        EpochEnded,
        Event,
        FoldEnded,
        FoldStarted,
        Resumed,
        Span,
        Started,
        StepsDone,
    )
    from specnet.training.history import History

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
]

_HOMES = {
    "AveragedModel": "specnet.model.averaged",
    "Backtest": "specnet.model.forecast",
    "Diagnostic": "specnet.diagnostics",
    "Ended": "specnet.training.events",
    "EpochEnded": "specnet.training.events",
    "Evaluation": "specnet.model.evaluation",
    "Event": "specnet.training.events",
    "Figures": "specnet.model.evaluation",
    "FoldEnded": "specnet.training.events",
    "FoldStarted": "specnet.training.events",
    "Forecast": "specnet.model.forecast",
    "GeneratedSequence": "specnet.model.generation.generating",
    "GeneratedToken": "specnet.model.generation.generating",
    "Generation": "specnet.model.generation.generating",
    "GradientCheck": "specnet.analysis.gradients",
    "History": "specnet.training.history",
    "Importance": "specnet.analysis.importance",
    "Intervals": "specnet.model.conformal",
    "Model": "specnet.model.model",
    "ModelInUseError": "specnet.diagnostics",
    "OutOfFold": "specnet.runs.out_of_fold",
    "PredictionSets": "specnet.model.conformal",
    "Report": "specnet.diagnostics",
    "Result": "specnet.runs.result",
    "Resumed": "specnet.training.events",
    "RunError": "specnet.diagnostics",
    "Span": "specnet.training.events",
    "Spec": "specnet.language.spec",
    "SpecError": "specnet.diagnostics",
    "SpecFileError": "specnet.diagnostics",
    "SpecnetError": "specnet.diagnostics",
    "Started": "specnet.training.events",
    "StepsDone": "specnet.training.events",
    "SweepEnded": "specnet.sweeps.events",
    "SweepEvent": "specnet.sweeps.events",
    "SweepNoted": "specnet.sweeps.events",
    "SweepResult": "specnet.sweeps.result",
    "SweepStarted": "specnet.sweeps.events",
    "Trace": "specnet.analysis.traced",
    "TrialEnded": "specnet.sweeps.events",
    "TrialRecord": "specnet.sweeps.result",
    "TrialReported": "specnet.sweeps.events",
    "TrialStarted": "specnet.sweeps.events",
}
"""The module of each."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value

"""How long a step takes, for `explain`: as it is measured, as it is predicted, and what compiling saves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specnet.cli.terminal import notes, say
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.analysis.engine_gain import Gain, Trained
    from specnet.analysis.explanation import Explanation
    from specnet.analysis.profiling import Times
    from specnet.language.spec import Spec
    from specnet.model.network import Network


@dataclass(frozen=True)
class StepTimes:
    """Seconds of the plans of a step, by their names, as far as they are known."""

    measured: dict[str, Times] = field(default_factory=dict)
    predicted: dict[str, float] = field(default_factory=dict)
    gained: Gain | None = None

    def rows(self) -> list[list[str]]:
        """Return the rows of a table: what takes time, how much, and more about it."""
        rows = [
            ["predicted", milliseconds(seconds), f"the time of {_article(name)}, on a quiet machine"]
            for name, seconds in self.predicted.items()
        ]
        for name, measured in self.measured.items():
            parts = milliseconds(sum(measured.steps))
            again = f"median of {measured.executions:,}; the steps above add up to {parts}"
            rows.append([f"time of {_article(name)}", milliseconds(measured.whole), again])
            if measured.alone:
                rows.append(["", "", "made by one thread, since several take longer"])
        return rows if self.gained is None else rows + _compilation(self.gained)

    def add_to(self, data: dict[str, Any]) -> None:
        """Add the times to an explanation as plain data."""
        for name, seconds in self.predicted.items():
            data["plans"][name]["predicted_seconds"] = seconds
        for name, measured in self.measured.items():
            program = data["plans"][name]
            program["seconds"] = measured.whole
            for step, seconds in zip(program["steps"], measured.steps, strict=True):
                step["seconds"] = seconds
        if self.gained is not None:
            data["compilation"] = {
                "seconds": self.gained.compilation,
                "step_seconds": self.gained.compiled,
                "step_seconds_numpy": self.gained.numpy,
                "pays_from_step": self.gained.steps,
            }


def step_times(spec: Spec, explanation: Explanation, threads: int | None, *, profile: bool) -> StepTimes:
    """Return what is known of a step's times; they are measured with `profile`."""
    engine = explanation.network.engine
    gained = _gain(spec, threads) if profile and engine == "numba" else None
    measured = _profile(spec, explanation, threads, engine) if profile else {}
    return StepTimes(measured, _predicted(explanation), gained)


def calibrate_machine(network: Network) -> None:
    """Measure this machine and keep the result; say so, and how far it is."""
    from specnet.runs.cost_calibration import calibrate

    more = (
        "" if network.engine == "numpy" else ", and compiling reference networks before, for a minute or two"
    )
    say(notes(), f"measuring this machine for about 10 s{more}; other work on it makes predictions worse")
    say(notes(), f"kept in {calibrate(network.threads, network.engine)}")


def _profile(spec: Spec, explanation: Explanation, threads: int | None, engine: str) -> dict[str, Times]:
    from specnet.analysis.profiling import profile
    from specnet.runs.compiling import compile_spec

    return profile(*compile_spec(spec, threads=threads, engine=engine), explanation)


def _gain(spec: Spec, threads: int | None) -> Gain:
    """Return what compiling takes and saves."""
    from specnet.analysis.engine_gain import gain
    from specnet.analysis.explanation import explain as explained
    from specnet.model.measuring_lengths import batchings_of_data
    from specnet.runs.compiling import compile_spec

    def trained(engine: str) -> Trained:
        model, data = compile_spec(spec, threads=threads, engine=engine)
        batches = batchings_of_data(model.network, data) if model.network.varies else None
        return model, data, explained(model.network, batches=batches)

    return gain(trained("numpy"), trained("numba"))


def _predicted(explanation: Explanation) -> dict[str, float]:
    """Return the seconds that each plan of a step is predicted to take, if this machine has been measured."""
    from specnet.runs.cost_calibration import cost_model

    network = explanation.network
    model = cost_model(network.threads, network.engine)
    if model is None:
        return {}
    return {name: model.seconds(p) for name, p in explanation.programs.items() if name != "evaluation"}


def _compilation(gained: Gain) -> list[list[str]]:
    """Return the rows of a step as it is executed, by either engine, and of what compiling it takes."""
    steps = gained.steps
    pays = "a compiled step is no faster" if steps is None else f"pays off from {counted(steps, 'step')} on"
    return [
        ["step, NumPy engine", milliseconds(gained.numpy), ""],
        ["step, compiled", milliseconds(gained.compiled), "whole, without a clock between its parts"],
        ["compilation", milliseconds(gained.compilation), f"or loading, where it is kept; {pays}"],
    ]


def _article(plan: str) -> str:
    return f"{'a' if plan == 'step' else 'an'} {plan}"


def milliseconds(seconds: float) -> str:
    """Return a short time with its unit."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"

"""Early stopping, plateaus and time limits as lines of a loop."""

from __future__ import annotations

from collections.abc import Mapping

from specnet.interchange.numpy.layout import indented, listed
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.reporting import TRAIN, TrainingReport, variable
from specnet.language.training import EarlyStopping
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.model.settings import validation_interval
from specnet.vocabulary.schedules import RunLength, Schedule
from specnet.vocabulary.schedules.plateau import Plateau

EXCHANGE = [
    "def exchange():",
    '    """Swap the parameters and their running means."""',
    "    for parameter, average in zip(parameters, averages):",
    "        parameter[...], average[...] = average.copy(), parameter.copy()",
]


def before_watching(network: Network, program: Program, variables: Mapping[str, str]) -> list[str]:
    """Return the lines before the loop that early stopping and a limit of time need."""
    settings, lines = network.spec.training, []
    if kept_list(network) == "arrays":
        # What the training has come to: running means take the parameters' place.
        trained = (
            [variables[p.name] for p in network.trained] if settings.ema_decay is None else ["*averages"]
        )
        rest = [variables[p.name] for p in network.arrays if p.role != "parameter"]
        lines += listed("arrays", [*trained, *rest])
    if settings.early_stopping is not None:
        lines.append("best, waited = None, 0")
        if settings.max_seconds is not None:
            # The time may be over before anything is measured; then there is nothing to put back.
            lines.append("kept = []")
    if settings.max_seconds is not None:
        lines.append("began = time.perf_counter()")
        program.modules.add("time")
    return lines


def after_watching(network: Network) -> list[str]:
    """Return the lines after the loop that make the parameters what the training has come to."""
    settings, lines = network.spec.training, []
    if settings.early_stopping is not None and settings.early_stopping.restore_best:
        lines += [
            "",
            f"# Restore the parameters of the best {'epoch' if settings.steps is None else 'validation'}.",
        ]
        lines += [f"for parameter, value in zip({kept_list(network)}, kept):", "    parameter[...] = value"]
    if settings.ema_decay is not None:
        lines += ["", "# The running means are the trained parameters."]
        lines += ["for parameter, average in zip(parameters, averages):", "    parameter[...] = average"]
    return lines


def watching(model: CompiledModel, run: RunLength, report: TrainingReport) -> list[str]:
    """Return the lines that end an epoch, or the steps from one validation to the next."""
    network, program = model.network, report.program
    settings = network.spec.training
    measured, shown = report.measured(), report.shown()
    if measured and settings.ema_decay is not None:
        program.functions.append(EXCHANGE)
        measured = ["exchange()", *measured, "exchange()"]
    schedule, stopping = settings.schedule, settings.early_stopping
    watchers = []
    if isinstance(schedule, Plateau):
        watchers.append(
            (schedule.monitor, _plateau(schedule, run, higher=_higher(network, schedule.monitor)))
        )
    if stopping is not None:
        higher = _higher(network, stopping.monitor)
        watchers.append((stopping.monitor, _stopping(stopping, kept_list(network), higher=higher)))
    always = [line for monitor, lines in watchers if monitor == TRAIN for line in lines]
    due = [line for monitor, lines in watchers if monitor != TRAIN for line in lines]
    if due and stopping is not None and stopping.monitor != TRAIN:
        due = ["# Early stopping: is it still improving?", *due]
    elif stopping is not None:
        always = ["# Early stopping: is it still improving?", *always]
    every = validation_interval(settings, run)
    if settings.steps is None and measured and every > 1:
        condition = f"if epoch % {every} == 0 or epoch == {run.epochs}:"
        return [*report.noted(), *always, condition, *indented([*measured, *shown, *due])]
    return [*report.noted(), *measured, *shown, *always, *due]


def time_is_over(network: Network, *more: str) -> list[str]:
    """Return the lines that leave a loop once `max_seconds` are over, if `more` holds as well; [] without a limit."""
    limit = network.spec.training.max_seconds
    if limit is None:
        return []
    return [f"if {' and '.join((f'time.perf_counter() - began >= {limit!r}', *more))}:", "    break"]


def _higher(network: Network, monitor: str) -> bool:
    return network.better(monitor.partition(".")[2]) == "higher"


def kept_list(network: Network) -> str:
    """Return the variable that lists what a training has come to: more than the parameters, if there are statistics."""
    if network.arrays != network.trained:
        return "arrays"
    return "parameters" if network.spec.training.ema_decay is None else "averages"


def _stopping(stopping: EarlyStopping, several: str, *, higher: bool) -> list[str]:
    score = variable(stopping.monitor)
    better = f"{score} {'>' if higher else '<'} best"
    if stopping.min_delta:
        gain = f"{score} - best" if higher else f"best - {score}"
        better = f"{gain} > {stopping.min_delta!r}"
    kept = [f"kept = [parameter.copy() for parameter in {several}]"] if stopping.restore_best else []
    return [
        f"if best is None or {better}:",
        *indented([f"best, waited = {score}, 0", *kept]),
        "else:",
        "    waited += 1",
        f"    if waited >= {stopping.patience}:",
        "        break",
    ]


def falling(schedule: Schedule, run: RunLength) -> str:
    """Return the variable of the rate that a plateau schedule lowers: a warm-up makes another of it."""
    return "rate" if schedule.warmup(run) else "learning_rate"


def _plateau(schedule: Plateau, run: RunLength, *, higher: bool) -> list[str]:
    score = variable(schedule.monitor)
    signed = f"-{score}" if higher else score
    margin = repr(schedule.threshold)
    if schedule.threshold_mode == "relative":
        margin = f"{margin} * (abs(lowest) if lowest < np.inf else 1)"
    rate, warmup = falling(schedule, run), schedule.warmup(run)
    lines = [
        f"if {signed} < lowest - {margin}:",
        f"    lowest, stale = {signed}, 0",
        "else:",
        "    stale += 1",
        "if cooling:",
        "    cooling, stale = cooling - 1, 0",
        f"if stale > {schedule.patience}:",
        f"    {rate} = max({rate} * {schedule.factor!r}, {schedule.minimum!r})",
        f"    stale, cooling = 0, {schedule.cooldown}",
    ]
    return [f"if step >= {warmup}:  # the warm-up is over", *indented(lines)] if warmup else lines

"""Early stopping, plateaus and time limits as lines of a loop."""

from __future__ import annotations

from collections.abc import Mapping

from specnet.compiler.network import Network
from specnet.diagnostics import RunError
from specnet.language.spec import EarlyStopping
from specnet.runs.exports.figures import write_figure
from specnet.runs.exports.layout import indented
from specnet.runs.exports.program import Program
from specnet.vocabulary.schedules import Plateau

TRAIN = "train.loss"


def watched_figures(network: Network) -> list[str]:
    """Return what a training watches, such as `validation.loss`."""
    settings = network.spec.training
    stopping = settings.early_stopping.monitor if settings.early_stopping is not None else None
    return list(dict.fromkeys(m for m in (settings.schedule.watched, stopping) if m is not None))


def before_watching(network: Network) -> list[str]:
    """Return the lines before the loop that early stopping needs."""
    settings = network.spec.training
    if settings.early_stopping is None:
        return []
    # The time may be over before anything is measured; then there is nothing to put back.
    nothing = settings.early_stopping.restore_best and settings.max_seconds is not None
    return ["best, waited = None, 0", *(["kept = []"] if nothing else [])]


def watching(network: Network, program: Program, variables: Mapping[str, str]) -> list[str]:
    """Return the lines that end an epoch; writes the functions that they call.

    Raises RunError for what has no plain form.
    """
    settings, figures = network.spec.training, watched_figures(network)
    measured: list[str] = []
    for figure in figures:
        split, _, name = figure.partition(".")
        if split != "train":
            write_figure(network, program, variables, name)
            measured.append(f"{_variable(figure)} = {name}_of(validation_inputs, validation_targets)")
    if measured and settings.ema_decay is not None:
        measured = ["exchange()", *measured, "exchange()"]
    lines = measured
    if isinstance(settings.schedule, Plateau):
        lines += _plateau(settings.schedule, higher=_higher(network, settings.schedule.monitor))
    stopping = settings.early_stopping
    if stopping is not None:
        higher = _higher(network, stopping.monitor)
        lines += _stopping(stopping, kept_list(network), higher=higher)
    if settings.validate_every > 1 and any(figure != TRAIN for figure in figures):
        if TRAIN in figures:
            raise RunError(
                f"a training that watches `{TRAIN}` at every epoch, and a validation only at some, cannot be "
                "exported as NumPy"
            )
        due = f"if epoch % {settings.validate_every} == 0 or epoch == {settings.epochs}:"
        lines = [due, *indented(lines)]
    if stopping is not None:
        lines = ["# Is it still getting better?", *lines]
    return lines


def time_is_over(network: Network, *more: str) -> list[str]:
    """Return the lines that leave a loop once `max_seconds` are over, if `more` holds as well; [] without a limit."""
    limit = network.spec.training.max_seconds
    if limit is None:
        return []
    return [f"if {' and '.join((f'time.perf_counter() - began >= {limit!r}', *more))}:", "    break"]


def _variable(monitor: str) -> str:
    return "epoch_loss" if monitor == TRAIN else monitor.replace(".", "_")


def _higher(network: Network, monitor: str) -> bool:
    return network.better(monitor.partition(".")[2]) == "higher"


def kept_list(network: Network) -> str:
    """Return the variable that lists what a training has come to: more than the parameters, if there are statistics."""
    if network.arrays != network.trained:
        return "arrays"
    return "parameters" if network.spec.training.ema_decay is None else "averages"


def _stopping(stopping: EarlyStopping, several: str, *, higher: bool) -> list[str]:
    score = _variable(stopping.monitor)
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


def _plateau(schedule: Plateau, *, higher: bool) -> list[str]:
    score = _variable(schedule.monitor)
    signed = f"-{score}" if higher else score
    margin = repr(schedule.threshold)
    if schedule.threshold_mode == "relative":
        margin = f"{margin} * (abs(lowest) if lowest < np.inf else 1)"
    return [
        f"if {signed} < lowest - {margin}:",
        f"    lowest, stale = {signed}, 0",
        "else:",
        "    stale += 1",
        "if cooling:",
        "    cooling, stale = cooling - 1, 0",
        f"if stale > {schedule.patience}:",
        f"    learning_rate = max(learning_rate * {schedule.factor!r}, {schedule.minimum!r})",
        f"    stale, cooling = 0, {schedule.cooldown}",
    ]

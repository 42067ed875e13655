from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from specnet.cli.numbers import amount
from specnet.cli.options import (
    As,
    EngineName,
    NoEnvironment,
    OutputStyle,
    Overrides,
    Processes,
    SpecFile,
    Threads,
)
from specnet.cli.plan_notes import plan_notes
from specnet.cli.scaling import show_scaling
from specnet.cli.step_times import StepTimes, calibrate_machine, step_times
from specnet.cli.tables import TextTable, section
from specnet.cli.terminal import line, plain, results, write_json
from specnet.diagnostics.text import clipped, counted, sized

if TYPE_CHECKING:
    from specnet.analysis.explanation import Explanation
    from specnet.analysis.profiling import Times
    from specnet.analysis.scaling import ScalingEstimate
    from specnet.passes.plan import Plan, Step

MEMORY = {
    "data": "the splits",
    "parameters": "the parameters, and a copy where the best are kept",
    "slots": "the optimizer's slots",
    "batches": "the rows of a step, and their order",
    "augmentation": "random changes of a step's rows",
    "arena": "values between the steps of the plans",
    "kept": "what the plans compute once",
    "loops": "the views of each step of the loops",
    "bindings": "views and constants that plans have ready",
    "loading": "what reading the rows takes beyond this, before the training",
}

STAYING = "buffers for reading the splits, whose rows stay in files"


def explain(
    spec: SpecFile,
    overrides: Overrides = None,
    no_env: NoEnvironment = False,
    threads: Threads = None,
    engine: EngineName = None,
    output: As = OutputStyle.TABLE,
    no_data: Annotated[
        bool,
        typer.Option(
            "--no-data",
            help="Read no data: show the plan of a batch of inputs of the document's `input_shape`.",
        ),
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Run a few steps on the data and show where the time goes.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Measure this machine for about ten seconds, and keep the result: from then on, the time of a "
            "step is predicted.",
        ),
    ] = False,
    distributed: Processes = None,
) -> int:
    """Show the plan that a document is compiled to.

    It lists every shape, parameter, step, buffer and FLOP count, and the memory that a run takes. After `--calibrate`
    it also predicts the time of a step, for a machine that does nothing else.
    """
    from specnet import api
    from specnet.analysis.explanation import explain as explained
    from specnet.runs.compiling import batches_of, network_of

    loaded = api.load(Path(spec), overrides, environment=not no_env)
    if profile and no_data:
        raise typer.BadParameter("--profile runs steps on the data", param_hint="--no-data")
    network = network_of(loaded, threads, engine, data=not no_data)
    if calibrate:
        calibrate_machine(network)
    batches = batches_of(loaded, threads) if network.varies and not no_data else None
    explanation = explained(network, data=not no_data, batches=batches)
    times = step_times(loaded, explanation, threads, profile=profile)
    found: ScalingEstimate | None = None
    if distributed is not None:
        found = _scaled(explanation, distributed, times.measured)
        explanation = explained(network, data=not no_data, batches=batches, ranks=distributed)
        times = StepTimes()  # those were of one process's plan
    if output is OutputStyle.JSON:
        data = explanation.as_dict()
        times.add_to(data)
        write_json(data | ({} if found is None else {"distributed": found.as_dict()}))
    else:
        _show(results(), explanation, times)
        if found is not None:
            show_scaling(results(), found)
    return 0


def _scaled(explanation: Explanation, ranks: int, times: dict[str, Times]) -> ScalingEstimate:
    """Return what so many processes send, hold and gain, by what is known of this machine."""
    from specnet.analysis.scaling import scaling
    from specnet.runs.cost_calibration import cost_model

    network = explanation.network
    model = cost_model(network.threads, network.engine)
    return scaling(explanation, ranks, times.get("step"), model)


def _show(console: Console, explanation: Explanation, times: StepTimes) -> None:
    spec, engine = explanation.network.spec, explanation.network.engine
    other = "" if engine == "numpy" else f", {engine} engine"
    line(
        console,
        " ",
        (spec.name, "bold"),
        f"  {_amounts(explanation)}, {spec.dtype}, batches of {explanation.batch:,}{other}",
    )
    if (batches := explanation.by_length) is not None:
        line(console, f" {_lengths(batches)}")
    section(console, "layers")
    _layers(explanation).show(console)
    _vocabularies(console, explanation)
    for name, program in explanation.programs.items():
        if name == "evaluation":
            continue
        section(
            console,
            f"{name}: what is executed for {counted(program.batch, 'row')}" if name == "step" else name,
        )
        bar = "|" if plain(console) else "│"
        _steps(explanation, program, times.measured.get(name), bar).show(console)
        for note in plan_notes(explanation, program, bar):
            console.print(Text(f" {note}", "dim"))
    if formula := explanation.learning_rate():
        section(console, "learning rate of a step, counted from 0")
        for text in formula:
            line(console, f" {text}")
    if explanation.generating is not None:
        section(console, "generation")
        for text in explanation.generating.lines():
            line(console, f" {text}")
    section(console, "totals")
    _totals(explanation, times).show(console)


def _lengths(batches: dict[str, Any]) -> str:
    """Write which batches by length an epoch has."""
    rows = _span(batches["rows"], "row")
    lengths = ", and ".join(_span(found, "step") for found in batches["lengths"].values())
    return f"{counted(batches['batches'], 'batch')} by length, of {rows} and {lengths}"


def _span(numbers: list[int], noun: str) -> str:
    if len(numbers) == 1:
        return counted(numbers[0], noun)
    return f"{numbers[0]} to {counted(numbers[-1], noun)}"


def _vocabularies(console: Console, explanation: Explanation) -> None:
    if (tokens := explanation.tokens) is not None and not explanation.text_columns:
        section(console, f"tokens: {tokens['count']:,}")
        _tokens(console, tokens)
    for column, own in explanation.text_columns.items():
        section(console, f"tokens of `{clipped(column)}`: {own['count']:,}")
        _tokens(console, own)


def _tokens(console: Console, tokens: dict[str, Any]) -> None:
    """Print the first tokens, each in marks, since some are blanks."""
    shown = " ".join(f"`{clipped(token)}`" for token in tokens["first"])
    line(console, f" {shown}{' ...' if len(tokens['first']) < tokens['count'] else ''}")


def _amounts(explanation: Explanation) -> str:
    """Return how many parameters there are, and how many numbers beside them are not trained."""
    network, apart = explanation.network, sum(explanation.not_trained.values())
    trained = counted(network.trained_size, "parameter")
    return f"{trained} trained, {apart:,} not trained" if apart else trained


def _layers(explanation: Explanation) -> TextTable:
    from specnet.graph.sizes import BATCH, show

    network = explanation.network
    apart = bool(explanation.not_trained)
    heads = ["trained", "not trained"] if apart else ["parameters"]
    table = TextTable(["layer", "type", "output", *heads], "<<<" + ">" * len(heads))
    for array in network.inputs:
        dtype = array.dtype if array.dtype != network.spec.dtype else ""
        table.rows.append([array.name, dtype, show((BATCH, *array.shape)), *("" for _ in heads)])
    for layer in network.layers:
        counts = [explanation.trained_of(layer)]
        if apart:
            counts.append(explanation.not_trained_of(layer))
        numbers = [f"{count:,}" if count else "-" for count in counts]
        table.rows.append([layer.name, layer.type, show(layer.output), *numbers])
    return table


def _steps(explanation: Explanation, program: Plan, times: Times | None, bar: str) -> TextTable:
    """Return a row a step; with measured times, these stand in the place of the dtype."""
    from specnet.graph.sizes import show

    heads = ["", "op", "output", "buffer", "FLOPs", "bytes"]
    if times is None:
        table = TextTable([*heads[:3], "dtype", *heads[3:]], "><<<<>>")
    else:
        table = TextTable([*heads, "time", "share"], "><<<>>>>")
    before = None
    code = explanation.code(program) if times is not None else ()
    whole = sum(times.steps) if times is not None else 0.0
    for number, step in enumerate(program.steps):
        title = _title(explanation, step)
        if title != before:
            table.titles[number] = before = title
        cells = [
            str(number + 1),
            ("  " if step.loop else "") + (f"{bar} " if step.block else "") + step.op,
            show(step.shape) if step.shape else "number",
        ]
        if times is None:
            cells.append(step.dtype)
        cells += [
            f"{step.memory}+{step.offset}" if step.memory else "-",
            amount(step.flops.at(program.sizes)),
            amount(step.size),
        ]
        if times is not None:
            seconds = times.steps[number]
            cells += (
                ["", ""]
                if step.prologue or not code[number]
                else [f"{seconds * 1e6:.1f} us", f"{seconds / whole:.0%}"]
            )
        table.rows.append(cells)
    return table


def _title(explanation: Explanation, step: Step) -> str:
    place = f"{step.phase}: {explanation.place_of(step)}"
    return f"{place}, once, before the first step" if step.prologue else place


def _totals(explanation: Explanation, times: StepTimes) -> TextTable:
    from specnet.analysis.explanation import PHASES

    table = TextTable(["", "", ""], "<><")
    flops = explanation.flops()
    table.rows += _counts(explanation)
    parts = ", ".join(f"{phase} {amount(flops[phase])}" for phase in PHASES)
    table.rows.append(["FLOPs of a step", amount(sum(flops.values())), parts])
    table.rows += _per_token(explanation)
    table.rows += times.rows()
    meaning = MEMORY | ({"data": STAYING} if explanation.network.signature.batches else {})
    for name, count in explanation.memory.items():
        if count:
            table.rows.append([f"memory: {name}", sized(count), meaning[name]])
    peak = "the peak of the run" if explanation.data else "without that of the data"
    table.rows.append(["memory in all", sized(sum(explanation.memory.values())), peak])
    return table


def _counts(explanation: Explanation) -> list[list[str]]:
    """Return the rows of the numbers of parameters: what is trained and what is not, where there is both."""
    apart = explanation.not_trained
    if not apart:
        return [["parameters", f"{explanation.network.size:,}", ""]]
    kinds = {"frozen": "frozen parameters", "statistic": "running statistics"}
    which = ", ".join(f"{kinds[role]} {count:,}" for role, count in apart.items())
    return [
        ["parameters, trained", f"{explanation.network.trained_size:,}", ""],
        ["not trained", f"{sum(apart.values()):,}", which],
    ]


def _per_token(explanation: Explanation) -> list[list[str]]:
    """Return the row of what a generated token takes, if the model generates."""
    found = explanation.generating
    if found is None or found.fault is not None:
        return []
    beyond = f"beyond {found.steps:,} tokens {amount(found.flops_beyond)}"
    return [["FLOPs of a generated token", amount(found.flops), "" if found.context else beyond]]

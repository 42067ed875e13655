from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console

from specnet.cli.guard import FAULTY
from specnet.cli.numbers import number
from specnet.cli.options import (
    As,
    EngineName,
    NoEnvironment,
    OutputStyle,
    Overrides,
    SpecFile,
    Threads,
    whole_number,
)
from specnet.cli.tables import TextTable
from specnet.cli.terminal import results, say, write_json
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.analysis.gradients import GradientCheck


def check_gradients(
    spec: SpecFile,
    overrides: Overrides = None,
    no_env: NoEnvironment = False,
    rows: Annotated[
        int,
        whole_number(
            "--rows", minimum=1, help="How many rows of the training split the loss is computed on."
        ),
    ] = 32,
    entries: Annotated[
        int,
        whole_number(
            "--entries", minimum=1, help="How many elements of each parameter are perturbed, one at a time."
        ),
    ] = 32,
    threads: Threads = None,
    engine: EngineName = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Compare gradients with central differences.

    Both are computed in float64, on the document's own data. The row of a parameter shows where gradient and
    difference are furthest apart, relative to their size. Parameters with more numbers than are perturbed one at a
    time are also perturbed as a whole, in a random direction. Exits with 1 if a gradient is wrong.
    """
    from specnet import api

    loaded = api.load(Path(spec), overrides, environment=not no_env)
    found = api.check_gradients(loaded, rows=rows, entries=entries, threads=threads, engine=engine)
    right = all(check.ok for check in found)
    if output is OutputStyle.JSON:
        write_json(_data(found, right=right))
    else:
        _show(results(), found)
    return 0 if right else FAULTY


def _data(found: list[GradientCheck], *, right: bool) -> dict[str, object]:
    from specnet.analysis.gradients import TOLERANCE

    checks = [
        {
            "parameter": check.name,
            "shape": list(check.shape),
            "checked": check.checked,
            "error": check.error,
            "place": None if check.place is None else list(check.place),
            "gradient": check.gradient,
            "difference": check.difference,
            "ok": check.ok,
        }
        for check in found
    ]
    return {"ok": right, "tolerance": TOLERANCE, "checks": checks}


def _show(console: Console, found: list[GradientCheck]) -> None:
    table = TextTable(["parameter", "shape", "checked", "gradient", "difference", "error", ""], "<<>>>><")
    for check in found:
        size = math.prod(check.shape)
        table.rows.append(
            [
                f"{check.name}{'' if check.place is None else list(check.place)}",
                " x ".join(map(str, check.shape)) or "1",
                f"{check.checked} of {size:,}",
                number(check.gradient, 6),
                number(check.difference, 6),
                f"{check.error:.1e}",
                "" if check.ok else "wrong",
            ]
        )
    table.show(console)
    console.print()
    wrong = [check.name for check in found if not check.ok]
    if not found:
        say(console, " the model has no parameters, so there are no gradients to check")
    elif wrong:
        say(
            console,
            f" {counted(len(wrong), 'gradient')} of {len(found)} {'is' if len(wrong) == 1 else 'are'} wrong: "
            f"{', '.join(wrong)}",
            "bold red",
        )
    else:
        say(console, f" all {counted(len(found), 'gradient')} agree with central differences", "bold green")

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from rich.console import Console

from specnet import api
from specnet.cli.guard import FAULTY
from specnet.cli.numbers import number
from specnet.cli.tables import TextTable
from specnet.cli.terminal import results, say
from specnet.diagnostics.text import counted
from specnet.runs.files import finite
from specnet.runs.gradients import TOLERANCE, GradientCheck


def check_gradients(path: str, overrides: list[str], *, rows: int, entries: int, as_json: bool) -> int:
    """Print how far each parameter's gradient is from central differences, and return the exit code."""
    spec = api.load(Path(path), overrides)
    found = api.check_gradients(spec, rows=rows, entries=entries)
    right = all(check.ok for check in found)
    if as_json:
        sys.stdout.write(json.dumps(finite(_data(found, right=right)), indent=2, ensure_ascii=False) + "\n")
    else:
        _show(results(), found)
    return 0 if right else FAULTY


def _data(found: list[GradientCheck], *, right: bool) -> dict[str, object]:
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

"""Measure how fast specnet is beside its peers on this machine: a table, and a chart.

    python -m benchmarks                         # all rows: about an hour
    python -m benchmarks --only mlp              # one row, or those whose names begin so; may be repeated
    python -m benchmarks --list
    python -m benchmarks --out results           # table.md, results.json and chart.png in a folder

Peers and engines take turns in one process, with as many threads each, and what counts is the median over the rounds.
Rows whose peers are not installed are left out, and said to be. Run it on a machine that does nothing else: the load
is written beside the table.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks import report
from benchmarks.case import ENGINES, Case, Setting
from benchmarks.side_by_side import in_turn, machine

PAUSE = 0.03
"""Seconds before each measurement, in which threads that wait awake come to rest."""

VERSIONS = ("numpy", "numba", "torch", "jax", "onnxruntime", "pandas", "pyarrow")


def measure(
    case: Case, options: argparse.Namespace, engines: tuple[str, ...], folder: Path
) -> report.Figures:
    """Return the seconds of all peers of a case, round by round."""
    setting = Setting(folder, options.threads, engines, quick=options.quick, compiled=options.compiled)
    peers = case.prepare(setting)
    rounds = options.rounds or (2 if options.quick else case.rounds)
    found = in_turn(peers, rounds, PAUSE)
    del peers
    gc.collect()
    return found


def chosen(cases: list[Case], beginnings: list[str] | None) -> list[Case]:
    """Return the cases of these names, or else those whose names begin so."""
    if not beginnings:
        return cases
    names = {case.name for case in cases}
    found = []
    for beginning in beginnings:
        exact = beginning in names
        own = [c for c in cases if c.name == beginning or (not exact and c.name.startswith(beginning))]
        if not own:
            say(f"no row has a name that begins with {beginning}; --list lists them")
            raise SystemExit(2)
        found += own
    return [case for case in cases if case in found]


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="rows whose names begin with NAME")
    parser.add_argument("--list", action="store_true", help="list the rows, and what they need")
    parser.add_argument("--engine", choices=ENGINES, help="one engine alone; both if numba is installed")
    parser.add_argument("--rounds", type=int, help="rounds of every row (by default, as many as it needs)")
    parser.add_argument("--quick", action="store_true", help="do as little as shows that every row works")
    parser.add_argument(
        "--compiled", action="store_true", help="measure `torch.compile`, too (minutes longer)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write table.md, results.json and chart.png"
    )
    options = parser.parse_args()
    options.threads = len(os.sched_getaffinity(0))
    return options


def main() -> None:
    """Measure the rows that the arguments ask for."""
    options = arguments()
    from benchmarks.cases import CASES

    cases = chosen(CASES, options.only)
    if options.list:
        for case in cases:
            print(f"{case.name:20} {case.work}{_needs(case)}")
        return
    engines = tuple(
        engine
        for engine in ([options.engine] if options.engine else ENGINES)
        if engine == "numpy" or find_spec("numba") is not None
    )
    before = machine(*(name for name in VERSIONS if find_spec(name) is not None))
    figures, rows = {}, []
    for case in cases:
        if case.missing:
            are = "is" if len(case.missing) == 1 else "are"
            say(f"{case.name}: left out, since {' and '.join(case.missing)} {are} not installed")
            continue
        say(f"{case.name}: {case.work}")
        for peer in case.peers:
            if not peer.is_installed:
                say(f"{case.name}: not compared with {peer.name}, since {peer.needs} is not installed")
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
            figures[case.name] = measure(case, options, engines, Path(name))
        rows += report.rows(case, figures[case.name])
    written = f"{report.table(rows)}\n\nBefore: {before}\n\nAfter: {machine()}"
    print(written)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "table.md").write_text(written + "\n", encoding="utf-8")
        plain = json.dumps(report.data(rows, figures, before), indent=1)
        (options.out / "results.json").write_text(plain + "\n", encoding="utf-8")
        report.chart(rows, before.partition("; load")[0], options.out / "chart.png")


def _needs(case: Case) -> str:
    needed = dict.fromkeys([*case.needs, *(peer.needs for peer in case.peers if peer.needs)])
    return f" ({', '.join(needed)})" if needed else ""


if __name__ == "__main__":
    main()

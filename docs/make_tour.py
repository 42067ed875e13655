"""Fill the pages' output blocks with what the programs really print.

    python docs/make_tour.py            # rewrite the pages where an output has changed
    python docs/make_tour.py --check    # change nothing; exit with 1 where a page differs

A block is made by the function that the comment above it names: `<!-- made: explain -->`. The prose between
the blocks is written by hand. How long something took, and digits beyond the sixth, are never a difference:
another machine has others.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from lesson_blocks import Lesson
from pages import ROOT, is_check, update

from specnet.data import inspect_data
from specnet.diagnostics import KeyPath
from specnet.engines.numpy.emit import emit
from specnet.graph.graph import Graph
from specnet.graph.printing import text
from specnet.language import load
from specnet.model.building import build
from specnet.model.network import Network
from specnet.model.programs import training_graph
from specnet.passes.layout import join_biases
from specnet.passes.pipeline import plan
from specnet.passes.plan import Plan
from specnet.passes.simplify import simplify
from specnet.vocabulary.layers.dense import Dense
from specnet.vocabulary.schedules import RunLength

PAGES = (ROOT / "docs" / "tour.md", ROOT / "docs" / "lesson.md", ROOT / "README.md")
SPEC = ROOT / "specs" / "mlp.toml"
BLOCK = re.compile(r"(<!-- made: ([\w-]+) -->\n+( *)```\w*\n)((?:.*\n)*?)( *```)")
FIRST_SPEC = re.compile(r"```toml\n(.*?)```", re.DOTALL)
TIME = re.compile(r" *\b\d[\d.,]* ?(?:ms|s)\b|\"seconds\": ?[\d.e-]+")
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
COLUMNS = 80

MAKERS: dict[str, Callable[[], str]] = {}


def maker(function: Callable[[], str]) -> Callable[[], str]:
    """Have a function make the blocks of its name, with - for _."""
    MAKERS[function.__name__.replace("_", "-")] = function
    return function


# The command line, as a reader would see it in a folder of their own


@cache
def folder() -> Path:
    """Return a folder that holds specs/, and in which the commands are run."""
    path = Path(tempfile.mkdtemp(prefix="specnet-tour-"))
    shutil.copytree(ROOT / "specs", path / "specs", ignore=shutil.ignore_patterns("*.schema.json"))
    text = SPEC.read_text(encoding="utf-8")
    faulty = text.replace('activation = "sigmoid"', 'activation = "sigmoyd"', 1).replace("0.05", "-0.05")
    (path / "faulty.toml").write_text(faulty, encoding="utf-8")
    return path


def command(*arguments: str) -> str:
    """Return what `specnet` with these arguments writes to its standard output."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SPECNET", "FORCE_"))},
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "COLUMNS": str(COLUMNS),
        "NO_COLOR": "1",
        # Without what was measured of this machine.
        "XDG_CACHE_HOME": str(folder() / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "specnet", *arguments],
        cwd=folder(),
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in (0, 1) or (done.returncode and arguments[0] != "validate"):
        raise RuntimeError(f"specnet {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout


@maker
def run() -> str:
    """`specnet run specs/mlp.toml`."""
    run_folder()
    return (folder() / "printed.txt").read_text(encoding="utf-8")


@cache
def run_folder() -> Path:
    """Run specs/mlp.toml once, and return the folder that it leaves."""
    printed = command("run", "specs/mlp.toml")
    (folder() / "printed.txt").write_text(printed, encoding="utf-8")
    return folder() / "runs" / "mlp" / "001"


@maker
def readme() -> str:
    """Return what the first document of the README prints."""
    found = FIRST_SPEC.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    (folder() / "flowers.toml").write_text(found[1], encoding="utf-8")
    return command("run", "flowers.toml")


@maker
def validate() -> str:
    """`specnet validate faulty.toml`."""
    return command("validate", "faulty.toml")


@maker
def explain() -> str:
    """`specnet explain specs/mlp.toml`."""
    return command("explain", "specs/mlp.toml")


@maker
def run_directory() -> str:
    """Return the files that a run leaves, and how large each is."""
    files = sorted(path for path in run_folder().rglob("*") if path.is_file())
    return "\n".join(str(path.relative_to(folder())) for path in files)


@maker
def metrics() -> str:
    """Return the first and last lines of metrics.jsonl."""
    lines = (run_folder() / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return "\n".join([*lines[:2], "...", lines[-1]])


# The stages, called one by one


@cache
def network() -> Network:
    """Return the network of specs/mlp.toml."""
    spec = load(SPEC)
    return build(spec, inspect_data(spec.data, spec.folder))


@cache
def whole_graph() -> Graph:
    """Return the graph of one training step, as it is before any rewriting."""
    return training_graph(network(), RunLength(1, 1)).graph


@cache
def compiled() -> Plan:
    """Return the plan of one training step."""
    return plan(whole_graph(), 8, guard="loss", fixed_inputs=True)


@maker
def spec_text() -> str:
    """Return the document itself."""
    return SPEC.read_text(encoding="utf-8")


@maker
def places() -> str:
    """Return where some key paths lead in the text."""
    source = load(SPEC).source
    paths: tuple[KeyPath, ...] = (
        ("name",),
        ("layers", 0, "units"),
        ("training", "optimizer", "learning_rate"),
    )
    lines = []
    for path in paths:
        _, span = source.locate(path)
        assert span is not None
        lines.append(f"{path!r:45} line {span.start.line}, columns {span.start.column} to {span.end.column}")
    return "\n".join(lines)


@maker
def spec_model() -> str:
    """Return parts of the validated model, with the defaults filled in."""
    spec = load(SPEC)
    layer = spec.layers[1]
    assert isinstance(layer, Dense)
    return "\n".join(f"{part!r}" for part in (layer.activation, spec.loss, spec.training.optimizer))


@maker
def signature() -> str:
    """Return what the compiler is told of the data."""
    spec = load(SPEC)
    made = inspect_data(spec.data, spec.folder)
    return "\n".join(
        f"{name:12} {getattr(made, name)}" for name in ("inputs", "target", "class_count", "rows")
    )


@maker
def forward_graph() -> str:
    """Return the graph of the network alone."""
    return text(network().lower(training=True).graph)


@maker
def backward_graph() -> str:
    """Return what differentiation and the optimizer append to it."""
    lines = text(whole_graph()).splitlines()
    return "\n".join(lines[len(forward_graph().splitlines()) :])


@maker
def simplified_graph() -> str:
    """Return the graph after simplification and layout."""
    return text(join_biases(simplify(whole_graph()), fixed_inputs=True))


@maker
def source() -> str:
    """Return the function that the plan is written as."""
    return emit(compiled()).source


MAKERS |= Lesson(command, folder).blocks


def essence(text: str) -> str:
    """Return a block without what differs from machine to machine."""
    return NUMBER.sub(lambda number: f"{float(number[0]):.6g}", TIME.sub("", text))


def filled(text: str) -> str:
    """Return a page with every block made anew, but for those whose essence stays the same."""

    def fill(block: re.Match[str]) -> str:
        start, name, indent, before, end = block.groups()
        lines = (f"{indent}{line}".rstrip() for line in MAKERS[name]().strip("\n").splitlines())
        made = "".join(f"{line}\n" for line in lines)
        return block[0] if essence(made) == essence(before) else start + made + end

    return BLOCK.sub(fill, text)


def main(arguments: list[str]) -> int:
    """Make or check the pages; return the exit code."""
    check = is_check(arguments, __doc__)
    if check is None:
        return 2
    try:
        made = ((page, filled(page.read_text(encoding="utf-8"))) for page in PAGES)
        return update(made, check=check, script="make_tour.py")
    finally:
        shutil.rmtree(folder(), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

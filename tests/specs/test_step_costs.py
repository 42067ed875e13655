"""What a training step of each shipped document costs, counted and not timed, so that a change shows in a review.

`costs.toml` has for each document's step on two threads: the calls of each kernel, the bytes of the arrays that these
are given, and the calls that allocate memory; with the operations and the memory of its plan.

    SPECNET_DATA=... python tests/specs/test_step_costs.py      # writes the file
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from specnet.passes.plan import Plan
from tests.support.costs import Cost, costs
from tests.support.shipped import there
from tests.support.shipped_networks import FILES, some

FILE = Path(__file__).with_name("costs.toml")
HEAD = "# Written by `python tests/specs/test_step_costs.py`, which says what it is.\n"
THREADS = "2"


def section(name: str, plan: Plan, cost: Cost) -> str:
    """Return what a plan's step costs, as a table of TOML."""
    kernels = sorted(cost.kernels.items())
    lines = [
        f"[{name}]",
        f"batch = {plan.batch}",
        f"flops = {plan.flops():_}",
        f"arena_bytes = {plan.arena:_}",
        f"kernel_calls = {sum(kernel.calls for _, kernel in kernels):_}",
        f"bytes_moved = {sum(kernel.moved for _, kernel in kernels):_}",
        f"allocations = {sum(kernel.allocations for _, kernel in kernels):_}",
        "",
        f"[{name}.kernels]",
    ]
    for function, kernel in kernels:
        allocations = f", allocations = {kernel.allocations:_}" if kernel.allocations else ""
        lines.append(f"{function} = {{ calls = {kernel.calls:_}, bytes = {kernel.moved:_}{allocations} }}")
    return "\n".join(lines) + "\n"


def written(file: str) -> str:
    """Return what the steps of a shipped document cost, as tables of TOML."""
    name = file.partition(".")[0]
    found = costs(*some(file)).items()
    return "\n".join(section(f"{name}.{step}", plan, cost) for step, (plan, cost) in found)


def kept() -> dict[str, str]:
    """Return the text that is kept of each document, by its name."""
    parts: dict[str, str] = {}
    for part in FILE.read_text(encoding="utf-8").removeprefix(HEAD).split("\n\n[") if FILE.exists() else []:
        text = "[" + part.strip().removeprefix("[") + "\n"
        name = text[1:].partition(".")[0]
        parts[name] = f"{parts[name]}\n{text}" if name in parts else text
    return parts


@pytest.mark.parametrize("file", FILES)
def test_a_step_costs_what_is_written_down(file, monkeypatch):
    monkeypatch.setenv("SPECNET_THREADS", THREADS)
    name = file.partition(".")[0]
    assert written(file).splitlines() == kept()[name].splitlines(), (
        f"if that is meant, `python {Path(__file__).name}` writes it down"
    )


def test_every_shipped_document_is_there_and_no_other():
    assert list(tomllib.loads(FILE.read_text(encoding="utf-8"))) == [file.partition(".")[0] for file in FILES]


def test_no_step_allocates_memory():
    documents = tomllib.loads(FILE.read_text(encoding="utf-8")).values()
    assert [plan["allocations"] for document in documents for plan in document.values()] == [0] * len(FILES)


def write() -> None:
    """Write the file; documents without their data keep what is there."""
    os.environ["SPECNET_THREADS"] = THREADS
    before = kept()
    parts = [written(file) if there(file) else before[file.partition(".")[0]] for file in FILES]
    FILE.write_text(HEAD + "\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    write()

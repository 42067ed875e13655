"""What CONTRIBUTING.md says of adding a layer, an op, or a data format, is all that there is to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TESTS = [
    "tests/graph/test_ops.py",
    "tests/graph/test_records.py",
    "tests/engines/numpy/test_printer.py",
    "tests/interchange/onnx/test_ops.py",
    "tests/engines/numpy/test_functions.py",
]


def section(title):
    """Return a section of the page: its text, and its blocks of code."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    text = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return text, re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def copied(folder):
    for name in ("specnet", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "old_runs")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)


def run_in(folder, *arguments):
    command = [sys.executable, *arguments]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "",
    }
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=300
    )


def with_layer(folder):
    """Add the layer of the page to a copy of the package, without its row of tests."""
    text, (layer, line, row) = section("Adding a layer")
    copied(folder)
    (place,) = re.findall(r"in `(specnet/vocabulary/layers/\w+\.py)`:", text)
    family = folder / place
    family.write_text(f"{family.read_text()}\n\n{layer}")
    names = folder / "specnet/vocabulary/layers/__init__.py"
    before, after = names.read_text().split("    {\n", 1)
    names.write_text(f"{before}    {{\n{line}{after}")
    assert "a row of `tests/support/layer_rows/`" in text
    return row


def test_a_layer_is_a_class_a_line_and_a_row(tmp_path):
    pytest.importorskip("torch")
    row = with_layer(tmp_path)
    table = tmp_path / "tests/support/layer_rows/gated.py"
    before, after = table.read_text().split("ROWS = [\n", 1)
    table.write_text(f"{before}ROWS = [\n{row.rstrip()},\n{after}")
    test = "tests/vocabulary/layers/test_table.py"
    tried = run_in(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", test, "-k", "gated_dense or layer_has_rows"
    )
    assert tried.returncode == 0, tried.stdout
    (passed,) = re.findall(r"(\d+) passed", tried.stdout)
    assert int(passed) > 6, tried.stdout


def test_a_layer_of_the_page_trains_and_explains_itself(tmp_path):
    with_layer(tmp_path)
    shown = run_in(tmp_path, "-m", "specnet", "docs", "gated_dense")
    assert (shown.returncode, "The number of output features." in shown.stdout) == (0, True), shown.stdout
    document = {
        "specnet": 1,
        "data": {"type": "builtin", "name": "iris"},
        "layers": [{"type": "gated_dense", "units": 3}],
        "loss": "cross_entropy",
    }
    (tmp_path / "gated.json").write_text(json.dumps(document))
    done = run_in(tmp_path, "-m", "specnet", "run", "gated.json", "--no-save", "--quiet")
    assert done.returncode == 0, done.stderr


def test_an_op_is_one_statement_and_one_row(tmp_path):
    text, (statement, row) = section("Adding an op")
    assert text.index("`specnet/graph/ops/elementwise.py`") < text.index("```")
    assert "`TABLE` of `tests/support/op_rows.py`" in text
    copied(tmp_path)
    family = tmp_path / "specnet/graph/ops/elementwise.py"
    family.write_text(family.read_text() + statement)
    table = tmp_path / "tests/support/op_rows.py"
    head, rows = row.split("    ...,\n")
    before, after = table.read_text().split(head, 1)
    table.write_text(before + head + rows.removesuffix("]\n") + after)
    (name,) = re.findall(r"(?m)^(\w+) = ", statement)
    tried = run_in(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, "-k", f"{name} or every or lacks"
    )
    assert tried.returncode == 0, tried.stdout
    (passed,) = re.findall(r"(\d+) passed", tried.stdout)
    assert int(passed) > 20, tried.stdout


def test_an_op_without_a_row_is_named(tmp_path):
    _, (statement, _) = section("Adding an op")
    copied(tmp_path)
    family = tmp_path / "specnet/graph/ops/elementwise.py"
    family.write_text(family.read_text() + statement)
    tried = run_in(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS[0], "-k", "covers_every")
    assert tried.returncode == 1
    assert "'sinh'" in tried.stdout


def with_format(folder):
    """Add the data format of the page to a copy of the package, without its row of tests."""
    text, (module, line, row) = section("Adding a data format")
    copied(folder)
    (place,) = re.findall(r"`(specnet/data/formats/\w+\.py)`, for", text)
    (folder / place).write_text(module)
    names = folder / "specnet/data/formats/__init__.py"
    before, after = names.read_text().split("    {\n", 1)
    names.write_text(f"{before}    {{\n{line}{after}")
    assert "`TABLE` of `tests/support/format_rows.py`" in text
    return row


def test_a_data_format_is_a_module_a_line_and_a_row(tmp_path):
    row = with_format(tmp_path)
    table = tmp_path / "tests/support/format_rows.py"
    functions, rows = row.split("TABLE = [\n    ...,\n")
    before, after = table.read_text().split("TABLE = [\n", 1)
    before = before.replace("import gzip\n", "import gzip\nimport json\n")
    rows = rows.removesuffix("]\n")
    table.write_text(f"{before}{functions}TABLE = [\n{rows}{after}")
    test = "tests/data/formats/test_every_format.py"
    tried = run_in(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", test, "-k", "jsonl or format_has"
    )
    assert tried.returncode == 0, tried.stdout
    (passed,) = re.findall(r"(\d+) passed", tried.stdout)
    assert int(passed) > 13, tried.stdout
    shown = run_in(tmp_path, "-m", "specnet", "docs", "jsonl")
    assert (shown.returncode, 'path = "rows.jsonl"' in shown.stdout) == (0, True), shown.stdout


def test_a_data_format_without_a_row_is_named(tmp_path):
    with_format(tmp_path)
    test = "tests/data/formats/test_every_format.py"
    tried = run_in(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", test, "-k", "every_format_has")
    assert tried.returncode == 1
    assert "'jsonl'" in tried.stdout

"""The tests themselves: where they are, what they share, and that each can fail."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "specnet"
FILES = sorted(TESTS.rglob("*.py"))
OWN = {"hostile", "support", "specs", "invalid", "old_runs"}
"""Folders that the package has not: what tests share, tests of the shipped documents, and files that tests read."""

OF_ENGINES = {"operands", "loop_operands", "program", "statements", "use", "value_statements"}
"""Modules of the engines whose parts do nothing alone: plans that are run and printed are their tests."""

UNCHECKED = {
    "test_idx.py": {"test_rubbish_is_a_fault_or_data"},
    "test_npz.py": {"test_rubbish_is_a_fault_or_data"},
    "test_sklearn.py": {
        "test_a_full_batch_with_weights_is_one_of_repeated_rows",
        "test_they_are_estimators",
    },
    "test_synthetic.py": {"test_stratified_rows_are_counted_before_they_are_made"},
}
"""Tests that fail only if what they call raises an error that they do not expect."""

CHECKS = {"raises", "warns", "fail", "validate"}
"""Functions of other packages that raise what fails a test; `np.testing` has more."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def of(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


@cache
def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef)]


@cache
def imports(path: Path) -> list[ast.ImportFrom]:
    """Return what a file imports from modules of the tests."""
    return [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("tests.")
    ]


def each_test(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in functions(path) if node.name.startswith("test_"))


def test_folders_are_those_of_the_package() -> None:
    folders = {path.parent.relative_to(TESTS) for path in FILES if path.name.startswith("test_")}
    own = {folder for folder in folders if folder.parts and folder.parts[0] in OWN}
    assert [folder for folder in folders - own if not (PACKAGE / folder).is_dir()] == []


@pytest.mark.parametrize("folder", ["passes", "engines", "engines/numpy", "engines/numba"])
def test_every_pass_and_every_part_of_the_engine_is_tested_by_itself(folder: str) -> None:
    modules = {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"} - OF_ENGINES
    tested = [path.stem.removeprefix("test_") for path in (TESTS / folder).glob("test_*.py")]
    assert {
        module for module in modules if not any(f"{name}_".startswith(f"{module}_") for name in tested)
    } == set()


def test_no_test_file_imports_another() -> None:
    found = [
        f"{of(path)}: {node.module}"
        for path in FILES
        for node in imports(path)
        if not f"{node.module}.".startswith(("tests.support.", "tests.hostile."))
    ]
    assert found == []


def test_a_file_that_skips_where_a_package_is_missing_is_imported_once() -> None:
    """With several processes, pytest reports one of the files that are skipped for the same line."""
    skipping = {
        path.stem
        for path in FILES
        if "support" in path.parts
        for node in parsed(path).body
        if isinstance(node, ast.Assign | ast.Expr) and "importorskip" in ast.unparse(node)
    }
    assert skipping == {"layer_cases"}
    imported = Counter(
        node.module
        for path in FILES
        if path.name.startswith("test_")
        # A file that skips by itself before that is reported by itself.
        if not any(
            "importorskip" in ast.unparse(node) for node in parsed(path).body if isinstance(node, ast.Expr)
        )
        for node in imports(path)
    )
    assert {name: imported[f"tests.support.{name}"] for name in skipping} == {"layer_cases": 1}


def test_helpers_are_defined_once() -> None:
    defined = defaultdict(set)
    for path in FILES:
        for function in functions(path):
            if function.end_lineno is not None and function.end_lineno - function.lineno >= 5:
                what = [ast.dump(function.args), *map(ast.dump, function.body)]
                defined["".join(what)].add(f"{of(path)}: {function.name}")
    assert [places for places in defined.values() if len(places) > 1] == []


def test_nothing_is_defined_twice_in_a_file() -> None:
    for path in FILES:
        names = Counter(
            name
            for node in parsed(path).body
            for name in (
                [node.name]
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
                else [each.id for each in getattr(node, "targets", ()) if isinstance(each, ast.Name)]
            )
        )
        assert [name for name, count in names.items() if count > 1 and name != "_"] == [], of(path)


def asserts(path: Path) -> Iterator[ast.Assert]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert))


def can_be_false(test: ast.expr) -> bool:
    """Return whether what is asserted is no mere constant, and compares nothing with itself."""
    if isinstance(test, ast.Constant | ast.Tuple | ast.GeneratorExp | ast.JoinedStr):
        return False
    if isinstance(test, ast.BoolOp):
        return not any(isinstance(value, ast.Constant) for value in test.values)
    if isinstance(test, ast.Compare) and not any(isinstance(node, ast.Call) for node in ast.walk(test)):
        sides = [ast.dump(side) for side in (test.left, *test.comparators)]
        return len(set(sides)) == len(sides)
    return True


def test_what_is_asserted_can_be_false() -> None:
    wrong = [
        f"{of(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in FILES
        for node in asserts(path)
        if not can_be_false(node.test)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text", ["True", "(1, 2)", "(x for x in y)", "f'{x}'", "x or 1", "x == x", "x < y < x"]
)
def test_an_assertion_that_cannot_be_false_is_found(text: str) -> None:
    assert not can_be_false(ast.parse(text, mode="eval").body)
    assert can_be_false(ast.parse("x == y", mode="eval").body)


def test_each_test_checks_something() -> None:
    unchecked = defaultdict(set)
    for path in FILES:
        for test in each_test(path):
            if not checks(path, test, set()):
                unchecked[path.name].add(test.name)
    assert dict(unchecked) == UNCHECKED


def checks(path: Path, function: ast.FunctionDef, seen: set[tuple[Path, str]]) -> bool:
    """Return whether a function asserts something, itself or by functions of the tests that it calls."""
    if (path, function.name) in seen:
        return False
    seen.add((path, function.name))
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Raise) and "AssertionError" in ast.unparse(node):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            name = called.rpartition(".")[2]
            if called.startswith("np.testing.") or name in CHECKS:
                return True
            if any(checks(where, each, seen) for where, each in definitions(path, name)):
                return True
    return False


def definitions(path: Path, name: str) -> Iterator[tuple[Path, ast.FunctionDef]]:
    """Yield the functions and methods of a name that a file defines or imports from what tests share."""
    yield from ((path, each) for each in functions(path) if each.name == name)
    for node in imports(path):
        assert node.module is not None
        where = TESTS.parent / f"{node.module.replace('.', '/')}.py"
        for alias in node.names:
            if (alias.asname or alias.name) == name and where.exists():
                yield from ((where, each) for each in functions(where) if each.name == alias.name)


@pytest.mark.parametrize(
    ("body", "able"),
    [
        ("assert x", True),
        ("run(x)", False),
        ("check(x)", True),
        ("with raises(ValueError): x()", True),
        ("x()", False),
    ],
)
def test_a_test_without_a_check_is_found(body: str, able: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        f"def check(x):\n    assert x\n\ndef run(x):\n    return x\n\ndef test_it(x):\n    {body}\n"
    )
    assert [checks(path, test, set()) for test in each_test(path)] == [able]

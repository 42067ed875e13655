"""Modules depend on each other in one direction only, for types and inside functions, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp
import pytest

import specnet

PACKAGE = Path(specnet.__file__).parent

HEAVY = {
    "PIL": "specnet.data.images",
    "pyarrow": "specnet.data.formats",
    "jinja2": "specnet.reporting",
    "matplotlib": "specnet.reporting",
    "onnx": "specnet.interchange.onnx",
    "safetensors": "specnet.interchange.safetensors_file",
    "sklearn": "specnet.sklearn",
    "torch": None,
    "pandas": "specnet.storage.dataframes",
    "polars": None,
}
"""The only part of the package that may import a library of an extra, if any may."""


def graph_of(package: str) -> dict[str, list[str]]:
    """Return what each module of a package imports of it, wherever in the module."""
    graph = grimp.build_graph(package, cache_dir=None)
    return {
        module: sorted(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)
    }


def cycles(imports: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Yield a shortest cycle of each group of modules that import each other, as a list that ends where it began."""
    reached = {module: reachable(imports, module) for module in imports}
    seen: set[str] = set()
    for module in imports:
        if module not in seen and module in reached[module]:
            seen |= {other for other in reached[module] if module in reached[other]}
            yield shortest(imports, module)


def reachable(imports: Mapping[str, list[str]], start: str) -> set[str]:
    found: set[str] = set()
    pending = list(imports[start])
    while pending:
        module = pending.pop()
        if module not in found:
            found.add(module)
            pending += imports[module]
    return found


def shortest(imports: Mapping[str, list[str]], start: str) -> list[str]:
    paths = [[start]]
    while True:
        paths = [[*path, after] for path in paths for after in imports[path[-1]] if after not in path[1:]]
        back = next((path for path in paths if path[-1] == start), None)
        if back is not None:
            return back


def test_no_modules_import_each_other():
    found = [" -> ".join(cycle) for cycle in cycles(graph_of("specnet"))]
    assert not found, "these modules import each other:\n" + "\n".join(found)


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    def make(**sources):
        folder = tmp_path / "made_up"
        folder.mkdir()
        for name, source in {"__init__": "", **sources}.items():
            (folder / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return list(cycles(graph_of("made_up")))

    return make


FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from made_up.low import Low\n"
IN_A_FUNCTION = "def late():\n    from made_up import low\n"


@pytest.mark.parametrize("back", [FOR_TYPES, IN_A_FUNCTION, "import made_up.low\n"])
def test_a_cycle_is_found(made_up, back):
    found = made_up(low="from made_up.middle import x\n", middle="import made_up.high\n", high=back, apart="")
    assert found == [["made_up.high", "made_up.low", "made_up.middle", "made_up.high"]]


def test_what_has_no_cycle_has_none(made_up):
    assert made_up(low="", middle="import made_up.low\n", high="from made_up import low, middle\n") == []


def test_the_package_hands_on_its_interface_alone():
    imports = graph_of("specnet")
    assert imports["specnet"] == [
        "specnet._version",
        "specnet.api",
        "specnet.classes",
        "specnet.finished",
    ]
    within = {module for module, others in imports.items() if "specnet" in others}
    assert not within, "modules import the parts that they need, not the whole package"


def named(module: Path) -> Iterator[tuple[str, int]]:
    """Yield the modules that a module imports or has imported by name, with the line."""
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=str(name)):
                yield name, node.lineno
            case ast.Call(func=ast.Name(id="needed") | ast.Attribute(attr="import_module"), args=[first, *_]):
                if isinstance(first, ast.Constant):
                    yield str(first.value), node.lineno


def test_each_heavy_library_is_imported_in_one_place():
    wrong, found = [], set()
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for name, line in named(path):
            library = name.partition(".")[0]
            home = HEAVY.get(library, "")
            if home is None or not module.startswith(home):
                wrong.append(f"{path}:{line} imports {name}")
            found.add(library)
    assert not wrong, "\n".join(wrong)
    assert {library for library, home in HEAVY.items() if home} <= found

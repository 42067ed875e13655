"""The shipped documents in CI: where their data are, and how the long ones are shortened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import specnet
from tests.support.shipped import ELSEWHERE

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "specs").glob("*.toml"))


def table(name: str) -> dict[str, str]:
    """Return an associative array of `.ci/run`."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    found = re.search(rf"^ *declare -A {name}=\((.*?)^ *\)", script, re.MULTILINE | re.DOTALL)
    assert found is not None
    return {key: value.strip("'") for key, value in re.findall(r"\[([\w-]+)\]=('[^']*'|\S+)", found[1])}


SHORTER = table("shorter")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_document_names_the_folder_of_its_data(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("\n# ", " ")
    folder = ELSEWHERE.get(path.name)
    assert re.findall(r"`([\w-]+)` in \$SPECNET_DATA", text) == ([] if folder is None else [folder])


def test_ci_looks_for_data_where_the_tests_do() -> None:
    assert {f"{name}.toml": folder for name, folder in table("folder").items()} == ELSEWHERE


@pytest.mark.parametrize("name", SHORTER)
def test_what_shortens_a_document_is_valid(name: str) -> None:
    words = SHORTER[name].split()
    assert words[::2] == ["--set"] * (len(words) // 2)
    report = specnet.validate(ROOT / "specs" / f"{name}.toml", words[1::2], data=False)
    assert not [diagnostic for diagnostic in report.diagnostics if diagnostic.severity == "error"]

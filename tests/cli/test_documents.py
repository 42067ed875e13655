"""Which files the arguments of `validate` come to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from specnet.cli.documents import find

SPEC = "specnet = 1\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with documents, and with all that may lie between them."""
    files = {
        "a.toml": SPEC,
        "b.json": '{"name": "b", "specnet": 1}',
        "pyproject.toml": "[tool.specnet]\nx = 1\n",
        "package.json": '{"dependencies": {"specnet": "^1"}}',
        "notes.txt": SPEC,
        "sub/c.toml": f"# a comment\nname = 'c'\n{SPEC}",
        "sub/d.TOML": SPEC,
        "sub/deep/torn.toml": f"{SPEC}name = \n",
        "sub/deep/torn.json": '{\n  "specnet": 1,\n',
        "sub/deep/else.toml": "[specnet]\nx = \n",
        "sub/deep/list.json": '["specnet"]',
        ".hidden/e.toml": SPEC,
        ".hidden.toml": SPEC,
        ".venv/f.toml": SPEC,
        "node_modules/g.json": '{"specnet": 1}',
        "runs/a/001/spec.toml": SPEC,
        "runs/a/001/resolved.json": '{"specnet": "0.1.0"}',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


IN_SUB = ["sub/c.toml", "sub/d.TOML", "sub/deep/torn.json", "sub/deep/torn.toml"]


def test_a_folder_stands_for_the_documents_below_it(tree: Path) -> None:
    found = find(["."])
    assert (found.files, found.problems) == (["a.toml", "b.json", *IN_SUB], [])
    assert find(["sub"]).files == IN_SUB
    assert find(["sub/"]).files == IN_SUB
    assert find([str(tree / "sub")]).files == [str(tree / name) for name in IN_SUB]


def test_what_is_skipped_is_found_where_it_is_named() -> None:
    assert find([".hidden", ".venv", "node_modules"]).files == [
        ".hidden/e.toml",
        ".venv/f.toml",
        "node_modules/g.json",
    ]


def test_links_lead_to_files_but_not_in_circles(tree: Path) -> None:
    (tree / "sub/loop").symlink_to(tree)
    (tree / "sub/deep/up").symlink_to("..")
    (tree / "sub/self").symlink_to("self")
    (tree / "sub/nowhere.toml").symlink_to("absent.toml")
    (tree / "other").mkdir()
    (tree / "other/linked.toml").symlink_to("../a.toml")
    assert find(["."]).files == ["a.toml", "b.json", *IN_SUB]
    assert find(["other"]).files == ["other/linked.toml"]
    assert find(["**/*.toml"]).files[0] == "a.toml"


def test_a_document_is_checked_once(tree: Path) -> None:
    (tree / "z.toml").symlink_to("a.toml")
    assert find(["a.toml", "./a.toml", "*.toml", str(tree / "a.toml"), "z.toml"]).files == [
        "a.toml",
        "pyproject.toml",
    ]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("*.json", ["b.json", "package.json"]),
        ("sub/*.toml", ["sub/c.toml"]),
        ("*/c.toml", ["sub/c.toml"]),
        ("sub/[cd].*", ["sub/c.toml", "sub/d.TOML"]),
        ("**/torn.*", ["sub/deep/torn.json", "sub/deep/torn.toml"]),
        ("**/**/**/c.toml", ["sub/c.toml"]),
        ("sub/**/torn.toml", ["sub/deep/torn.toml"]),
        ("./sub/?.toml", ["./sub/c.toml"]),
        (".h*/*.toml", [".hidden/e.toml"]),
        ("sub*", IN_SUB),
    ],
)
def test_patterns(pattern: str, files: list[str]) -> None:
    assert find([pattern]).files == files


def test_a_pattern_below_an_absolute_path(tree: Path) -> None:
    assert find([f"{tree}/sub/*.toml"]).files == [str(tree / "sub/c.toml")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tree: Path) -> None:
    (tree / "[ab].toml").write_text(SPEC)
    assert find(["[ab].toml"]).files == ["[ab].toml"]


def test_what_names_no_document_is_reported(tree: Path) -> None:
    (tree / "empty").mkdir()
    found = find(["empty", "*.yaml", "a.toml", "absent.toml"])
    assert found.files == ["a.toml", "absent.toml"]
    assert found.problems == [
        "empty: there is no document in this folder",
        "*.yaml: no document matches this pattern",
    ]


def test_named_files_without_the_key_are_skipped_on_demand() -> None:
    names = [
        "a.toml",
        "pyproject.toml",
        "notes.txt",
        "package.json",
        "sub/deep/torn.toml",
        "absent.toml",
        "*.yaml",
    ]
    found = find(names, specs_only=True)
    assert (found.files, found.problems) == (["a.toml", "sub/deep/torn.toml", "absent.toml"], [])


def test_a_pipe_in_a_folder_is_not_waited_on(tree: Path) -> None:
    os.mkfifo(tree / "sub/pipe.toml")
    assert find(["sub"]).files == IN_SUB
    assert find(["sub/*.toml"]).files == ["sub/c.toml"]
    assert find(["**/pipe.toml"]).files == []


def test_a_folder_that_cannot_be_read_is_no_document(tree: Path) -> None:
    (tree / "sub/deep").chmod(0)
    try:
        assert find(["sub"]).files[:2] == IN_SUB[:2]
    finally:
        (tree / "sub/deep").chmod(0o755)


def test_standard_input_is_a_document() -> None:
    assert find(["-", "a.toml", "-"]).files == ["-", "a.toml"]

"""Damaged files in a run's directory are errors that name them; unreadable ones are left out of a list of runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.runs.kept import damage, read_run
from tests.support.commands import make_project


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("damaged"))


@pytest.fixture
def project(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = shutil.copytree(whole, tmp_path / "copy")
    monkeypatch.chdir(copy)
    return copy


DAMAGE: dict[str, Any] = {
    "empty": b"",
    "truncated": lambda data: data[: len(data) // 2],
    "invalid UTF-8": lambda data: data.replace(b'"', b'"\xff', 1),
    "another type": b"[1, 2]\n",
    "a number": b"7\n",
    "null": b"null\n",
    "deep": b"[" * 500 + b"]" * 500 + b"\n",
    "very deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
    "NaN": lambda data: re.sub(rb": (\d)", rb': NaN, "x": \1', data, count=1),
    "a huge number": b"1" * 10_000 + b"\n",
    "zeros": lambda data: bytes(len(data)) + b"\n",
}

WRONG_TYPES = {
    "resolved.json": {
        "spec": [3, "text", None, {"name": 3}, {"data": 3}],
        "data": [3, [], {"t.csv": 3}, {"t.csv": {"sha256": 3}}],
        "overrides": [3, {}, [3]],
        "document": [3, []],
        "folder": [3, {"absolute": 3}],
    },
    "result.json": {
        "splits": [3, [], {"train": 3}, {"train": {"loss": "low"}}],
        "stopped": [3, None, "somehow"],
        "fit": [3, {}, {"verdict": 3, "why": ""}],
        "epochs": ["3", None, [], True],
        "seconds": ["3", {}],
    },
}


DRAWS = all(map(find_spec, ("jinja2", "matplotlib")))
"""Whether the extra `report` is installed."""


def commands(*, resume: bool) -> list[list[str]]:
    asked = [
        ["runs", "."],
        ["evaluate", "run"],
        ["compare", "run", "other"],
        *([["report", "run"], ["plot", "run"]] if DRAWS else []),
    ]
    return [
        *asked,
        ["export", "run", "--to", "numpy"],
        *([["run", "s.toml", "--resume", "run"]] if resume else []),
    ]


def check_named(path: Path, *, resume: bool = True) -> None:
    """Check that every command that reads a run either does without a file, or names it in one line."""
    name = path.name
    named = 0
    for arguments in commands(resume=resume):
        done = CliRunner().invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert "bug in specnet" not in done.stderr, (arguments, done.stderr)
        if done.exit_code or arguments[0] == "runs":
            assert name in done.stderr, (arguments, done.stderr)
            named += 1
    assert named


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("name", ["resolved.json", "metrics.jsonl"])
def test_damage_is_named(name: str, kind: str, project: Path) -> None:
    path = project / "run" / name
    change = DAMAGE[kind]
    path.write_bytes(change(path.read_bytes()) if callable(change) else change)
    if name == "metrics.jsonl":
        (project / "run/result.json").unlink()  # so that the list of runs counts the lines
        if kind in {"empty", "truncated"}:  # as a killed run leaves it
            read_run(project / "run").history()
            return
        with pytest.raises(specnet.RunError, match=r"metrics\.jsonl is damaged in line 1: "):
            read_run(project / "run").history()
    else:
        with pytest.raises(specnet.RunError, match=r"resolved\.json is damaged"):
            specnet.load_run(project / "run")
    check_named(path, resume=name == "resolved.json")


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_result_counts_as_none(kind: str, project: Path) -> None:
    path = project / "run/result.json"
    change = DAMAGE[kind]
    path.write_bytes(change(path.read_bytes()) if callable(change) else change)
    assert "is damaged, so that the run counts as unfinished: " in str(damage(project / "run"))
    assert read_run(project / "run").status == "unfinished"


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        (name, key, value)
        for name, keys in WRONG_TYPES.items()
        for key, each in keys.items()
        for value in each
    ],
)
def test_wrong_types_are_damage(name: str, key: str, value: Any, project: Path) -> None:
    path = project / "run" / name
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    if name == "result.json":
        assert f"`{key}" in str(damage(project / "run"))
    else:
        with pytest.raises(specnet.RunError, match=rf"{name} is damaged.*`{key}"):
            read_run(project / "run")
        check_named(path, resume=False)


def test_a_list_of_runs_names_what_it_cannot_read_and_goes_on(project: Path) -> None:
    (project / "run/resolved.json").write_text("{")
    done = CliRunner().invoke(app, ["runs", "."])
    assert done.exit_code == 0
    assert done.stderr == "warning: run/resolved.json is damaged: it is not valid JSON\n"
    assert "other" in done.stdout
    listed = json.loads(CliRunner().invoke(app, ["runs", ".", "--output", "json"]).stdout)["runs"]
    assert [run["run"] for run in listed] == ["language", "other", "series"]


@pytest.mark.parametrize(
    "name", ["resolved.json", "result.json", "metrics.jsonl", "model.npz", "spec.toml", ".lock"]
)
def test_pipes_in_a_run_are_not_waited_for(name: str, project: Path) -> None:
    path = project / "run" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    for arguments in [*commands(resume=True), ["predict", "run", "t.csv"]]:
        done = CliRunner().invoke(app, arguments)
        assert "bug in specnet" not in done.stderr, (arguments, done.stderr)


def test_documents_and_rows_that_are_pipes_or_devices_are_refused(project: Path) -> None:
    os.mkfifo(project / "pipe.toml")
    os.mkfifo(project / "pipe.csv")
    for file in ("pipe", "/dev/zero"):
        toml, csv = (file + suffix if file == "pipe" else file for suffix in (".toml", ".csv"))
        for arguments in (
            *(
                ["validate", toml],
                ["run", toml],
                ["explain", toml],
                ["trace", toml],
                ["check-gradients", toml],
            ),
            *(["init", csv, "--force"], ["predict", "run", csv], ["evaluate", "run", csv]),
            ["export", toml, "--to", "numpy"],
        ):
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code in {1, 2}, arguments
            assert "not a regular file" in done.stderr or "a run is a directory" in done.stderr, (
                arguments,
                done.stderr,
            )


def test_what_a_shell_pipes_in_is_read(project: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, (project / "s.toml").read_bytes())
    os.close(writer)
    try:
        done = CliRunner().invoke(app, ["validate", f"/dev/fd/{reader}", "--no-data"])
    finally:
        os.close(reader)
    assert (done.exit_code, done.stdout) == (0, "No problems in 1 file.\n")


def test_nothing_takes_the_place_of_a_pipe(project: Path) -> None:
    os.mkfifo(project / "out.csv")
    os.mkfifo(project / "out.json")
    for arguments in (
        ["predict", "run", "t.csv", "-o", "out.csv"],
        ["validate", "s.toml", "--output", "json=out.json"],
    ):
        done = CliRunner().invoke(app, arguments)
        assert (done.exit_code, done.stderr.splitlines()[-1]) == (
            1, f"error: {arguments[-1].removeprefix('json=')} cannot be written: this is not a regular file",
        )  # fmt: skip


NOBODY = (65534, 65534) if os.name == "posix" and os.getuid() == 0 else (-1, -1)

UNREADABLE = {
    "a run's folder": ("run", 0o000),
    "a run's description": ("run/resolved.json", 0o000),
    "a run's result": ("run/result.json", 0o000),
    "a model": ("run/model.npz", 0o000),
    "a document": ("s.toml", 0o000),
    "data": ("t.csv", 0o000),
    "a folder without entry": ("run", 0o644),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_may_not_be_read_is_named(kind: str, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:  # which others may enter, unlike tmp_path
        Path(folder).chmod(0o755)
        project = shutil.copytree(whole, Path(folder) / "copy")
        for path in (project, *project.rglob("*")):
            os.chown(path, *NOBODY)
        monkeypatch.chdir(project)
        name, mode = UNREADABLE[kind]
        (project / name).chmod(mode)
        _check_unreadable(name)
        (project / name).chmod(0o755)
        monkeypatch.undo()


def _check_unreadable(name: str) -> None:
    asked = [
        *commands(resume=True),
        ["predict", "run", "t.csv"],
        ["run", "s.toml", "--no-save"],
        ["validate", "s.toml"],
    ]
    for arguments in asked:
        code, output = _as_nobody(arguments)
        assert "bug in specnet" not in output, (arguments, output)
        assert "Traceback" not in output, (arguments, output)
        if code:
            assert name.partition("/")[0] in output, (arguments, output)
            assert "ermission denied" in output or "there is no" in output, (arguments, output)
        if arguments[0] == "runs":
            assert code == 0
            assert "other" in output


def _as_nobody(arguments: list[str]) -> tuple[int, str]:
    """Run a command as a user who is not root, to whom permissions apply; return its code and all that it says."""
    if os.name != "posix":
        pytest.skip("permissions are another matter here")
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # The matrix library may have threads, of which a child has no need.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        if os.getuid() == 0:
            os.setresgid(NOBODY[1], NOBODY[1], NOBODY[1])
            os.setresuid(NOBODY[0], NOBODY[0], NOBODY[0])
        code = 99
        try:
            done = CliRunner().invoke(app, arguments)
            code = done.exit_code
            os.write(1, (done.stdout + done.stderr).encode(errors="replace"))
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        output = pipe.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output

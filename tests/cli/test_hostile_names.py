"""Names of classes, columns and files that command a terminal are shown, and command nothing."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specnet.cli.app import NAMES, app
from specnet.cli.terminal import data_file
from specnet.diagnostics.segments import escaped, visible
from tests.support.commands import DOCUMENT, SERIES, SWEEP, specnet_in

CLASSES = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\nb\n::error::injected",
    "\x9b31mC1",
    "\u202eevil",
    "\u2066x\u2069",
    "x\u2028y",
    "<script>$\\frac{$",
]
COLUMN = "\x1b[2Jc\x07\u202e\n::warning::x"
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u061c\u200e\u200f\u2028\u2029"}
FORBIDDEN |= {chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
FOLDER = "\x1b[35mproj\u202e\x9bect"


OTHER = "other\x1b[31m\u202e"
TEXT = """\
specnet = 1
loss = "cross_entropy"
data = { type = "text", path = "text.txt", block = 8 }
layers = [{ type = "embedding", output_dim = 4 }, { type = "dense", units = "auto" }]
training = { epochs = 1 }
"""


def found(text: str) -> list[str]:
    """Return what commands a terminal, each with what is around it."""
    raw = FORBIDDEN - set("\n\t")
    return [repr(text[max(0, i - 60) : i + 20]) for i, letter in enumerate(text) if letter in raw]


def check(text: str) -> None:
    assert not found(text)
    assert [line for line in text.splitlines() if line.lstrip().startswith(("::", "##["))] == []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / FOLDER
    folder.mkdir()
    with (folder / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", COLUMN, "kind"])
        writer.writerows([i % 7, i * 5 % 11, CLASSES[i % len(CLASSES)]] for i in range(64))
    with (folder / "new.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", COLUMN, "extra\x1b[2J\x07\n::error::x"])
        writer.writerows([i, i, "q"] for i in range(3))
    (folder / "s.toml").write_text(DOCUMENT.format(name="hostile", target="kind", classes=len(CLASSES)))
    with (folder / "series.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([COLUMN, "y"])
        writer.writerows([name, i % 7] for name in CLASSES[:2] for i in range(40))
    (folder / "w.toml").write_text(SWEEP)
    (folder / "series.toml").write_text(
        SERIES.replace('target = "y"', f'target = "y", series = {json.dumps(COLUMN)}')
    )
    (folder / "text.txt").write_text("".join(CLASSES) * 20, encoding="utf-8")
    (folder / "text.toml").write_text(TEXT)
    runs = (
        ("run", "s", 0),
        (OTHER, "s", 1),
        ("forecasts\x1b[31m", "series", 0),
        ("writer\x1b[31m", "text", 0),
    )
    for name, spec, seed in runs:
        done = CliRunner().invoke(
            app, ["run", str(folder / f"{spec}.toml"), "--out", str(folder / name), "-q", "--seed", str(seed)]
        )
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = shutil.copytree(made, tmp_path / FOLDER)
    monkeypatch.chdir(copy)
    return copy


SHOWN = {
    "run": [["run", "s.toml", "--no-save"], ["run", "{here}/s.toml", "--out", "new\x1b[31m"]],
    "sweep": [["sweep", "w.toml", "--jobs", "1"], ["sweep", "w.toml", "--jobs", "1", "--output", "json"]],
    "validate": [
        ["validate", "s.toml", *more] for more in ([], ["--output", "github"], ["--output", "sarif"])
    ],
    "explain": [["explain", "s.toml"], ["explain", "s.toml", "--output", "json"]],
    "trace": [["trace", "s.toml"]],
    "schema": [["schema"]],
    "docs": [["docs"]],
    "rule": [["rule", "SN501"]],
    "check-gradients": [["check-gradients", "s.toml"]],
    "evaluate": [["evaluate", "run"], ["evaluate", OTHER], ["evaluate", "run", "--output", "json"]],
    "predict": [
        ["predict", "run", "new.csv", "--output", "jsonl"],
        ["predict", "run", "new.csv", "-o", "p.csv"],
    ],
    "forecast": [
        ["forecast", "forecasts\x1b[31m", "series.csv", "--output", "jsonl"],
        ["forecast", "forecasts\x1b[31m", "series.csv", "--backtest", "2"],
    ],
    "generate": [["generate", "writer\x1b[31m", "--prompt", "a", "--output", "json"]],
    "init": [["init", "t.csv", "-o", "x\x1b[31m.toml"], ["init", "t.csv", "-o", "-"]],
    "runs": [["runs", "."], ["runs", "{here}"], ["runs", ".", "--output", "json"]],
    "compare": [["compare", "run", OTHER], ["compare", "run", OTHER, "--output", "json"]],
    "report": [["report", "run", "-o", "page\x1b[31m.html"]],
    "plot": [["plot", "run", "--what", "confusion", "-o", "c\x1b[31m.svg"]],
    "export": [["export", "run", "--to", "numpy"], ["export", "run", "--to", "onnx", "-o", "m\x1b[31m.onnx"]],
}
"""Uses that end with 0, by command."""


def test_no_command_is_left_out() -> None:
    assert list(SHOWN) == NAMES


NEEDED = {
    "report": ("jinja2", "matplotlib"),
    "plot": ("matplotlib",),
    "export": ("onnx", "safetensors"),
    "sweep": ("optuna",),
}
"""The packages of extras that commands need."""


@pytest.mark.parametrize("command", SHOWN)
def test_nothing_that_is_shown_commands_a_terminal(command: str, project: Path) -> None:
    for needed in NEEDED.get(command, ()):
        pytest.importorskip(needed)
    for arguments in SHOWN[command]:
        given = [each.format(here=project) if each.startswith("{here}") else each for each in arguments]
        done = CliRunner().invoke(app, given)
        assert done.exit_code == 0, (given, done.output, done.exception)
        check(done.stdout)
        check(done.stderr)
        if given[0] == "evaluate" and "json" not in given:
            assert r"\x1b[31mred" in done.stdout
        if given[0] == "report":
            page = (project / given[-1]).read_text(encoding="utf-8")
            assert not found(page)
            assert "\u241b[31mred" in page
        if given[0] == "plot":
            assert not found((project / given[-1]).read_text(encoding="utf-8"))


@pytest.mark.usefixtures("project")
def test_json_gives_names_as_they_are() -> None:
    rows = CliRunner().invoke(app, ["predict", "run", "new.csv", "--output", "jsonl"]).stdout.splitlines()
    (written,) = {frozenset(json.loads(row)["probabilities"]) for row in rows if row}
    assert written == set(CLASSES)


@pytest.mark.usefixtures("project")
def test_a_first_document_names_columns_as_they_are() -> None:
    done = CliRunner().invoke(app, ["init", "t.csv", "--target", COLUMN, "-o", "-"])
    assert done.exit_code == 0, done.stderr
    assert tomllib.loads(done.stdout)["data"]["target"] == COLUMN


HOSTILE = "\x1b[31m\x9b\u202e\n::error::x"


@pytest.mark.parametrize("command", NAMES)
def test_errors_of_usage_command_nothing(command: str, project: Path) -> None:
    for arguments in (
        [command, HOSTILE],
        [command, f"--{HOSTILE}"],
        [command, f"--output={HOSTILE}", "s.toml"],
        [command, "run", "t.csv", HOSTILE, HOSTILE],
        [command, "s.toml", "--set", HOSTILE],
        [command, "s.toml", "--set", f"{HOSTILE}=3"],
        [command, "run", "--out", f"absent/{HOSTILE}"],
        [command, f"{project}/absent"],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), (arguments, done.exception)
        assert "bug in specnet" not in done.stderr, (arguments, done.stderr)
        check(done.stdout)
        check(done.stderr)


def test_an_unknown_command_is_named_visibly() -> None:
    done = CliRunner().invoke(app, [HOSTILE])
    assert done.exit_code == 2
    check(done.stderr)


def test_findings_in_every_format(project: Path) -> None:
    document = (project / "s.toml").read_text()
    (project / HOSTILE.replace("/", "")).mkdir()
    bad = project / f"{HOSTILE}.toml"
    bad.write_text(document.replace('target = "kind"', f"target = {json.dumps(HOSTILE)}"))
    for style in ("full", "concise", "github", "gitlab", "junit", "sarif", "json", "jsonl"):
        done = CliRunner().invoke(app, ["validate", bad.name, "absent\x1b[31m.toml", "--output", style])
        assert done.exit_code == 2
        if style == "github":
            assert not found(done.stdout)
            assert all(line.startswith("::error title=") for line in done.stdout.splitlines())
        else:
            check(done.stdout)
        check(done.stderr)


@pytest.mark.usefixtures("project")
def test_data_are_exact_in_a_pipe_and_visible_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped = CliRunner().invoke(app, ["predict", "run", "new.csv"]).stdout
    assert set(CLASSES) & {row[0] for row in csv.reader(piped.splitlines(keepends=True))}
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    data_file().write(piped)
    shown = capsys.readouterr().out
    check(shown.replace("::error::", ""))
    assert "\u241b" in shown


def test_what_is_made_visible_and_what_stays() -> None:
    for letter in FORBIDDEN:
        if letter in "\n\t":
            assert visible(letter) == escaped(letter) == letter
        else:
            assert len(visible(letter)) == 1
            assert visible(letter) != letter
            assert json.loads(f'"{escaped(letter)}"') == letter
    assert visible("Zoë 例 🎉\u200d") == escaped("Zoë 例 🎉\u200d") == "Zoë 例 🎉\u200d"


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode here")
def test_names_that_are_not_utf_8(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"p\xffq")
    shutil.copytree(made, folder)
    document = folder / os.fsdecode(b"s\xfe.toml")
    (folder / "s.toml").rename(document)
    run = folder / os.fsdecode(b"run\xff")
    done = specnet_in(tmp_path, "run", str(document), "--out", str(run), "-q")
    assert done.returncode == 0, done.stderr
    for arguments in (
        *(["evaluate", run], ["predict", run, folder / "new.csv"], ["runs", folder]),
        *([["report", run], ["plot", run]] if all(map(find_spec, ("jinja2", "matplotlib"))) else []),
        *(
            ["export", run, "--to", "numpy", "--training"],
            ["validate", document, "--output", "json"],
        ),
        *(["explain", document], ["run", document, "--resume", run], ["compare", run, folder / "run"]),
        ["runs", folder, "--output", "json"],
    ):
        done = specnet_in(folder, *map(str, arguments))
        assert done.returncode == 0, (arguments, done.stderr)
    assert any(os.fsencode(each["run"]).endswith(b"run\xff") for each in json.loads(done.stdout)["runs"])

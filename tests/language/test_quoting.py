"""Which lines of files are shown that turned out to be no specnet documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import specnet
from specnet.cli.formats import FORMATS, rendered
from specnet.diagnostics.formats.full import full_text
from specnet.language import text_source

SECRET = "hunter2"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links need rights here")
FILES = {
    ".netrc": f"machine example.org\nlogin me\npassword {SECRET}\n",
    ".env": f"TOKEN={SECRET}\n",
    "passwd": f"root:{SECRET}:0:0:root:/root:/bin/sh\n",
    ".aws/credentials": f'[default]\nkey = "{SECRET}"\nother = {SECRET}\n',
    ".cargo/credentials.toml": f'[registry]\ntoken = "{SECRET}"\n{SECRET} = 1\n',
    "secrets.json": json.dumps({SECRET: SECRET, "token": [SECRET]}),
    "list.json": json.dumps([SECRET]),
    "twice.json": f'{{"{SECRET}": 1, "{SECRET}": 2}}',
    "nan.json": f'{{"{SECRET}": NaN, "half": "{SECRET}\\ud800"}}',
    "broken.toml": f"token = {SECRET}\n",
    "deep.toml": f"{SECRET} = {'[' * 101}{']' * 101}\n",
    "latin.toml": f"token = '{SECRET}é'\n",
    "id_rsa": f"-----BEGIN KEY-----\n{SECRET}\n",
}
BROKEN = "specnet = 1\nloss = mse\n"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A home full of secrets, and a project elsewhere in which the command runs."""
    home, project = tmp_path / "home", tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "specs").mkdir()
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="latin-1")
    monkeypatch.chdir(project / "specs")
    return home, project


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_another_kind_is_quoted_in_any_format(places: tuple[Path, Path], name: str) -> None:
    report = specnet.validate(places[0] / name)
    assert report.diagnostics
    for style in FORMATS:
        assert SECRET not in rendered(report, style, "error")
    assert not any(d.path or d.labels or d.fix for d in report.diagnostics)


@POSIX
@pytest.mark.parametrize("name", FILES)
def test_nor_is_one_that_a_link_in_the_project_leads_to(places: tuple[Path, Path], name: str) -> None:
    home, project = places
    (project / "specs/spec.toml").symlink_to(home / name)
    (project / "specs/spec.json").symlink_to(home / name)
    for link in ("spec.toml", "spec.json"):
        assert SECRET not in full_text(specnet.validate(link))


@pytest.mark.parametrize(
    "name", [".netrc", ".env", "passwd", ".aws/credentials", ".cargo/credentials.toml", "id_rsa"]
)
def test_nor_is_what_is_hidden_or_not_called_like_a_document_where_the_command_runs(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(places[0])
    assert SECRET not in full_text(specnet.validate(name))
    (places[0] / ".git").mkdir()
    assert SECRET not in full_text(specnet.validate(name))


def test_a_document_that_is_broken_is_shown_where_the_command_runs(places: tuple[Path, Path]) -> None:
    for name in ("a.toml", "../a.toml", "../more/b.toml"):
        path = places[1] / "specs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(BROKEN)
        assert "2 | loss = mse" in full_text(specnet.validate(name))
        assert "2 | loss = mse" in full_text(specnet.validate(path))
    # A table of other programs is a document that lacks a key, as far as one can know.
    (places[1] / "specs/pyproject.toml").write_text("[project]\nname = 1\n")
    assert "`project`" in full_text(specnet.validate("pyproject.toml"))


def test_a_document_is_shown_wherever_it_lies(places: tuple[Path, Path]) -> None:
    (places[0] / "a.toml").write_text("specnet = 1\nsede = 1\n")
    (places[0] / ".hidden").write_text("specnet = 1\nsede = 1\n")
    for name in ("a.toml", ".hidden"):
        assert "2 | sede = 1" in full_text(specnet.validate(places[0] / name))


def test_what_a_program_or_a_pipe_gives_is_its_own(places: tuple[Path, Path]) -> None:
    assert "2 | loss = mse" in full_text(specnet.validate(BROKEN))
    assert "2 | loss = mse" in full_text(specnet.validate(text_source(BROKEN, "<stdin>")))
    named = text_source(BROKEN, "a.toml", places[1] / "specs/a.toml")
    assert "2 | loss = mse" in full_text(specnet.validate(named))


def test_outside_of_the_project_the_place_is_reported_and_how_to_see_more(places: tuple[Path, Path]) -> None:
    path = places[0] / "a.toml"
    path.write_text(BROKEN)
    report = specnet.validate(path)
    (found,) = report.diagnostics
    assert found.span is not None
    assert (found.code, found.message, found.span.start.line) == ("SN101", "the text is not TOML or JSON", 2)
    assert found.help == (
        "its lines are not shown, since it is outside the project, or the folder, that specnet runs in: run "
        "specnet in its folder to see them"
    )
    assert report.sources == {}
    (found,) = specnet.validate(places[0] / "secrets.json").diagnostics
    assert (found.code, found.message) == ("SN201", "`specnet` is missing: this is not a specnet document")
    (found,) = specnet.validate(places[0] / ".netrc").diagnostics
    assert found.help == (
        "its lines are not shown, since it is neither a specnet document nor named like one (.toml, .json)"
    )


def test_without_a_repository_the_folder_is_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "specs").mkdir()
    for name in ("a.toml", "specs/b.toml"):
        (tmp_path / name).write_text(BROKEN)
    for folder, name, shown in (
        (".", "a.toml", True), (".", "specs/b.toml", True), ("specs", "b.toml", True), ("specs", "../a.toml", False),
        ("/", str(tmp_path / "a.toml"), False),
    ):  # fmt: skip
        monkeypatch.chdir(tmp_path / folder)
        assert ("loss = mse" in full_text(specnet.validate(name))) is shown


def test_an_override_makes_no_document_of_a_file(places: tuple[Path, Path]) -> None:
    path = places[0] / "secrets.json"
    assert SECRET not in full_text(specnet.validate(path, {"specnet": 1}))
    with pytest.raises(specnet.SpecError) as caught:
        specnet.load(path)
    assert SECRET not in str(caught.value)

"""The files that other tools read: pre-commit's hooks, GitHub's action and problem matcher, GitLab's job, the docs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from specnet.cli.app import app
from tests.support.command_line import ROOT, environment
from tests.support.plugins import install

DOC = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
SPEC = """\
specnet = 1

[data]
type = "inline"
inputs = [[0.0], [1.0]]
targets = [0.0, 1.0]

[[layers]]
type = "dense"
units = 0

[loss]
type = "mse"
"""
WARNED = SPEC.replace("units = 0", "units = 1") + (
    '[training]\nepochs = 2\nschedule = { type = "cosine", warmup_steps = 2 }\n'
)


REACHING = """\
specnet = 1
loss = "mse"
data = { type = "csv", path = "PATH", target = "y" }
layers = [{ type = "dense", units = 1 }]
"""


def yaml_of(name: str) -> Any:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.toml").write_text(SPEC)
    (tmp_path / "warned.toml").write_text(WARNED)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_hooks_run_on_what_is_committed(here: Path) -> None:
    hooks = yaml_of(".pre-commit-hooks.yaml")
    assert [hook["id"] for hook in hooks] == ["specnet-validate", "specnet-fix"]
    for hook in hooks:
        assert {"id", "name", "entry", "language", "types_or"} <= set(hook)
        command, *arguments = shlex.split(hook["entry"])
        assert command == "specnet"
        assert arguments[arguments.index("--confine") + 1] == "."  # hooks run at the repository's root
        assert CliRunner().invoke(app, [*arguments, "pyproject.toml"]).exit_code == 0
        assert CliRunner().invoke(app, [*arguments, "pyproject.toml", "a.toml"]).exit_code == 1
    assert (here / "a.toml").read_text() == SPEC


@pytest.mark.skipif(shutil.which("bash") is None, reason="GitHub's runners have bash")
@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({}, 1),
        ({"PATHS": "warned.toml\n"}, 0),
        ({"PATHS": "warned.toml", "FAIL_ON": "warning"}, 1),
        ({"PATHS": "warned.toml", "ARGUMENTS": '--set\nname="x; touch y"\n'}, 0),
        ({"PATHS": "$(touch y)\n`touch y`\n-x"}, 2),
        ({"PATHS": "warn*.toml\n", "DATA": "false", "SARIF": "out/s.sarif"}, 0),
        ({"PATHS": "reaching.toml"}, 1),
        ({"PATHS": "reaching.toml", "ARGUMENTS": "--confine\n/"}, 0),
        ({"PATHS": "plugged.toml"}, 1),
        ({"PATHS": "plugged.toml", "PLUGINS": "my-kinds==1.2\n"}, 0),
    ],
)
def test_the_action_validates(here: Path, inputs: dict[str, str], code: int) -> None:
    action = yaml_of("action.yml")
    step = action["runs"]["steps"][-1]
    names = {
        name: match[1]
        for name, value in step["env"].items()
        if (match := re.search(r"inputs\.([\w-]+)", value))
    }
    assert set(names) == set(step["env"])
    outside = here.parent / f"{here.name}.csv"
    outside.write_text("x,y\n1,2\n3,5\n")
    if inputs.get("PATHS") == "reaching.toml":
        (here / "reaching.toml").write_text(REACHING.replace("PATH", str(outside)))
    if inputs.get("PATHS") == "plugged.toml":
        (here / "plugged.toml").write_text(f'plugins = ["my-kinds"]\n{WARNED}')
        install(here / "bin/site", "my-kinds", {"bend": "plugged_kinds"}, {"plugged_kinds": ""})
    given = {name: inputs.get(name, action["inputs"][key]["default"]) for name, key in names.items()}
    command = here / "bin/specnet/bin/specnet"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m specnet "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=environment(
            RUNNER_TEMP=str(here / "bin"),
            GITHUB_WORKSPACE=str(here),
            PYTHONPATH=os.pathsep.join([str(ROOT), str(here / "bin/site")]),
            **given,
        ),
        cwd=here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert not (here / "y").exists()
    assert ("::error title=SN208,file=a.toml,line=10," in done.stdout) == (not inputs)
    assert ("SN575" in done.stdout) == (inputs == {"PATHS": "reaching.toml"})
    assert ("SN224" in done.stdout) == (inputs == {"PATHS": "plugged.toml"})
    assert (here / "out/s.sarif").exists() == ("SARIF" in inputs)


@pytest.mark.skipif(shutil.which("bash") is None, reason="GitHub's runners have bash")
@pytest.mark.parametrize(
    ("plugins", "wanted"),
    [
        ("", []),
        (
            "specnet-bent==0.1\n\n./own plugin\n$(touch y)\n",
            ["specnet-bent==0.1", "./own plugin", "$(touch y)"],
        ),
    ],
)
def test_the_action_installs_plugins_next_to_specnet(here: Path, plugins: str, wanted: list[str]) -> None:
    step = yaml_of("action.yml")["runs"]["steps"][0]
    python = here / "python"
    recording = f'#!/bin/sh\nprintf "%s\\n" "$@" > {shlex.quote(str(here))}/given\n'
    python.write_text(
        f'#!/bin/sh\nmkdir -p "$3/bin" && cp {shlex.quote(str(here))}/recording "$3/bin/python"\n'
    )
    (here / "recording").write_text(recording)
    for file in (python, here / "recording"):
        file.chmod(0o755)
    given = {"PYTHON": str(python), "SOURCE": "/source of specnet", "PLUGINS": plugins}
    assert set(given) == set(step["env"])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=environment(RUNNER_TEMP=str(here), **given),
        cwd=here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    arguments = (here / "given").read_text().splitlines()
    assert arguments[arguments.index("--") + 1 :] == ["/source of specnet", *wanted]
    assert not (here / "y").exists()


@pytest.mark.usefixtures("here")
def test_the_matcher_finds_each_finding_in_the_concise_output() -> None:
    matchers = json.loads((ROOT / "integrations/problem-matcher.json").read_text())["problemMatcher"]
    output = CliRunner().invoke(app, ["validate", ".", "--output", "concise"]).stdout
    found = {
        matcher["severity"]: [
            tuple(match[pattern[key]] for key in ("file", "line", "column", "code"))
            for line in output.splitlines()
            if (match := re.match(pattern["regexp"], line))
        ]
        for matcher in matchers
        for pattern in matcher["pattern"]
    }
    assert found["error"] == [("a.toml", "10", "9", "SN208")]
    assert found["warning"]
    assert len(found["error"]) + len(found["warning"]) == len(output.splitlines())


def test_the_job_for_gitlab_says_what_the_command_takes(here: Path) -> None:
    job = yaml_of("integrations/gitlab-ci.yml")["specnet"]
    command = shlex.split(job["script"][-1].replace("$CI_PROJECT_DIR", str(here)))
    assert command[command.index("--confine") + 1] == str(here)
    assert command[0] == "specnet"
    assert CliRunner().invoke(app, command[1:]).exit_code == 1
    for report in job["artifacts"]["reports"].values():
        assert (here / report).is_file()


@pytest.mark.skipif(shutil.which("sh") is None, reason="GitLab's images have a shell")
@pytest.mark.parametrize(
    ("source", "installed"),
    [
        (None, None),
        ("", None),
        (
            "specnet-nn @ git+https://host.example/specnet@v0.1.1",
            "specnet-nn @ git+https://host.example/specnet@v0.1.1",
        ),
        ("./my copy", "./my copy"),
    ],
)
def test_the_job_for_gitlab_installs_what_its_variable_names(
    here: Path, source: str | None, installed: str | None
) -> None:
    pip = here / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{shlex.quote(str(here / "given"))}\n')
    pip.chmod(0o755)
    variables = {"PATH": f"{pip.parent}:{os.environ['PATH']}"}
    if source is not None:
        variables["SPECNET_SOURCE"] = source
    *before, _ = yaml_of("integrations/gitlab-ci.yml")["specnet"]["script"]
    done = subprocess.run(
        ["sh", "-ec", "\n".join(before)], env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (installed is not None)
    if installed is None:
        assert "SPECNET_SOURCE: must name what pip should install" in done.stderr
        assert not (here / "given").exists()
    else:
        assert (here / "given").read_text().splitlines() == ["install", "--quiet", installed]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_well_formed() -> None:
    assert [tomllib.loads(block) for block in blocks("toml")]
    assert [json.loads(re.sub(r"^// .*\n", "", block)) for block in blocks("json")]
    yaml = pytest.importorskip("yaml")
    assert all(yaml.safe_load(block) for block in blocks("yaml"))
    for target in re.findall(r"\]\(([^)#]+)\)", DOC):
        assert (ROOT / "docs" / target).is_file(), target


def test_what_the_page_says_of_the_action_is_so() -> None:
    yaml = pytest.importorskip("yaml")
    workflow = next(yaml.safe_load(block) for block in blocks("yaml") if "runs-on" in block)
    steps = workflow["jobs"]["validate"]["steps"]
    step = next(step for step in steps if "/specnet@" in step.get("uses", ""))
    assert set(step["with"]) <= set(yaml_of("action.yml")["inputs"])


def test_every_option_that_the_page_names_is_there() -> None:
    from typer.main import get_command

    commands = get_command(app).commands  # type: ignore[attr-defined]
    options = {
        name
        for command in ("validate", "run", "schema")
        for parameter in commands[command].params
        for name in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DOC)) <= options
    formats = re.findall(r"^\| (`[^|]*`) \|", DOC.partition("## Formats")[2], re.MULTILINE)
    from specnet.cli.formats import FORMATS

    assert [name for cell in formats for name in re.findall(r"`(\w+)`", cell)] == list(FORMATS)

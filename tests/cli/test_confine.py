"""`specnet validate --confine DIR`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import Specnet, environment, run_command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights here")

SPEC = """\
specnet = 1
loss = "mse"
data = { type = "csv", path = "t.csv", target = "y" }
layers = [{ type = "dense", units = 1 }]
"""
ROWS = "x,y\n1,2\n3,5\n4,1\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository, and a file outside of it."""
    repo, out = tmp_path / "repo", tmp_path / "out"
    (repo / "specs").mkdir(parents=True)
    out.mkdir()
    for folder in (repo, repo / "specs", out):
        (folder / "t.csv").write_text(ROWS)
        (folder / "a.toml").write_text(SPEC)
    (repo / "link.toml").symlink_to(out / "a.toml")
    (repo / "dangling.toml").symlink_to(out / "absent.toml")
    return tmp_path


def test_documents_and_their_data_within_are_checked(specnet: Specnet, tree: Path) -> None:
    assert tree.name
    for arguments in (("repo",), ("repo/a.toml", "repo/specs/a.toml"), ("repo/**/a.toml",)):
        done = specnet("validate", "--confine", "repo", *arguments)
        assert (done.returncode, done.stdout) == (0, "No problems in 2 files.\n"), done.stderr


@pytest.mark.parametrize(
    "name", ["out/a.toml", "out/absent.toml", "repo/link.toml", "repo/dangling.toml", "out", "no"]
)
def test_an_argument_outside_is_wrong_usage_there_or_not(specnet: Specnet, tree: Path, name: str) -> None:
    assert tree.name
    done = specnet("validate", "--confine", "repo", name)
    assert done.returncode == 2
    assert done.stderr == f"error: {name}: is outside repo, to which this check is confined\n"


def test_links_that_lead_out_are_skipped_in_folders_and_by_hooks(specnet: Specnet, tree: Path) -> None:
    for name in ("a.toml", "specs/a.toml"):
        (tree / "repo" / name).unlink()
    (tree / "out/a.toml").write_text(SPEC.replace("mse", "nonsense"))
    done = specnet("validate", "--confine", "repo", "repo")
    assert (done.returncode, done.stderr) == (2, "error: repo: there is no document in this folder\n")
    done = specnet("validate", "--confine", "repo", "repo/*.toml")
    assert (done.returncode, done.stderr) == (2, "error: repo/*.toml: no document matches this pattern\n")
    done = specnet("validate", "--confine", "repo", "--specs-only", "repo/link.toml", "out/a.toml")
    assert (done.returncode, done.stdout) == (0, "No problems in 0 files.\n")


def test_standard_input_lies_where_it_is_said_to(tree: Path) -> None:
    def given(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_command(
            ["validate", "--confine", "repo", "-", *arguments], tree, environment(), given=SPEC
        )

    assert given("--stdin-filename", "repo/new.toml").returncode == 0
    outside = given("--stdin-filename", "out/new.toml")
    assert outside.stderr == "error: out/new.toml: is outside repo, to which this check is confined\n"
    assert "SN575" in given().stdout


def test_the_folder_has_to_be_there(specnet: Specnet, tree: Path) -> None:
    assert tree.name
    done = specnet("validate", "--confine", "nowhere", "repo")
    assert done.returncode == 2
    assert "there is no folder 'nowhere'" in done.stderr


def test_a_run_to_start_from_lies_within(specnet: Specnet, tree: Path) -> None:
    (tree / "repo/runs/first").mkdir(parents=True)
    run = tree / "out/run"
    assert specnet("run", "out/a.toml", "--set", "training.epochs=1", "--out", run).returncode == 0
    for name in ("resolved.json", "model.npz"):
        (tree / "repo/runs/first" / name).write_bytes((run / name).read_bytes())
    check = ("validate", "--confine", "repo", "repo/a.toml", "--output", "concise")
    done = specnet(*check, "--set", 'training.init_from="runs/first"')
    assert (done.returncode, done.stdout) == (0, "")
    for text in (str(run), "../out/run", "../out/none", "runs/linked"):
        if text == "runs/linked":
            (tree / "repo/runs/linked").mkdir()
            (tree / "repo/runs/linked/resolved.json").write_bytes((run / "resolved.json").read_bytes())
            (tree / "repo/runs/linked/model.npz").symlink_to(run / "model.npz")
        done = specnet(*check, "--set", f'training.init_from="{text}"')
        assert done.returncode == 1
        assert "SN575" in done.stdout
        assert "to which this check is confined" in done.stdout


def test_a_run_of_another_project_is_not_quoted_and_pipes_are_not_waited_for(
    specnet: Specnet, tree: Path
) -> None:
    (tree / "out/run").mkdir()
    check = ("validate", "repo/a.toml", "--set", f'training.init_from="{tree / "out/run"}"')
    for name in ("resolved.json", "model.npz"):
        os.mkfifo(tree / "out/run" / name)
    done = specnet(*check)
    assert "SN609" in done.stdout
    (tree / "out/run/resolved.json").unlink()
    (tree / "out/run/resolved.json").write_text('{"format": "hunter2", "specnet": "hunter2"}')
    done = specnet(*check)
    assert "SN609" in done.stdout
    assert "hunter2" not in done.stdout
    (tree / "repo/run").mkdir()
    (tree / "repo/run/resolved.json").write_text('{"format": "hunter2", "specnet": "hunter2"}')
    done = specnet("validate", "repo/a.toml", "--set", 'training.init_from="run"')
    assert "hunter2" in done.stdout

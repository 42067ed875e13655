"""A run finds its data again from any working directory, and after its project has been moved."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

import specnet
from specnet.interchange.exporting import Exported, numpy_program
from specnet.reporting.plotting import PlottedRun
from specnet.runs.kept import read_run
from specnet.storage.resolved import load_resolved

DOCUMENT = """
specnet = 1
data = { type = "csv", path = "data/t.csv", target = "y", split = { test = 0.25 } }
layers = [{ type = "dense", units = 1 }]
loss = "mse"
training = { epochs = 2, checkpoint = { every_epochs = 1 } }
"""


def rows(seed: int = 0) -> str:
    return "a,y\n" + "".join(f"{(seed + 7 * i) % 11},{i % 5}\n" for i in range(24))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `project` with a document in `sub`, and `elsewhere` as the working directory."""
    monkeypatch.delenv("SPECNET_DATA", raising=False)
    folder = tmp_path / "project"
    (folder / "sub/data").mkdir(parents=True)
    (folder / "sub/s.toml").write_text(DOCUMENT)
    (folder / "sub/data/t.csv").write_text(rows())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def trained(document: str | Path, out: Path) -> Path:
    specnet.run(specnet.load(document), out=out)
    return out


def check(run: Path, document: Path) -> None:
    """Check that everything that reads the run's data does so, and gives what the run had."""
    kept = json.loads((run / "result.json").read_text())
    assert specnet.evaluate(run).splits == kept["splits"]
    assert "t.csv" in json.loads((run / "resolved.json").read_text())["spec"]["data"]["path"]
    exported = Exported.of(run)
    assert "def predict" in numpy_program(exported, training=True, beside="x.npz").text
    assert len(PlottedRun(read_run(run)).data.splits["test"]) == 6
    resumed = specnet.run(specnet.load(document, {"training.epochs": 3}), resume=run)
    assert resumed.epochs == 3
    assert specnet.evaluate(run).splits == resumed.splits


WAYS = {
    "relative": lambda project: os.path.relpath(project / "sub/s.toml"),
    "absolute": lambda project: project / "sub/s.toml",
    "parent": lambda project: project / "sub/../sub/./s.toml",
}


@pytest.mark.parametrize("way", WAYS)
def test_from_another_working_directory(way: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(WAYS[way](project), project / "runs/s/001")
    monkeypatch.chdir(project / "sub/data")
    check(Path("../../runs/s/001"), project / "sub/s.toml")


def test_a_run_outside_the_project(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    run = trained("sub/s.toml", tmp_path / "far/away/run")
    monkeypatch.chdir(tmp_path)
    check(run, project / "sub/s.toml")


def test_after_the_project_was_moved(project: Path, tmp_path: Path) -> None:
    trained(project / "sub/s.toml", project / "runs/s/001")
    moved = tmp_path / "deep/down"
    moved.parent.mkdir()
    project.rename(moved)
    check(moved / "runs/s/001", moved / "sub/s.toml")


def test_a_copy_of_the_project_reads_its_own_data(project: Path, tmp_path: Path) -> None:
    run = trained(project / "sub/s.toml", project / "runs/s/001")
    shutil.copytree(project, tmp_path / "copy")
    (tmp_path / "copy/sub/data/t.csv").write_text(rows(1))
    with pytest.raises(specnet.RunError, match=r"copy/sub has another SHA-256"):
        specnet.evaluate(tmp_path / "copy/runs/s/001")
    check(run, project / "sub/s.toml")


def test_after_the_run_alone_was_moved(project: Path, tmp_path: Path) -> None:
    trained(project / "sub/s.toml", project / "runs/s/001").rename(tmp_path / "kept")
    check(tmp_path / "kept", project / "sub/s.toml")


def test_through_links(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    shutil.copytree(project / "sub/data", tmp_path / "other/data")
    (project / "sub/data/t.csv").write_text(rows(1))
    (tmp_path / "other/linked.toml").symlink_to(project / "sub/s.toml")  # whose data lie beside the link
    run = trained(tmp_path / "other/linked.toml", project / "runs/s/001")
    (tmp_path / "run").symlink_to(run)
    monkeypatch.chdir("/")
    check(tmp_path / "run", tmp_path / "other/linked.toml")


def test_parent_of_a_linked_folder_is_that_of_its_target(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project / "sub/data")
    spec = specnet.load(tmp_path / "link/../s.toml")
    assert spec.folder == project / "sub"
    check(trained(tmp_path / "link/../s.toml", tmp_path / "run"), project / "sub/s.toml")


def test_data_in_the_second_folder(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "sub/data").rename(tmp_path / "store")
    (tmp_path / "second").mkdir()
    (tmp_path / "store").rename(tmp_path / "second/data")
    monkeypatch.setenv("SPECNET_DATA", str(tmp_path / "second"))
    run = trained(project / "sub/s.toml", project / "run")
    monkeypatch.chdir(project)
    check(run, project / "sub/s.toml")
    monkeypatch.delenv("SPECNET_DATA")
    with pytest.raises(specnet.RunError, match=r"there is no `data/t.csv`: looked in .*/project/sub$"):
        specnet.evaluate(run)


def test_every_place_is_named(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(project / "sub/s.toml", project / "runs/s/001")
    (project / "sub/data/t.csv").unlink()
    project.rename(tmp_path / "moved")
    monkeypatch.setenv("SPECNET_DATA", str(tmp_path / "second"))
    with pytest.raises(specnet.RunError) as caught:
        specnet.evaluate(tmp_path / "moved/runs/s/001")
    for place in (tmp_path / "moved/sub", run.parents[2] / "sub", f"{tmp_path / 'second'} ($SPECNET_DATA)"):
        assert str(place) in str(caught.value)
    assert "`data/t.csv`" in str(caught.value)


@pytest.mark.parametrize("here", ["project", "elsewhere"])
def test_a_run_that_recorded_no_folder(
    here: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As runs of 0.1 are: the document is named as from the folder in which the command was given."""
    run = trained(project / "sub/s.toml", project / "runs/s/001")
    resolved = json.loads((run / "resolved.json").read_text())
    assert resolved.pop("folder") == {"from_run": "../../../sub", "absolute": str(project / "sub")}
    (run / "resolved.json").write_text(json.dumps({**resolved, "document": "sub/s.toml"}))
    monkeypatch.chdir(tmp_path / here)
    check(run, project / "sub/s.toml")


def test_a_start_from_a_run_is_found_when_the_training_is_exported(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(project / "sub/s.toml", project / "sub/first")
    (project / "sub/next.toml").write_text(DOCUMENT.replace("epochs = 2", 'init_from = "first", epochs = 1'))
    run = trained(project / "sub/next.toml", project / "second")
    monkeypatch.chdir("/")
    assert "def predict" in numpy_program(Exported.of(run), training=True, beside="x.npz").text


def test_a_file_that_is_passed_on_names_no_folder(project: Path) -> None:
    run = trained(project / "sub/s.toml", project / "run")
    Exported.of(run).model.save(project / "passed.specnet")
    with zipfile.ZipFile(project / "passed.specnet") as archive:
        passed = json.loads(archive.read("resolved.json"))
    assert passed == {
        key: value for key, value in load_resolved(run / "resolved.json").items() if key != "folder"
    }
    assert passed.keys() != load_resolved(run / "resolved.json").keys()


def test_a_document_made_in_python_starts_from_the_working_directory(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tomllib

    monkeypatch.chdir(project / "sub")
    run = trained(tomllib.loads(DOCUMENT), project / "run")  # type: ignore[arg-type]
    kept = json.loads((run / "result.json").read_text())
    monkeypatch.chdir(project)
    assert specnet.evaluate(run).splits == kept["splits"]

from __future__ import annotations

import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.directory import RunDirectory
from specnet.storage.resolved import read_resolved

TABLE = "a,b,kind\n" + "".join(f"{i},{i * i % 7},{'even' if i % 2 == 0 else 'odd'}\n" for i in range(30))

CSV = """\
specnet = 1

[data]
type = "csv"
path = "table.csv"
target = "kind"

[[layers]]
type = "dense"
units = 2

[loss]
type = "cross_entropy"

[training]
epochs = 2
"""


def numbers(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_runs_are_numbered_from_one_and_continue_after_the_highest(tmp_path: Path) -> None:
    assert RunDirectory.new(tmp_path, "a").path == tmp_path / "a" / "001"
    assert RunDirectory.new(tmp_path, "a").path == tmp_path / "a" / "002"
    (tmp_path / "a" / "041").mkdir()
    (tmp_path / "a" / "notes").mkdir()
    (tmp_path / "a" / "050.txt").touch()
    assert RunDirectory.new(tmp_path, "a").path == tmp_path / "a" / "042"
    assert RunDirectory.new(tmp_path, "b").path == tmp_path / "b" / "001"


def test_numbers_go_past_three_digits(tmp_path: Path) -> None:
    (tmp_path / "a" / "999").mkdir(parents=True)
    assert RunDirectory.new(tmp_path, "a").path.name == "1000"
    assert RunDirectory.new(tmp_path, "a").path.name == "1001"


def test_runs_that_start_at_once_get_directories_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: RunDirectory.new(tmp_path, "a").path.name, range(64)))
    assert sorted(made) == [f"{n:03}" for n in range(1, 65)]


def test_a_run_leaves_its_five_files_and_nothing_else(finished: specnet.Result) -> None:
    assert finished.run is not None
    assert numbers(finished.run) == [
        "metrics.jsonl",
        "model.npz",
        "resolved.json",
        "result.json",
        "spec.toml",
    ]


def test_nothing_is_written_unless_asked_for(
    iris: specnet.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert specnet.run(iris).run is None
    assert numbers(tmp_path) == []


def test_out_names_the_directory(iris: specnet.Spec, tmp_path: Path) -> None:
    result = specnet.run(iris, out=tmp_path / "deep" / "here")
    assert result.run == tmp_path / "deep" / "here"
    assert "model.npz" in numbers(result.run)


def test_out_takes_an_empty_directory_and_replaces_a_run(iris: specnet.Spec, tmp_path: Path) -> None:
    specnet.run(iris, out=tmp_path)
    first = (tmp_path / "model.npz").read_bytes()
    (tmp_path / "notes.txt").write_text("mine")
    specnet.run(specnet.load(iris.source.source, {"seed": 4}), out=tmp_path)
    assert (tmp_path / "model.npz").read_bytes() != first
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_out_never_touches_a_directory_of_other_things(iris: specnet.Spec, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(specnet.RunError, match=r"is not empty and is not a run \(it contains `thesis.tex`\)"):
        specnet.run(iris, out=tmp_path)
    assert numbers(tmp_path) == ["thesis.tex"]


def test_a_run_that_is_interrupted_before_its_first_step_leaves_nothing(
    iris: specnet.Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specnet.runs.running.Trainer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        specnet.run(iris, folder=tmp_path)
    assert list((tmp_path / "iris").iterdir()) == []


def test_a_file_in_the_way_is_named(iris: specnet.Spec, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(specnet.RunError, match=r"runs/iris cannot be written: Not a directory"):
        specnet.run(iris, folder=tmp_path / "runs")
    with pytest.raises(specnet.RunError, match=r"runs cannot be written: File exists"):
        specnet.run(iris, out=tmp_path / "runs")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.toml", CSV.encode()),
        ("crlf.toml", CSV.replace("\n", "\r\n").encode()),
        ("bom.toml", b"\xef\xbb\xbf" + CSV.encode()),
        ("umlaut.toml", ("# f\u00fcr alle \U0001f40d\n" + CSV).encode()),
    ],
)
def test_the_document_is_kept_byte_for_byte(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "table.csv").write_text(TABLE)
    specnet.run(specnet.load(tmp_path / name), out=tmp_path / "out")
    assert (tmp_path / "out" / "spec.toml").read_bytes() == content


def test_a_document_in_json_is_kept_as_such(tmp_path: Path) -> None:
    import tomllib

    content = json.dumps(tomllib.loads(CSV), indent=1)
    (tmp_path / "a.json").write_text(content)
    (tmp_path / "table.csv").write_text(TABLE)
    specnet.run(specnet.load(tmp_path / "a.json"), out=tmp_path / "out")
    assert (tmp_path / "out" / "spec.json").read_text() == content


def test_a_spec_made_in_python_is_kept_as_a_document_that_loads(iris: specnet.Spec, tmp_path: Path) -> None:
    made = specnet.Spec.model_validate(iris.model_dump(mode="json"))
    result = specnet.run(made, out=tmp_path / "out")
    assert specnet.load(tmp_path / "out" / "spec.json") == made
    again = specnet.run(specnet.load(tmp_path / "out" / "spec.json"))
    assert again.splits == result.splits


def test_resolved_says_everything_that_made_the_run(tmp_path: Path) -> None:
    import platform

    (tmp_path / "a.toml").write_text(CSV)
    (tmp_path / "table.csv").write_text(TABLE)
    spec = specnet.load(tmp_path / "a.toml", ["training.epochs=1", "seed=9"])
    specnet.run(spec, out=tmp_path / "out")
    resolved = json.loads((tmp_path / "out" / "resolved.json").read_text())
    assert resolved["specnet"] == specnet.__version__
    assert resolved["numpy"] == np.__version__
    assert resolved["python"] == platform.python_version()
    assert resolved["document"] == str(tmp_path / "a.toml")
    assert resolved["overrides"] == ["--set training.epochs=1", "--set seed=9"]
    assert resolved["data"] == {"table.csv": {"sha256": hashlib.sha256(TABLE.encode()).hexdigest()}}
    assert resolved["spec"]["name"] == "a"
    assert resolved["spec"]["seed"] == 9
    assert resolved["spec"]["training"]["batch_size"] == 32
    assert read_resolved(tmp_path / "out" / "resolved.json") == spec


def test_the_result_is_kept_as_json_prints_it(finished: specnet.Result) -> None:
    assert finished.run is not None
    assert json.loads((finished.run / "result.json").read_text()) == finished.as_dict()


def test_a_run_that_diverges_keeps_all_but_a_model(tmp_path: Path, iris: specnet.Spec) -> None:
    wild = specnet.load(
        iris.source.source,
        {
            "training.optimizer": {"type": "sgd", "learning_rate": 3e38, "momentum": 0.9},
            "loss.scale": 1e6,
        },
    )
    result = specnet.run(wild, out=tmp_path)
    assert result.stopped == "diverged"

    def strict(text: str) -> float:
        raise AssertionError(text)

    kept = json.loads((tmp_path / "result.json").read_text(), parse_constant=strict)
    assert kept["stopped"] == "diverged"
    losses = [figures["loss"] for figures in result.splits.values()]
    assert any(not math.isfinite(loss) for loss in losses)
    assert any(figures["loss"] is None for figures in kept["splits"].values())
    assert not (tmp_path / "model.npz").exists()
    with pytest.raises(specnet.RunError, match=r"there is no .*model\.npz: the run has saved no model"):
        specnet.load_run(tmp_path)


def test_equal_runs_leave_equal_bytes(iris: specnet.Spec, tmp_path: Path) -> None:
    for name in "ab":
        specnet.run(iris, out=tmp_path / name)
    for file in ("model.npz", "spec.toml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_what_was_learned_is_saved_when_stopped(iris: specnet.Spec, tmp_path: Path) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == 2

    result = specnet.run(iris, out=tmp_path, stop=stop)
    assert (result.stopped, result.steps) == ("interrupted", 2)
    model = specnet.load_run(tmp_path)
    for name, array in result.model.parameters.items():
        assert np.array_equal(model.parameters[name], array)

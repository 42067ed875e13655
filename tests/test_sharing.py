"""The page docs/sharing.md: its documents run, and what it says of them holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import specnet
from specnet.diagnostics.formats.full import full_text

PAGE = (Path(__file__).parents[1] / "docs" / "sharing.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.]+)`:\n\n```toml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_has_its_documents() -> None:
    assert list(FILES) == ["base.toml", "wide.toml", "funnel.toml", "own.toml"]
    assert not [d for d in specnet.validate("base.toml").diagnostics if d.severity == "error"]


def test_a_run_is_of_the_resolved_values_and_keeps_what_it_extends(folder: Path) -> None:
    result = specnet.run(specnet.load("wide.toml", ["variables.rate=0.1"]), out="run")
    assert result.parameters["dense_1.kernel"].shape == (4, 64)
    assert result.epochs == 5
    recorded = json.loads((folder / "run" / "resolved.json").read_text())
    assert recorded["spec"]["training"]["optimizer"]["learning_rate"] == 0.1
    assert recorded["extends"] == [{"document": "base.toml", "copy": "extends/01-base.toml"}]
    assert (folder / "run" / "spec.toml").read_text() == FILES["wide.toml"]
    assert (folder / "run" / "extends" / "01-base.toml").read_text() == FILES["base.toml"]
    specnet.run(specnet.load("own.toml").replace({"data": {"type": "builtin", "name": "iris"}}), out="run")
    assert not (folder / "run" / "extends").exists()


def test_the_finding_on_the_page_is_that_of_the_document(folder: Path) -> None:
    (folder / "wide.toml").write_text(FILES["wide.toml"].replace("64", "0"))
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert full_text(specnet.validate("wide.toml")).startswith(shown)


def test_names_of_repetitions() -> None:
    model = specnet.compile("funnel.toml")
    kernels = {name: p.shape[1] for name, p in model.parameters.items() if name.endswith("kernel")}
    assert kernels == {
        "sequential_1.1.dense_1.kernel": 16,
        "sequential_1.2.dense_1.kernel": 8,
        "sequential_1.3.dense_1.kernel": 4,
        "dense_1.kernel": 3,
    }
    assert all(name in PAGE for name in list(kernels)[:1] + list(kernels)[2:3])


def test_no_file_of_a_run_holds_the_value_of_an_environment_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folder / "zqxj-private"
    data.mkdir()
    rows = "".join(f"{n % 7},{n % 5},{'abc'[n % 3]}\n" for n in range(30))
    (data / "flowers.csv").write_text("x,y,species\n" + rows)
    found = specnet.validate("own.toml").diagnostics
    assert [d.code for d in found] == ["SN577"]
    monkeypatch.setenv("FLOWERS", str(data))
    result = specnet.run("own.toml", out="run")
    assert specnet.evaluate("run").splits == result.splits
    specnet.load_model("run").save("model.specnet")
    for path in [*(folder / "run").rglob("*"), folder / "model.specnet"]:
        assert not path.is_file() or b"zqxj" not in path.read_bytes(), path
    assert '"${env:FLOWERS}/flowers.csv"' in (folder / "run" / "resolved.json").read_text()
    for name in ("nothing.csv", "."):
        (folder / "own.toml").write_text(FILES["own.toml"].replace("flowers.csv", name))
        report = specnet.validate("own.toml")
        assert report.diagnostics
        assert "zqxj" not in repr(report)
    (data / "flowers.csv").write_text("x,y,species\n1,2\n")
    (folder / "own.toml").write_text(FILES["own.toml"])
    report = specnet.validate("own.toml")
    assert report.diagnostics
    assert "zqxj" not in repr(report)
    monkeypatch.setenv("FLOWERS", "/nonexistent-zqxj/" + "x" * 5000)
    assert "zqxj" not in repr(specnet.validate("own.toml"))


def test_an_environment_variable_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWERS", "/srv")
    assert [d.code for d in specnet.validate("own.toml", environment=False).diagnostics] == ["SN233"]
    with pytest.raises(specnet.SpecError, match="SN233"):
        specnet.load("own.toml", environment=False)

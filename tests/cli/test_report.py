from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from specnet import api, finished
from specnet.installation import install_command, requirement
from tests.support.command_line import ROOT, SPECS, Specnet
from tests.support.series import spec, table

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "<script>alert(1)</script>&"


class Page(HTMLParser):
    """A page's text, elements and attributes; faults of nesting are noted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.elements, self.faults = "", [], []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def trained(spec: str, folder: Path, **overrides: object) -> Path:
    found = api.load(SPECS / spec, {key.replace("__", "."): value for key, value in overrides.items()})
    run = api.run(found, folder=folder).run
    assert run is not None
    return run


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("digits.toml", tmp_path_factory.mktemp("runs"), training__epochs=3)


@pytest.fixture(scope="module")
def page(digits: Path) -> Page:
    from specnet.reporting.html.page import write_report

    return Page(write_report(digits).read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(page: Page, digits: Path) -> None:
    assert page.faults == []
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
    text = (digits / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)", text)


def test_names_of_elements_are_unique_and_links_lead_somewhere(page: Page) -> None:
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in page.elements:
        target = attributes.get("href") or ""
        if target.startswith("#"):
            assert target[1:] in names


def test_every_part_is_there(page: Page) -> None:
    for heading in (
        "Results", "Learning curves", "Predictions of the test split", "Confusion", "Calibration",
        "Worst predictions", "Importance of columns", "Partial dependence", "Layers", "Weights and gradients",
        "Plan", "Document", "Reproduce",
    ):  # fmt: skip
        assert heading in page.text
    assert "Fit: " in page.text
    assert "label_smoothing = 0.1  # each target" in page.text
    assert "specnet run " in page.text
    assert "--set training.epochs=3" in page.text
    assert "dense_1.kernel" in page.text


def test_figures_of_the_result_are_in_the_page(page: Page, digits: Path) -> None:
    result = json.loads((digits / "result.json").read_text())
    for split in result["splits"].values():
        assert f"{split['loss']:.4g}" in page.text
        assert f"{split['accuracy']:.4g}" in page.text
    matrix = result["splits"]["test"]["confusion"]
    right, whole = sum(matrix[n][n] for n in range(10)), sum(map(sum, matrix))
    assert f"{right} of {whole} rows are predicted correctly" in page.text
    cells = re.findall(r'<td style="--share: [\d.]+">(\d+)</td>', (digits / "report.html").read_text())
    assert [int(cell) for cell in cells] == [count for row in matrix for count in row]
    made_of = json.loads((digits / "resolved.json").read_text())
    assert all(entry["sha256"] in page.text for entry in made_of["data"].values())


def test_worst_predictions_of_images_are_images(page: Page) -> None:
    images = page.all("img")
    assert len(images) == 12
    assert all(str(each["alt"]).startswith("Input of row ") for each in images)


def test_a_screen_reader_is_given_what_a_figure_shows(page: Page) -> None:
    drawn = [a for tag, a in page.elements if tag == "div" and a.get("role") == "img"]
    # Loss, accuracy, learning rate, calibration, activations, first weights; importance, and six columns' dependence.
    assert len(drawn) == 13
    assert all(len(a["aria-label"] or "") > 40 for a in drawn)
    assert all(a.get("aria-hidden") == "true" for a in page.all("svg"))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert all("scope" in a for a in page.all("th"))
    regions = [a for a in page.all("div") if a.get("class") == "wide"]
    assert regions
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in regions)


def test_numbers_have_residuals(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    page = Page(write_report(trained("regression.toml", tmp_path, training__epochs=3)).read_text("utf-8"))
    assert page.faults == []
    assert "Residuals over predictions" in page.text
    assert "Confusion" not in page.text
    assert "Worst predictions" in page.text


@pytest.mark.parametrize("spec", ["xor.json", "mlp.toml", "moons.toml", "perceptron.toml", "iris.toml"])
def test_every_example_has_a_page(spec: str, tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    page = Page(write_report(trained(spec, tmp_path, training__epochs=3)).read_text("utf-8"))
    assert page.faults == []
    assert "Weights and gradients" in page.text


def test_what_a_document_says_is_text_and_no_markup(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    run = trained("iris.toml", tmp_path, training__epochs=2)
    (run / "spec.toml").write_text(f"# {HOSTILE}\n")
    resolved = json.loads((run / "resolved.json").read_text())
    resolved["platform"] = resolved["data"][HOSTILE] = HOSTILE
    resolved["data"] = {HOSTILE: {"sha256": HOSTILE}}
    (run / "resolved.json").write_text(json.dumps(resolved))
    page = Page(write_report(run).read_text("utf-8"))
    assert page.all("script") == []
    assert page.text.count(HOSTILE) >= 3
    # The digests are no longer those of the data, so nothing is said of predictions.
    assert "are left out" in page.text
    assert "Worst predictions" not in page.text


def test_a_run_without_a_model_has_a_page_that_says_so(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    run = trained("iris.toml", tmp_path, training__epochs=2)
    (run / "model.npz").unlink()
    (run / "result.json").unlink()
    page = Page(write_report(run, tmp_path / "page.html").read_text("utf-8"))
    assert "needs the trained model is left out" in page.text
    assert "Learning curves" in page.text
    assert "unfinished" in page.text
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("rate", [1e12, 1e30])
def test_a_run_that_diverged_has_a_page(rate: float, tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    wild = {"type": "sgd", "learning_rate": rate}
    run = trained("regression.toml", tmp_path, training__optimizer=wild, training__epochs=3)
    page = Page(write_report(run).read_text("utf-8"))
    assert page.faults == []
    assert "diverged" in page.text


def test_a_language_model_that_diverged_has_a_page_without_samples(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    (tmp_path / "t.txt").write_text("anna\nbo\nabba\n" * 4)
    document = {
        "specnet": 1,
        "data": {"type": "text", "path": str(tmp_path / "t.txt"), "lines": "documents"},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "output_dim": 4},
            {"type": "transformer_block", "causal": True, "positions": "rotary"},
            {"type": "dense", "units": "auto"},
        ],
        "training": {"epochs": 3, "optimizer": {"type": "sgd", "learning_rate": 1e30}},
    }
    result = api.run(document, out=tmp_path / "run")
    assert result.stopped == "diverged"
    assert result.run is not None
    page = Page(write_report(result.run).read_text("utf-8"))
    assert page.faults == []
    assert "diverged" in page.text
    assert "Generated text" not in page.text


def test_calibration_is_what_scikit_learn_finds() -> None:
    np = pytest.importorskip("numpy")
    found = pytest.importorskip("sklearn.calibration")
    from specnet.reporting.predictions import Predicted, calibration

    generator = np.random.default_rng(0)
    sure = generator.uniform(0.5, 1.0, 500)
    read = generator.integers(0, 2, 500)
    right = generator.random(500) < sure**2
    given = Predicted(
        "", "test", np.arange(500), "classes", np.where(right, read, 1 - read), np.zeros((500, 2)), read, sure,
        np.zeros(500), ("a", "b"),
    )  # fmt: skip
    mine = calibration(given)
    assert mine is not None
    share, confidence = found.calibration_curve(right, sure, n_bins=10)
    np.testing.assert_allclose(mine.share, share)
    np.testing.assert_allclose(mine.confidence, confidence)
    weights = np.array(mine.rows) / 500
    assert mine.error == pytest.approx(float(np.sum(weights * np.abs(share - confidence))))


def test_the_command_writes_the_page_and_prints_where(specnet: Specnet, tmp_path: Path) -> None:
    done = specnet("run", SPECS / "iris.toml", "-q", "--report", "--set", "training.epochs=2")
    assert done.returncode == 0, done.stderr
    written = tmp_path / "runs/iris/001/report.html"
    assert f"report written to {Path('runs/iris/001/report.html')}" in done.stderr
    first = written.read_text(encoding="utf-8")
    again = specnet("report", "runs/iris/001", "-o", "page.html")
    assert again.stdout == "page.html\n"
    assert Page(first).text.split()[:5] == Page((tmp_path / "page.html").read_text("utf-8")).text.split()[:5]
    shutil.rmtree(tmp_path / "runs/iris/001")
    assert specnet("report", "runs/iris/001").returncode == 2


def test_without_the_extra_nothing_is_trained_and_the_extra_is_named(
    specnet: Specnet, tmp_path: Path
) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text("import sys\nsys.modules['jinja2'] = None\n")
    path = f"{ROOT}:{tmp_path / 'blocked'}"
    done = specnet("run", SPECS / "iris.toml", "-q", "--report", PYTHONPATH=path)
    assert done.returncode == 1
    assert install_command("report") in done.stderr
    assert not (tmp_path / "runs").exists()
    assert specnet("run", SPECS / "iris.toml", "--report", "--no-save").returncode == 2


@pytest.mark.parametrize(
    ("source", "commands"),
    [
        (
            "specnet-nn @ git+https://host.example/s@abc",
            "pip install 'specnet-nn @ git+https://host.example/s@abc' ",
        ),
        ("specnet-nn==0.1.1", "pip install specnet-nn==0.1.1 "),
        (None, "pip install "),
        (3, "pip install "),
        ("--index-url=https://host.example specnet", "pip install "),
        ("specnet==1.0", "pip install "),
    ],
)
def test_the_page_repeats_a_run_with_what_it_was_run_with(
    tmp_path: Path, source: object, commands: str
) -> None:
    from specnet.reporting.html.page import write_report

    run = trained("xor.json", tmp_path, training__epochs=2)
    made_of = json.loads((run / "resolved.json").read_text())
    assert made_of["installed_from"] == requirement()
    made_of |= {"installed_from": source, "specnet": "0.1.1", "numpy": "2.3.4"}
    (run / "resolved.json").write_text(json.dumps(made_of))
    text = Page(write_report(run).read_text("utf-8")).text
    assert f"{commands}numpy==2.3.4\nspecnet run " in text
    assert ("With specnet 0.1.1 installed, and the same versions" in text) == (commands == "pip install ")
    assert "--engine" not in text
    assert "--distributed" not in text
    made_of["computed_with"][0] |= {"engine": "numba", "ranks": 2}
    (run / "resolved.json").write_text(json.dumps(made_of))
    text = Page(write_report(run).read_text("utf-8")).text
    assert f"{commands}numpy==2.3.4 numba\nspecnet run " in text
    assert " --engine numba --distributed 2\n" in text


def test_a_page_of_a_run_of_the_first_version_names_its_version_and_no_place(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    run = trained("xor.json", tmp_path, training__epochs=2)
    made_of = json.loads((run / "resolved.json").read_text())
    del made_of["installed_from"]
    (run / "resolved.json").write_text(json.dumps(made_of))
    text = Page(write_report(run).read_text("utf-8")).text
    assert f"With specnet {made_of['specnet']} installed, and the same versions" in text
    assert f"pip install numpy=={made_of['numpy']}\n" in text


def test_each_output_has_predictions_of_its_own(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    run = trained("two-heads.toml", tmp_path, training__epochs=1)
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert page.faults == []
    assert "Predictions of digit for the test split" in page.text
    assert "Predictions of image for the test split" in page.text
    assert "Predictions over targets" in page.text


@pytest.mark.parametrize(
    ("spec", "shown", "missing"),
    [
        (
            "moons.toml",
            ["Predictions over the inputs", "Decision boundary and rows of the train split"],
            ["Filters"],
        ),
        (
            "denoising-autoencoder.toml",
            ["Inputs and their reconstructions", "as images"],
            ["Decision boundary"],
        ),
        ("digits.toml", ["Activations of dense_2", "as images"], ["Inputs and their reconstructions"]),
        ("regression.toml", ["MSE by epoch", "RMSE by epoch", "R² by epoch"], ["Rmse", "Confusion"]),
    ],
)
def test_what_is_drawn_depends_on_the_model(
    spec: str, shown: list[str], missing: list[str], tmp_path: Path
) -> None:
    from specnet.reporting.html.page import write_report

    page = Page(write_report(trained(spec, tmp_path, training__epochs=2)).read_text("utf-8"))
    assert page.faults == []
    for text in shown:
        assert text in page.text
    for text in missing:
        assert text not in page.text
    assert "Training completed all 2 epochs." in page.text


def test_options_of_layers_that_have_their_defaults_are_left_out(page: Page) -> None:
    layers = page.text.partition("A training step of")[2].partition("Weights and gradients")[0]
    assert "dense: units = 128, activation = relu8,320 parameters" in layers
    assert "learning_rate_multiplier" not in layers


def test_without_data_there_are_filters_all_the_same(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    run = trained("digits.toml", tmp_path, training__epochs=1)
    resolved = json.loads((run / "resolved.json").read_text())
    resolved["data"] = {"other": {"sha256": "0"}}
    (run / "resolved.json").write_text(json.dumps(resolved))
    page = Page(write_report(run).read_text("utf-8"))
    assert page.faults == []
    assert "as images" in page.text
    assert "Worst predictions" not in page.text


def test_the_importance_of_columns_is_that_of_the_run(page: Page, digits: Path) -> None:
    found = finished.permutation_importance(digits, partial_dependence=False)
    for column in found.columns:
        row = rf"<th scope=\"row\">{column.column}</th><td>{re.escape(f'{column.mean:.4g}')}</td>"
        assert re.search(row, (digits / "report.html").read_text(encoding="utf-8"))
    labels = [attributes.get("aria-label") or "" for attributes in page.all("div")]
    shown = [label for label in labels if label.startswith("Partial dependence: ")]
    first = [f"Partial dependence: {column.column}, the 8 of 10" for column in found.columns[:6]]
    assert [label[: len(start)] for label, start in zip(shown, first, strict=True)] == first
    assert any(label.startswith("Importance: decrease of accuracy") for label in labels)


def test_importance_that_cannot_be_measured_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specnet.reporting.html import importance, page

    run = trained("iris.toml", tmp_path, training__epochs=2)
    monkeypatch.setattr(importance, "MAXIMUM_COLUMNS", 3)
    made = Page(page.write_report(run).read_text(encoding="utf-8"))
    assert "4 columns take too long for a report: specnet evaluate RUN --importance measures it" in made.text
    assert "Partial dependence" not in made.text


def test_a_page_of_pairs_has_sources_and_what_is_written_for_them(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    (tmp_path / "pairs.tsv").write_text(f"ab\tba\n{HOSTILE}\tx\n")
    layers = [
        {"type": "embedding", "inputs": ["source"], "output_dim": 4},
        {"type": "gru", "name": "read", "units": 4, "return_sequences": True},
        {"type": "embedding", "name": "written", "inputs": ["target"], "output_dim": 4},
        {"type": "transformer_block", "causal": True, "positions": "rotary", "inputs": ["written", "read"]},
        {"type": "dense", "units": "auto"},
    ]
    document = {
        "specnet": 1,
        "data": {"type": "pairs", "path": str(tmp_path / "pairs.tsv")},
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "layers": layers,
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    run = api.run(document, out=tmp_path / "run").run
    assert run is not None
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert page.faults == []
    assert page.all("script") == []
    assert all(
        text in page.text for text in ("Worst sequences", f"source {HOSTILE} generated", "of 5 classes")
    )


def test_a_page_of_series_has_pictures_of_forecasts_and_the_worst_windows(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    (tmp_path / "s.csv").write_text(table().replace(",b,", f",{HOSTILE},"))
    run = api.run({**spec(tmp_path / "s.csv"), "training": {"epochs": 1}}, out=tmp_path / "run").run
    assert run is not None
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert page.faults == []
    assert page.all("script") == []
    labels = [attributes.get("aria-label") or "" for attributes in page.all("div")]
    drawn = [label for label in labels if label.startswith("Forecast of ")]
    assert sum("the highest loss" in label for label in drawn) == 1
    assert any(HOSTILE in label for label in drawn)
    assert "Worst windows" in page.text
    assert "Worst predictions" not in page.text


def test_a_page_of_a_language_model_has_samples_sequences_and_attention(tmp_path: Path) -> None:
    from specnet.reporting.html.page import write_report

    (tmp_path / "t.txt").write_text(f"{HOSTILE}\nanna\nbo\nabba\n" * 4)
    document = {
        "specnet": 1,
        "data": {"type": "text", "path": str(tmp_path / "t.txt"), "lines": "documents"},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "output_dim": 8},
            {"type": "transformer_block", "heads": 2, "causal": True},
            {"type": "dense", "units": "auto"},
        ],
        "training": {"epochs": 1},
    }
    run = api.run(document, out=tmp_path / "run").run
    assert run is not None
    text = write_report(run).read_text(encoding="utf-8")
    page = Page(text)
    assert page.faults == []
    for heading in ("Generated text", "Worst sequences", "Attention"):
        assert heading in page.text
    assert page.all("script") == []
    assert len([img for img in page.all("img") if "Attention of head" in (img["alt"] or "")]) == 2
    tokens = [attributes for attributes in page.all("span") if attributes.get("class") == "token"]
    assert all(float(token["title"] or "") >= 0 for token in tokens)

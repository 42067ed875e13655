"""What notebooks show of an object, and findings and reports as text and truth values."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import specnet
from specnet.diagnostics.html import curves, table
from specnet.notebook import NotebookProgress

SPECS = Path(__file__).parents[1] / "specs"


class Balanced(HTMLParser):
    """Fails where an element is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def text_of(page: str) -> str:
    parser = Balanced()
    parser.feed(page)
    assert not parser.open
    assert "<script" not in page
    return " ".join(re.sub("<[^>]+>", " ", page).split())


@pytest.fixture(scope="module")
def result() -> specnet.Result:
    return specnet.run(specnet.load(SPECS / "iris.toml", {"training.epochs": 5}))


def test_a_result_shows_its_table_its_fit_and_its_curves(result):
    assert repr(result).startswith("Result(name='iris', run=None, parameter_count=259, epochs=")
    assert repr(result).count("Result(") == 1
    page = result._repr_html_()
    shown = text_of(page)
    for split, figures in result.splits.items():
        assert f"{split} {figures['loss']:.4g} {figures['accuracy']:.4g}" in shown
    assert f"Fit: {result.fit.verdict}" in shown
    assert page.count("<polyline") == 2  # training and validation


def test_a_model_shows_its_layers(result):
    assert "dense_1 dense (batch, 32) 160 dense_2 dense (batch, 3) 99" in text_of(result.model._repr_html_())
    assert repr(result.model) == "<Model iris: 2 layers, 259 parameters>"


def test_a_spec_shows_what_it_sets():
    shown = text_of(specnet.load(SPECS / "digits.toml")._repr_html_())
    assert "0 dense kernel_init = he_normal, units = 128, activation = relu" in shown
    assert "loss cross_entropy label_smoothing = 0.1" in shown


def test_a_report_shows_its_findings_and_is_true_without_errors():
    faulty = specnet.validate({"specnet": 1, "data": "<b>", "layers": ["dense"], "loss": "mse"})
    assert not faulty
    shown = faulty._repr_html_()
    assert "<b>`" not in shown
    assert "SN204 spec: data" in text_of(shown)
    sound = specnet.validate(SPECS / "iris.toml")
    assert sound
    assert str(sound) == ""
    assert text_of(sound._repr_html_()) == "No errors or warnings"


def test_a_finding_is_its_line():
    (found,) = specnet.validate(SPECS / "iris.toml", {"training.epochs": 0}).diagnostics
    assert str(found) == (
        "override training.epochs=0:1:26: SN208 `epochs` must be a whole number above 0, not 0"
    )


def test_a_history_as_columns_and_as_a_frame(result):
    columns = result.history.to_dict()
    rows = list(result.history)
    assert columns["epoch"] == [1, 2, 3, 4, 5]
    assert columns["train.loss"] == [row["train"]["loss"] for row in rows]
    assert columns["validation.accuracy"] == [row["validation"]["accuracy"] for row in rows]
    seldom = specnet.run(SPECS / "iris.toml", resume=None, data=None).history
    assert len(seldom.to_dict()["validation.loss"]) == len(seldom)
    pandas = pytest.importorskip("pandas")
    frame = result.history.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.index) == columns["epoch"]
    assert np.allclose(frame["train.loss"], columns["train.loss"])


def test_epochs_that_were_not_validated_are_none():
    spec = specnet.load(SPECS / "iris.toml", {"training.epochs": 4, "training.validate_every": 2})
    columns = specnet.run(spec).history.to_dict()
    assert [value is None for value in columns["validation.loss"]] == [True, False, True, False]


def test_parameters_of_a_result_are_those_of_its_model(result):
    assert result.parameters is result.model.parameters
    assert result.parameter_count == sum(array.size for array in result.parameters.values())
    assert result.as_dict()["parameters"] == result.parameter_count


class Cell:
    """Stands for IPython's display: keeps what is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def display(self, page, display_id):
        assert display_id
        self.shown.append(page)
        return self

    def update(self, page):
        self.shown.append(page)

    @staticmethod
    def HTML(page):
        return page


@pytest.mark.parametrize(("document", "epochs"), [("iris.toml", 6), ("xor.json", 50)])
def test_progress_in_a_cell(monkeypatch, document, epochs):
    cell, ticks = Cell(), iter(range(10_000))
    monkeypatch.setitem(sys.modules, "IPython.display", cell)
    spec = specnet.load(SPECS / document, {"training.epochs": epochs})
    result = specnet.run(spec, listener=NotebookProgress(clock=lambda: float(next(ticks))))
    assert len(cell.shown) > 2
    assert "parameters; starting" in text_of(cell.shown[0])
    assert f"{epochs} epochs in" in text_of(cell.shown[-1])
    assert result.name in text_of(cell.shown[-1])
    assert "<polyline" in cell.shown[-1]


def test_progress_without_ipython_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(ModuleNotFoundError, match="IPython"):
        NotebookProgress()


def test_cells_are_escaped_and_curves_are_svg():
    assert "&lt;i&gt;" in table(["<i>"], [["<i>", 1, 2.5, None]])
    drawing = ET.fromstring(curves({"a<b": [(1, 1.0), (2, float("nan")), (3, 0.01)]}))
    lines = drawing.findall("polyline")
    assert len(lines) == 1
    assert len(lines[0].get("points").split()) == 3  # the last point is always there
    assert curves({"a": [(1, float("inf"))]}) == ""
    assert curves({"a": [(1, 0.0)]})

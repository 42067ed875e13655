"""Several targets of yes and no: how predictions of them are read."""

from __future__ import annotations

import io
import json

import pytest

import specnet
from specnet.runs.predicting import PredictedRows, readings
from specnet.runs.prediction_files import write_csv, write_lines


@pytest.fixture
def document(tmp_path):
    rows = "".join(f"{i},{'yes' if i % 2 else 'no'},{i % 3 == 0}\n" for i in range(30))
    (tmp_path / "t.csv").write_text(f"a,rain,wind\n{rows}")
    columns = {name: {"type": "boolean"} for name in ("rain", "wind")}
    data = {"type": "csv", "path": str(tmp_path / "t.csv"), "target": ["rain", "wind"], "columns": columns}
    layers = [{"type": "dense", "units": "auto"}]
    return {"specnet": 1, "name": "t", "loss": "binary_cross_entropy", "data": data, "layers": layers}


def written(model, write, **more):
    made, file = model.predictions(model.encoding.encode([[1.0], [2.0]])), io.StringIO()
    write(file, readings(model), iter([PredictedRows(made, None)]), **more)
    return made[""], file.getvalue()


def test_decisions_and_probabilities(document):
    model = specnet.compile(specnet.load(document))
    model.parameters["dense_1.kernel"][...] = [[1.0, -1.0]]
    probabilities, text = written(model, write_csv, files=False)
    head, *rows = text.splitlines()
    assert head == "rain,P(rain),wind,P(wind)"
    first = rows[0].split(",")
    assert (first[0], first[2]) == ("1", "0")
    assert [float(first[1]), float(first[3])] == pytest.approx(probabilities[0].tolist(), rel=1e-6)
    line = json.loads(written(model, write_lines)[1].splitlines()[0])
    assert line["prediction"] == {"rain": 1, "wind": 0}
    assert line["probabilities"] == pytest.approx(
        dict(zip(["rain", "wind"], probabilities[0].tolist(), strict=True))
    )


def test_inputs_that_are_reproduced_are_no_labels(document):
    data = {"type": "csv", "path": document["data"]["path"], "target": "inputs", "features": ["rain", "wind"]}
    document["data"] = data | {"columns": document["data"]["columns"]}
    (reading,) = readings(specnet.compile(specnet.load(document))).values()
    assert (reading.kind, reading.head) == ("numbers", ["rain", "wind"])


def test_words_for_yes_and_no_ask_for_a_type(document):
    document["data"]["columns"] = {}
    found = specnet.validate(document).diagnostics
    assert [(d.code, d.path[-1]) for d in found] == [("SN516", 0), ("SN516", 1)]
    assert found[0].help == '`type = "boolean"` in [data.columns.rain] reads yes and no'

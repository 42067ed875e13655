from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

import specnet
from specnet.cli.shown import show_asked

TABLE = """\
length,colour,price
1.5,red,10
2.5,blue,20.5
3.5,red,30
4.5,green,41
5.5,blue,52
6.5,red,60
"""

FLOWERS = """
specnet = 1
[data]
type = "csv"
path = "flowers.csv"
target = "price"
transforms = [{ type = "standardize" }, { type = "standardize", on = "targets" }]
[[layers]]
type = "dense"
units = 1
[loss]
type = "mse"
[training]
epochs = 3
[output]
show = ["predictions"]
"""


def shown(result: specnet.Result, width: int = 80) -> str:
    file = io.StringIO()
    show_asked(Console(file=file, width=width), result)
    return file.getvalue()


def trained(text: str, **changes: object) -> specnet.Result:
    return specnet.run(specnet.load(text, {key.replace("__", "."): value for key, value in changes.items()}))


def test_inputs_and_predictions_are_in_the_units_of_the_data(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers.csv").write_text(TABLE)
    result = trained(FLOWERS)
    heads, _, *rows = shown(result).splitlines()[2:]
    assert heads.split() == ["length", "colour=blue", "colour=green", "colour=red", "target", "prediction"]
    for line, cells in zip(rows, TABLE.splitlines()[1:], strict=True):
        length, colour, price = cells.split(",")
        found = [float(cell) for cell in line.split()]
        assert found[:5] == [
            float(length),
            colour == "blue",
            colour == "green",
            colour == "red",
            float(price),
        ]
        predicted = result.model.predict([{"length": float(length), "colour": colour}])
        assert found[5] == pytest.approx(float(predicted[0, 0]), rel=1e-3)


def test_inputs_are_left_out_where_they_leave_no_room(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers.csv").write_text(TABLE)
    assert shown(trained(FLOWERS), width=40).splitlines()[2].split() == ["target", "prediction"]


CLASSES = """
specnet = 1
[data]
type = "inline"
inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
targets = [0, 1, 2, 1]
[data.split]
test = 0.25
[[layers]]
type = "dense"
units = 3
kernel_init = { type = "constant", value = [[0, 0, 9], [0, 9, 0]] }
bias_init = { type = "constant", value = [3, 0, 0] }
[loss]
type = "cross_entropy"
[training]
epochs = 1
optimizer = { type = "sgd", learning_rate = 1e-9 }
[output]
show = ["predictions", "weights"]
"""


def test_classes_have_a_probability_each_and_the_one_they_are_read_as() -> None:
    text = shown(trained(CLASSES))
    train, test = text[: text.index("weights")].split(" test\n")
    assert train.splitlines()[3].split() == [
        "x0", "x1", "target", "P(0)", "P(1)", "P(2)", "read", "as",
    ]  # fmt: skip
    rows = [line.split() for line in [*train.splitlines()[5:], *test.splitlines()[2:]] if line.strip()]
    assert len(rows) == 4
    for x0, x1, target, *probabilities, reading in (row[:7] for row in rows if row[-1] != "wrong"):
        logits = np.array([3, 9 * int(x1), 9 * int(x0)])
        expected = np.exp(logits) / np.exp(logits).sum()
        assert [float(p) for p in probabilities] == pytest.approx(expected.tolist(), abs=1e-4)
        assert reading == str(expected.argmax())
        assert reading == target
    assert [row[:2] for row in rows if row[-1] == "wrong"] in ([], [["1", "1"]])


def test_what_is_read_wrongly_is_marked() -> None:
    text = shown(trained(CLASSES.replace("targets = [0, 1, 2, 1]", "targets = [2, 1, 2, 1]")))
    (line,) = [line for line in text.splitlines() if re.match(r" *0 +0 +2 ", line)]
    assert line.endswith("0  wrong")


def test_weights_are_shown_in_their_shape() -> None:
    text = shown(trained(CLASSES))
    lines = text[text.index("weights") :].splitlines()
    assert lines[1] == " dense_1.kernel  (2 x 3)"
    kernel = np.array([[float(cell) for cell in line.split()] for line in lines[2:4]])
    assert kernel == pytest.approx(np.array([[0, 0, 9], [0, 9, 0]]), abs=1e-6)
    assert lines[4] == " dense_1.bias  (3)"
    assert len({line.index(".") for line in lines[2:4]}) == 1


def test_a_matrix_wider_than_the_terminal_is_not_shown_and_a_vector_is_folded() -> None:
    wide = CLASSES.replace("units = 3", "units = 40", 1)
    wide = re.sub(r"(kernel|bias)_init.*\n", "", wide)
    text = shown(trained(wide))
    assert "not shown: 40 columns are wider than the terminal" in text
    bias = text[text.index("dense_1.bias") :].splitlines()[1:]
    assert sum(len(line.split()) for line in bias) == 40
    assert max(map(len, bias)) <= 80


def test_nothing_is_shown_unless_asked_for() -> None:
    assert shown(trained(CLASSES, output__show=[])) == ""

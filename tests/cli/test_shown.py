from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

import specnet
from specnet.cli import shown as module
from specnet.cli.shown import show_asked, show_asked_of_folds

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
    show = show_asked_of_folds if result.folds else show_asked
    show(Console(file=file, width=width), result)
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


SEVERAL = """
specnet = 1
layers = [{ type = "dense", units = 1, name = "sum" }, { type = "dense", units = 1, name = "back" }]
data = { type = "inline", inputs = [[0], [1], [2]], targets = [0.5, 1.5, 3] }
outputs = { sum = { loss = "mse" }, back = { loss = "mse", target = "inputs" } }
training = { epochs = 1 }
output = { show = ["predictions"] }
"""


@pytest.mark.parametrize("folds", [None, 3])
def test_several_outputs_have_columns_of_their_own(folds: int | None) -> None:
    text = SEVERAL if folds is None else SEVERAL.replace("3] }", f"3], split = {{ folds = {folds} }} }}")
    result = trained(text)
    heads, _, *rows = [line.split() for line in shown(result).splitlines() if line.strip()][1:]
    assert heads[-3:] == ["target", "sum.prediction", "back.prediction"]
    cells = np.array([[float(cell) for cell in row] for row in rows])
    assert cells[:, -3].tolist() == [0.5, 1.5, 3]
    for column, name in ((-2, "sum"), (-1, "back")):
        if result.out_of_fold is None:
            made = result.model.predict([[0], [1], [2]], output=name)
        else:
            made = result.out_of_fold.outputs[name][result.out_of_fold.rows.argsort()]
        assert cells[:, column] == pytest.approx(np.ravel(made), rel=1e-5)


def test_folds_show_the_predictions_out_of_fold_and_the_weights_of_each_model() -> None:
    text = CLASSES.replace("test = 0.25", "folds = 2").replace("units = 3\n", "units = 3\nuse_bias = false\n")
    result = trained(re.sub(r"bias_init.*\n", "", text))
    lines = shown(result).splitlines()
    assert result.out_of_fold is not None
    heads, _, *rows = [line.split() for line in lines[lines.index(" predictions out of fold") + 1 :]][:6]
    assert heads == ["row", "fold", "target", "P(0)", "P(1)", "P(2)", "read", "as"]
    order = result.out_of_fold.rows.argsort()
    assert [row[:3] for row in rows] == [
        [str(n), str(fold), str(target)]
        for n, fold, target in zip(
            range(4), result.out_of_fold.folds[order], result.out_of_fold.targets[order], strict=True
        )
    ]
    found = np.array([[float(cell) for cell in row[3:6]] for row in rows])
    assert found == pytest.approx(result.out_of_fold.predictions[order], abs=1e-4)
    assert [line for line in lines if line.startswith(" weights")] == [
        " weights of fold 1",
        " weights of fold 2",
    ]
    assert len([line for line in lines if line.startswith(" dense_1.kernel  (2 x 3)")]) == 2


def test_folds_that_are_too_much_to_read_are_not_shown() -> None:
    text = CLASSES.replace("test = 0.25", "folds = 2").replace("units = 3", "units = 200", 1)
    text = re.sub(r"(kernel|bias)_init.*\n", "", text)
    data = {"type": "synthetic", "kind": "xor", "samples": 102, "split": {"folds": 2}}
    lines = shown(trained(text, data=data)).splitlines()
    assert " not shown: there are 102 rows, and up to 100 are readable" in lines
    assert " not shown: the model has 1,200 parameters, and up to 1000 are readable" in lines


def test_an_engine_may_speak_before_the_heading_of_predictions(monkeypatch):
    file = io.StringIO()
    columns = module._output_columns

    def spoken(*given):
        file.write("compiling 3 loops\n")
        return columns(*given)

    monkeypatch.setattr(module, "_output_columns", spoken)
    show_asked(Console(file=file, width=80), trained(CLASSES))
    assert file.getvalue().index("compiling") < file.getvalue().index("predictions")

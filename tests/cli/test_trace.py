from __future__ import annotations

import json

import pytest

from tests.support.command_line import SPECS, Specnet


def test_the_tutorial_s_perceptron_reads_like_a_blackboard(specnet: Specnet) -> None:
    shown = specnet("trace", (SPECS / "perceptron.toml"))
    assert shown.returncode == 0
    lines = [line.strip() for line in shown.stdout.splitlines()]
    for line in (
        "perceptron: row 1 of the 8 rows of the training split",
        "batch: all 8 rows",
        "x = [0, 0, 1, 0]",
        "a = sigmoid(z) = sigmoid(-0.9998) = 0.269",
        "error = dense_1.a - y = 0.269 - 0 = 0.269",
        "p ← p - learning_rate·g",
    ):
        assert line in lines, line


@pytest.mark.parametrize("name", ["mlp.toml", "iris.toml", "digits.toml"])
def test_lines_fit_into_80_columns_and_large_arrays_are_abbreviated(specnet: Specnet, name: str) -> None:
    shown = specnet("trace", (SPECS / name), "--steps", "2")
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 400


def test_numbers_as_json(specnet: Specnet) -> None:
    shown = specnet("trace", (SPECS / "mlp.toml"), "--row", "3", "--steps", "2", "--output", "json")
    found = json.loads(shown.stdout)
    assert (found["name"], found["row"], found["rows"], len(found["steps"])) == ("mlp", 3, 8, 2)
    first, second = found["steps"]
    assert first["rows"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert first["inputs"] == {"inputs": [0.0, 1.0, 0.0, 0.0]}
    assert first["parameters"]["dense_1.kernel"]["after"] == second["parameters"]["dense_1.kernel"]["before"]
    assert {layer["layer"] for layer in first["forward"]} == {"dense_1", "dense_2", "loss"}


def test_large_arrays_are_abbreviated_in_json_too(specnet: Specnet) -> None:
    found = json.loads(specnet("trace", (SPECS / "digits.toml"), "--output", "json").stdout)
    sizes = [len(json.dumps(each)) for each in found["steps"][0]["parameters"].values()]
    assert max(sizes) < 200_000
    kernel = found["steps"][0]["parameters"]["dense_1.kernel"]["before"]
    assert kernel["shape"][0] == 64
    assert len(kernel["first"]) == 4


def test_a_row_that_there_is_not(specnet: Specnet) -> None:
    shown = specnet("trace", (SPECS / "mlp.toml"), "--row", "9")
    assert shown.returncode == 2
    assert "9 is not one of them: the training split has 8 rows" in " ".join(shown.stderr.split())


def test_a_row_outside_the_batch_is_said(specnet: Specnet) -> None:
    shown = specnet("trace", (SPECS / "iris.toml"), "--row", "1")
    assert "row 1 is not in this batch" in shown.stdout or "batch: 16 rows" in shown.stdout


def test_letters_outside_ascii_are_replaced(specnet: Specnet) -> None:
    shown = specnet("trace", (SPECS / "mlp.toml"), PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert shown.returncode == 0
    assert shown.stdout.isascii()
    assert "dloss/dz = error*(a*(1 - a)) = " in shown.stdout

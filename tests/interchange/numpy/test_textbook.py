"""How training programs read: optimizers and gradients in a textbook's form, and what they print."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import Exported, numpy_program, write_numpy
from specnet.vocabulary.initializers import INITIALIZERS
from tests.support.exports import SPECS


def program(document, **changes):
    spec = specnet.load(SPECS / document, overrides=changes)
    return numpy_program(Exported.of_spec(SPECS / document, spec), training=True, beside="made.npz").text


def test_iris_reads_like_a_textbook():
    lines = [line.split("  #")[0].strip() for line in program("iris.toml").split("\n")]
    for line in (
        "limit = np.sqrt(6 / (fan_in + fan_out))",
        "dense_1_kernel = rng.uniform(-limit, limit, (4, 32)).astype(np.float32)",
        "dense_1_bias = np.zeros(32, np.float32)",
        "beta_1 = 0.9",
        "epsilon = 1e-08",
        "loss = -np.sum(log_probabilities[np.arange(rows), targets]) / rows",
        "one_hot = np.eye(3, dtype=np.float32)[targets]",
        "d_logits = (probabilities - one_hot) / rows",
        "m[...] = beta_1 * m + (1 - beta_1) * gradient",
        "v[...] = beta_2 * v + (1 - beta_2) * gradient**2",
        "m_hat = m / (1 - beta_1 ** step)",
        "v_hat = v / (1 - beta_2 ** step)",
        "parameter -= learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)",
    ):
        assert line in lines, line


def test_two_classes_have_the_gradient_of_a_textbook():
    lines = [line.split("  #")[0].strip() for line in program("moons.toml").split("\n")]
    assert "error = probabilities - targets" in lines
    assert "d_logits = error / rows" in lines


FORMULAS = {
    "sgd": ["velocity[...] = momentum * velocity + gradient", "parameter -= learning_rate * velocity"],
    "rmsprop": ["v[...] = alpha * v + (1 - alpha) * gradient**2"],
    "adadelta": ["d = np.sqrt(u + epsilon) / np.sqrt(v + epsilon) * gradient"],
    "lion": ["d = np.sign(beta_1 * m + (1 - beta_1) * gradient)", "parameter -= learning_rate * d"],
    "adagrad": ["s += gradient**2", "parameter -= learning_rate * gradient / (np.sqrt(s) + epsilon)"],
    "nadam": ["mu_product = np.sum(mu_products)", "v_hat = v / (1 - beta_2 ** step)"],
}


@pytest.mark.parametrize("kind", FORMULAS)
def test_optimizers_read_as_their_papers(kind):
    options = {"momentum": 0.9} if kind == "sgd" else {}
    text = program("iris.toml", **{"training.optimizer": {"type": kind, **options}})
    lines = [line.strip() for line in text.split("\n")]
    for line in FORMULAS[kind]:
        assert line in lines, line


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "kind", [kind for kind, made in INITIALIZERS.kinds.items() if kind != "constant" and not made.of_rows]
)
def test_initial_parameters_are_drawn_as_the_run_draws_them(kind, dtype):
    changes = {"layers.0.kernel_init": kind, "layers.1.kernel_init": kind, "dtype": dtype}
    spec = specnet.load(SPECS / "iris.toml", overrides=changes)
    text = program("iris.toml", **changes)
    assert 'stored["dense' not in text
    assert ("rng = " in text) == (kind not in ("zeros", "ones", "identity"))
    start, end = text.index("# Initial parameters."), text.index("train_inputs = prepare")
    helper = text[text.index("def truncated") : text.index("def prepare")] if "def truncated" in text else ""
    found = {"np": np}
    exec(helper + text[start:end], found)
    for name, array in specnet.compile(spec).parameters.items():
        made = found[name.replace(".", "_")]
        assert made.dtype == array.dtype
        np.testing.assert_allclose(made, array, rtol=4 * np.finfo(dtype).eps, atol=0)


def test_initial_parameters_of_rows_are_stored():
    """They depend on what the layers before make of training rows, which no line of a program says."""
    changes = {"layers.0.kernel_init": "unit_variance", "layers.0.bias_init": "within_data"}
    spec = specnet.load(SPECS / "iris.toml", overrides=changes)
    exported = Exported.of_spec(SPECS / "iris.toml", spec)
    made = numpy_program(exported, training=True, beside="made.npz")
    expected = specnet.compile(spec).parameters
    for name in ("dense_1_kernel", "dense_1_bias"):
        assert f'{name} = stored["{name}"]' in made.text
        np.testing.assert_array_equal(made.arrays[name], expected[name.replace("dense_1_", "dense_1.")])
    assert "dense_2_kernel = rng.uniform(" in made.text


def test_given_parameters_stand_in_the_program():
    text = program("mlp.toml", **{"layers.1.kernel_init": "he_uniform"})
    assert "0.417022004702574" in text
    assert "limit = np.sqrt(6 / fan_in)" in text


def shown(tmp_path, document, epochs=None, matplotlib=False, **changes):
    """Return the lines that a program prints."""
    if epochs is not None:
        changes["training.epochs"] = epochs
    spec = specnet.load(SPECS / document, overrides=changes)
    write_numpy(tmp_path / "made.py", Exported.of_spec(SPECS / document, spec), training=True)
    hide = "" if matplotlib else "sys.modules['matplotlib'] = None; "
    code = f"import sys, runpy; {hide}runpy.run_path('made.py')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
        env={"MPLBACKEND": "agg", "PATH": "", "HOME": str(tmp_path)},
    )
    return done.stdout.split("\n")[:-1]


def test_a_program_prints_what_the_run_measures(tmp_path):
    printed = shown(tmp_path, "iris.toml", dtype="float64")
    result = specnet.run(specnet.load(SPECS / "iris.toml", overrides={"dtype": "float64"}))
    rows = list(result.history)
    due = [row for row in rows if row["epoch"] == 1 or row["epoch"] % 10 == 0]
    expected = [
        f"epoch {row['epoch']:3}: loss {row['train']['loss']:.6f}, "
        f"validation loss {row['validation']['loss']:.6f}"
        for row in due
    ]
    assert printed[: len(due)] == expected
    assert printed[len(due)] == f"after {result.epochs} epochs:"
    for line, (split, figures) in zip(printed[len(due) + 1 :], result.splits.items(), strict=False):
        assert line.split()[0] == split
        assert float(line.split("loss ")[1].split()[0]) == pytest.approx(figures["loss"], abs=6e-5)
        assert float(line.split("accuracy ")[1].split()[0]) == pytest.approx(figures["accuracy"], abs=6e-5)
    assert printed[-1] == "matplotlib is not installed: no curve of the loss is drawn"


@pytest.mark.parametrize(
    ("epochs", "every", "lines"), [(20, 1, 11), (7, 1, 7), (25, 4, 6), (9, 20, 0), (40, 3, 6)]
)
def test_a_program_prints_about_ten_lines(tmp_path, epochs, every, lines):
    changes = {"training.validate_every": every, "training.early_stopping.patience": 99}
    printed = shown(tmp_path, "iris.toml", epochs, **changes)
    assert sum(line.startswith("epoch") for line in printed) == lines


def test_a_curve_is_saved_where_matplotlib_is(tmp_path):
    pytest.importorskip("matplotlib")
    shown(tmp_path, "perceptron.toml", 20, matplotlib=True)
    assert (tmp_path / "perceptron-loss.png").read_bytes().startswith(b"\x89PNG")

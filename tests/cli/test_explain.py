from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

import specnet as package
from specnet.runs.compiling import network_of
from specnet.training.events import EpochEnded, Started
from tests.support.command_line import SPECS, Specnet


def test_the_plan_as_data(specnet: Specnet) -> None:
    done = specnet("explain", SPECS / "digits.toml", "--output", "json")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    assert [(layer["name"], layer["output"], layer["parameters"]) for layer in data["layers"]] == [
        ("dense_1", ["batch", 128], 64 * 128 + 128),
        ("dropout_1", ["batch", 128], 0),
        ("dense_2", ["batch", 64], 128 * 64 + 64),
        ("dense_3", ["batch", 10], 64 * 10 + 10),
    ]
    assert data["parameters"] == 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    steps = data["plans"]["step"]["steps"]
    assert data["flops"] == {
        phase: sum(step["flops"] for step in steps if step["phase"] == phase and not step["once"])
        for phase in ("forward", "backward", "update")
    }
    products = sum(s["flops"] for s in steps if s["op"] == "matmul" and s["phase"] == "forward")
    known = 2 * 32 * (64 * 128 + 128 * 64 + 64 * 10)
    assert known <= products <= known + 2 * 32 * (128 + 64 + 10)
    assert data["memory"]["total"] == sum(v for k, v in data["memory"].items() if k != "total")


@pytest.mark.parametrize("name", ["mlp.toml", "iris.toml", "regression.toml", "digits.toml"])
def test_the_memory_is_what_a_run_takes(specnet: Specnet, name: str) -> None:
    data = json.loads(specnet("explain", SPECS / name, "--output", "json").stdout)
    event = next(iter(package.train(package.load(SPECS / name))))
    assert isinstance(event, Started)
    assert event.memory == data["memory"]["total"]


def test_the_plan_as_a_table(specnet: Specnet) -> None:
    done = specnet("explain", SPECS / "mlp.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert re.search(r"dense_1 +dense +\(batch, 2\) +10\n", done.stdout)
    numbers = [int(m) for m in re.findall(r"^ +(\d+)  \S", done.stdout, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert re.search(r"update: optimizer\n", done.stdout)
    assert "\x1b" not in done.stdout


def test_a_schedule_s_formula_is_shown(specnet: Specnet) -> None:
    flags = ["--set", 'training.schedule={ type = "cosine", warmup_steps = 10 }']
    data = json.loads(specnet("explain", SPECS / "iris.toml", *flags, "--output", "json").stdout)
    formula = data["learning_rate"]
    scope: dict[str, object] = {"math": math}
    exec(formula, scope)
    rate = scope["learning_rate_at"]
    assert callable(rate)
    spec = package.load(
        SPECS / "iris.toml", overrides={"training.schedule": {"type": "cosine", "warmup_steps": 10}}
    )
    epochs = [event for event in package.train(spec) if isinstance(event, EpochEnded)]
    assert [event.learning_rate for event in epochs] == pytest.approx([rate(e.step - 1) for e in epochs])
    shown = specnet("explain", SPECS / "iris.toml", *flags).stdout
    assert all(f" {line}\n" in shown for line in formula.split("\n"))


def test_a_rate_that_stays_has_no_formula(specnet: Specnet) -> None:
    done = specnet(
        "explain", SPECS / "iris.toml", "--set", 'training.schedule="constant"', "--output", "json"
    )
    assert json.loads(done.stdout)["learning_rate"] is None


def test_several_batches_a_step_make_two_plans(specnet: Specnet) -> None:
    flags = ["--set", "training.accumulate=3", "--output", "json"]
    data = json.loads(specnet("explain", SPECS / "iris.toml", *flags).stdout)
    assert list(data["plans"]) == ["step", "update", "evaluation"]
    assert "slot/accumulated" not in data["memory"]
    per_batch = sum(
        s["flops"] for s in data["plans"]["step"]["steps"] if s["phase"] == "forward" and not s["once"]
    )
    assert data["flops"]["forward"] == 3 * per_batch


def test_a_profile_times_each_step(specnet: Specnet) -> None:
    done = specnet("explain", SPECS / "iris.toml", "--profile", "--output", "json")
    assert (done.returncode, done.stderr) == (0, "")
    program = json.loads(done.stdout)["plans"]["step"]
    timed = [step["seconds"] for step in program["steps"] if not step["once"] and step["code"]]
    assert all(seconds >= 0 for seconds in timed)
    assert sum(timed) == pytest.approx(program["seconds"], rel=0.7)
    table = specnet("explain", SPECS / "iris.toml", "--profile").stdout
    shares = [int(share) for share in re.findall(r" (\d+)%$", table, re.MULTILINE)]
    assert sum(shares) == pytest.approx(100, abs=len(shares) / 2 + 1)


def test_a_faulty_document_is_reported_as_by_run(specnet: Specnet) -> None:
    done = specnet("explain", SPECS / "iris.toml", "--set", "layers.1.units=2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the data has 3 classes" in done.stderr
    assert specnet("explain", "absent.toml").returncode == 2


SHAPES = """
specnet = 1
input_shape = [6, 6, 1]
layers = [{ type = "conv2d", filters = 4, kernel_size = 3 }, { type = "batch_norm", trainable = false }]
data = { type = "npz", path = "absent.npz" }
"""


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        ("mse", ["batch", 4, 4, 4]),
        ("cross_entropy", ["batch", 4, 4]),
        ("binary_cross_entropy", ["batch", 4, 4, 4]),
        ("gaussian_nll", ["batch", 4, 4, 2]),
    ],
)
def test_without_data_targets_are_what_the_loss_takes(loss: str, target: list[object]) -> None:
    network = network_of(package.load(SHAPES + f'loss = "{loss}"'), data=False)
    assert ["batch", *network.outputs[""].target_shape] == target


def test_without_data_the_plan_is_that_of_a_batch(specnet: Specnet, tmp_path: Path) -> None:
    path = tmp_path / "shapes.toml"
    path.write_text(SHAPES + 'loss = "mse"')
    assert specnet("explain", path).returncode == 1
    done = specnet("explain", path, "--no-data", "--set", "training.batch_size=5", "--output", "json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert (data["batch"], data["parameters"], data["trained"], data["not_trained"]) == (5, 48, 40, 16)
    assert [layer["not_trained"] for layer in data["layers"]] == [0, 16]
    assert data["learning_rate"] is None
    assert not {"data", "batches", "loading"} & set(data["memory"])
    table = specnet("explain", path, "--no-data").stdout
    assert re.search(r" not trained +16  frozen parameters 8, running statistics 8\n", table)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.batch_size": "full"}, "the size of a batch is in the data"),
        ({"outputs": {"conv2d_1": {"loss": "mse"}}}, "the targets of several `outputs` are in the data"),
    ],
)
def test_without_data_some_plans_are_not_known(changes: dict[str, object], message: str) -> None:
    with pytest.raises(package.SpecError, match=message):
        network_of(
            package.load(SHAPES + ("" if "outputs" in changes else 'loss = "mse"'), overrides=changes),
            data=False,
        )
    embedding = "input_shape = [6]\nlayers = [{ type = 'embedding', output_dim = 2 }]\n"
    text = "specnet = 1\n" + embedding + SHAPES.splitlines()[-1] + '\nloss = "mse"'
    with pytest.raises(
        package.SpecError, match="the number of tokens, which `input_dim` is by default, is in the data"
    ):
        network_of(package.load(text), data=False)
    text = SHAPES.replace("input_shape = [6, 6, 1]\n", "") + 'loss = "mse"'
    with pytest.raises(package.SpecError, match="`input_shape`, the shape of one example, is not set"):
        network_of(package.load(text), data=False)


def test_what_is_trained_is_shown_apart(specnet: Specnet) -> None:
    done = specnet("explain", "--no-data", SPECS / "zoo" / "mobilenet.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(" mobilenet  4,231,976 parameters trained, 21,888 not trained, ")
    assert re.search(r"batch_norm_1 +batch_norm +\(batch, 112, 112, 32\) +64 +64\n", done.stdout)
    assert re.search(
        r"parameters, trained +4,231,976\n not trained +21,888  running statistics 21,888\n", done.stdout
    )


def test_upsampling_that_is_computed_by_a_convolution_is_named(specnet: Specnet, tmp_path: Path) -> None:
    layers = """
        { type = "conv2d_transpose", filters = 4, kernel_size = 2, strides = 2 },
        { type = "upsampling2d" },
        { type = "conv2d", filters = 4, kernel_size = 3, padding = "same" },
        { type = "upsampling2d", interpolation = "bilinear" },
        { type = "conv2d", filters = 1, kernel_size = 3 },
    """
    spec = tmp_path / "decoder.toml"
    head = 'specnet = 1\ndata = { type = "npz", path = "images.npz" }\ninput_shape = [4, 4, 3]'
    spec.write_text(f'{head}\nlayers = [{layers}]\nloss = "mse"\n', "utf-8")
    done = specnet("explain", "--no-data", spec)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n conv2d_input of conv2d_1: upsampling and convolution as one op\n" in done.stdout
    assert not re.search(r"forward: upsampling2d_1\b", done.stdout)
    assert re.search(r"forward: upsampling2d_2\b", done.stdout)


def test_the_time_of_a_step_is_predicted_once_the_machine_is_measured(
    specnet: Specnet, tmp_path: Path
) -> None:
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "OPENBLAS_NUM_THREADS": "1"}
    spec = SPECS / "digits.toml"
    before = specnet("explain", spec, "--threads", "2", **own)
    assert "predicted" not in before.stdout
    done = specnet("explain", spec, "--threads", "2", "--calibrate", **own)
    assert done.returncode == 0
    assert re.search(
        r"^ predicted +\d+\.\d+ [mu]s  the time of a step, on a quiet machine$", done.stdout, re.MULTILINE
    )
    kept = tmp_path / "cache" / "specnet" / package.__version__ / "costs-2.json"
    assert f"kept in {kept}" in done.stderr.replace("\n", "")
    data = json.loads(specnet("explain", spec, "--threads", "2", "--output", "json", **own).stdout)
    assert data["plans"]["step"]["predicted_seconds"] > 0
    assert "predicted_seconds" not in data["plans"]["evaluation"]


def test_what_several_processes_do(specnet: Specnet) -> None:
    done = specnet("explain", SPECS / "iris.toml", "--distributed", "3")
    assert done.returncode == 0
    assert "3 processes, each with up to 6 rows of 16" in done.stdout
    assert "all_reduce  forward  number" in done.stdout
    shown = done.stdout[done.stdout.index("3 processes") :]
    assert max(map(len, shown.splitlines())) <= 80
    plain = json.loads(
        specnet("explain", SPECS / "iris.toml", "--distributed", "3", "--output", "json").stdout
    )
    assert plain["distributed"]["ranks"] == 3
    assert "all_reduce" in [step["op"] for step in plain["plans"]["step"]["steps"]]
    assert specnet("explain", SPECS / "iris.toml", "--distributed", "1").returncode == 2


def test_what_compiling_takes_and_from_where_on_it_pays(specnet: Specnet, tmp_path: Path) -> None:
    pytest.importorskip("numba")
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("explain", SPECS / "mlp.toml", "--engine", "numba", "--profile")
    done = specnet(*arguments, **own)
    assert re.search(r"^ step, NumPy engine +\d+\.\d+ us$", done.stdout, re.MULTILINE)
    assert re.search(
        r"^ compilation +\d+\.\d+ m?s  or loading, where it is kept; pays off from [\d,]+ steps on$",
        done.stdout,
        re.MULTILINE,
    )
    found = json.loads(specnet(*arguments, "--output", "json", **own).stdout)["compilation"]
    assert found["pays_from_step"] == math.ceil(
        found["seconds"] / (found["step_seconds_numpy"] - found["step_seconds"])
    )

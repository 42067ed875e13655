"""A training that no memory can hold is refused before anything of it is allocated."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import specnet
from specnet.data import files, inspect_data
from specnet.model.memory import memory_fault
from specnet.model.network import Network
from specnet.model.plans import plan_training
from specnet.model.settings import evaluation_rows
from specnet.model.training_memory import memory

DATA = '[data]\ntype = "synthetic"\nkind = "sine"\nsamples = {}\n'
LAYERS = (
    '[[layers]]\ntype = "dense"\nunits = {}\nactivation = "relu"\n[[layers]]\ntype = "dense"\nunits = {}\n'
)


def document(first=8, second=1, samples=100, more=""):
    units = LAYERS.format(first, second)
    return 'specnet = 1\nloss = "mse"\n' + DATA.format(samples) + units + more


def only(report):
    (fault,) = (d for d in report.diagnostics if d.severity == "error")
    return fault


@pytest.mark.parametrize("units", [10**12, 10**18, 10**400])
def test_it_is_refused_in_no_time_whatever_it_claims(units):
    text = document(units)
    fault = only(specnet.validate(text))
    assert (fault.code, fault.path) == ("SN605", ("layers", 0))
    with pytest.raises(specnet.SpecError) as caught:
        specnet.compile(specnet.load(text))
    assert [d.code for d in caught.value.diagnostics] == ["SN605"]


def test_the_largest_part_is_named(monkeypatch):
    monkeypatch.setattr(files, "memory", lambda: 2**20)
    fault = only(specnet.validate(document(300, 1, more='[[layers]]\ntype = "dense"\nunits = 1\n')
                                  .replace("units = 1\n", 'units = 900\nactivation = "relu"\n', 1)))  # fmt: skip
    assert (fault.code, fault.path, fault.part) == ("SN605", ("layers", 1), "type")
    assert "of the machine's 1.0 MiB" in fault.message
    assert "1.0 MiB in `dense_2.kernel` alone (300 x 900)" in fault.message


def test_a_sweep_over_what_is_too_large_is_no_fault_of_its_own(monkeypatch):
    monkeypatch.setattr(files, "memory", lambda: 2**20)
    sweep = '[sweep]\nobjective = "train.loss"\ntrials = 2\n[sweep.parameters]\n'
    sweep += '"layers.0.units" = { choices = [2, 1_000_000] }\n'
    fault = only(specnet.validate(document(10**6, more=sweep)))
    assert (fault.code, fault.path) == ("SN605", ("layers", 0))
    fault = only(specnet.validate(document(8, more=sweep)))
    assert fault.code == "SN241"


@pytest.mark.parametrize("metric", ["confusion", "auc"])
def test_a_metric_may_be_what_is_too_large(metric, tmp_path):
    made = {
        "specnet": 1,
        "data": {"type": "npy", "inputs": "x.npy", "targets": "t.npy", "split": {"validation": 0.2}},
        "layers": [{"type": "dense", "units": 2}, {"type": "dense", "units": 10**6}],
        "loss": "cross_entropy",
        "metrics": ["accuracy", metric, "f1"],
        "training": {"batch_size": 2},
    }
    np.save(tmp_path / "x.npy", np.zeros((20_000, 2), np.float32))
    np.save(tmp_path / "t.npy", np.arange(20_000) * 50 + 49)
    (tmp_path / "spec.json").write_text(json.dumps(made))
    fault = only(specnet.validate(tmp_path / "spec.json"))
    assert (fault.code, fault.path) == ("SN605", ("metrics", 1))
    assert f"of it are what `{metric}` needs" in fault.message
    made["metrics"] = ["accuracy", "f1"]
    (tmp_path / "spec.json").write_text(json.dumps(made))
    assert specnet.validate(tmp_path / "spec.json").ok


@pytest.mark.parametrize(("units", "rows"), [(2, 1024), (10**5, 41), (10**6, 16)])
def test_more_rows_are_evaluated_at_once_where_many_parameters_are_read_for_them(units, rows):
    made = specnet.load(document(64, units).replace('"mse"', '"cross_entropy"'))
    signature = replace(inspect_data(made.data, made.folder), integers=True, class_count=units)
    assert evaluation_rows(Network(made, signature), 10**6) == rows


def test_a_batch_may_be_what_is_too_large(monkeypatch):
    monkeypatch.setattr(files, "memory", lambda: 2**22)
    text = document(512, samples=4000, more='[training]\nbatch_size = "full"\n')
    fault = only(specnet.validate(text))
    assert fault.path == ("layers", 0)
    assert "are values between layers, for 4000 rows at once, most from `dense_1`" in fault.message


def test_the_data_may_be_what_is_too_large(monkeypatch):
    fault = only(specnet.validate(document().replace('"sine"', '"linear"\nfeatures = 10000000000000')))
    assert (fault.code, fault.path) == ("SN570", ("data",))
    monkeypatch.setattr("specnet.data.inferring.memory", lambda: None)
    monkeypatch.setattr(files, "memory", lambda: 2**20)
    fault = only(specnet.validate(document(samples=200_000)))
    assert (fault.code, fault.path) == ("SN605", ("data",))


@pytest.mark.parametrize(
    "text",
    [
        document(),
        document(64, 64, 3000, '[training.optimizer]\ntype = "adam"\namsgrad = true\n'),
        document(3, 3, 5000, '[training]\nbatch_size = "full"\n'),
        document(
            200,
            1,
            40,
            '[training]\naccumulate = 2\nbatch_size = 4\n[training.early_stopping]\nmonitor = "train.loss"\n',
        ),
        document(16, 16, 2000, '[[layers]]\ntype = "activation"\nactivation = "mish"\n'),
    ],
)
def test_the_bound_is_the_plans_own_count(text, monkeypatch):
    spec = specnet.load(text.replace("units = 16\n", "units = 1\n") if "mish" in text else text)
    if spec.layers[-1].type == "dense" and spec.layers[-1].units != 1:
        spec = specnet.load(text, overrides={"layers.1.units": 1})
    network = Network(spec, inspect_data(spec.data, spec.folder))
    rows = network.signature.rows
    needed = sum(memory(network, plan_training(network, rows, units=False), rows).values())
    monkeypatch.setattr(files, "memory", lambda: needed)
    assert memory_fault(network) == []
    monkeypatch.setattr(files, "memory", lambda: needed - 1)
    assert [d.code for d in memory_fault(network)] == ["SN605"]


def test_where_the_system_tells_nothing(monkeypatch):
    monkeypatch.setattr(files, "memory", lambda: None)
    assert specnet.validate(document()).ok
    assert "of the machine's 64.0 GiB" in only(specnet.validate(document(10**12))).message


def test_it_takes_neither_numpy_nor_memory():
    script = (
        "import resource, sys, specnet\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        f"found = specnet.validate({document(10**9)!r}).diagnostics\n"
        "print([d.code for d in found if d.severity == 'error'], 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['SN605'] False\n", "")

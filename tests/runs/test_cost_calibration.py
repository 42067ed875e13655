"""What is measured of a machine is kept where nobody else can write, and counts for this machine alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet._version import __version__
from specnet.analysis.explanation import explain
from specnet.runs import cost_calibration
from specnet.runs.compiling import network_of
from specnet.runs.cost_calibration import calibrate, cost_model
from tests.support.command_line import SPECS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files have owners on POSIX systems")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is empty, and a measurement that is short."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cost_calibration, "SECONDS", 0.0)
    return tmp_path / "cache" / "specnet" / __version__


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    few = list(cost_calibration._networks())[:2]
    monkeypatch.setattr(cost_calibration, "_networks", lambda: iter(few))


@pytest.mark.usefixtures("short")
def test_what_was_measured_predicts(cache: Path) -> None:
    steps: list[tuple[int, int]] = []
    assert cost_model(2) is None
    assert not cache.exists(), "to ask makes no folder"
    path = calibrate(2, advanced=lambda done, of: steps.append((done, of)))
    assert steps == [(number, 6) for number in range(6)]
    assert path == cache / "costs-2.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    model = cost_model(2)
    assert model is not None
    plan = explain(network_of(specnet.load(SPECS / "digits.toml"), 2)).plans.step
    assert 1e-6 < model.seconds(plan) < 1.0
    assert cost_model(1) is None, "other plans are made for another number of threads"


def test_each_engine_has_times_of_its_own(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    layers = [{"type": "lstm", "units": 4}, {"type": "dense", "units": 10}]
    networks = [
        (layers, np.ones((4, 3, 2), np.float32), np.arange(4), 2),
        ([{"type": "dense", "units": 10}], np.ones((4, 3), np.float32), np.arange(4), 2),
    ]
    monkeypatch.setattr(cost_calibration, "_networks", lambda: iter(networks))
    assert calibrate(1, "numba") == cache / "costs-1-numba.json"
    assert cost_model(1) is None
    model = cost_model(1, "numba")
    assert model is not None
    assert "loop" in model.coefficients
    network = network_of(specnet.load(SPECS / "mlp.toml"), 1, "numba")
    assert 0 < model.seconds(explain(network).plans.step) < 1.0


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.chmod(0o666),
        lambda path: path.write_text("{"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "numpy": "0.1"})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "processor": "abacus"})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "terms": 1})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "coefficients": {}})),
    ],
    ids=["writable", "no JSON", "a list", "NumPy", "processor", "terms", "empty"],
)
def test_a_file_that_is_not_of_this_machine_does_not_count(damage) -> None:
    damage(calibrate(2))
    assert cost_model(2) is None
    calibrate(2)
    assert cost_model(2) is not None


def test_a_folder_that_others_can_write_is_not_used(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    with pytest.raises(specnet.RunError, match=r"the cost model cannot be kept: others can write"):
        calibrate(2)


def test_all_reference_networks_can_be_trained() -> None:
    for network in cost_calibration._networks():
        reference = cost_calibration._Reference(*network, 2, "numpy")
        reference.measure()
        assert reference.observed.times.whole > 0

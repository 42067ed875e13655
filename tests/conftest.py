from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

import specnet
from tests.support.examples import examples

settings.register_profile("specnet", max_examples=examples(50), deadline=None)
settings.load_profile("specnet")

IRIS = """
specnet = 1
name = "iris"
seed = 3

[data]
type = "builtin"
name = "iris"
split = { validation = 0.2, test = 0.2 }
transforms = [{ type = "standardize" }]

[[layers]]
type = "dense"
units = 4
activation = "tanh"

[[layers]]
type = "dense"
units = 3

[loss]
type = "cross_entropy"

[training]
epochs = 3
optimizer = { type = "adam", learning_rate = 0.05 }
"""


@pytest.fixture
def iris() -> specnet.Spec:
    return specnet.load(IRIS)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> specnet.Result:
    """A finished run, which no test may change."""
    return specnet.run(specnet.load(IRIS), folder=tmp_path_factory.mktemp("runs"))


@pytest.fixture
def copy(finished: specnet.Result, tmp_path: Path) -> Path:
    """A copy of a finished run's directory, to be damaged."""
    import shutil

    assert finished.run is not None
    return Path(shutil.copytree(finished.run, tmp_path / "copy"))

"""Whole networks for tables, built of layers, against the published implementations with the same parameters."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import specnet

torch = pytest.importorskip("torch")


@pytest.fixture
def iris_like(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4)) * [1, 3, 0.2, 10] + 5
    np.savez(tmp_path / "d.npz", inputs=x, targets=rng.integers(0, 3, 60))
    return x, {"type": "npz", "path": str(tmp_path / "d.npz")}


def pytabkit_model():
    """Return pytabkit's module of RealMLP, which needs nothing but PyTorch, without what its package imports."""
    found = importlib.util.find_spec("pytabkit")
    if found is None or not found.submodule_search_locations:
        pytest.skip("could not import 'pytabkit'")
    path = Path(found.submodule_search_locations[0]) / "models" / "realmlp" / "model.py"
    if not path.exists():
        pytest.skip(f"this version of pytabkit has no {path.name}")
    spec = importlib.util.spec_from_file_location("pytabkit_realmlp", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "pytabkit_realmlp", module)
        spec.loader.exec_module(module)
    return module


DENSE = {"type": "dense", "parametrization": "neural_tangent"}
HIDDEN = [{**DENSE, "units": 8}, {"type": "parametric_activation", "activation": "selu"}]


def test_realmlp_is_pytabkits(iris_like):
    x, data = iris_like
    module = pytabkit_model()
    transforms = ["robust_scale", "smooth_clip"]
    layers = [
        {"type": "periodic_embedding"},
        {"type": "scaling"},
        *HIDDEN,
        *HIDDEN,
        {**DENSE, "units": 3},
    ]
    document = {"specnet": 1, "dtype": "float64", "loss": "cross_entropy", "layers": layers}
    model = specnet.compile(
        specnet.load(json.dumps({**document, "data": {**data, "transforms": transforms}}))
    )
    config = module.RealMLPConfig.td_class(hidden_sizes=[8, 8])
    theirs = module.RealMLP(4, [], 3, 1, config, is_classification=True).double().eval()
    rng = np.random.default_rng(3)
    for array in model.parameters.values():
        array[...] = rng.normal(size=array.shape)
    p = {name: torch.tensor(array) for name, array in model.parameters.items()}
    low, median, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    # There come the features that oscillate first, and then the numbers themselves.
    moved = [*(4 * column + k for column in range(4) for k in range(3)), *range(3, 16, 4)]
    with torch.no_grad():
        theirs.x_median.copy_(torch.tensor(median))
        theirs.x_scale.copy_(torch.tensor(1 / (high - low)))
        periodic = "periodic_embedding_1"
        theirs.plr_weight_1.copy_(p[f"{periodic}.frequencies"][:, None])
        theirs.plr_bias_1.copy_(p[f"{periodic}.phases"][:, None])
        theirs.plr_weight_2.copy_(p[f"{periodic}.kernel"])
        theirs.plr_bias_2.copy_(p[f"{periodic}.bias"][:, None])
        named = iter(theirs.mlp)
        next(named).scale.copy_(p["scaling_1.scale"][moved])
        for number in (1, 2, 3):
            kernel = p[f"dense_{number}.kernel"]
            next(named).weight.copy_(kernel[moved] if number == 1 else kernel)
            next(named).bias.copy_(p[f"dense_{number}.bias"])
            if number < 3:
                next(named).weight.copy_(p[f"parametric_activation_{number}.alpha"])
                next(named)  # dropout
        logits = theirs(torch.tensor(x)[None], torch.zeros(1, len(x), 0, dtype=torch.long))[0]
    np.testing.assert_allclose(model.predict(x), torch.softmax(logits, -1), rtol=1e-6, atol=1e-12)

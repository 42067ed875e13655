"""Programs that are run with Python and NumPy alone."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.support.forking import Forks

SPECS = Path(__file__).parents[2] / "specs"
SMALL = [
    "iris.toml",
    "moons.toml",
    "digits.toml",
    "regression.toml",
    "perceptron.toml",
    "mlp.toml",
    "xor.json",
]

_NUMPY = f"""
import importlib.machinery, sys
# Of all that is installed, NumPy alone can be found.
class Only:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            return importlib.machinery.PathFinder.find_spec(name, [{str(Path(np.__file__).parents[1])!r}])
sys.meta_path.append(Only())
import numpy
"""

_BARE = """
import runpy, sys
import numpy as np
program, call, rows, out = sys.argv[1:]
scope = runpy.run_path(program)
assert not any(m.partition(".")[0] in ("specnet", "pydantic", "typer") for m in sys.modules)
found = {n: v for n, v in scope.items() if isinstance(v, np.ndarray)}
if rows:
    made = scope[call](np.load(rows))
    found = made if isinstance(made, dict) else {**found, "predicted": made}
np.savez(out, **found)
"""


def bare(program: Path, rows: np.ndarray | None = None, call: str = "predict") -> dict[str, np.ndarray]:
    """Run a program without any package but NumPy; return its arrays, and its predictions of some rows.

    `call` is the function that predicts them; what it returns as a dictionary is returned alone.
    """
    folder = program.parent
    given = ""
    if rows is not None:
        given = str(folder / "given.npy")
        np.save(given, rows)
    out = folder / "found.npz"
    done = _without_packages().run(_BARE, [str(program), call, given, str(out)], folder)
    assert done.returncode == 0, done.stderr
    with np.load(out) as archive:
        return dict(archive)


@functools.cache
def _without_packages() -> Forks:
    return Forks(_NUMPY, "-I", "-S", "-W", "error")


def session(path):
    """An ONNX file, ready to be run; skips where there is nothing to run it with."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

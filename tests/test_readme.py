"""What the README promises, beyond its outputs, which docs/make_tour.py makes and checks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from specnet.data import AUGMENTATIONS, FORMATS, TRANSFORMS
from specnet.data.text import TOKENIZERS
from specnet.vocabulary.activations import ACTIVATIONS
from specnet.vocabulary.initializers import INITIALIZERS
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from specnet.vocabulary.optimizers import OPTIMIZERS
from specnet.vocabulary.pruners import PRUNERS
from specnet.vocabulary.regularizers import REGULARIZERS
from specnet.vocabulary.samplers import SAMPLERS
from specnet.vocabulary.schedules import SCHEDULES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = {
    "`[data]`": FORMATS,
    "`[[data.transforms]]`": TRANSFORMS,
    "`[[data.augmentations]]`": AUGMENTATIONS,
    "`tokens` in `[data]`": TOKENIZERS,
    "`[[layers]]`": LAYERS,
    "`activation = `": ACTIVATIONS,
    "`kernel_init`": INITIALIZERS,
    "`kernel_regularizer`": REGULARIZERS,
    "`[loss]`": LOSSES,
    "`metrics`": METRICS,
    "`[training.optimizer]`": OPTIMIZERS,
    "`[training.schedule]`": SCHEDULES,
    "`[sweep.sampler]`": SAMPLERS,
    "`[sweep.pruner]`": PRUNERS,
}


@pytest.mark.parametrize("start", ROWS)
def test_every_kind_that_is_listed_exists(start):
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {start}"))
    listed = re.findall(r"`([a-z0-9_*]+)`", row.split("|")[3])
    assert listed
    for name in listed:
        assert re.search(f"(^| ){name.replace('*', '[a-z]+')}( |$)", " ".join(ROWS[start].kinds)), name


def test_first_document_has_15_lines():
    found = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    assert found[1].count("\n") == 15


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md"])
def test_python_of_the_page_runs(page, tmp_path):
    (tmp_path / "specs").symlink_to(ROOT / "specs")  # in a folder of its own, since examples write files
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    blocks = [block for block in blocks if "def lower" not in block]
    assert blocks
    code = "import specnet\n" + "\n".join(blocks)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr

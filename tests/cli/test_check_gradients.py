from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.command_line import SPECS, Specnet, environment

WRONG = """
import sys
from specnet.graph import ops
right = ops.relu.pullback
object.__setattr__(ops.relu, "pullback", lambda *args, **more: [right(*args, **more)[0] * 1.5])
from specnet.cli import main
sys.argv = ["specnet", "check-gradients", *sys.argv[1:]]
main()
"""


def test_the_table_of_a_right_document(specnet: Specnet) -> None:
    done = specnet("check-gradients", SPECS / "iris.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "all 4 gradients agree" in done.stdout
    assert "wrong" not in done.stdout


def test_a_planted_fault_ends_with_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRONG, str(SPECS / "iris.toml")],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "2 gradients of 4 are wrong: dense_1.kernel, dense_1.bias" in done.stdout


def test_the_check_as_data(specnet: Specnet) -> None:
    done = specnet(
        "check-gradients", SPECS / "mlp.toml", "--output", "json", "--entries", "3", "--set", "seed=5"
    )
    data = json.loads(done.stdout)
    assert (done.returncode, data["ok"]) == (0, True)
    assert [(c["parameter"], c["shape"], c["checked"]) for c in data["checks"]] == [
        ("dense_1.kernel", [4, 2], 3),
        ("dense_1.bias", [2], 2),
        ("dense_2.kernel", [2, 1], 2),
        ("dense_2.bias", [1], 1),
    ]


def test_a_faulty_document_and_an_absent_one(specnet: Specnet) -> None:
    done = specnet("check-gradients", SPECS / "mlp.toml", "--set", "training.epochs=0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "SN208" in done.stderr
    assert specnet("check-gradients", "absent.toml").returncode == 2

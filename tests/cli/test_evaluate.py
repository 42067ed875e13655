from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.command_line import SPECS, Specnet


def test_a_run_is_measured_again(specnet: Specnet, tmp_path: Path) -> None:
    ran = json.loads(specnet("run", SPECS / "iris.toml", "--output", "json").stdout)
    done = specnet("evaluate", "runs/iris/001", "--output", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["splits"] == ran["splits"]
    assert found["rows"] == {"train": 90, "validation": 30, "test": 30}
    table = specnet("evaluate", "runs/iris/001")
    assert re.search(r"^ test +30 +0\.\d+", table.stdout, re.MULTILINE)
    assert "confusion of test" in table.stdout
    other = specnet("evaluate", "runs/iris/001", SPECS / "iris.toml")
    assert (other.returncode, other.stdout) == (1, "")
    assert "iris.toml" in other.stderr
    (tmp_path / "runs/iris/001/model.npz").write_bytes(b"PK")
    assert specnet("evaluate", "runs/iris/001").returncode == 1


def test_what_is_not_there(specnet: Specnet, tmp_path: Path) -> None:
    done = specnet("evaluate", "runs/none")
    assert (done.returncode, done.stdout) == (2, "")
    assert "runs/none" in done.stderr
    (tmp_path / "empty").mkdir()
    assert specnet("evaluate", "empty").returncode == 1
    assert specnet("evaluate", "empty", "absent.csv").returncode == 2

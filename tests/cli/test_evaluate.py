from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_come_from_standard_input(form: str, specnet: Specnet, tmp_path: Path) -> None:
    rows = [f"{n / 10},{'yes' if n > 10 else 'no'}" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["a,answer", *rows]), encoding="utf-8")
    (tmp_path / "s.toml").write_text(
        'specnet = 1\ndata = { type = "csv", path = "t.csv", target = "answer" }\n'
        'layers = [{ type = "dense", units = 2 }]\nloss = "cross_entropy"\ntraining = { epochs = 2 }\n',
        encoding="utf-8",
    )
    assert specnet("run", "s.toml").returncode == 0
    given = {"csv": "answer,a\nyes,1.5\n", "jsonl": '{"answer": "yes", "a": 1.5}\n'}[form]
    (tmp_path / f"new.{form}").write_text(given, encoding="utf-8")
    named = specnet("evaluate", "runs/s/001", f"new.{form}", "--output", "json")
    assert (named.returncode, json.loads(named.stdout)["rows"]) == (0, {"data": 1})
    command = ["evaluate", "runs/s/001", "-", "--output", "json"]
    done = specnet(*command, given=given)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", named.stdout)
    wrong = specnet(*command, given=given.replace("1.5", '"x"'))
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "`standard input`" in wrong.stderr
    assert "specnet-" not in wrong.stderr

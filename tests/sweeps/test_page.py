"""The examples of docs/sweeps.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import specnet

pytest.importorskip("optuna")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")


def test_the_document_is_the_shipped_one_but_for_its_time() -> None:
    first, condition = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    shown = tomllib.loads(first)
    shipped = tomllib.loads((ROOT / "specs" / "digits-sweep.toml").read_text())
    assert shown["sweep"].pop("max_seconds") == 600
    assert shown == shipped
    parameters = tomllib.loads(re.sub(r"^  ", "", condition, flags=re.MULTILINE))
    document = {**shown, "extends": str(ROOT / "specs" / "digits.toml")}
    document["sweep"] = {"trials": 3, "parameters": parameters}
    assert specnet.validate(document).ok


def test_the_program_prints_its_trials_and_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(program, "sweeps.md", "exec"), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[-1] == str(names["result"].best[0].parameters)

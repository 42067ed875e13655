from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import Specnet
from tests.support.dialects import DIALECTS, ROWS, model_of, written


@pytest.mark.parametrize("name", DIALECTS)
def test_predict_reads_new_rows_in_the_dialect_of_the_training_file(
    name: str, tmp_path: Path, specnet: Specnet
) -> None:
    path, keys = written(tmp_path, name)
    (tmp_path / "d.json").write_text(json.dumps(model_of(keys, path)))
    assert specnet("run", "d.json", "--out", "r", "-q").returncode == 0
    done = specnet("predict", "r", path)
    assert (done.returncode, done.stdout.count("\n") >= len(ROWS)) == (0, True), done.stderr

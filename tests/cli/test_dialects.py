from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.command_line import Specnet, environment, run_command
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


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_predict_unpacks_standard_input(pack, tmp_path: Path, specnet: Specnet) -> None:
    path, keys = written(tmp_path, "comments")
    (tmp_path / "d.json").write_text(json.dumps(model_of(keys, path)))
    assert specnet("run", "d.json", "--out", "r", "-q").returncode == 0
    packed = tmp_path / "packed"
    packed.write_bytes(pack((tmp_path / path).read_bytes()))
    expected = specnet("predict", "r", path).stdout
    done = run_command(["predict", "r", "-"], tmp_path, environment(), streams={0: str(packed)})
    assert done.stdout == expected
    assert specnet("predict", "r", "packed").stdout == expected
    damaged = packed.read_bytes()[:-5]
    packed.write_bytes(damaged)
    done = specnet("predict", "r", "packed")
    assert (done.returncode, "SN502" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_a_zip_archive_is_not_read_from_a_pipe(tmp_path: Path, specnet: Specnet) -> None:
    path, keys = written(tmp_path, "comments")
    (tmp_path / "d.json").write_text(json.dumps(model_of(keys, path)))
    assert specnet("run", "d.json", "--out", "r", "-q").returncode == 0
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        archive.write(tmp_path / path, "new.csv")
    expected = specnet("predict", "r", path).stdout
    done = run_command(["predict", "r", "-"], tmp_path, environment(), streams={0: "new.zip"})
    assert done.stdout == expected
    done = subprocess.run(
        [sys.executable, "-m", "specnet", "predict", "r", "-"],
        input=(tmp_path / "new.zip").read_bytes(),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, "cannot be read from a pipe" in " ".join(done.stderr.decode().split())) == (
        1,
        True,
    )

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import ENDLESS, Specnet

DOUBTFUL = ENDLESS.replace("epochs = 1000000", "epochs = 10\nvalidate_every = 50")


@pytest.fixture
def doubtful(tmp_path: Path) -> Path:
    path = tmp_path / "a.toml"
    path.write_text(DOUBTFUL)
    return path


def test_a_warning_fails_only_where_it_is_asked_to(specnet: Specnet, doubtful: Path) -> None:
    done = specnet("validate", doubtful, "--output", "concise")
    assert (done.returncode, done.stderr) == (0, "")
    assert "SN725" in done.stdout
    assert specnet("validate", doubtful, "--strict").returncode == 1


def test_a_warning_can_be_ignored(specnet: Specnet, doubtful: Path) -> None:
    done = specnet("validate", doubtful, "--strict", "--ignore", "SN725")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No problems in 1 file.\n", "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("SN726x", "`SN726x` is not the code of a warning; did you mean `SN726`?"),
        ("SN401", "`SN401` is an error, and cannot be ignored"),
    ],
)
def test_only_a_warning_can_be(specnet: Specnet, doubtful: Path, code: str, said: str) -> None:
    done = specnet("validate", doubtful, "--ignore", code, COLUMNS="200")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_spec_that_claims_terabytes_is_refused(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENDLESS.replace("units = 8", "units = 1000000000000"))
    for command in ("validate", "run"):
        done = specnet(command, "a.toml")
        assert done.returncode == 1
        assert "SN605" in done.stdout + done.stderr

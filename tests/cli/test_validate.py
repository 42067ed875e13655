from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import ENDLESS, SPECS, Specnet, environment

FAULTY = ENDLESS.replace("units = 8", "units = 0")


def test_sound_documents(specnet: Specnet) -> None:
    done = specnet("validate", SPECS / "iris.toml", SPECS / "xor.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No problems in 2 files.\n", "")


def test_findings_are_on_standard_output_in_full(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(FAULTY)
    done = specnet("validate", "a.toml", SPECS / "iris.toml")
    assert (done.returncode, done.stderr) == (1, "")
    assert "--> a.toml:11:9" in done.stdout
    assert "11 | units = 0" in done.stdout
    assert done.stdout.endswith("Found 1 error in 2 files.\n")
    assert "\x1b" not in done.stdout


def test_colours_do_not_change_the_text(specnet: Specnet, tmp_path: Path) -> None:
    import re

    (tmp_path / "a.toml").write_text(FAULTY)
    plain = specnet("validate", "a.toml").stdout
    coloured = specnet("validate", "a.toml", FORCE_COLOR="1").stdout
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_concise(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(FAULTY)
    done = specnet("validate", "a.toml", "--output", "concise")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("a.toml:11:9: SN2")
    assert specnet("validate", SPECS / "iris.toml", "--output", "concise").stdout == ""


def test_json(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(FAULTY)
    done = specnet("validate", "a.toml", SPECS / "iris.toml", "--output", "json")
    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert (data["version"], data["files"]) == (1, 2)
    (finding,) = data["diagnostics"]
    assert finding["path"] == ["layers", 0, "units"]
    assert finding["file"] == "a.toml"
    assert finding["span"] == {"start": {"line": 11, "column": 9}, "end": {"line": 11, "column": 10}}


def test_files_that_cannot_be_read_do_not_hide_the_others(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(FAULTY)
    (tmp_path / "empty").mkdir()
    done = specnet("validate", "absent.toml", "a.toml", "empty", "--output", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["files"] == 1
    assert len(json.loads(done.stdout)["diagnostics"]) == 1
    assert done.stderr == (
        "error: empty: there is no document in this folder\nerror: absent.toml: no such file\n"
    )


def test_overrides_are_checked_like_the_document(specnet: Specnet) -> None:
    done = specnet("validate", SPECS / "iris.toml", "--set", "layers.0.units=-1", "--output", "concise")
    assert done.returncode == 1
    assert done.stdout.startswith("--set layers.0.units=-1:1:")


def test_without_data_none_is_looked_for(specnet: Specnet, tmp_path: Path) -> None:
    data = '[data]\ntype = "csv"\npath = "absent.csv"\ntarget = 0\n'
    text = ENDLESS.replace('[data]\ntype = "synthetic"\nkind = "moons"\nsplit = { validation = 0.2 }\n', data)
    (tmp_path / "a.toml").write_text(text)
    assert specnet("validate", "a.toml").returncode == 1
    assert specnet("validate", "a.toml", "--no-data").returncode == 0


TEXT = """
specnet = 1
data    = { type = "text", path = "a.txt", tokens = "char", block = 4, split = { validation = 0.2 } }
loss    = "cross_entropy"
layers  = [{ type = "embedding", output_dim = 2 }, { type = "dense", units = 3, use_bias = 3 }]
"""


def test_a_vocabulary_that_was_not_read_is_no_fault(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abba abba abba abba abba abba")
    (tmp_path / "a.toml").write_text(TEXT)
    found = json.loads(specnet("validate", "a.toml", "--output", "json").stdout)["diagnostics"]
    assert [each["path"] for each in found] == [["layers", 1, "use_bias"]]
    (tmp_path / "a.toml").write_text("input_shape = [4]\n" + TEXT.replace(", use_bias = 3", ""))
    assert specnet("validate", "a.toml", "--no-data").returncode == 0


def test_warnings_fail_only_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from specnet import api
    from specnet.cli.app import app
    from specnet.diagnostics import Diagnostic, Report

    report = Report(1, (Diagnostic("SN700", "it looks odd", severity="warning", file="a.toml"),))
    monkeypatch.setattr(api, "validate", lambda *_, **__: report)
    runner = CliRunner()
    (tmp_path / "a.toml").write_text("specnet = 1")
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(app, ["validate", "a.toml"]).exit_code == 0
    assert runner.invoke(app, ["validate", "a.toml", "--fail-on", "warning"]).exit_code == 1
    done = runner.invoke(app, ["validate", "a.toml", "--strict"])
    assert done.exit_code == 1
    assert "it looks odd" in done.stdout


def test_what_is_not_needed_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(FAULTY)
    program = (
        "import sys\n"
        "from specnet.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    heavy = ('numpy', 'rich.table', 'rich.live', 'rich.markdown', 'specnet.training.loop')\n"
        "    print(*(name for name in heavy if name in sys.modules), file=sys.stderr)\n"
    )
    for arguments in (
        ["--help"],
        ["--version"],
        ["validate", str(SPECS / "iris.toml")],
        ["validate", "a.toml"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False,
        )  # fmt: skip
        assert (arguments, set(done.stderr.split())) == (arguments, set())

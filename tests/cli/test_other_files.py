from __future__ import annotations

import json
from pathlib import Path

import pytest

import specnet as package
from tests.support.command_line import SPECS, Specnet

CSV = b"length,species\n1.5,setosa\n2.5,virginica\n"


@pytest.mark.parametrize("command", ["run", "explain", "validate"])
def test_commands_report_it_in_one_line(command: str, specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(CSV)
    done = specnet(command, "rows.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: rows.csv: this is a table of data, not a document; "
        "`specnet init rows.csv` writes a document for it\n"
    )


def test_validate_names_the_document_of_a_run(specnet: Specnet, tmp_path: Path) -> None:
    package.run(package.load(SPECS / "xor.json", overrides={"training.epochs": 1}), out=tmp_path / "run")
    done = specnet("validate", "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: run: this is the directory of a run; its document is run/spec.json\n"


@pytest.mark.parametrize(
    "options", [(), ("--output", "concise"), ("--statistics",), ("--fix",), ("--output", "json=o.json")]
)
def test_validate_sums_nothing_up_where_nothing_was_read(options: tuple[str, ...], specnet: Specnet) -> None:
    done = specnet("validate", "absent.toml", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: absent.toml: no such file\n"


def test_validate_writes_a_whole_file_for_programs_all_the_same(specnet: Specnet) -> None:
    done = specnet("validate", "absent.toml", "--output", "json")
    assert (done.returncode, json.loads(done.stdout)["files"]) == (2, 0)

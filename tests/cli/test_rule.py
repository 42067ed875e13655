from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from specnet.cli.app import app
from specnet.diagnostics.rules import RULES

ROOT = Path(__file__).parents[2]


def rule(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rule", *arguments])


def test_a_rule_is_explained_whatever_its_case() -> None:
    done = rule("sn204")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"error[SN204]: {RULES['SN204'].title}\n\n")
    assert '    type = "dense"\n' in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_all_rules_in_each_form() -> None:
    listed = rule("--all").stdout
    assert [code for code in RULES if f"  {code}  " not in listed] == []
    assert rule("--all", "--output", "markdown").stdout == (ROOT / "docs/rules.md").read_text(
        encoding="utf-8"
    )
    entries = json.loads(rule("--all", "--output", "json").stdout)
    assert [entry["code"] for entry in entries] == list(RULES)
    assert {entry["severity"] for entry in entries} == {"error", "warning"}


def test_one_rule_in_each_form() -> None:
    assert json.loads(rule("SN505", "--output", "json").stdout)["files"]["torn.csv"].endswith("4.9,3,0\n")
    assert rule("SN505", "--output", "markdown").stdout.startswith("# SN505: ")


def test_what_is_no_rule() -> None:
    done = rule("SN2O4")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: there is no rule SN2O4; did you mean SN204?\n"
    assert "did you mean SN204?" in rule("204").stderr
    assert "specnet rule --all" in rule("beginner").stderr
    assert "did you mean" not in rule("SNxyz").stderr


def test_a_code_of_other_digits_is_no_slip() -> None:
    assert rule("SN999").stderr == (
        "error: there is no rule SN999; codes begin with SN1 to SN7; `specnet rule --all` lists all of them\n"
    )
    last = max(code for code in RULES if code.startswith("SN5"))
    assert rule("sn599").stderr == (
        f"error: there is no rule sn599; those of its phase are between SN500 and {last}; "
        "`specnet rule --all` lists all of them\n"
    )
    assert "did you mean SN501?" in rule("SN5O1").stderr
    assert "did you mean SN501?" in rule("S501").stderr
    assert "did you mean SN501?" in rule("SN-501").stderr


def test_what_else_is_no_rule() -> None:
    assert rule().exit_code == 2
    assert rule("SN204", "--all").exit_code == 2

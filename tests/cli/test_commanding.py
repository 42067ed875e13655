"""Names and texts of strangers in output: they command neither a terminal nor GitHub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.command_line import Specnet

SPEC = """\
specnet = 1
loss = "mse"
data = { type = "csv", path = "t.csv", target = "y" }
layers = [{ type = "dense", units = 1 }]
"""
ODD = "x\x1b[31m,a::error::b\u202e\x9b,kind\n" + "".join(
    f"{i},{i * i % 7},r\x1b]0;e\x07\n" for i in range(12)
)
RUNNABLE = """\
specnet = 1
data = { type = "csv", path = "t.csv", target = "kind" }
layers = [{ type = "dense", units = 2 }]
loss = "cross_entropy"
metrics = ["confusion"]
training = { epochs = 1 }
output = { show = ["predictions"] }
"""
COMMANDING = ("\x1b", "\x07", "\x9b", "\u202e")


@pytest.mark.skipif(sys.platform == "win32", reason="no file can be called so here")
def test_names_in_data_command_no_terminal(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(RUNNABLE)
    (tmp_path / "t.csv").write_text(ODD + "3,4,g\n5,6,g\n")
    (tmp_path / "new.csv").write_text("x\x1b[31m,a::error::b\u202e\x9b,more\x1b[2J\n1,2,3\n")
    shown = [
        specnet("run", "a.toml"),
        specnet("evaluate", "runs/a/001"),
        specnet("explain", "a.toml"),
        specnet("validate", "a.toml", "--output", "github"),
        specnet("validate", "a.toml", "--set", 'data.target="z"'),
        specnet("predict", "runs/a/001", "no\x1b[2J.csv"),
        specnet("validate", "no\x1b[2J\n::error::.toml"),
    ]
    predicted = specnet("predict", "runs/a/001", "new.csv")
    assert "the model does not take" in predicted.stderr
    for text in (*(part for done in shown for part in (done.stdout, done.stderr)), predicted.stderr):
        assert not any(letter in text for letter in COMMANDING)
    assert "\n::error::" not in shown[-1].stderr


def test_what_looks_like_a_command_is_fenced_in_githubs_log(specnet: Specnet, tmp_path: Path) -> None:
    odd = f"{'x' * 60} ::add-mask::e ##[error]"
    (tmp_path / "a.toml").write_text(SPEC.replace("t.csv", odd))
    (tmp_path / "b.toml").write_text("specnet = 1\n")
    for style in ("full", "concise"):
        first, *lines, last = specnet(
            "validate", "a.toml", "--output", style, GITHUB_ACTIONS="true"
        ).stdout.splitlines()
        assert first.startswith("::stop-commands::")
        end = lines if style == "concise" else [*lines, last]
        token = first.removeprefix("::stop-commands::")
        assert len(token) == 32
        assert f"::{token}::" in [*end, last]
        assert any("##[error]" in line for line in lines)
        other = specnet("validate", "a.toml", "--output", style, GITHUB_ACTIONS="true").stdout
        assert token not in other
        assert (
            "stop-commands"
            not in specnet("validate", "b.toml", "--output", style, GITHUB_ACTIONS="true").stdout
        )
        assert (
            "stop-commands" not in specnet("validate", "a.toml", "--output", style, GITHUB_ACTIONS="").stdout
        )
    both = specnet(
        "validate", "a.toml", "--output", "full", "--output", "github", GITHUB_ACTIONS="true"
    ).stdout
    assert both.index(f"::{both.splitlines()[0].removeprefix('::stop-commands::')}::") < both.index(
        "::error title="
    )

"""Plugins from the command line: which commands import them, when, and what they print meanwhile."""

from __future__ import annotations

import json
import os
from functools import partial

import pytest

from tests.support.command_line import ROOT
from tests.support.plugins import activation, install

DOCUMENT = """\
specnet = 1
plugins = ["my-kinds"]
loss = "mse"
data = { type = "synthetic", kind = "sine", samples = 30, split = { validation = 0.2 } }
layers = [{ type = "dense", units = 4, activation = "bend" }, { type = "dense", units = 1 }]
[training]
epochs = 2
"""


@pytest.fixture
def command(specnet, tmp_path):
    """The command, in a folder with a document and an installed plugin, which prints as it is imported."""
    noisy = "print('imported')\n" + activation("Bend", "bend")
    install(tmp_path / "site", "my-kinds", {"bend": "plugged_kinds:Bend"}, {"plugged_kinds": noisy})
    (tmp_path / "a.toml").write_text(DOCUMENT)
    return partial(specnet, PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), str(ROOT)]))


def test_what_a_plugin_prints_is_no_result(command):
    for arguments in (
        ("validate", "a.toml", "--output", "json"),
        ("explain", "a.toml", "--output", "json"),
        ("check-gradients", "a.toml", "--output", "json"),
        ("run", "a.toml", "--output", "json"),
        ("evaluate", "runs/a/001", "--plugins", "--output", "json"),
        ("schema", "--plugins", "my-kinds"),
    ):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
        assert done.stderr.startswith("imported\n")


def test_runs_are_read_without_plugins_until_the_flag_is_given(command, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    assert command("run", "a.toml", "-q").returncode == 0
    assert command("run", "a.toml", "-q", "--seed", "1").returncode == 0
    run = "runs/a/001"
    export = ("export", run, "--to", "specnet", "-o", "a.specnet")
    (tmp_path / "rows.csv").write_text("x\n0.5\n")
    (tmp_path / "rows.jsonl").write_text("[0.5]\n")
    for arguments in (
        ("evaluate", run),
        ("predict", run, "rows.csv"),
        export,
        ("export", run, "--to", "numpy"),
        ("plot", run, "--what", "weights", "-o", "a.png"),
        ("report", run),
    ):
        refused = command(*arguments)
        assert refused.returncode == 1, arguments
        assert "needs the plugin `my-kinds`, and a run imports nothing by itself: pass" in refused.stderr
        assert "imported\n" not in refused.stderr
        if arguments[0] != "predict":
            allowed = command(*arguments, "--plugins")
            assert allowed.returncode == 0, allowed.stderr
    for read in (("runs",), ("plot", run, "-o", "curve.png"), ("run", "a.toml", "--resume", run)):
        assert command(*read).returncode == 0, read
    assert command("predict", "a.specnet", "rows.csv").returncode == 1
    compared = command("compare", "runs/a")
    assert compared.returncode == 0
    assert (
        "warning: best values are not marked in every row: runs/a/001/resolved.json needs" in compared.stderr
    )
    with_stars = command("compare", "runs/a", "--plugins")
    assert with_stars.stderr == "imported\n"
    assert with_stars.stdout.count(" *") > compared.stdout.count(" *")


def test_documents_are_exported_as_they_name_their_plugins(command):
    done = command("export", "a.toml", "--to", "numpy", "--training")
    assert done.returncode == 0, done.stderr
    assert "plugged_kinds" not in done.stdout


def test_a_confined_check_imports_them_with_the_flag(command):
    refused = command("validate", "a.toml", "--confine", ".")
    assert refused.returncode == 1
    assert "error[SN224]: the plugin `my-kinds` is not imported" in refused.stdout
    assert not refused.stderr
    assert command("validate", "a.toml", "--confine", ".", "--plugins").returncode == 0


def test_the_order_of_documents_makes_no_difference(command, tmp_path):
    (tmp_path / "b.toml").write_text(DOCUMENT.replace('["my-kinds"]', "[]"))
    found = {
        command("validate", *files, "--output", "concise").stdout
        for files in (("a.toml", "b.toml"), ("b.toml", "a.toml"), ("b.toml",))
    }
    assert found == {"b.toml:5:53: SN204 `bend` is not an activation\n"}


def test_the_reference_has_the_kinds_of_a_plugin(command):
    assert command("docs", "bend").returncode == 2
    done = command("docs", "bend", "--plugins", "my-kinds")
    assert done.returncode == 0
    assert "x * x + x." in done.stdout


@pytest.mark.parametrize("name", ["absent", "../evil", "numpy", ""])
def test_a_flag_that_names_no_plugin_is_reported(command, name):
    done = command("schema", "--plugins", name)
    assert done.returncode == 1
    assert not done.stdout
    assert f"--> --plugins {name}:1:11" in done.stderr


def test_help_imports_nothing(command):
    assert not command("run", "--help").stderr

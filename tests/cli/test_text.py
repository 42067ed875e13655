"""Text on the command line: what explain shows of it, and predictions for texts of files and of standard input."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app

LINES = "".join(
    f"{label} {text}\n" for label, text in [("ham", "see you at noon"), ("spam", "win a prize")] * 8
)
LAYERS = [
    {"type": "embedding", "input_dim": 20, "output_dim": 3},
    "global_average_pooling1d",
    {"type": "dense", "units": "auto"},
]


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_text(LINES)
    data = {"type": "text", "path": "lines.txt", "lines": "label_first", "tokens": "word"}
    document = {
        "specnet": 1,
        "data": data,
        "layers": LAYERS,
        "loss": "cross_entropy",
        "training": {"epochs": 2},
    }
    (tmp_path / "spec.json").write_text(json.dumps(document))
    return specnet.load("spec.json")


def run(*arguments, stdin=None):
    done = CliRunner().invoke(app, list(arguments), input=stdin)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.usefixtures("spec")
def test_the_first_tokens_are_shown():
    assert "\n tokens: 9\n `<pad>` `<unk>` `a` `at` `noon` `prize` `see` `win` `you`\n" in run(
        "explain", "spec.json"
    )
    shown = json.loads(run("explain", "spec.json", "--output", "json"))["tokens"]
    assert (shown["count"], shown["first"][:3]) == (9, ["<pad>", "<unk>", "a"])
    run("explain", "spec.json", "--set", "data.tokens=byte", "--set", "layers.0.input_dim=257")
    assert " ...\n" in run(
        "explain", "spec.json", "--set", "data.tokens=byte", "--set", "layers.0.input_dim=257"
    )


def test_texts_are_predicted_from_a_file_and_from_a_stream(spec, tmp_path):
    specnet.run(spec, out="run")
    texts = "win a prize\nsee\x85you\n"
    (tmp_path / "new.txt").write_text(texts)
    found = run("predict", "run", "new.txt")
    assert [row["prediction"] in ("ham", "spam") for row in csv.DictReader(io.StringIO(found))] == [
        True,
        True,
    ]
    assert run("predict", "run", "-", stdin=texts) == found
    # What looks like JSON is text here.
    assert len(run("predict", "run", "-", stdin="[garbus] wins\n{a}\n").splitlines()) == 3
    model = specnet.load_run("run")
    by_class = dict(zip(model.classes, model.predict(["win a prize"])[0].tolist(), strict=True))
    first = next(csv.DictReader(io.StringIO(found)))
    assert float(first["P(spam)"]) == pytest.approx(by_class["spam"])


def test_what_is_no_text_is_reported_where_it_is(spec, tmp_path):
    specnet.run(spec, out="run")
    (tmp_path / "bad.txt").write_bytes(b"win\nsee\xff\n")
    for arguments, stdin in ((("bad.txt",), None), (("-",), b"win\nsee\xff\n")):
        done = CliRunner().invoke(app, ["predict", "run", *arguments], input=stdin)
        assert done.exit_code == 1, done.output
        assert "SN503" in done.output
        assert "line 2 has the byte 0xff" in " ".join(done.output.split())
    (tmp_path / "blank.txt").write_text("win\n\nsee\n")
    done = CliRunner().invoke(app, ["predict", "run", "blank.txt"])
    assert done.exit_code == 1
    assert "line 2 of `blank.txt` has no token" in done.output


def test_a_file_of_the_training_form_is_evaluated(spec, tmp_path):
    specnet.run(spec, out="run")
    (tmp_path / "more.txt").write_text(LINES)
    found = json.loads(run("evaluate", "run", "more.txt", "--output", "json"))
    assert found["rows"] == {"data": 16}
    own = json.loads(run("evaluate", "run", "--output", "json"))
    assert found["splits"]["data"]["loss"] == pytest.approx(own["splits"]["train"]["loss"])

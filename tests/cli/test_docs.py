"""Every key of the language is explained, from the class that reads it alone."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.cli.docs_text import TextPage
from specnet.cli.examples import key_example
from specnet.cli.keys import Key, Language
from specnet.language.json_schema import schema
from specnet.language.spec import Spec
from specnet.vocabulary.describe import describe
from specnet.vocabulary.kind import Kind
from tests.support.command_line import ROOT, Specnet


@cache
def language() -> Language:
    return Language()


KEYS = language().keys
FAMILIES = language().families
IDS = [key.dotted + f" {key.table.place}" for key in KEYS]


def docs(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["docs", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_keys_are_those_that_the_schema_has() -> None:
    """The schema is made by another walk from the document's class."""
    found = {"Spec": set(Spec.model_fields)}
    for name, definition in schema()["$defs"].items():
        # A document and its parts that are merged with another's have the keys of the tables that they are.
        if "properties" in definition and name != "document" and not name.endswith(".part"):
            found[name] = {key for key in definition["properties"] if key != "type" or "." not in name}
    ours = {}
    for table, entry in language().tables.items():
        name = (
            f"{entry.entry.family.name}.{describe(table).name}" if issubclass(table, Kind) else table.__name__
        )
        ours[name] = {field.name for field in describe(table).fields}
    assert ours == found
    assert sum(map(len, ours.values())) == len(KEYS)


def test_every_key_has_a_description() -> None:
    wrong = [key.dotted for key in KEYS if not re.fullmatch(r"[A-Z`(].{8,}[.)]", key.field.text)]
    assert wrong == []


def document(piece: dict[str, Any]) -> dict[str, Any]:
    base = {
        "specnet": 1,
        "data": {"type": "inline", "inputs": [[1.0]], "targets": [1.0]},
        "layers": ["flatten"],
        "loss": "mse",
    }
    if "outputs" in piece:
        del base["loss"]
    if "type" not in piece.get("data", {"type": ""}):
        # Only tables have columns by which their rows may be split.
        columns = "columns" in piece["data"] or {"group", "time", "column"} & set(
            piece["data"].get("split", {})
        )
        rows = {"type": "csv", "path": "t.csv", "target": "y"} if columns else base["data"]
        rows = {"type": "text", "path": "t.txt"} if "tokens" in piece["data"] else rows
        if {"validation_steps", "test_steps"} & set(piece["data"].get("split", {})):
            rows = {"type": "series", "path": "t.csv", "target": "y", "lookback": 4, "horizon": 2}
        piece = {**piece, "data": {**rows, **piece["data"]}}  # type: ignore[dict-item]
    if "sweep" in piece:
        parameters = piece["sweep"].get("parameters", {})
        parameters = {"training.optimizer": {"choices": ["adam", "sgd"]}, **parameters}
        piece = {"sweep": {"trials": 3, **piece["sweep"], "parameters": parameters}}
    return {**base, **piece}


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_the_example_of_a_key_sets_it_in_a_valid_document(
    key: Key, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("specnet.language.named_plugins.load_plugin", lambda name: None)  # as if installed
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text("seed = 3\n")
    text = key_example(language(), key)
    assert '"text"' not in re.sub(r'type *= "text"', "", text)
    if key.dotted in ("extends", "variables"):  # of which nothing is left in the spec
        assert specnet.load(document(tomllib.loads(text))).seed == (3 if key.dotted == "extends" else 0)
        return
    spec = specnet.load(document(tomllib.loads(text)))
    # The key is set where the page says that it stands.
    table: Any = spec
    path = (*key.table.paths[0], key.field.name)
    if not key.table.is_kind:
        for step in path[:-1]:
            table = table[step] if isinstance(table, dict) else getattr(table, step)
            table = table[0] if isinstance(table, tuple) else table
        assert key.field.name in table.model_fields_set
        assert isinstance(table, key.table.table)
    else:
        assert re.search(rf"\b{key.field.name}\b", text)


@pytest.mark.parametrize(
    ("name", "start", "parts"),
    [
        ("seed", "seed  key, at the top of a document", ["Default 0.", "from 0 to below 2^63", "seed = 7"]),
        ("training", "training  key, at the top of a document", ["epochs  default 10", "[training]"]),
        (
            "training.checkpoint",
            "training.checkpoint  key, [training]",
            ["Save at intervals", "keep  default 2"],
        ),
        ("checkpoint", "training.checkpoint  key, [training]", ["every_epochs  optional"]),
        ("checkpoint.keep", "training.checkpoint.keep  key, [training.checkpoint]", ["Default 2."]),
        ("training.optimizer", "training.optimizer  key, [training]", ['Default "sgd".', "adam "]),
        ("training.optimizer.beta_1", "beta_1  key, [training.optimizer]", ["optimizers adam and adamw"]),
        ("training.optimizer.adam.beta_1", "adam.beta_1  key, [training.optimizer]", ["Default 0.9."]),
        ("data.split", "split  key, [data]", ["stratify  default false", "Every data format has it."]),
        ("dense.units", "dense.units  key, [[layers]]", ["Required.", "whole number above 0", "units = 32"]),
        ("layers.0.units", "dense.units  key, [[layers]]", ["dense"]),
        ("[[layers]]", "layers  key, at the top of a document", ["Every layer has", "conv2d "]),
        ("layers.dense", "dense  layer, [[layers]]", ["units  required"]),
        ("data.columns.age.scale", "data.columns.NAME.scale  key, [data.columns.NAME]", ['"standardize"']),
        ("data.columns.scale", "data.columns.NAME.scale  key, [data.columns.NAME]", ['"standardize"']),
        ("outputs.price.weight", "outputs.NAME.weight  key, [outputs.NAME]", ["Default 1.0."]),
        ("csv.validation", "csv.validation  key, [data]", ["[data.validation]"]),
        ("optimizers", "optimizers  [training.optimizer]", ["lbfgs "]),
        (
            "learning_rate",
            "learning_rate  key",
            ["default 0.001 in adam and adamw", "that each line search tries first"],
        ),
    ],
)
def test_a_name_is_found_wherever_it_stands(name: str, start: str, parts: list[str]) -> None:
    page = docs(name)
    assert page.startswith(start)
    for part in parts:
        assert part in page
    assert "\nExample\n" in page or name == "optimizers"


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("mse", ["mse  loss, ", "mse  metric, "]),
        ("constant", ["constant  initializer, ", "constant  schedule, "]),
        ("activation", ["activation  layer, ", "activation  key, ", "activation.activation  key, "]),
        ("scale", ["scale  transform, ", "scale  key, "]),
        ("name", ["name  key, at the top", "builtin.name  key, [data]", "name  key, [[layers]]"]),
    ],
)
def test_all_that_has_a_name_is_shown(name: str, heads: list[str]) -> None:
    lines = docs(name).splitlines()
    for head in heads:
        assert sum(line.startswith(head) for line in lines) >= 1


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("dnese", "did you mean `dense`?"),
        ("training.chekpoint", "did you mean `training.checkpoint`?"),
        ("adam.beta1", "did you mean `adam.beta_1`?"),
        ("training.optimizer.adm", "did you mean `training.optimizer.adam`?"),
        ("sede", "did you mean `seed`?"),
        ("lr", "did you mean `learning_rate`?"),
        ("BatchNorm2d", "did you mean `batch_norm`?"),
        ("qqqqqq", "`specnet docs` lists all names"),
        ("", "`specnet docs` lists all names"),
        ("...", "`specnet docs` lists all names"),
        ("dense.type", "`specnet docs` lists all names"),
    ],
)
def test_an_unknown_name_is_wrong_usage(name: str, help: str) -> None:
    for command in ("docs", "layers"):
        done = CliRunner().invoke(app, [command, name])
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == f"error: nothing is called `{name}`; {help}\n"


@pytest.mark.parametrize(
    "name", [*dict.fromkeys(key.field.name for key in KEYS), *(e.family.name for e in FAMILIES)]
)
def test_a_page_fits_80_columns(name: str) -> None:
    file = StringIO()
    TextPage(Console(file=file, width=80), language()).entries(language().find(name))
    assert file.getvalue()
    for line in file.getvalue().splitlines():
        assert len(line) <= 80 or line.startswith("    ")  # examples and formulas are not wrapped
        assert line == line.rstrip()


def test_layers_is_the_same_command() -> None:
    for arguments in ([], ["dense"], ["training.epochs", "--output", "json"]):
        made = [CliRunner().invoke(app, [name, *arguments]).stdout for name in ("docs", "layers")]
        assert made[0] == made[1] != ""


def test_a_pipe_gets_plain_text(specnet: Specnet) -> None:
    done = specnet("docs", "training.checkpoint")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout == docs("training.checkpoint")


def test_json_has_what_the_page_has() -> None:
    (found,) = json.loads(docs("training.checkpoint.keep", "--output", "json"))["found"]
    assert found == {
        "what": "key",
        "name": "keep",
        "description": "How many checkpoints to keep; with 1, a damaged one leaves none.",
        "takes": "a whole number above 0",
        "required": False,
        "default": 2,
        "values": None,
        "fields": None,
        "path": "training.checkpoint.keep",
        "place": "[training.checkpoint]",
        "kinds": [],
        "example": "[training.checkpoint]\nkeep = 2",
    }
    (found,) = json.loads(docs("dense", "--output", "json"))["found"]
    assert (found["what"], found["family"]) == ("kind", "layer")
    fields = {field["name"]: field for field in found["fields"]}
    assert fields["units"]["required"]
    assert "relu" in fields["activation"]["values"]
    found = json.loads(docs("learning_rate", "--output", "json"))["found"][0]
    assert {kind["name"]: kind["default"] for kind in found["kinds"]}["adam"] == 0.001


def test_json_of_all_has_all_kinds_and_keys() -> None:
    made = json.loads(docs("--output", "json"))
    assert [key["name"] for key in made["keys"]] == list(Spec.model_fields)
    assert {family["name"]: [kind["name"] for kind in family["kinds"]] for family in made["families"]} == {
        entry.family.name: list(entry.family.kinds) for entry in FAMILIES
    }


def test_markdown_of_a_name_is_a_page() -> None:
    assert docs("dense", "--output", "markdown").startswith(
        "# layer `dense`\n\ny = activation(x·kernel + bias)."
    )
    assert "[training.checkpoint]\nevery_epochs = 5\n```\n" in docs("checkpoint", "--output", "markdown")


def test_the_reference_of_the_language_is_up_to_date() -> None:
    """`python docs/make_reference.py` writes it."""
    made = docs("--output", "markdown")
    assert (ROOT / "docs" / "language.md").read_text(encoding="utf-8") == made
    headings = re.findall(r"^### (.*)$", made, re.MULTILINE)
    assert len(headings) == len(set(headings)) == len(language().tables) - 1

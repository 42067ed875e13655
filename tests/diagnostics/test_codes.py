from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import specnet.diagnostics
from specnet import validate
from specnet.diagnostics.rules import PHASES, RULES, Rule
from specnet.language import text_source
from tests.support.pictures import write_png

PIECES = {
    "specnet": "specnet = 1\n",
    "loss": 'loss = "mse"\n',
    "data": '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [0.0, 1.0]\n',
    "layers": '[[layers]]\ntype = "dense"\nunits = 1\n',
}
SOUND = "".join(PIECES.values())
EXAMPLES = [rule for rule in RULES.values() if rule.wrong]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data files that examples name but that are no text."""
    folder = tmp_path_factory.mktemp("examples")
    rows = np.arange(4.0)
    np.savez(folder / "measured.npz", inputs=rows[:, None], targets=rows, names=np.array(list("abcd")))
    np.savez_compressed(folder / "packed.npz", inputs=rows[:, None], targets=rows)
    (folder / "labels.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1]))
    images = bytes([0, 0, 8, 2, 0, 0, 0, 4, 0, 0, 0, 1, 1, 2, 3, 4])
    (folder / "images.idx").write_bytes(images)
    for place in ("pictures/cat/1.png", "pictures/dog/2.png"):
        write_png(folder / place, np.arange(64, dtype=np.uint8).reshape(8, 8) + len(place))
    (folder / "torn.idx").write_bytes(images[:-2])
    return folder


def codes_of(example: str, rule: Rule, folder: Path) -> set[str]:
    for name, text in rule.files.items():
        if not text.startswith("<"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    if rule.syntax == "flag":
        report = validate(SOUND, [example])
    elif rule.syntax == "json":
        report = validate(text_source(example, "a.json"))
    else:
        given = re.findall(r"^\[*(\w+)", example, re.MULTILINE)
        rest = {key: piece for key, piece in PIECES.items() if key not in given}
        first = "".join(piece for piece in rest.values() if not piece.startswith("["))
        last = "".join(piece for piece in rest.values() if piece.startswith("["))
        report = validate(text_source(first + example + last, "a.toml", folder / "a.toml"))
    # A piece of a document may well be a bad idea: a warning is none of its errors' business.
    return {d.code for d in report.diagnostics if rule.code >= "SN7" or d.severity == "error"}


def test_the_example_around_them_is_sound() -> None:
    tomllib.loads(SOUND)
    assert not validate(SOUND).diagnostics


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.code)
def test_the_wrong_example_has_the_fault(rule: Rule, folder: Path) -> None:
    assert codes_of(rule.wrong, rule, folder) == {rule.code}


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.code)
def test_the_right_example_has_no_such_fault(rule: Rule, folder: Path) -> None:
    found = codes_of(rule.right, rule, folder)
    assert rule.code not in found
    assert rule.syntax == "json" or not found


def test_the_codes_that_the_source_reports_are_those_that_are_registered() -> None:
    root = Path(specnet.diagnostics.__file__).parents[1]
    files = root.glob("**/*.py")
    used = {code for file in files for code in re.findall(r"SN\d{3}", file.read_text(encoding="utf-8"))}
    assert used - set(RULES) == set()
    assert set(RULES) - used == set()


def test_codes_are_in_order_and_say_something() -> None:
    assert list(RULES) == sorted(RULES)
    for name, rule in RULES.items():
        assert rule.code == name
        assert re.fullmatch(r"SN\d{3}", name)
        assert name[:3] in PHASES
        assert rule.title[0].islower() or rule.title.startswith("the ")
        assert rule.text.endswith(".")
        assert bool(rule.wrong) == bool(rule.right)

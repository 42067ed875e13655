from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import specnet.diagnostics
from specnet import validate
from specnet.diagnostics.codes import CODES, PHASES, Code
from specnet.language import text_source
from tests.pictures import write_png

PIECES = {
    "specnet": "specnet = 1\n",
    "loss": 'loss = "mse"\n',
    "data": '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [0.0, 1.0]\n',
    "layers": '[[layers]]\ntype = "dense"\nunits = 1\n',
}
SOUND = "".join(PIECES.values())
EXAMPLES = [code for code in CODES.values() if code.wrong]


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


def codes_of(example: str, code: Code, folder: Path) -> set[str]:
    for name, text in code.files:
        if not text.startswith("<"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    if code.syntax == "flag":
        report = validate(SOUND, [example])
    elif code.syntax == "json":
        report = validate(text_source(example, "a.json"))
    else:
        given = re.findall(r"^\[*(\w+)", example, re.MULTILINE)
        rest = {key: piece for key, piece in PIECES.items() if key not in given}
        first = "".join(piece for piece in rest.values() if not piece.startswith("["))
        last = "".join(piece for piece in rest.values() if piece.startswith("["))
        report = validate(text_source(first + example + last, "a.toml", folder / "a.toml"))
    # A piece of a document may well be a bad idea: a warning is none of its errors' business.
    return {d.code for d in report.diagnostics if code.code >= "SN7" or d.severity == "error"}


def test_the_example_around_them_is_sound() -> None:
    tomllib.loads(SOUND)
    assert not validate(SOUND).diagnostics


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.code)
def test_the_wrong_example_has_the_fault(code: Code, folder: Path) -> None:
    assert codes_of(code.wrong, code, folder) == {code.code}


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.code)
def test_the_right_example_has_no_such_fault(code: Code, folder: Path) -> None:
    found = codes_of(code.right, code, folder)
    assert code.code not in found
    assert code.syntax == "json" or not found


def test_the_codes_that_the_source_reports_are_those_that_are_registered() -> None:
    root = Path(specnet.diagnostics.__file__).parents[1]
    files = [file for file in root.glob("**/*.py") if file.parent.name != "codes"]
    used = {code for file in files for code in re.findall(r"SN\d{3}", file.read_text(encoding="utf-8"))}
    assert used - set(CODES) == set()
    assert set(CODES) - used == set()


def test_codes_are_in_order_and_say_something() -> None:
    assert list(CODES) == sorted(CODES)
    for code in CODES.values():
        assert re.fullmatch(r"SN\d{3}", code.code)
        assert code.code[:3] in PHASES
        assert code.title[0].islower() or code.title.startswith("the ")
        assert code.text.endswith(".")
        assert bool(code.wrong) == bool(code.right)

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import specnet.diagnostics
from specnet.diagnostics.codes import CODES, PHASES, Code
from specnet.language import check, text_source

PIECES = {
    "specnet": "specnet = 1\n",
    "loss": 'loss = "mse"\n',
    "data": '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [0.0, 1.0]\n',
    "layers": '[[layers]]\ntype = "dense"\nunits = 1\n',
}
SOUND = "".join(PIECES.values())
EXAMPLES = [code for code in CODES.values() if code.wrong]


def codes_of(example: str, code: Code) -> set[str]:
    if code.syntax == "flag":
        _, report = check(SOUND, [example])
    elif code.syntax == "json":
        _, report = check(text_source(example, "a.json"))
    else:
        given = re.findall(r"^\[*(\w+)", example, re.MULTILINE)
        rest = {key: piece for key, piece in PIECES.items() if key not in given}
        first = "".join(piece for piece in rest.values() if not piece.startswith("["))
        last = "".join(piece for piece in rest.values() if piece.startswith("["))
        _, report = check(text_source(first + example + last, "a.toml"))
    return {d.code for d in report.diagnostics}


def test_the_example_around_them_is_sound() -> None:
    tomllib.loads(SOUND)
    assert check(SOUND)[1].ok


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.code)
def test_the_wrong_example_has_the_fault(code: Code) -> None:
    assert codes_of(code.wrong, code) == {code.code}


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.code)
def test_the_right_example_has_no_such_fault(code: Code) -> None:
    found = codes_of(code.right, code)
    assert code.code not in found
    assert code.syntax == "json" or not found


def test_every_code_that_this_folder_and_the_language_report_is_registered() -> None:
    root = Path(specnet.diagnostics.__file__).parents[1]
    files = [*root.glob("diagnostics/**/*.py"), *root.glob("language/**/*.py")]
    used = {code for file in files for code in re.findall(r"SN\d{3}", file.read_text(encoding="utf-8"))}
    assert used - set(CODES) == set()


def test_codes_are_in_order_and_say_something() -> None:
    assert list(CODES) == sorted(CODES)
    for code in CODES.values():
        assert re.fullmatch(r"SN\d{3}", code.code)
        assert code.code[:3] in PHASES
        assert code.title[0].islower() or code.title.startswith("the ")
        assert code.text.endswith(".")
        assert bool(code.wrong) == bool(code.right)

"""Every faulty document in tests/invalid gives exactly what is written beside it.

`python tests/test_invalid.py` writes what the documents give now, for a reader to compare with what they should.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import specnet
from specnet.diagnostics import Report
from specnet.diagnostics.formats.full import WIDTH, full_text
from specnet.diagnostics.rules import RULES
from specnet.diagnostics.segments import width_of

FOLDER = Path(__file__).parent / "invalid"
DOCUMENTS = sorted(p.name for p in FOLDER.iterdir() if p.suffix in {".toml", ".json"})


def report(name: str) -> Report:
    """What `validate` finds in a document, whose first comments say `# --set KEY=VALUE` and `# --confine DIR`."""
    text = (FOLDER / name).read_text(encoding="utf-8", errors="replace")
    flags = re.findall(r"^# --set (.*)$", text, re.MULTILINE)
    confine = re.search(r"^# --confine (.*)$", text, re.MULTILINE)
    before = Path.cwd()
    os.chdir(FOLDER)
    try:
        return specnet.validate(name, flags, confine=confine and confine[1])
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_faulty_document(name: str) -> None:
    found = report(name)
    shown = full_text(found)
    assert shown == (FOLDER / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert max(map(width_of, shown.split("\n"))) <= WIDTH
    assert f"[SN{name[2:5]}]" in shown
    assert all(RULES[d.code].fixable for d in found.diagnostics if d.fix is not None)


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.fixable])
def test_a_rule_that_is_fixable_is_fixed_in_some_document(code: str) -> None:
    documents = [name for name in DOCUMENTS if name.startswith(code.lower())]
    assert any(d.code == code and d.fix is not None for name in documents for d in report(name).diagnostics)


def test_nothing_is_left_over() -> None:
    texts = {p.stem for p in FOLDER.glob("*.txt")}
    assert texts == {Path(name).stem for name in DOCUMENTS}
    assert len(texts) == len(DOCUMENTS)


UNSEEN = {
    "SN200",  # two hundred findings
    "SN222", "SN223",  # they need an installed plugin
    "SN413", "SN561",  # `run` finds them, having read all of the data
    "SN518", "SN519",  # they need an extra
    "SN570", "SN605",  # they depend on the machine's memory
    "SN610",  # they need a run
    "SN547", "SN571", "SN572", "SN576",  # new data's, and what a program passes
    "SN582",  # a library that is there where tests run
    "SN620",  # no number of epochs and rows leads there
}  # fmt: skip
"""Errors that no document beside this one shows."""


def test_every_error_has_a_document_and_there_are_many() -> None:
    shown = {f"SN{name[2:5]}" for name in DOCUMENTS}
    errors = {code for code in RULES if code < "SN7"}
    assert errors - shown == UNSEEN & errors
    assert len(DOCUMENTS) >= 180


if __name__ == "__main__":
    for document in DOCUMENTS:
        (FOLDER / document).with_suffix(".txt").write_text(full_text(report(document)), encoding="utf-8")

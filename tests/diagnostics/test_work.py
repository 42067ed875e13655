"""Findings take work in proportion to the document, however many there are: counted, not timed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import specnet
from specnet.diagnostics import places
from specnet.diagnostics.diagnostic import Report
from specnet.diagnostics.formats.gitlab import gitlab
from specnet.diagnostics.formats.sarif import sarif


def one_line(layers: int) -> str:
    table = {"type": "dense", "units": -1}
    data = {"type": "inline", "inputs": [[0.0]], "targets": [0.0]}
    return json.dumps({"specnet": 1, "data": data, "loss": "mse", "layers": [table] * layers})


@pytest.mark.parametrize("write", [sarif, gitlab])
def test_a_line_is_read_once_for_all_of_its_findings(
    write: Callable[[Report, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    identity = places._line_identity

    def counted(line: str) -> str:
        lines.append(line)
        return identity(line)

    monkeypatch.setattr(places, "_line_identity", counted)
    text = one_line(100)
    report = specnet.validate(text)
    assert len(report.diagnostics) == 100
    write(report, "/")
    assert lines == [text]

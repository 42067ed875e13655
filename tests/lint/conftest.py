from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import specnet
from specnet.diagnostics import Diagnostic

PIECES = {
    "loss": 'loss = "mse"\n',
    "data": '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [0.0, 1.0]\n',
    "layers": '[[layers]]\ntype = "dense"\nunits = 1\n',
}


def document(piece: str) -> str:
    """Return a document that says this and, beyond it, nothing that is out of the ordinary."""
    rest = [text for key, text in PIECES.items() if f"[{key}" not in piece and f"{key} = " not in piece]
    # Keys at the root come before any table.
    return "specnet = 1\n" + "".join(sorted((*rest, piece), key=lambda text: text.startswith("[")))


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., list[Diagnostic]]:
    """Return what is found in a document whose data lie in a folder of their own."""

    def check(piece: str, **options: object) -> list[Diagnostic]:
        path = tmp_path / "a.toml"
        path.write_text(document(piece), encoding="utf-8")
        return list(specnet.validate(path, **options).diagnostics)

    return check


@pytest.fixture
def codes(found: Callable[..., list[Diagnostic]]) -> Callable[..., list[str]]:
    """Return the codes of what is found in a document."""
    return lambda piece, **options: [d.code for d in found(piece, **options)]

"""A model over a small text."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def text_document(
    folder: Path, texts: list[str], layers: list[dict[str, Any]], **data: Any
) -> dict[str, Any]:
    """Write texts into a file, one a line, and return a document that learns them; layers come after the embedding."""
    (folder / "t.txt").write_text("\n".join(texts) + "\n")
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "text", "path": str(folder / "t.txt"), **data},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "output_dim": 8, "embeddings_init": "normal"},
            *layers,
            {"type": "dense", "units": "auto"},
        ],
    }

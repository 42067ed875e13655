"""One table of numbers and text, written in every dialect of CSV."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

ROWS = [(1234.5, -0.25, "a"), (-7.0, 1000000.0, "b"), (0.5, 12.0, "a, b"), (99.0, 3.0, "b")] * 12
PLAIN = "size,rate,kind\n" + "".join(f'{x},{y},"{kind}"\n' for x, y, kind in ROWS)


def thin(value: float) -> str:
    """Return a number with thin spaces between its thousands."""
    return f"{value:,.2f}".replace(",", "\u202f")


def german(value: float) -> str:
    """Return a number with points between its thousands, and a decimal comma."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


DIALECTS: dict[str, tuple[bytes, dict[str, object]]] = {
    "decimal commas": (
        "".join(f'{str(x).replace(".", ",")};{str(y).replace(".", ",")};"{k}"\n' for x, y, k in ROWS).encode(),
        {"delimiter": ";", "decimal": ","},
    ),
    "points between thousands": (
        "".join(f'{german(x)};{german(y)};"{k}"\n' for x, y, k in ROWS).encode(),
        {"delimiter": ";", "decimal": ",", "thousands": "."},
    ),
    "commas between thousands": (
        "".join(f'"{x:,.2f}","{y:,.2f}","{k}"\n' for x, y, k in ROWS).encode(),
        {"thousands": ","},
    ),
    "thin spaces between thousands": (
        "".join(f"{thin(x)}|{thin(y)}|{k}\n" for x, y, k in ROWS).encode(),
        {"delimiter": "|", "thousands": " "},
    ),
    "signs": (
        "".join(f'${x},{y} %,"{k}"\n' for x, y, k in ROWS).encode(),
        {"strip": ["$", "%"]},
    ),
    "comments": (
        "".join(f'# row {n}, "{k}\n{x},{y},"{k}"\n' for n, (x, y, k) in enumerate(ROWS)).encode(),
        {"comment": "#"},
    ),
    "blanks": (
        "".join(f'  {x}   {y}\t"{k}"  \n' for x, y, k in ROWS).encode(),
        {"delimiter": "whitespace"},
    ),
    "lines above": (PLAIN.split("\n", 1)[1].encode(), {"skip_rows": 2}),
    "gzip": (gzip.compress(PLAIN.split("\n", 1)[1].encode()), {}),
    "bz2": (bz2.compress(PLAIN.split("\n", 1)[1].encode()), {}),
    "xz": (lzma.compress(PLAIN.split("\n", 1)[1].encode()), {}),
    "utf-16": (PLAIN.split("\n", 1)[1].encode("utf-16"), {"encoding": "utf-16"}),
}  # fmt: skip
"""The rows of the plain table without its header."""


def written(folder: Path, name: str) -> tuple[str, dict[str, object]]:
    """Write a table in a dialect, with a header, and return its name and the keys that say its dialect."""
    data, keys = DIALECTS[name]
    sign = {"whitespace": " "}.get(str(keys.get("delimiter", ",")), str(keys.get("delimiter", ",")))
    head = sign.join(["size", "rate", "kind"]) + "\n"
    if keys.get("skip_rows"):
        head = 'A "title\nof two lines, both left out\n' + head
    if name == "utf-16":
        content = head.encode("utf-16") + data[2:]
    elif name in ("gzip", "bz2", "xz"):
        # All three are files of several streams, too.
        content = {"gzip": gzip, "bz2": bz2, "xz": lzma}[name].compress(head.encode()) + data
    else:
        content = head.encode() + data
    (folder / "t.txt").write_bytes(content)
    return "t.txt", keys


def model_of(keys: dict[str, object], path: str) -> dict[str, object]:
    """Return a document that trains on the table."""
    return {
        "specnet": 1,
        "loss": "cross_entropy",
        "data": {"type": "csv", "path": path, "target": "kind", "scale": "standardize", **keys},
        "layers": [{"type": "dense", "units": 3}],
        "training": {"epochs": 3, "batch_size": 8},
    }

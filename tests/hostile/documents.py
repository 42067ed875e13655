"""Documents with slips: `validate` reports them, executes nothing and ends."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import specnet
from tests.support.command_line import SPECS

SOUND = sorted(
    path for path in SPECS.iterdir() if path.suffix in {".toml", ".json"} and "mnist" not in path.name
)

EXTREMES = [
    "9" * 400, "-1", "0", "1e308", "-1e-308", "inf", "nan", "9223372036854775808", '""', '"\\u0000"', "[]", "{}",
    "[" * 200 + "]" * 200, '"' + "x" * 10_000 + '"', '"/dev/zero"', '"../../../etc/passwd"', '"${env:HOME}"',
    '"${9 ** 9 ** 9}"', '{ type = "dense", units = 4 }',
]  # fmt: skip
"""Values in the place of those of a document."""

TOKENS = [
    "[", "]", "[[", "]]", "{", "}", "=", '"', "'", '"""', "\\", ",", ".", "#", "\n", "\r", "\t", "\0", "-", "_",
    "1e999", "-inf", "nan", "1979-05-27", "07:32:00", "true", "null", "type", "layers", "[layers]\n", "é", "\u202e",
    "日本", "9" * 50, "units = ", "[training.optimizer]\n", '"type" = "dense"\n', "\ufeff", "\x1b[31m", "0x", "1_0",
    "# specnet: ignore[SN701]\n", "[lint]\nignore = ['SN701']\n", "\ud800",
]  # fmt: skip


def bent(text: str, draw: random.Random) -> str:
    """Return a string with a few slips: pieces put in, taken out, doubled and exchanged."""
    for _ in range(draw.choice([1, 1, 1, 2, 3, 6])):
        lines = text.split("\n")
        place = draw.randrange(len(text) + 1)
        line = draw.randrange(len(lines))
        match draw.randrange(7):
            case 0:
                text = text[:place] + draw.choice(TOKENS) + text[place:]
            case 1:
                text = text[:place] + text[place + draw.choice([1, 1, 2, 5, 40]) :]
            case 2:
                text = text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
            case 3:
                text = "\n".join(lines[:line] + lines[line + 1 :])
            case 4:
                text = "\n".join([*lines[:line], lines[line], *lines[line:]])
            case 5:
                other = draw.randrange(len(lines))
                lines[line], lines[other] = lines[other], lines[line]
                text = "\n".join(lines)
            case _:
                key, equals, _ = lines[line].partition("=")
                lines[line] = f"{key}{equals} {draw.choice(TOKENS)}" if equals else lines[line]
                text = "\n".join(lines)
    return text


def flipped(text: str, draw: random.Random) -> bytes:
    """Return a text's bytes with some bits turned."""
    data = bytearray(text.encode())
    for _ in range(draw.choice([1, 1, 2, 8])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def extreme(text: str, draw: random.Random) -> str:
    """Return a text with another value behind one of its equals signs or colons."""
    lines = text.split("\n")
    for mark in ("=", ":"):
        places = [n for n, line in enumerate(lines) if mark in line]
        if places:
            place = draw.choice(places)
            key, _, value = lines[place].partition(mark)
            comma = "," if value.rstrip().endswith(",") else ""
            lines[place] = f"{key}{mark} {draw.choice(EXTREMES)}{comma}"
            break
    return "\n".join(lines)


def case(seed: int, folder: Path) -> None:
    """Validate one document; an exception other than SpecFileError is a fault."""
    draw = random.Random(seed)
    path = draw.choice(SOUND)
    text = path.read_text(encoding="utf-8")
    made = draw.choice([bent, flipped, extreme])(text, draw)
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        file = Path(inner, f"a{path.suffix}")
        file.write_bytes(made if isinstance(made, bytes) else made.encode(errors="surrogatepass"))
        try:
            specnet.validate(file, data=draw.random() < 0.3)
        except specnet.SpecFileError:
            return
        assert [entry.name for entry in Path(inner).iterdir()] == [file.name], (
            "a document has written something"
        )

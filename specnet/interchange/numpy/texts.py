"""Texts of a table as indices of tokens, in a program: a function for each column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from specnet.data.text.characters import Char
from specnet.data.text.encoded import Byte, read_back
from specnet.data.text.pairs import PIECE, Bpe
from specnet.data.text.words import Word
from specnet.interchange.numpy.layout import INDENT, WIDTH, indented
from specnet.interchange.numpy.program import SHOWN, Program

if TYPE_CHECKING:
    from specnet.data.tables.plan import ColumnPlan
    from specnet.data.tables.texts import TextEncoding


def write_texts(program: Program, features: Iterable[ColumnPlan]) -> list[str]:
    """Write a function for each text column, and return the lines that find it by the column's name."""
    entries = []
    for column in features:
        if column.texts is not None:
            name = program.names.new(
                re.sub(r"\W+", "_", f"{column.name}_tokens".lower()).lstrip("_0123456789")
            )
            _write_tokens(program, column.texts, name)
            entries.append(f"    {column.name!r}: {name},")
    return ["tokens_of = {", *entries, "}"] if entries else []


def _write_tokens(program: Program, encoding: TextEncoding, name: str) -> None:
    """Write the vocabulary of a column, and the function that makes indices of a text."""
    vocabulary, length = encoding.vocabulary, encoding.length
    tokenizer, first = vocabulary.tokenizer, len(vocabulary.special)
    known = program.names.new(name.removesuffix("_tokens") + "_vocabulary")
    cut, least = _cut(program, encoding, name, known), vocabulary.unknown
    lines = ["text = spelled(text)"]
    what = "Return the indices of the tokens of text, and 0 for each step after them."
    if tokenizer.normalization != "none":
        program.modules.add("unicodedata")
        lines.append(f'text = unicodedata.normalize("{tokenizer.normalization.upper()}", text)')
    if tokenizer.lowercase:
        lines.append("text = text.lower()")
    if cut is None:
        # How a tokenizer of another package cuts text, no program can say.
        what = f"Return a tuple of indices of tokens, from {first} on, and 0 for each step after them."
        lines = ["found = list(text)"]
    else:
        lines.append(f"found = {cut}")
        empty = [least] if least is not None else vocabulary.encode(" ").tolist()
        lines.append(f"found = found or {empty}  # an empty text")
    kept = f"found[:{length}]" if encoding.truncate == "end" else f"found[-{length}:]"
    program.functions.append(
        [
            f"def {name}(text):",
            *indented(
                [f'"""{what}"""', *lines, f"found = {kept}", f"return found + [0] * ({length} - len(found))"]
            ),
        ]
    )


def _cut(program: Program, encoding: TextEncoding, name: str, known: str) -> str | None:
    """Return the expression for the indices of a text; None where the program takes these itself."""
    vocabulary = encoding.vocabulary
    tokenizer, first = vocabulary.tokenizer, len(vocabulary.special)
    ordinary = vocabulary.tokens[first:]
    if type(tokenizer) is Byte:
        return f'[{first} + byte for byte in text.encode("utf-8", "replace")]'
    if type(tokenizer) is Bpe:
        program.modules.add("re")
        _hold(program, known, list(map(read_back, ordinary)), first)
        joined = program.names.new(f"{name}_of_piece")
        program.functions.append(_pairs_function(joined, known))
        pieces = f"re.findall({PIECE.pattern!r}, text)"
        return f'[index for piece in {pieces} for index in {joined}(piece.encode("utf-8", "replace"))]'
    if type(tokenizer) is Char:
        _hold(program, known, ordinary, first)
        return f"[{known}.get(letter, {vocabulary.unknown}) for letter in text]"
    if type(tokenizer) is not Word:
        return None
    _hold(program, known, ordinary, first)
    program.modules.add("re")
    return f"[{known}.get(word, {vocabulary.unknown}) for word in re.findall({tokenizer.pattern.pattern!r}, text)]"


def _hold(program: Program, name: str, tokens: Sequence[str] | Sequence[bytes], first: int) -> None:
    """Give the tokens of a vocabulary, from its index `first` on, their variable: in the file beside, where many."""
    program.values += ["", f"# The tokens that it knows, from index {first} on."]
    read = "token"
    if len(tokens) > SHOWN and program.beside is not None:
        program.modules.add("json")
        letters = [token.decode("latin-1") if isinstance(token, bytes) else token for token in tokens]
        program.arrays[name] = np.frombuffer(json.dumps(letters).encode(), np.uint8)
        listing = f'json.loads(stored["{name}"].tobytes())'
        read = "token.encode('latin-1')" if isinstance(tokens[0], bytes) else read
        program.values.append(f"{name} = {listing}")
    else:
        lines = [INDENT]
        for each in map(repr, tokens):
            if len(lines[-1]) + len(each) > WIDTH:
                lines.append(INDENT)
            lines[-1] += f"{each}, "
        program.values += [f"{name} = [", *(line.rstrip() for line in lines), "]"]
    program.values.append(f"{name} = {{{read}: index for index, token in enumerate({name}, {first})}}")


def _pairs_function(name: str, known: str) -> list[str]:
    """Return the function that joins the bytes of a piece of text to the tokens that are known, first learnt first."""
    return [
        f"def {name}(piece):",
        '    """Return the indices of the tokens of a piece: its bytes, joined as long as there is a token for two."""',
        "    parts = [bytes([byte]) for byte in piece]",
        "    while len(parts) > 1:",
        f"        joined = [{known}.get(a + b, math.inf) for a, b in zip(parts, parts[1:])]",
        "        at = joined.index(min(joined))",
        "        if joined[at] == math.inf:",
        "            break",
        "        parts[at : at + 2] = [parts[at] + parts[at + 1]]",
        f"    return [{known}[part] for part in parts]",
    ]

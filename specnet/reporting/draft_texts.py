"""Text columns in a first document: their vocabulary, inputs of their own, and layers that read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from specnet.data.formats.csv.survey import Survey
from specnet.data.tables.column_survey import ColumnSurvey
from specnet.data.text import TOKENIZERS
from specnet.data.text.words import Word
from specnet.reporting.draft_names import BARE, key_of, quoted, reference
from specnet.reporting.first_network import embedding, layer_lines

LONGEST = 200
"""The most tokens that a first model reads of a text."""

SIZE = 10000
"""The most tokens that its vocabulary has."""

VECTOR = 32
"""The elements of a token's vector."""

FACTS = "facts"
"""The input of all columns that are no texts."""

WAVES = "waves"
"""The layer that embeds those of numbers."""

RESERVED = frozenset({FACTS, WAVES, "input", "inputs"})
"""Names that an input of a text does not get."""


@dataclass(frozen=True, slots=True)
class DraftTexts:
    """The inputs of a table some of whose columns are texts."""

    table: Survey
    texts: Sequence[ColumnSurvey]
    facts: Sequence[ColumnSurvey]
    """The other inputs."""

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def alone(self) -> bool:
        """Whether a text is the only input, which needs no name."""
        return len(self.texts) == 1 and not self.facts

    def settings(self) -> list[str]:
        """Return what the document says of the text columns."""
        lines: list[str] = []
        for column in self.texts:
            length, longest = _lengths(column)
            why = (
                "no cell has more"
                if length == longest
                else f"few cells have more; the longest has {longest:,}"
            )
            lines += [
                f"[data.columns.{key_of(self.table, column)}]",
                'type      = "text"',
                'tokens    = { type = "word", min_count = 2 }  # words that occur once stand for unknown ones',
                f"size      = {SIZE}  # tokens at most",
                f"length    = {length}  # tokens: {why}",
                "lowercase = true",
                "",
            ]
        return lines

    def inputs(self) -> list[str]:
        """Return the inputs by their names: each text, and all other columns together."""
        if not self.texts or self.alone:
            return []
        names = self._names()
        lines = ["[inputs]"]
        lines += [
            f"{name} = {{ columns = [{reference(self.table, column)}] }}  # (batch, steps) of indices of tokens"
            for name, column in zip(names, self.texts, strict=True)
        ]
        if self.facts:
            listing = ", ".join(reference(self.table, column) for column in self.facts)
            lines.append(f"{FACTS} = {{ columns = [{listing}] }}")
        return [*lines, ""]

    def layers(self, *, embedded: bool) -> list[str]:
        """Return the layers that make numbers of the texts, and put all inputs side by side.

        `embedded` says whether the columns of numbers become waves first.
        """
        lines: list[str] = []
        made = []
        for name in self._names():
            lines += ["[[layers]]", 'type       = "embedding"']
            if not self.alone:
                lines.append(f'inputs     = ["{name}"]')
            lines += [f"output_dim = {VECTOR}  # a vector for each token", ""]
            lines += [
                "[[layers]]",
                'type = "dropout"',
                "rate = 0.3  # without it, single words are memorised",
                "",
            ]
            lines += [
                "[[layers]]",
                'type = "global_average_pooling1d"  # the mean over the tokens that there are',
            ]
            if not self.alone:
                made.append(f"{name}_mean")
                lines.append(f'name = "{made[-1]}"')
            lines.append("")
        if self.texts and self.facts and embedded:
            made.append(WAVES)
            lines += layer_lines([embedding(inputs=[FACTS], name=made[-1])])
        elif self.facts:
            made.append(FACTS)
        if len(made) > 1:
            lines += ["[[layers]]", 'type   = "concat"', f"inputs = {json.dumps(made)}", ""]
        return lines

    def columns(self) -> str:
        """Return the names of the columns of numbers, for `on` of a transform of them."""
        return ", ".join(quoted(_key(self.table, column)) for column in self.facts if column.numeric)

    def _names(self) -> list[str]:
        names: list[str] = []
        for number, column in enumerate(self.texts, 1):
            fits = (
                self.table.header and BARE.fullmatch(column.name) and column.name not in (*names, *RESERVED)
            )
            names.append(column.name if fits else f"text_{number}")
        return names


def _lengths(column: ColumnSurvey) -> tuple[int, int]:
    """Return how many tokens of each text a model reads, and how many the longest has, among those that are known."""
    word = TOKENIZERS.validate("word")
    assert isinstance(word, Word)
    lengths = sorted(len(word.cut(word.normalised(text))) for text in column.distinct)
    most = lengths[min(len(lengths) - 1, int(0.95 * len(lengths)))]
    return max(1, min(most if lengths[-1] > 1.5 * most else lengths[-1], LONGEST)), lengths[-1]


def _key(table: Survey, column: ColumnSurvey) -> str:
    return column.name if table.header else str(column.place)

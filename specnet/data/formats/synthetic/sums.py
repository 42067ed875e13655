"""Sums to be learnt digit by digit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.sequence_pairs import PairSource, TextPair
from specnet.data.text import TOKENIZERS
from specnet.engines.random import stream

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.files import DataContext
    from specnet.data.training_rows import TrainingRows


class SumSource(PairSource):
    """Pairs such as `12+345` and `357`, drawn with the document's seed."""

    def __init__(self, spans: dict[str, int], digits: int, context: DataContext) -> None:
        tokenizer = TOKENIZERS.validate({"type": "char", "unknown": False})
        drawn = {name: [TextPair("", "")] * samples for name, samples in spans.items()}
        super().__init__(drawn, tokenizer, (2 * digits + 1, digits + 2), context)
        self._digits = digits

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Draw the numbers, and encode the sums."""
        for name, pairs in self.pairs.items():
            rng = stream(rows.seed, "data/synthetic" if name == "train" else f"data/synthetic/{name}")
            numbers = rng.integers(0, 10**self._digits, (len(pairs), 2)).tolist()
            self.pairs[name] = [TextPair(f"{a}+{b}", str(a + b)) for a, b in numbers]
        super().learn(rows, collector)

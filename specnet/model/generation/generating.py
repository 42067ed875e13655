from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from specnet.data.signature import InputArray
from specnet.diagnostics import RunError
from specnet.diagnostics.text import counted, listed
from specnet.engines.random import stream as random_stream
from specnet.engines.use import ModelUse
from specnet.graph.sizes import show
from specnet.model.generation.beams import search
from specnet.model.generation.sampling import drawn, log_probabilities
from specnet.model.generation.settings import Sampling
from specnet.model.generation.stream import GenerationPlans, Stream
from specnet.model.generation.task import Task
from specnet.model.generation.texts import Cut, IndexTokens, VocabularyTokens

if TYPE_CHECKING:
    from specnet.data.text.vocabulary import Vocabulary

Tokens = NDArray[np.int64]

Ended = Literal["tokens", "end", "stop"]
"""Why a sequence ended: it has as many tokens as were asked for, the model's end token, or a text to stop at."""


STREAM = "generate/{}"
"""The stream of randomness that a sample is drawn from, by its number."""


class GeneratedToken(NamedTuple):
    """One generated token."""

    sample: int
    """Which sequence it belongs to, from 0."""
    text: str
    """The text that it adds, which is empty within a character, at the end, and for what may become a stop."""
    token: int
    """Its index in the vocabulary."""
    log_probability: float
    """The logarithm of its probability as the model predicts it, whatever the temperature."""


@dataclass(slots=True)
class GeneratedSequence:
    """One generated sequence, as far as it has come."""

    text: str = ""
    """Without the prompt, and without the text that it stops at."""
    tokens: list[int] = field(default_factory=list)
    """The indices of its tokens, an end token included."""
    log_probabilities: list[float] = field(default_factory=list)
    """Those of its tokens."""
    ended: Ended | None = None
    """Why it ended; None until then."""

    @property
    def log_probability(self) -> float:
        """The logarithm of the probability of all its tokens."""
        return float(sum(self.log_probabilities))


class _Written:
    """A sample that is being written."""

    def __init__(self, number: int, texts: VocabularyTokens | IndexTokens, sampling: Sampling) -> None:
        self.sample = GeneratedSequence()
        self._number, self._end, self._most = number, texts.end, sampling.tokens
        self._writer = texts.writer()
        self._cut = Cut([stop for stop in sampling.stop if isinstance(stop, str)])
        self._stops = {stop for stop in sampling.stop if isinstance(stop, int)}

    def push(self, index: int, log_probability: float) -> GeneratedToken:
        """Append a token, and say what it adds."""
        sample = self.sample
        sample.tokens.append(index)
        sample.log_probabilities.append(log_probability)
        text = ""
        if index == self._end:
            sample.ended = "end"
        elif index in self._stops:
            sample.ended = "stop"
        else:
            text = self._cut.push(self._writer.push(index))
            if self._cut.ended:
                sample.ended = "stop"
            elif len(sample.tokens) == self._most:
                sample.ended = "tokens"
        if sample.ended is not None and not self._cut.ended:
            text += self._cut.push(self._writer.finish())
            text += self._cut.finish()
        sample.text += text
        return GeneratedToken(self._number, text, index, log_probability)


class Generation(Iterator[GeneratedToken]):
    """Tokens as a model generates them: of each sequence in turn, until all have ended.

    Each token is computed when it is asked for. `samples` are the sequences as far as they have come.
    """

    def __init__(
        self,
        stream: Stream,
        texts: VocabularyTokens | IndexTokens,
        prompt: str,
        start: Tokens,
        sampling: Sampling,
    ) -> None:
        self._stream, self._texts, self._start, self._sampling = stream, texts, start, sampling
        self.prompt = prompt
        """The prompt as text."""
        self._written = [_Written(number, texts, sampling) for number in range(sampling.n)]
        self._tokens = self._drawn() if sampling.beams is None else self._found(sampling.beams)

    @property
    def samples(self) -> tuple[GeneratedSequence, ...]:
        """The sequences."""
        return tuple(each.sample for each in self._written)

    def finish(self) -> Self:
        """Generate what is left, and return the same object."""
        for _ in self:
            pass
        return self

    @property
    def ends(self) -> bool:
        """Whether the model has a token that ends a sequence, so that each is a line or a document of its own."""
        return self._texts.end is not None

    @property
    def text(self) -> str:
        """The text of the first sequence, all of which is generated for it."""
        return self.finish().samples[0].text

    def token_name(self, index: int) -> str:
        """Return what a token is called in the vocabulary."""
        return self._texts.name(index)

    def __next__(self) -> GeneratedToken:
        return next(self._tokens)

    def _drawn(self) -> Iterator[GeneratedToken]:
        sampling, rows = self._sampling, self._sampling.n
        generators = [random_stream(sampling.seed, STREAM.format(number)) for number in range(rows)]
        logits = self._feed(np.tile(self._start, (rows, 1)))
        seen = np.zeros(logits.shape, bool)
        seen[:, self._start] = True
        while True:
            tokens = drawn(logits, seen, sampling, generators)
            seen[np.arange(rows), tokens] = True
            scores = log_probabilities(logits)
            for number, written in enumerate(self._written):
                if written.sample.ended is None:
                    index = int(tokens[number])
                    yield written.push(index, float(scores[number, index]))
            if all(written.sample.ended is not None for written in self._written):
                return
            logits = self._feed(tokens[:, None])

    def _found(self, beams: int) -> Iterator[GeneratedToken]:
        sampling = self._sampling
        found = search(self._feed, self._stream.select, self._start, beams, self._texts.end, sampling.tokens)
        for written, (tokens, scores) in zip(self._written, found, strict=False):
            for index, score in zip(tokens, scores, strict=True):
                if written.sample.ended is None:
                    yield written.push(index, score)

    def _feed(self, tokens: Tokens) -> NDArray[np.float64]:
        """Return the logits of what comes next, with those of tokens that stand for nothing at -inf."""
        logits = self._stream.feed(tokens).astype(np.float64)
        if np.isnan(logits).any():
            raise RunError("the model predicts NaN: its parameters are not finite, or have become too large")
        logits[:, list(self._texts.never)] = -np.inf
        logits[:, self._stream.task.tokens :] = -np.inf
        return logits


def generation(
    plans: GenerationPlans,
    arrays: Mapping[str, NDArray[Any]],
    use: ModelUse,
    vocabulary: Vocabulary | None,
    prompt: Any,
    source: Any,
    sampling: Sampling,
) -> Generation:
    """Return what a model generates behind a prompt; raise ValueError for what it cannot continue."""
    task = plans.task
    texts = IndexTokens(task.tokens) if vocabulary is None else VocabularyTokens(vocabulary)
    if isinstance(texts, IndexTokens) and any(isinstance(stop, str) for stop in sampling.stop):
        raise ValueError("the model has no vocabulary: stop at tokens, which are whole numbers")
    fills = not task.each and texts.begin is not None
    start = _start(texts, prompt, 1 if task.each or fills else task.steps)
    rows = sampling.n if sampling.beams is None else sampling.beams
    others = _others(task, texts, source, rows)
    stream = Stream(plans, arrays, use, rows, others, filling=texts.begin)
    return Generation(stream, texts, texts.shown(prompt), start, sampling)


def _start(texts: VocabularyTokens | IndexTokens, prompt: Any, least: int) -> Tokens:
    """Return the tokens that a sequence starts with, at least so many."""
    given = texts.tokens(() if prompt is None else prompt)
    if texts.begin is not None:
        given = np.concatenate([np.array([texts.begin]), given])
    if not given.size and texts.line is not None:
        given = texts.line
    if given.size < least:
        if least == 1:
            raise ValueError("the prompt is empty, and the model has no begin token")
        raise ValueError(
            f"the prompt has {counted(given.size, 'token')}, and the model predicts from the {least} before"
        )
    return given


def _others(
    task: Task, tokens: VocabularyTokens | IndexTokens, source: Any, rows: int
) -> dict[str, NDArray[Any]]:
    """Return the inputs of a model that it does not continue, as many times as there are rows."""
    names = [other.short for other in task.others]
    if not names:
        if source is not None:
            raise ValueError("the model takes no source: it continues its prompt alone")
        return {}
    if source is None:
        raise ValueError(f"`source` is missing: the model also reads {listed(names)}")
    if not isinstance(source, Mapping):
        if len(names) > 1:
            raise ValueError(f"the model also takes {listed(names)}: give them by name, as a dictionary")
        source = {names[0]: source}
    lacking = [name for name in names if name not in source]
    if lacking:
        raise ValueError(f"the source has no {listed(lacking)}")
    made = {}
    for other in task.others:
        given = _other(other, tokens, source[other.short])
        made[other.name] = np.ascontiguousarray(np.broadcast_to(given, (rows, *other.shape)), other.dtype)
    return made


def _other(other: InputArray, tokens: VocabularyTokens | IndexTokens, given: Any) -> NDArray[Any]:
    """Return an input that a model does not continue, one row of it; raise ValueError where it does not fit."""
    if not other.tokens:
        made = np.asarray(given)
        if made.shape != other.shape:
            raise ValueError(
                f"`{other.short}` is {show(made.shape)}, and the model takes {show(other.shape)}"
            )
        return made
    made, (steps,) = tokens.tokens(given, f"`{other.short}`"), other.shape
    if not 0 < made.size <= steps or (made.size < steps and other.padding is None):
        takes = f"1 to {steps}" if other.padding is not None else str(steps)
        raise ValueError(f"`{other.short}` has {counted(made.size, 'token')}, and the model takes {takes}")
    return np.pad(made, (0, steps - made.size))

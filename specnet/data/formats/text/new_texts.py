"""Texts for a trained model: as examples without targets, and with them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from specnet.data.arrays.given import as_numbers
from specnet.data.arrays.windows import WindowRows
from specnet.data.formats.text.documents import contexts, documents, whole
from specnet.data.formats.text.examples import TextForm
from specnet.data.formats.text.labels import class_indices, labelled_lines
from specnet.data.new_rows import ROWS, LabelledRows, RowBlock
from specnet.data.rows import ArrayRows
from specnet.data.text.files import NotTextError, TextFile, TextLine, decoded, lines_in
from specnet.data.text.padding import padded
from specnet.data.text.token_array import token_array
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import FilePlace
    from specnet.data.new_rows import KnownRows, RowFile
    from specnet.data.rows import Rows
    from specnet.data.text.vocabulary import Vocabulary


def of_texts(form: TextForm, known: KnownRows, rows: Any, collector: Collector) -> Rows:
    """Return texts as rows of indices, and indices as they are; raise SpecError naming what is neither."""
    texts = list(rows)
    if not any(isinstance(text, str) for text in texts):
        return ArrayRows(as_numbers(rows, "the inputs are", collector))
    made = []
    with collector.together() as faults:
        for i, text in enumerate(texts):
            if isinstance(text, str):
                made.append(_example(form, known, text, f"row {i + 1}", faults))
            else:
                faults.add("SN540", f"row {i + 1} is not a text")
    return ArrayRows(padded(made, known.shape[0], len(_vocabulary(known)), form.truncate))


def _example(form: TextForm, known: KnownRows, text: str, where: str, faults: Collector) -> NDArray[np.int64]:
    """Return the indices that the model takes of a text, before they are padded; note a text of which there are none.

    A model of a stream takes the last tokens of a text, and one of contexts those before the token that follows it.
    """
    vocabulary, steps = _vocabulary(known), known.shape[0]
    indices = vocabulary.encode(text)
    if form.lines is None:
        if len(indices) < steps:
            message = f"{where} has {counted(len(indices), 'token')}; the model takes {steps}"
            faults.add("SN572", message, help="it takes the last ones of a longer text")
        return indices[-steps:]
    if form.lines == "documents":
        if form.context is None:
            return np.concatenate([[vocabulary.begin], indices])
        return np.concatenate([np.full(steps, vocabulary.begin), indices])[-steps:]
    if not len(indices):
        faults.add("SN546", f"{where} has no token", help="a text needs at least one")
    return indices


def of_file(form: TextForm, known: KnownRows, place: FilePlace) -> Rows:
    """Return the texts of a file, one a line, as rows of indices."""
    texts = [line.text for line in TextFile(place, form.encoding).lines()]
    return of_texts(form, known, texts, place.context.collector)


def blocks(form: TextForm, file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the texts of a file, one a line, some at once."""
    yield from _in_blocks(iter(file.read(lambda place: list(TextFile(place, form.encoding).lines()), path)))


def stream_blocks(form: TextForm, file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock]:
    """Yield the texts of a stream, one a line, some at once, as far as it is text."""
    try:
        yield from _in_blocks(lines_in(decoded(stream, form.encoding)))
    except NotTextError as error:
        raise file.error("SN503", f"`{file.name}` is {error}") from None


def _in_blocks(lines: Iterator[TextLine]) -> Iterator[RowBlock]:
    while part := list(islice(lines, ROWS)):
        yield RowBlock([line.text for line in part], [f"line {line.number}" for line in part])


def labelled(form: TextForm, known: KnownRows, place: FilePlace) -> LabelledRows:
    """Return the examples of a text of the form of the training text, with their targets."""
    vocabulary, steps = _vocabulary(known), known.shape[0]
    file, collector = TextFile(place, form.encoding), place.context.collector
    if form.lines is None:
        array = token_array(map(vocabulary.encode, file.blocks()), len(vocabulary))
        if len(array) <= steps:
            has = counted(len(array), "token")
            message = f"`{place.name}` has {has}, and an example needs {steps} and the one that follows"
            raise place.error("SN545", message)
        starts = range(0, len(array) - steps, steps)
        targets = WindowRows(array[1:], steps, starts).take(slice(None))
        return LabelledRows(WindowRows(array, steps, starts), targets.astype(np.int64))
    with collector.together() as faults:
        if form.lines == "documents":
            texts = documents([file], faults)
        else:
            lines = labelled_lines([file], form, faults)
            texts = lines.texts
            classes = class_indices(lines, known.classes or (), faults)
    rows = [vocabulary.encode(text) for text in texts]
    if form.lines != "documents":
        inputs = of_texts(form, known, texts, collector)
        return LabelledRows(inputs, classes)
    part = (
        contexts(rows, vocabulary, steps)
        if form.context is not None
        else whole(rows, vocabulary, steps, form)
    )
    assert isinstance(part.targets, np.ndarray)
    return LabelledRows(part.inputs, part.targets)


def _vocabulary(known: KnownRows) -> Vocabulary:
    assert known.vocabulary is not None, "a model of text has a vocabulary"
    return known.vocabulary

"""Lines that are a label and a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet.data.formats.text.examples import SHOWN, lines_of
from specnet.data.rows import ArrayRows
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.data.text.padding import padded
from specnet.data.text.vocabulary import Vocabulary
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import DataContext
    from specnet.data.formats.text.examples import LinePlace, TextForm
    from specnet.data.text.files import TextFile
    from specnet.data.training_rows import TrainingRows

_BLANKS = re.compile(r"[ \t]+")


class LabelledLines(NamedTuple):
    """The lines of a split."""

    places: list[LinePlace]
    labels: list[str]
    texts: list[str]


class LabelSource(DataSource):
    """Lines that are a label and a text each, checked."""

    def __init__(self, form: TextForm, files: Mapping[str, Sequence[TextFile]], context: DataContext) -> None:
        self.form, self.context = form, context
        self._vocabulary: Vocabulary | None = None
        with context.collector.together() as faults:
            self.lines = {name: labelled_lines(own, form, faults) for name, own in files.items()}
        self.classes = tuple(sorted(set(self.lines["train"].labels)))
        with context.collector.together() as faults:
            self.labels = {
                name: class_indices(own, self.classes, faults, quotable=context.quotable)
                for name, own in self.lines.items()
            }
        counts = Counter(self.lines["train"].labels)
        self.description = DataDescription(
            inputs=(1,),
            target=(),
            rows={name: len(own.texts) for name, own in self.lines.items()},
            target_kind="class",
            class_count=len(self.classes),
            classes=self.classes,
            per_class=[counts[name] for name in self.classes],
            whole=True,
            padding="token",
            quotable=context.quotable,
        )
        self._encoded: dict[str, list[NDArray[np.int64]]] = {}

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Learn the vocabulary of the training lines, and encode all."""
        chosen = rows.chosen(self.description, lambda: self.labels["train"])
        train = self.lines["train"].texts
        places = range(len(train)) if chosen is None else chosen.tolist()
        vocabulary = Vocabulary.learn((train[i] for i in places), self.form.tokens, padding=True)
        self._vocabulary = vocabulary
        encoded = {name: list(map(vocabulary.encode, own.texts)) for name, own in self.lines.items()}
        self._encoded = encoded
        with collector.together() as faults:
            for name, rows_ in encoded.items():
                for place, row in zip(self.lines[name].places, rows_, strict=True):
                    if not len(row):
                        faults.found += place.file.place.error(
                            "SN546", f"{place.where} has no token", help="remove the line"
                        ).diagnostics
        length = self.form.length or max(len(encoded["train"][i]) for i in places)
        self.description.inputs = (length,)
        self.description.tokens = len(vocabulary)
        self.description.first_tokens = vocabulary.tokens[:SHOWN]

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the indices of tokens and classes of each split."""
        (length,), count = self.description.inputs, self.description.tokens
        return {
            name: DataPart(ArrayRows(padded(own, length, count, self.form.truncate)), self.labels[name])
            for name, own in self._encoded.items()
        }

    def vocabulary(self) -> Vocabulary | None:
        """Return the tokens of the training lines."""
        return self._vocabulary

    def is_sound(self) -> bool:
        """Return that all values are indices of tokens and classes."""
        return True


def labelled_lines(files: Sequence[TextFile], form: TextForm, faults: Collector) -> LabelledLines:
    """Return the labels and texts of lines; note lines without one of them, and files without lines."""
    found = LabelledLines([], [], [])
    for place, line in lines_of(files):
        label, text = cut_line(line, form)
        lacking = "label" if not label else "text" if not text or text.isspace() else None
        if lacking is not None:
            help = "each line is a label, a blank and a text" if form.lines == "label_first" else None
            help = help or "each line is a label, a tab and a text"
            error = place.file.place.error("SN546", f"{place.where} has no {lacking}", help=help)
            faults.found += error.diagnostics
        found.places.append(place)
        found.labels.append(label)
        found.texts.append(text)
    if not found.places:
        faults.found += files[0].place.error("SN506", f"`{files[0].place.name}` holds no text").diagnostics
    return found


def cut_line(line: str, form: TextForm) -> tuple[str, str]:
    """Return the label and the text of a line; either is empty where it is not there."""
    if form.lines == "tab":
        label, tab, text = line.partition("\t")
        return (label.strip(" "), text) if tab else ("", label)
    parts = _BLANKS.split(line.lstrip(" \t"), maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def class_indices(
    lines: LabelledLines, classes: Sequence[str], faults: Collector, *, quotable: bool = True
) -> NDArray[np.int64]:
    """Return the class of each line; note labels that are no class."""
    index = {name: i for i, name in enumerate(classes)}
    for place, label in zip(lines.places, lines.labels, strict=True):
        if label not in index:
            near = closest(label, classes) if quotable else None
            help = f"did you mean `{near}`?" if near else f"its classes are {listed(classes)}"
            shown = f" `{clipped(label)}`" if quotable else ""
            message = f"{place.where} has the label{shown}, which no line of the training file has"
            error = place.file.place.error("SN514", message, help=help if quotable else None)
            faults.found += error.diagnostics
    return np.array([index.get(label, 0) for label in lines.labels], np.int64)

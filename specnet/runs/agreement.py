"""Whether several trained models take the same rows and predict the same, so that their predictions have a mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from specnet.data.tables.tabular import Tabular
from specnet.diagnostics.text import clipped, listed
from specnet.model.compiled import CompiledModel
from specnet.runs.predicting import readings

LONGEST = 200
"""Characters of what one model has in a message."""


class _Fact(NamedTuple):
    """Something that models must have in common."""

    what: str
    value: object
    """What is compared."""
    shown: str | None = None
    """How a message writes it; None where it is too long for one."""


def disagreement(first: CompiledModel, other: CompiledModel) -> str | None:
    """Say what differs between the rows that two models take, or between what they predict; None where nothing does.

    Transforms, networks and losses may differ: each model has its own.
    """
    for one, two in zip(_facts(first), _facts(other), strict=False):
        if one.what != two.what or one.value != two.value:
            if one.what != two.what or one.shown is None or one.shown == two.shown:
                return f"their {one.what} differ"
            shown = clipped(one.shown, LONGEST), clipped(two.shown or "", LONGEST)
            return f"their {one.what} differ: the first has {shown[0]}, the second {shown[1]}"
    return None


def _facts(model: CompiledModel) -> Iterable[_Fact]:
    yield _Fact("dtypes", model.spec.dtype, f"`{model.spec.dtype}`")
    yield from _facts_of_inputs(model)
    yield from _facts_of_outputs(model)


def _facts_of_inputs(model: CompiledModel) -> Iterable[_Fact]:
    encoding = model.encoding
    assert encoding is not None, "a model that was saved has an encoding"
    columns, reads = encoding.columns, encoding.format
    # Rows of a table stay cells until each model reads them, wherever the table was.
    kind = "a table" if columns is not None else f"`{reads.type}`"
    yield _Fact("types of data", kind, kind)
    if columns is not None and isinstance(reads, Tabular):
        yield _Fact("columns", columns.names, listed(columns.names))
        kinds = [f"`{column.name}` as {_with_article(column.type)}" for column in columns.features]
        formats = [column.format for column in columns.features]
        yield _Fact("types of columns", (kinds, formats), ", ".join(kinds))
        parser = reads.parser
        yield _Fact("ways to read cells", (parser.markers, dict(parser.replace), parser.numbers))
        return
    yield _Fact("shapes of an input", encoding.raw_shape, str(list(encoding.raw_shape)))
    names = encoding.signature.features
    yield _Fact("features", names, "no names" if names is None else listed(names))
    vocabulary = encoding.vocabulary
    yield _Fact("vocabularies", None if vocabulary is None else vocabulary.state())


def _facts_of_outputs(model: CompiledModel) -> Iterable[_Fact]:
    outputs, read = model.network.outputs, readings(model)
    names = list(outputs)
    yield _Fact("outputs", names, listed(names) if names != [""] else "one without a name")
    for name, output in outputs.items():
        whose = f" of `{name}`" if name else ""
        own = read[name]
        what = {"numbers": "numbers"}.get(own.kind, "probabilities" if own.probable else "scores")
        yield _Fact(
            f"predictions{whose}",
            (own.kind, what),
            what if own.kind == "numbers" else f"{what} of {own.kind}",
        )
        word = "targets" if own.kind in ("numbers", "labels") else "classes"
        yield _Fact(f"{word}{whose}", own.names, listed(own.names))
        yield _Fact(f"shapes of a prediction{whose}", output.shape, str(list(output.shape)))
    target = getattr(model.spec.data, "target", None)
    yield _Fact("targets", target, str(target))
    level = None if model.uncertainty is None else model.uncertainty.level
    yield _Fact("levels of `intervals`", level, "none" if level is None else f"{level:g}")
    yield _Fact("outputs with thresholds", sorted(model.cutoffs), listed(sorted(model.cutoffs)) or "none")


def _with_article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"

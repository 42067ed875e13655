"""Text columns as inputs: each is an input of its own, since its elements are the steps of a sequence."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from specnet.data import Signature
from specnet.data.signature import ColumnSlice
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.diagnostics.text import clipped
from specnet.language.sections import Entry
from specnet.language.spec import Spec

MOST = 20
"""Up to how many columns a proposed input lists."""


def check_texts(spec: Spec, signature: Signature, *, whole: bool) -> None:
    """Raise SpecError where text columns cannot reach the network as sequences.

    `whole` says that something changes the inputs, or is compared with them, as one array of numbers.
    """
    slices = signature.column_slices or ()
    texts = [each for each in slices if each.kind == "tokens"]
    if not texts:
        return
    what = f"`{clipped(texts[0].name)}`" if signature.quotable else "a feature"
    if whole:
        message = f"{what} holds text, whose tokens are not numbers that could be compared or changed"
        key = "augmentations" if spec.data.augmentations else "target" if spec.data.reproduces else None
        path: KeyPath = ("data", key) if key is not None else ("outputs",)
        raise SpecError([Diagnostic("SN312", message, path, part="key", help="leave the column or this out")])
    if spec.inputs is None and len(slices) > 1:
        message = f"{what} holds text, which needs an input of its own, and the document names no inputs"
        path = ("data", "columns", texts[0].name)
        if texts[0].shape:
            named = ", ".join(f'`{each.name} = {{ array = "{each.name}" }}`' for each in slices)
            message = f"the data have {len(slices)} arrays of tokens, and the document names no inputs"
            found = Diagnostic("SN312", message, ("data",), part="table", help=f"write in [inputs]: {named}")
            raise SpecError([found])
        help = _proposal(texts, [each for each in slices if each.kind != "tokens"])
        help = (
            help if signature.quotable else "name an input for it in [inputs], and one for the other columns"
        )
        raise SpecError([Diagnostic("SN312", message, path, part="key", help=help)])


def text_fault(
    name: str, entry: Entry, column_slices: Sequence[ColumnSlice], *, quotable: bool
) -> Diagnostic | None:
    """Return what is wrong with an input that has a text column; None where all is well, or it has none."""
    texts = [each for each in column_slices if each.kind == "tokens"]
    if not texts:
        return None
    what = f"`{clipped(texts[0].name)}`" if quotable else "one of its columns"
    if len(column_slices) > 1:
        message = f"the input `{name}` mixes {what}, a text column, with other columns"
        help = _lines(texts[:1]) if quotable else "name an input for it alone"
        return Diagnostic("SN312", message, ("inputs", name, "columns"), help=help)
    if entry.shape not in (None, (texts[0].width,)):
        message = f"{what} holds text of {texts[0].width} tokens, which are one axis"
        return Diagnostic("SN312", message, ("inputs", name, "shape"), help="leave `shape` out")
    return None


def _proposal(texts: Sequence[ColumnSlice], others: Sequence[ColumnSlice]) -> str:
    lines = _lines(texts, others)
    return f'{lines}, and let layers take them by `inputs = ["{_name(texts[0].name, 1)}"]`'


def _lines(texts: Sequence[ColumnSlice], others: Sequence[ColumnSlice] = ()) -> str:
    named = {_name(each.name, n): [each.name] for n, each in enumerate(texts, 1)}
    if others:
        named["others" if "others" not in named else "other_columns"] = [each.name for each in others]
    lines = [f"`{name} = {{ columns = {_listed(columns)} }}`" for name, columns in named.items()]
    return f"write in [inputs]: {', '.join(lines)}"


def _listed(columns: Sequence[str]) -> str:
    if len(columns) > MOST:
        return f"[...the other {len(columns)}]"
    return json.dumps(columns, ensure_ascii=False)


def _name(column: str, number: int) -> str:
    return column if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", column) else f"text_{number}"

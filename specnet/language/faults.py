"""What the model refuses in a document, in the words of someone who wrote it."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.language import kinds, values
from specnet.language.keys import missing_faults, unknown_faults
from specnet.language.recovery import UNREAD, Lost
from specnet.language.resolve import Resolved, resolve
from specnet.language.sound import sound_tables
from specnet.language.wording import shown_key
from specnet.vocabulary.kind import Table, table_faults

LIMIT = 200
"""How many findings of one document are listed before the rest are counted."""


@dataclass(frozen=True, slots=True)
class Item:
    """One error of pydantic's, and what its place is in the document."""

    type: str
    message: str
    context: dict[str, Any]
    place: Resolved


def model_faults(
    model: type[Table],
    data: dict[str, Any],
    error: ValidationError,
    overridden: Sequence[KeyPath] = (),
    lost: Lost | None = None,
) -> list[Diagnostic]:
    """Return the findings that a document's validation errors stand for.

    A misspelled key and the missing one that it was meant to be are one finding, and so is a value that fits
    no member of a union. `overridden` are the key paths that flags have set in `data`. What syntax errors have left
    unknown of the data is not reported.
    """
    lost = lost or Lost()
    items = list(_items(model, data, error, lost))
    found: list[Diagnostic] = []
    corrected, corrections = _corrected(data, items)
    if corrections:
        # What else is wrong with a table shows once it is read as the kind that its type misspells.
        found = [_fault(model, data, item) for item in corrections]
        items = list(_items(model, corrected, _refusal(model, corrected), lost))
        data = corrected
    items += _unmade_checks(model, data, items, lost)
    unknown: dict[KeyPath, list[Item]] = defaultdict(list)
    missing: dict[KeyPath, list[Item]] = defaultdict(list)
    for item in _without_tried_members(items):
        if item.type == "extra_forbidden":
            unknown[item.place.path[:-1]].append(item)
        elif item.type == "missing":
            missing[item.place.path[:-1]].append(item)
        else:
            found.append(_fault(model, data, item))
    for path in dict.fromkeys([*unknown, *missing]):
        keys = [str(item.place.path[-1]) for item in missing[path]]
        some, rest = unknown_faults(model, data, path, [i.place for i in unknown[path]], keys, overridden)
        found += some
        found += missing_faults(data, path, [i.place for i in missing[path] if i.place.path[-1] in rest])
    left = max(error.error_count() - 2 * LIMIT, 0) + max(len(found) - LIMIT, 0)
    if left:
        message = f"{left} more errors in the document are not listed"
        found[LIMIT:] = [Diagnostic("SN200", message)]
    return found


def _items(
    model: type[Table], data: dict[str, Any], error: ValidationError | None, lost: Lost
) -> Iterator[Item]:
    errors = error.errors(include_url=False, include_input=False) if error is not None else []
    # A misspelled key may be two errors, so these make as many findings as are listed.
    for e in errors[: 2 * LIMIT]:
        if e["type"] == "missing" and isinstance(e["loc"][-1], int):
            # An array of fixed length lacks an element: pydantic has it as a missing key, one for each.
            item = Item("too_short", e["msg"], {}, resolve(model, data, e["loc"][:-1]))
            if len(item.place.value) == e["loc"][-1] and item.place.path not in lost.incomplete:
                yield item
            continue
        item = Item(e["type"], e["msg"], e.get("ctx", {}), resolve(model, data, e["loc"]))
        # Pydantic counts only the good elements of an array, and finds it too short for each bad one.
        value = item.place.value
        short = item.type != "too_short" or len(value) < item.context["min_length"]
        if short and not _is_unknown(item, lost):
            yield item


def _unmade_checks(
    model: type[Table], data: dict[str, Any], items: Sequence[Item], lost: Lost
) -> Iterator[Item]:
    """Yield what the checks of tables find that pydantic does not make, since another field has an error.

    They are made as far as they read valid fields alone.
    """
    made = {(item.place.path, item.context.get("path"), item.message) for item in items}
    for sound in sound_tables(model, data):
        for error in table_faults(sound.table, sound.elements):
            place = resolve(model, data, sound.path)
            item = Item(error.type, error.message(), dict(error.context or {}), place)
            if (place.path, item.context.get("path"), item.message) not in made and not _is_unknown(
                item, lost
            ):
                yield item


def _is_unknown(item: Item, lost: Lost) -> bool:
    """Return whether an error may be one of what syntax errors have left unknown, and not of the document."""
    path = item.place.path
    if item.type == "missing":
        return path[:-1] in lost.incomplete
    if item.type in {"too_short", "kind_missing"}:
        return path in lost.incomplete
    if item.type == "fault":  # a validator of a table may look at all that lies below it
        return path in lost.around
    return item.place.value is UNREAD and item.type != "extra_forbidden"


def _refusal(model: type[Table], data: dict[str, Any]) -> ValidationError | None:
    try:
        model.model_validate({"name": "spec", **data})
    except ValidationError as error:
        return error
    return None


def _corrected(data: dict[str, Any], items: Sequence[Item]) -> tuple[dict[str, Any], list[Item]]:
    """Return the data with misspelled kinds put right, and the errors that this removes."""
    done: list[Item] = []
    copied = copy.deepcopy(data) if any(item.type == "kind_unknown" for item in items) else data
    for item in items:
        path = item.place.path
        if item.type != "kind_unknown":
            continue
        meant = kinds.spelled(item.place, item.context, _table_of(data, path))
        if meant is None:
            continue
        _at(copied, path[:-1])[path[-1]] = meant
        done.append(item)
    return copied, done


def _fault(model: type[Table], data: dict[str, Any], item: Item) -> Diagnostic:
    place = item.place
    if place.path == ("specnet",):
        return values.version_fault(place.value)
    if item.type in {"kind_unknown", "kind_missing"} or (item.type == "kind_type" and not place.domains):
        return kinds.kind_fault(item.type, place, item.context, _table_of(data, place.path))
    if item.type in values.CODES:
        return values.value_fault(model, data, place, item.type)
    return _custom_fault(item)


def _table_of(data: Any, path: KeyPath) -> Any:
    """Return the table whose `type` is at a path; None where a bare name is there."""
    return _at(data, path[:-1]) if path[-1:] == ("type",) else None


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step]
    return data


def _custom_fault(item: Item) -> Diagnostic:
    """Return what a validator of the vocabulary says, which may name a key below its own place."""
    context = item.context
    path = (*item.place.path, *context.get("path", ()))
    message = str(context.get("message") or item.message)
    name = shown_key(path[-1:])
    if path and isinstance(path[-1], str) and path[-1] not in message:
        message = f"{name}: {message}"
    return Diagnostic(
        context.get("code") or "SN210",
        message,
        path=path,
        part=context.get("part") or "value",
        help=context.get("help"),
    )


def _without_tried_members(items: Sequence[Item]) -> Iterator[Item]:
    """Yield one item for each value that fits no member of its union, and all others as they are.

    Where a member went on below the value, as an array does whose elements are at fault, these findings say
    more than that the value is no member, be they about elements that are unions themselves.
    """
    tried: dict[KeyPath, list[Item]] = defaultdict(list)
    for item in items:
        if item.place.union is not None:
            tried[item.place.union].append(item)
    for outer in list(tried):
        if any(len(inner) > len(outer) and inner[: len(outer)] == outer for inner in tried):
            tried[outer] = [item for item in tried[outer] if len(item.place.path) > len(outer)]
    done: set[KeyPath] = set()
    for item in items:
        union = item.place.union
        if union is None:
            yield item
        elif union not in done:
            done.add(union)
            if tried[union]:
                yield from _most_telling(tried[union], len(union))


def _most_telling(items: list[Item], depth: int) -> list[Item]:
    below = [item for item in items if len(item.place.path) > depth]
    if below:
        return list({item.place.path: item for item in below}.values())
    special = [item for item in items if item.type not in values.CODES]
    return special[:1] or [min(items, key=lambda item: values.RANK[values.CODES[item.type]])]

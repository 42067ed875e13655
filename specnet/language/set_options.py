"""What a part of a spec says beyond its defaults, in short."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from specnet.diagnostics.text import clipped

LONGEST = 60
"""Letters of an option that are shown."""


def set_options(table: BaseModel) -> str:
    """Return the options of a table that differ from their defaults, as `units = 3, activation = relu`."""
    shown = []
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if name == "type" or value == field.get_default(call_default_factory=True, validated_data={}):
            continue
        shown.append(f"{name} = {clipped(_shown(value), LONGEST)}")
    return ", ".join(shown)


def _shown(value: Any) -> str:
    """Return a value as a document could write it; a kind without options is its bare name."""
    if isinstance(value, BaseModel):
        options, name = set_options(value), getattr(value, "type", None)
        if name is None:
            return f"{{ {options} }}"
        return f"{{ type = {name}, {options} }}" if options else str(name)
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_shown(item)}' for key, item in value.items())} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)

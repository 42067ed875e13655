"""A piece of a document that names a kind, made from the kind's class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from specnet.cli.keys import Key, Language, family_of, header, toml_key
from specnet.cli.vocabulary import NAME, FamilyEntry
from specnet.language.spec import Spec
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.domain import Domain
from specnet.vocabulary.kind import Kind, Table
from specnet.vocabulary.notes import declared

ALWAYS = ("activation", "learning_rate", "input_dim", "lower")
"""Options that every example of a kind that has them shows, in the place of another."""

VALUES: dict[str, Any] = {
    "units": 32,
    "input_dim": 17,
    "filters": 32,
    "kernel_size": 2,
    "output_size": 2,
    "activation": "relu",
    "value": 0.1,
    "step_size": 30,
    "milestones": [30, 80],
    "gamma": 0.95,
    "classes": 3,
    "shape": [2, 2],
    "path": "table.csv",
    "target": "species",
    "name": "iris",
    "kind": "moons",
    "lower": 0.1,
}
"""What stands for fields that a document must give, by name, where the class gives no `examples`."""


BESIDES: dict[tuple[str, str], dict[str, Any]] = {
    ("Entry", "shape"): {"array": "pixels"},
    ("InlineRows", "inputs"): {"targets": [0, 0]},
    ("InlineRows", "weight"): {"targets": [0, 0]},
    ("IdxRows", "weight"): {"targets": "t10k-labels-idx1-ubyte.gz"},
    ("NpyRows", "weight"): {"targets": "test-targets.npy"},
    ("Training", "batch_tokens"): {"batch_by": "length"},
    ("attention", "kv_heads"): {"heads": 4},
    ("attention", "rotary_base"): {"positions": "rotary"},
    ("simple_rnn", "epsilon"): {"layer_norm": True},
    ("lstm", "epsilon"): {"layer_norm": True},
    ("gru", "epsilon"): {"layer_norm": True},
    ("tcn_block", "scale_init"): {"weight_norm": True},
    ("transformer_block", "kv_heads"): {"heads": 4},
    ("transformer_block", "rotary_base"): {"positions": "rotary"},
    ("IdxRows", "inputs"): {"targets": "t10k-labels-idx1-ubyte.gz"},
    ("NpyRows", "inputs"): {"targets": "test-targets.npy"},
    ("cosine", "t_mult"): {"t_0": 10},
    ("conv1d_transpose", "output_padding"): {"strides": 2},
    ("conv2d_transpose", "output_padding"): {"strides": 2},
    ("NpzRows", "weight"): {"path": "later.npz"},
    ("SplitSpec", "group"): {"test": 0.2},
    ("text", "context"): {"lines": "documents"},
    ("text", "length"): {"lines": "documents"},
    ("text", "truncate"): {"lines": "documents"},
    ("SplitSpec", "time"): {"test": 0.2},
    ("SplitSpec", "repeats"): {"folds": 5},
    ("SplitSpec", "fold"): {"folds": 5},
    ("series", "date_format"): {"time": "date"},
    ("series", "calendar"): {"time": "date"},
    ("piecewise_linear_embedding", "activation"): {"units": 16},
    ("piecewise_linear_embedding", "linear"): {"units": 16},
    ("series", "scale_by"): {"scale": "standardize"},
    ("sgd", "nesterov"): {"momentum": 0.9},
    ("threshold", "n_warmup_steps"): {"upper": 3.0},
    ("threshold", "interval_steps"): {"upper": 3.0},
    ("SweepParameter", "low"): {"high": 0.1},
    ("SweepParameter", "high"): {"low": 1e-4},
    **{("SweepParameter", key): {"low": 1, "high": 16} for key in ("log", "step", "integer", "when")},
    ("synthetic", "classes"): {"kind": "blobs"},
    ("synthetic", "features"): {"kind": "blobs"},
    ("synthetic", "length"): {"kind": "copy"},
    ("synthetic", "delay"): {"kind": "copy"},
}
"""What an example of a key sets besides, by its kind or table: a key without which it means nothing."""


FIELDS = {"within_data": "bias_init"}
"""The field that an example of an initializer sets, where it is another one than the family's."""


ABOVE: dict[tuple[str, str], dict[str, Any]] = {
    ("NpzRows", "weight"): {"weight": "weights"},
    ("NpyRows", "weight"): {"weight": "weights.npy"},
    ("IdxRows", "weight"): {"weight": "weights.npy"},
    ("InlineRows", "weight"): {"weight": [1.0, 2.0]},
}
"""What an example of a key sets in the table above its own."""


def example(entry: FamilyEntry, kind: type[Kind]) -> str:
    """Return TOML that names a kind at the place of its family, with what it needs and an option."""
    return _written(entry, {"type": describe(kind).name, **_needed(kind), **_optional(kind)})


def key_example(language: Language, key: Key) -> str:
    """Return TOML that sets a key where it stands, with what its table needs besides."""
    table, field = key.table, key.field
    family = family_of(field.domain)
    if table.is_kind:
        assert table.entry is not None
        values = {"type": describe(table.table).name, **_set(table.table, field)}
        if table.entry.path is None or table.entry.several or not _is_table(values[field.name]):
            return _written(table.entry, values)
        sections = list(_sections(table.entry.path, values))
        return sections[-1] if field.owner in table.entry.family.bases else "\n\n".join(sections)
    if family is not None:
        entry = next(entry for entry in language.families if entry.family is family)
        if entry.path == (*table.paths[0], field.name):
            name = field.default if isinstance(field.default, str) else next(iter(family.kinds))
            return example(entry, family.kinds[name])
    values = _set(table.table, field)
    if table.table is Spec:
        values = {field.name: values[field.name]}
    sections = list(_sections(table.paths[0], values, several=table.several))
    if table.kinds and table.entry is not None and table.entry.path is not None:
        owner = table.entry.family.kinds[table.kinds[0]]
        above = ABOVE.get((table.table.__name__, field.name), {})
        sections = [
            *_sections(
                table.entry.path,
                {"type": table.kinds[0], **_needed(owner), **above},
                several=table.entry.several,
            ),
            *sections,
        ]
    return "\n\n".join(sections)


def _set(table: type[Table], field: FieldDescription) -> dict[str, Any]:
    """Return the values of a table that sets a field, and what it cannot do without."""
    besides = BESIDES.get((describe(table).name, field.name), {})
    needed = {name: v for name, v in _needed(table).items() if table.instead.get(name) != field.name}
    return {**needed, **besides, field.name: _value(table, field)}


def _sections(path: tuple[str, ...], values: dict[str, Any], *, several: bool = False) -> Iterator[str]:
    """Yield the tables of a document that set the values of a table, each below its header."""
    inner = {key: value for key, value in values.items() if _is_table(value) or key == NAME}
    outer = {key: value for key, value in values.items() if key not in inner}
    if outer:
        yield "\n".join([*([header(path, several=several)] if path else []), *_lines(outer)])
    for key, value in inner.items():
        yield from _sections((*path, key), value)


def _is_table(value: Any) -> bool:
    """Return whether a value is a table that is best written below a header of its own."""
    return isinstance(value, dict) and "type" not in value


def _lines(values: dict[str, Any]) -> list[str]:
    written = {toml_key(key): value for key, value in values.items()}
    room = max(map(len, written))
    return [f"{key.ljust(room)} = {toml(value)}" for key, value in written.items()]


def _written(entry: FamilyEntry, fields: dict[str, Any]) -> str:
    value = fields["type"] if len(fields) == 1 else fields
    if entry.path is None:
        assert entry.owner is not None
        assert entry.above is not None
        outer = {"type": describe(entry.owner).name, **_needed(entry.owner)}
        field = FIELDS.get(fields["type"], entry.field)
        return _written(entry.above, {**outer, field: [value] if entry.several else value})
    name = ".".join(entry.path)
    if entry.bare and isinstance(value, str):
        return f"{name} = {toml([value])}"
    return "\n".join([f"[[{name}]]" if entry.several else f"[{name}]", *_lines(fields)])


def _needed(kind: type[Table]) -> dict[str, Any]:
    return {f.name: _value(kind, f) for f in describe(kind).fields if f.required}


def _optional(kind: type[Kind]) -> dict[str, Any]:
    """Return the first plain option that a kind has of its own, and whatever has a value for examples."""
    fields = [f for f in describe(kind).fields if not f.required]
    own = {name for base in kind.__mro__ if "type" in declared(base) for name in declared(base)}
    plain = [f.name for f in fields if f.name in own and type(f.default) in (int, float, str)][:1]
    shown = {f.name for f in fields if f.name in ALWAYS} or set(plain)
    besides = [BESIDES.get((describe(kind).name, name), {}) for name in shown]
    options = {f.name: _shown(f, f.default) for f in fields if f.name in shown}
    return {name: value for each in besides for name, value in each.items()} | options


def _shown(field: FieldDescription, otherwise: Any) -> Any:
    """Return what stands for fields of a name, where this one takes it."""
    choices = field.domain.choices
    known = VALUES.get(field.name)
    return known if known is not None and (not choices or known in choices) else otherwise


def _value(table: type[Table], field: FieldDescription) -> Any:
    given = table.model_fields[field.name].examples
    if given:
        return given[0]
    choices = field.domain.choices
    if (shown := _shown(field, None)) is not None:
        return shown
    if isinstance(field.default, bool):
        return not field.default
    if field.default is None or field.default in ([], {}):
        return _of(field.domain)
    others = [choice for choice in choices if choice != field.default]
    return others[0] if others else field.default


def _of(domain: Domain) -> Any:
    """Return a value that a domain takes."""
    if domain.form == "union":
        return _of(domain.members[0])
    if domain.form == "array":
        if domain.items is None:
            return [_of(member) for member in domain.members]
        return [_of(domain.items)] * max(1, domain.min_length or 0)
    if domain.form == "choice":
        return domain.choices[0]
    if domain.form == "family" and domain.family is not None:
        return next(iter(domain.family.kinds))
    if domain.form in {"int", "float"}:
        low = domain.ge if domain.ge is not None else domain.gt
        if domain.lt is not None and domain.lt <= 1:
            return 0.5
        return 1 if low is None or low < 1 else int(low) + 1
    if domain.form == "map":
        return {"NAME": _of(domain.items)} if domain.items is not None else {}
    if domain.table is not None:
        first = next((f for f in describe(domain.table).fields if not f.required), None)
        option = {} if first is None else {first.name: _value(domain.table, first)}
        return {**_needed(domain.table), **option}
    return {"bool": True}.get(domain.form, "text")


def toml(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    if isinstance(value, dict) and not value:
        return "{}"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)

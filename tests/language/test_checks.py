"""A faulty value hides no other fault of its table: every check is made that does not read it, and no other."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from specnet.diagnostics import KeyPath
from specnet.language.kinds import FAMILIES
from specnet.language.loading import check
from specnet.language.sound import sound_tables
from specnet.language.spec import Spec
from specnet.vocabulary.domain import Domain, domains, members
from specnet.vocabulary.kind import Table, table_checks

BASE: dict[str, Any] = {
    "specnet": 1,
    "data": {"type": "inline", "inputs": [[0.0, 1.0]], "targets": [0.0]},
    "layers": [{"type": "dense", "units": 1}],
    "loss": "mse",
}
CSV = {"type": "csv", "path": "rows.csv", "target": "y"}
NPZ = {"type": "npz", "path": "arrays.npz"}
DECAY = ("training", "optimizer", "weight_decay")
D, G = {"type": "dense", "units": 2}, {"type": "glu"}
CONV = {"filters": 4, "kernel_size": 3}


@dataclass(frozen=True)
class Row:
    """A document's table in which one check finds one fault."""

    path: KeyPath
    """The place of the table."""
    table: dict[str, Any]
    key: KeyPath
    """The place of the fault below the table."""
    reads: frozenset[str] = field(default=frozenset())
    """The fields that the check reads besides those that are given."""

    def document(self, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        document = copy.deepcopy(BASE)
        table = {**copy.deepcopy(self.table), **(changes or {})}
        if not self.path:
            return {key: value for key, value in {**document, **table}.items() if value is not None}
        if self.path[:2] in {("data", "columns"), ("data", "split"), ("data", "validation")}:
            document["data"] = copy.deepcopy(NPZ if "validation" in self.path else CSV)
        if self.path == DECAY:
            document["training"] = {"optimizer": {"type": "adamw"}}
        node: Any = document
        for step, following in zip(self.path[:-1], self.path[1:], strict=True):
            if isinstance(node, dict):
                node = node.setdefault(step, [None] if isinstance(following, int) else {})
            else:
                node = node[step]
        node[self.path[-1]] = table
        return document


def data(table: dict[str, Any], key: Any, *reads: str) -> Row:
    return Row(("data",), table, key if isinstance(key, tuple) else (key,), frozenset(reads))


def layer(kind: str, table: dict[str, Any], key: Any, *reads: str) -> Row:
    path = key if isinstance(key, tuple) else (key,)
    return Row(("layers", 0), {"type": kind, **table}, path, frozenset(reads))


def split(table: dict[str, Any], key: str, *reads: str) -> Row:
    return Row(("data", "split"), table, (key,), frozenset(reads))


def transform(kind: str, table: dict[str, Any], key: Any) -> Row:
    return Row(("data", "transforms", 0), {"type": kind, **table}, key if isinstance(key, tuple) else (key,))


def augmentation(kind: str, table: dict[str, Any], key: str, *reads: str) -> Row:
    return Row(("data", "augmentations", 0), {"type": kind, **table}, (key,), frozenset(reads))


def schedule(kind: str, table: dict[str, Any], key: Any, *reads: str) -> Row:
    path = ("training", "schedule")
    return Row(path, {"type": kind, **table}, key if isinstance(key, tuple) else (key,), frozenset(reads))


def column(table: dict[str, Any], key: Any, *reads: str) -> Row:
    path = ("data", "columns", "x")
    return Row(path, table, key if isinstance(key, tuple) else (key,), frozenset(reads))


ANY = {"type", "choices"}
"""Fields for which the faulty value is none, or that decide about all others."""

BATCHES: dict[str, Any] = {"choices": [8, 16]}


def sweep(table: dict[str, Any], key: KeyPath) -> Row:
    return Row(("sweep",), {"trials": 3, "parameters": {"training.batch_size": BATCHES}, **table}, key)


def swept(table: dict[str, Any], key: KeyPath, *reads: str) -> Row:
    return Row(("sweep", "parameters", "training.batch_size"), table, key, frozenset(reads))


def sgd(table: dict[str, Any], key: str, *reads: str) -> Row:
    return Row(("training", "optimizer"), {"type": "sgd", **table}, (key,), frozenset(reads))


TEXT = {"type": "text", "path": "t.txt"}
PAIRS = {"type": "pairs", "path": "p.tsv"}
SERIES = {"type": "series", "path": "s.csv", "target": "y", "lookback": 2, "horizon": 1}
NPY = {"type": "npy", "inputs": "a.npy", "targets": "b.npy"}
HEAD = {"outputs": {"layer_1": {"loss": "mse", "layer": "dense_1"}}, "loss": None}

ROWS = [
    Row((), {"inputs": {"a b": {"columns": ["x"]}}}, ("inputs", "a b")),
    Row((), {"outputs": {"a b": {"loss": "mse"}}, "loss": None}, ("outputs", "a b")),
    Row((), {"inputs": {"a": {"columns": ["x"]}}, "input_shape": [2]}, ("input_shape",)),
    Row((), {**HEAD, "loss": "mse"}, ("loss",)),
    Row((), {**HEAD, "metrics": ["mae"]}, ("metrics",)),
    Row((), {**HEAD, "output": {"threshold": 0.3}}, ("output", "threshold")),
    Row(
        (),
        {"layers": [{"type": "dense", "units": 1, "learning_rate_multiplier": 1e39}]},
        ("layers", 0, "learning_rate_multiplier"),
        frozenset({"dtype"}),
    ),
    Row((), {"loss": {"type": "mse", "scale": 1e39}}, ("loss", "scale"), frozenset({"dtype"})),
    Row(
        (),
        {"outputs": {"a": {"loss": {"type": "mse", "scale": 1e39}}}, "loss": None},
        ("outputs", "a", "loss", "scale"),
        frozenset({"dtype"}),
    ),
    Row((), {"training": {"clip_norm": 1e39}}, ("training", "clip_norm"), frozenset({"dtype"})),
    Row((), {"training": {"epochs": 2**63}}, ("training", "epochs")),
    Row(
        (),
        {"sweep": {"trials": 2**63, "parameters": {"training.batch_size": BATCHES}}},
        ("sweep", "trials"),
    ),
    Row(
        (),
        {"data": {**CSV, "split": {"validation": 0.2, "folds": 3}}, "output": {"intervals": 0.9}},
        ("output", "intervals"),
    ),
    Row(("inputs", "a"), {"shape": [1]}, (), frozenset({"columns", "array"})),
    Row(("inputs", "a"), {"columns": ["x"], "array": "y"}, ("array",)),
    Row(("outputs", "a"), {"loss": "triplet"}, ("loss",)),
    Row(("outputs", "a"), {"loss": {"type": "mse", "reduction": "sum"}}, ("loss", "reduction")),
    Row(("lint",), {"ignore": ["SN701", "SN999"]}, ("ignore", 1)),
    Row(("training",), {"epochs": 3, "steps": 5}, ("epochs",)),
    Row(("training",), {"batch_size": 3, "batch_tokens": 50, "batch_by": "length"}, ("batch_size",)),
    Row(("training",), {"batch_tokens": 50}, ("batch_tokens",), frozenset({"batch_by"})),
    Row(("training",), {"batch_by": "length", "batch_size": "full"}, ("batch_by",)),
    Row(("training",), {"batch_by": "length", "drop_last": True}, ("drop_last",)),
    data({**CSV, "split": {"validation": 0.2}, "validation": {"path": "v.csv"}}, ("split", "validation")),
    data({**CSV, "split": {"test": 0.2}, "test": {"path": "v.csv"}}, ("split", "test")),
    data({**NPZ, "targets": "inputs", "validation": {"targets": "t"}}, ("validation", "targets")),
    data({**NPZ, "targets": "inputs", "test": {"targets": "t"}}, ("test", "targets")),
    data({**NPZ, "validation": {"weight": "w", "inputs": "x"}}, ("validation", "weight"), "weight"),
    data({**NPZ, "test": {"weight": "w", "inputs": "x"}}, ("test", "weight"), "weight"),
    data({**NPY, "weight": "w.npy", "validation": {"inputs": "c.npy", "targets": "d.npy"}}, ("validation",)),
    data({**NPY, "weight": "w.npy", "test": {"inputs": "c.npy", "targets": "d.npy"}}, ("test",)),
    data(
        {"type": "npy", "inputs": "a.npy", "targets": "b.npy", "validation": {"inputs": "c.npy"}},
        ("validation",),
    ),
    data(
        {**NPZ, "targets": "inputs", "transforms": [{"type": "standardize", "on": "targets"}]},
        ("transforms", 0, "on"),
    ),
    data({**CSV, "unknown": "zeros", "encode": "index"}, "unknown"),
    data(
        {**CSV, "encode": "index", "columns": {"x": {"unknown": "zeros"}}},
        ("columns", "x", "unknown"),
    ),
    data({**CSV, "features": ["x"], "exclude": ["z"]}, "exclude"),
    data({**CSV, "delimiter": '"'}, "delimiter"),
    data({**CSV, "load": "whole", "shuffle_buffer": 5}, "shuffle_buffer"),
    data({**CSV, "encoding": "klingon"}, "encoding"),
    data({**NPZ, "inputs": ["a", "a"]}, ("inputs", 1)),
    data({**NPZ, "inputs": ["a", "b"], "validation": {"inputs": "a"}}, ("validation", "inputs")),
    data({**NPZ, "inputs": ["a", "b"], "test": {"inputs": "a"}}, ("test", "inputs")),
    Row(("data", "validation"), {}, (), frozenset({"path", "inputs", "targets"})),
    data({"type": "synthetic", "kind": "moons", "samples": 9, "classes": 3}, "classes"),
    data({"type": "synthetic", "kind": "moons", "samples": 9, "features": 3}, "features"),
    data({"type": "synthetic", "kind": "moons", "length": 9}, "length"),
    data({"type": "synthetic", "kind": "addition", "length": 16}, "length"),
    data({"type": "synthetic", "kind": "adding", "delay": 9}, "delay"),
    data({"type": "synthetic", "kind": "adding", "noise": 0.2}, "noise"),
    data({"type": "synthetic", "kind": "copy", "validation": {"noise": 0.2}}, ("validation", "noise")),
    data({"type": "synthetic", "kind": "copy", "test": {"noise": 0.2}}, ("test", "noise")),
    data({"type": "images", "path": "folder", "size": [2, 2], "channels": 2}, "channels"),
    Row(("data", "split"), {"validation": 0.5, "test": 0.5}, ("test",)),
    split({"column": "x", "test": 0.2}, "test", "validation", "stratify", "folds", "group", "time"),
    split({"group": "x", "time": "y", "test": 0.2}, "time"),
    split({"stratify": True, "time": "x", "test": 0.2}, "time"),
    split({"group": "x"}, "group", "column", "folds", "validation", "test"),
    split({"time": "x"}, "time", "column", "folds", "validation", "test"),
    split({"repeats": 2}, "repeats", "folds"),
    split({"fold": 1}, "fold", "folds"),
    split({"folds": 5, "test": 0.2}, "test"),
    split({"folds": 5, "time": "x", "repeats": 2}, "repeats"),
    split({"folds": 900, "repeats": 2}, "folds"),
    split({"folds": 2, "fold": 3}, "fold", "repeats"),
    data({**CSV, "comment": " x"}, "comment"),
    data({**CSV, "thousands": "."}, "thousands", "decimal"),
    data({**CSV, "strip": ["5"]}, ("strip", 0)),
    data({**CSV, "compression": "gzip", "member": "a.csv"}, "member", "validation", "test"),
    data(
        {"type": "inline", "inputs": [[1], [2]], "targets": [1, 2], "split": {"group": "x", "test": 0.5}},
        ("split", "group"),
    ),
    layer("conv1d_transpose", {**CONV, "output_padding": 1}, "output_padding", "strides"),
    layer("sequential", {"layers": []}, "layers", "share"),
    layer(
        "sequential", {"share": "x", "repeat": 2}, "repeat", "layers", "trainable", "learning_rate_multiplier"
    ),
    layer("bidirectional", {"layers": [{"type": "gru", "units": 2}] * 2}, "layers"),
    layer("gru", {"units": 2, "epsilon": 0.5}, "epsilon", "layer_norm"),
    layer("gru", {"units": 2, "stateful": True, "reverse": True}, "stateful"),
    layer("dense", {"tie": "x", "parametrization": "neural_tangent"}, "parametrization"),
    layer("ensemble", {"members": 2, "layers": [D], "scale_init": "ones"}, "scale_init", "sharing"),
    layer("ensemble", {"members": 2, "sharing": "tabm", "layers": [G]}, ("layers", 0)),
    Row(DECAY, {"value": 0.1, "schedule": {"type": "cosine", "minimum": 0.2}}, ("schedule", "minimum")),
    Row(DECAY, {"value": 0.1, "schedule": {"type": "plateau"}}, ("schedule", "type")),
    layer("periodic_embedding", {"form": "pbld", "units": 1}, "units", "form"),
    layer("piecewise_linear_embedding", {"linear": True}, "linear", "units"),
    layer("piecewise_linear_embedding", {"activation": "relu"}, "activation", "units"),
    layer("min_gru", {"units": 2, "stateful": True, "reverse": True}, "stateful"),
    layer("tcn_block", {**CONV, "scale_init": "zeros"}, "scale_init", "weight_norm"),
    layer("embedding", {"input_dim": 3, "output_dim": 2, "padding_index": 5}, "padding_index"),
    layer("dense", {"units": 2, "tie": "x"}, "units"),
    layer("dense", {"tie": "x", "kernel_init": "zeros"}, "kernel_init"),
    layer("dense", {"tie": "x", "kernel_regularizer": "l2"}, "kernel_regularizer"),
    layer("attention", {"heads": 4, "kv_heads": 3}, "kv_heads"),
    layer("attention", {"rotary_base": 10.0}, "rotary_base", "positions"),
    layer("positional_embedding", {"kind": "sinusoidal", "embeddings_init": "ones"}, "embeddings_init"),
    layer(
        "positional_embedding",
        {"kind": "sinusoidal", "embeddings_regularizer": "l2"},
        "embeddings_regularizer",
    ),
    column({"parts": []}, "parts", "type"),
    column({"parts": ["year", "year"]}, ("parts", 1), "type"),
    column({"type": "date", "format": "%"}, "format"),
    column({"type": "number", "format": "%Y"}, "format"),
    column({"type": "number", "parts": ["year"]}, "parts"),
    column({"values": []}, "values", "type"),
    column({"values": ["a", "a"]}, ("values", 1), "type"),
    column({"fill": 0, "missing": "mean"}, "fill", "type"),
    column({"type": "number", "encode": "index"}, "encode"),
    column({"type": "number", "values": ["a"]}, "values"),
    column({"type": "number", "unknown": "zeros"}, "unknown"),
    column({"type": "category", "tokens": "word"}, "tokens"),
    column({"type": "category", "size": 9}, "size"),
    column({"type": "category", "length": 9}, "length"),
    column({"type": "category", "truncate": "start"}, "truncate"),
    column({"type": "category", "lowercase": True}, "lowercase"),
    column({"type": "category", "normalization": "nfc"}, "normalization"),
    column({"tokens": {"type": "word", "size": 9}, "size": 8}, "size"),
    column({"tokens": {"type": "word", "lowercase": True}, "lowercase": False}, "lowercase"),
    column({"tokens": {"type": "word", "normalization": "nfkc"}, "normalization": "nfc"}, "normalization"),
    column({"type": "category", "scale": "minmax"}, "scale"),
    column({"type": "category", "fill": 0}, "fill"),
    column({"type": "category", "missing": "mean"}, "missing"),
    transform("scale", {"factor": 0}, "factor"),
    transform("reshape", {"shape": [2, 0]}, ("shape", 1)),
    transform("reshape", {"shape": [-1, -1]}, "shape"),
    transform("minmax", {"range": [1, 0]}, "range"),
    augmentation("pad_crop", {"padding": [0, 0]}, "padding"),
    augmentation("shift", {"vertical": 0, "horizontal": 0}, "horizontal"),
    layer("conv2d", {**CONV, "groups": 3}, "groups"),
    layer("conv2d_transpose", {**CONV, "output_padding": 1}, "output_padding", "strides"),
    layer("parallel", {"layers": [{"type": "flatten"}] * 2, "merge": "add", "axis": 1}, "axis"),
    layer("batch_norm", {"scale": False, "gamma_init": "zeros"}, "gamma_init"),
    layer("batch_norm", {"scale": False, "gamma_regularizer": "l2"}, "gamma_regularizer"),
    layer("batch_norm", {"center": False, "beta_init": "ones"}, "beta_init"),
    layer("batch_norm", {"center": False, "beta_regularizer": "l2"}, "beta_regularizer"),
    Row(("layers", 0, "kernel_init"), {"type": "uniform", "low": 2, "high": 1}, ("high",)),
    data({**TEXT, "encoding": "klingon"}, "encoding"),
    data({**TEXT, "lines": "documents", "block": 8}, "block"),
    data({**TEXT, "lines": "tab", "stride": 8}, "stride"),
    data({**TEXT, "context": 8}, "context", "lines"),
    data({**TEXT, "length": 8}, "length", "lines"),
    data({**TEXT, "truncate": "start"}, "truncate", "lines"),
    data({**TEXT, "lines": "documents", "context": 8, "length": 8}, "length", "truncate"),
    data({**TEXT, "lines": "documents", "context": 8, "truncate": "start"}, "truncate", "length"),
    data({**TEXT, "split": {"stratify": True, "test": 0.2}}, ("split", "stratify"), "lines"),
    data(
        {**TEXT, "lines": "documents", "context": 8, "split": {"folds": 5}},
        ("split", "folds"),
    ),
    data({**PAIRS, "encoding": "klingon"}, "encoding"),
    data({**SERIES, "split": {"stratify": True, "test": 0.2}}, ("split", "stratify")),
    data({**CSV, "split": {"test_steps": 3}}, ("split", "test_steps")),
    split({"validation": 0.2, "validation_steps": 3}, "validation_steps"),
    split({"test": 0.2, "test_steps": 3}, "test_steps"),
    data({**SERIES, "calendar": ["month"]}, "calendar", "time"),
    data({**SERIES, "date_format": "%Y"}, "date_format", "time"),
    data({**SERIES, "date_format": "%"}, "date_format"),
    data({**SERIES, "target": []}, "target"),
    data({**SERIES, "scale_by": "together"}, "scale_by", "scale"),
    Row(("loss",), {"type": "quantile", "quantiles": [0.5, 0.1]}, ("quantiles", 1)),
    schedule("constant", {"warmup_steps": 2, "warmup_epochs": 1}, "warmup_epochs"),
    schedule("constant", {"warmup_from": 0.5}, "warmup_from", "warmup_steps", "warmup_epochs"),
    schedule("multistep", {"milestones": [5, 2]}, ("milestones", 1)),
    schedule("cosine", {"t_mult": 2}, "t_mult", "t_0"),
    schedule("linear", {"start_factor": 0, "end_factor": 0}, "start_factor"),
    schedule("one_cycle", {"three_phase": True, "pct_start": 0.6}, "pct_start"),
    sgd({"nesterov": True}, "nesterov", "momentum"),
    sgd({"dampening": 0.1}, "dampening", "momentum"),
    sgd({"nesterov": True, "dampening": 0.1, "momentum": 0.9}, "dampening"),
    sweep({"seeds": [1, 1]}, ("seeds", 1)),
    sweep({"objective": ["train.loss", "train.loss"]}, ("objective", 1)),
    sweep({"objective": "train.loss", "pruner": "median"}, ("objective",)),
    sweep({"objective": ["train.loss", "test.loss"], "pruner": "median"}, ("pruner",)),
    sweep({"objective": ["train.loss", "test.loss"], "sampler": "cma_es"}, ("sampler",)),
    sweep({"sampler": "grid", "parameters": {"seed": {"low": 0, "high": 1}}}, ("parameters", "seed")),
    sweep({"parameters": {"a b": BATCHES}}, ("parameters", "a b")),
    sweep(
        {"parameters": {"seed": {**BATCHES, "when": {"training": 2}}}},
        ("parameters", "seed", "when", "training"),
    ),
    sweep(
        {
            "parameters": {
                "seed": {**BATCHES, "when": {"training.epochs": 8}},
                "training.epochs": {**BATCHES, "when": {"seed": 8}},
            }
        },
        ("parameters", "seed", "when"),
    ),
    Row(("sweep",), {"parameters": {"seed": BATCHES}}, (), frozenset({"trials", "max_seconds", "sampler"})),
    swept({}, (), "choices", "low", "high"),
    swept({"choices": [1, 2], "log": True}, ("log",)),
    swept({"choices": [1, 1]}, ("choices", 1)),
    swept({"low": 1}, ("low",), "high", "choices"),
    swept({"low": 2, "high": 1}, ("low",)),
    swept({"low": 0, "high": 1, "log": True}, ("low",)),
    swept({"low": 1, "high": 3, "log": True, "step": 1}, ("step",)),
    swept({"low": 1, "high": 3, "step": 9}, ("step",)),
    swept({"low": 0.5, "high": 3, "integer": True}, ("low",)),
    Row(("sweep", "pruner"), {"type": "threshold"}, (), frozenset({"lower", "upper"})),
]


def tables() -> Iterator[type[Table]]:
    """Every class of a table that a document may have."""
    pending: list[type[Table]] = [Spec, *(kind for family in FAMILIES for kind in family)]
    seen: set[type[Table]] = set()
    while pending:
        table = pending.pop()
        if table in seen:
            continue
        seen.add(table)
        yield table
        for domain in domains(table).values():
            pending += [each.table for each in _all(domain) if each.table is not None]


def _all(domain: Domain) -> Iterator[Domain]:
    for member in members(domain):
        yield member
        if member.items is not None:
            yield from _all(member.items)


def places(document: dict[str, Any]) -> set[KeyPath]:
    """Where the faults of a document are."""
    return {finding.path for finding in check(document)[1].diagnostics}


def found_by(row: Row, document: dict[str, Any]) -> set[str]:
    """The checks that find a fault in the row's table."""
    table = next(sound.table for sound in sound_tables(Spec, document) if sound.path == row.path)
    found = set()
    for made in table_checks(type(table)):
        method = getattr(table, made.method)
        calls = [()] if made.each is None else _each(getattr(table, made.each))
        if any(list(method(*arguments)) for arguments in calls):
            found.add(getattr(type(table), made.method).__qualname__)
    return found


def _each(value: Any) -> Any:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()


def test_every_check_of_every_table_has_a_row() -> None:
    checks = {getattr(table, made.method).__qualname__ for table in tables() for made in table_checks(table)}
    shown = set().union(*(found_by(row, row.document()) for row in ROWS))
    assert len(checks) > 40
    assert checks - shown == set()


ids = [f"{'.'.join(map(str, row.path))}-{'.'.join(map(str, row.key))}-{i}" for i, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_an_unknown_key_hides_no_check(row: Row) -> None:
    cross = places(row.document())
    assert (*row.path, *row.key) in cross
    assert places(row.document({"qqqqq": 1})) == cross | {(*row.path, "qqqqq")}


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_a_faulty_field_hides_the_checks_that_read_it_and_no_other(row: Row) -> None:
    cross = places(row.document())
    table = next(sound.table for sound in sound_tables(Spec, row.document()) if sound.path == row.path)
    read = row.reads
    others = 0
    for name in type(table).model_fields:
        if name in ANY or (name in row.table and row.table[name] is not None):
            continue
        faulty = places(row.document({name: [[[{"q": 1}]]]}))
        own = {path for path in faulty if path[: len(row.path) + 1] == (*row.path, name)}
        assert own or name in read
        assert faulty - own == (cross if name not in read else cross - {(*row.path, *row.key)})
        others += 1
    assert others or len(type(table).model_fields) <= len(row.table)


def test_a_misspelled_key_is_no_second_fault() -> None:
    row = schedule("constant", {"warmup_from": 0.5, "warmup_step": 3}, "warmup_step")
    assert places(row.document()) == {(*row.path, "warmup_step")}


def test_a_fault_in_a_table_hides_no_check_of_the_tables_around_it() -> None:
    split = {"validation": 0.2, "shuffle": 1}
    row = data({**CSV, "split": split, "validation": {"path": "v.csv", "q": 1}}, ("split", "validation"))
    expected = {("split", "shuffle"), ("validation", "q"), ("split", "validation")}
    assert places(row.document()) == {("data", *path) for path in expected}


def test_faulty_elements_hide_no_check_of_the_others() -> None:
    assert places({**BASE, "lint": {"ignore": ["SN999", 5, "SN998"]}}) == {
        ("lint", "ignore", place) for place in range(3)
    }
    transforms = [{"type": "nonsense"}, {"type": "standardize", "on": "targets"}]
    row = data({**NPZ, "targets": "inputs", "transforms": transforms}, ())
    assert places(row.document()) == {
        ("data", "transforms", 0, "type"),
        ("data", "transforms", 1, "on"),
    }


def test_all_faults_of_a_layer_are_reported() -> None:
    layer = {"type": "dense", "units": "5", "unts": 5, "kernel_init": {"type": "normal", "stddev": -1}}
    assert places({**BASE, "layers": [layer]}) == {
        ("layers", 0, "units"),
        ("layers", 0, "unts"),
        ("layers", 0, "kernel_init", "stddev"),
    }


def test_deep_nesting_takes_time_in_proportion_to_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    from specnet.language import sound

    calls = 0
    table = sound._table

    def counted(*arguments: Any) -> Table:
        nonlocal calls
        calls += 1
        return table(*arguments)

    monkeypatch.setattr(sound, "_table", counted)
    layers: list[Any] = [{"type": "dense", "units": 1, "q": 1}]
    for _ in range(20):
        layers = [{"type": "sequential", "layers": layers}]
    sound_tables(Spec, {**BASE, "layers": layers})
    assert calls == 22

"""The layers and the training of a first model for a table, as data and as lines of a document with their reasons."""

from __future__ import annotations

import json
from typing import Any

from specnet.reporting.first_model import EMA_DECAY, FEATURES, SECONDS, WAVES, WEIGHT_DECAY, FirstModel

Document = dict[str, Any]

REASONS = {
    "periodic_embedding.frequencies": "waves of each number, of which steep functions are made",
    "periodic_embedding.units": "what they become for each number",
    "ensemble.members": "networks trained at once: their mean predicts better than one",
    "dropout.rate": "without it, many inputs are memorised",
    "dense.units": "enough for most tables: weight decay limits memorising",
}
"""Why keys of layers have their values; said where they come first."""


def hidden_layers(first: FirstModel, outputs: int) -> list[Document]:
    """Return the layers behind the embedding: a network, or an ensemble of several."""
    hidden: Document = {"type": "dense", "units": first.units, "activation": "relu"}
    layers = [hidden]
    for _ in range(first.hidden - 1):
        layers += [{"type": "dropout", "rate": first.dropout}] * (first.dropout is not None)
        layers.append(hidden)
    layers.append({"type": "dense", "units": outputs})
    if first.members == 1:
        return layers
    return [{"type": "ensemble", "members": first.members, "layers": layers}]


def embedding(**more: Any) -> Document:
    """Return the layer that embeds columns of numbers."""
    return {"type": "periodic_embedding", **more, "frequencies": WAVES, "units": FEATURES}


def training(first: FirstModel) -> Document:
    """Return the `training` of a document."""
    settings: Document = {
        "epochs": first.epochs,
        "batch_size": first.batch,
        "ema_decay": EMA_DECAY,
        "optimizer": {
            "type": "adamw",
            "learning_rate": first.learning_rate,
            "weight_decay": WEIGHT_DECAY,
        },
    }
    if first.share is not None:
        settings["early_stopping"] = {"monitor": "validation.loss", "patience": first.patience}
    return settings


def layer_lines(layers: list[Document], last: str = "") -> list[str]:
    """Return the lines of layers; `last` is the reason for the units of the last."""
    lines = _layers(layers, "layers", dict(REASONS))
    if last:
        lines[max(place for place, line in enumerate(lines) if line.startswith("units"))] += f"  # {last}"
    return lines


def _layers(layers: list[Document], path: str, reasons: dict[str, str]) -> list[str]:
    lines = []
    for layer in layers:
        table = {key: value for key, value in layer.items() if key != "layers"}
        whys = {key: why for key in table if (why := reasons.pop(f"{layer['type']}.{key}", None))}
        lines += [f"[[{path}]]", *_keys(table, whys), ""]
        lines += _layers(layer.get("layers", []), f"{path}.layers", reasons)
    return lines


def training_lines(first: FirstModel) -> list[str]:
    """Return the lines of `training`."""
    settings = training(first)
    stopping = settings.pop("early_stopping", None)
    optimizer = settings.pop("optimizer")
    until = "" if stopping is None else ", unless it stops earlier"
    time = f"about {SECONDS[first.style]:.0f} s on two cores{until}" if first.is_limited else ""
    whys = {"epochs": time, "ema_decay": "validates and keeps a mean over steps, which varies less"}
    lines = ["[training]", *_keys(settings, whys), "", "[training.optimizer]"]
    lines += _keys(optimizer, {"weight_decay": "keeps the network from memorising rows"})
    if stopping is not None:
        why = "epochs without a better one; the best is restored"
        lines += ["", "[training.early_stopping]", *_keys(stopping, {"patience": why})]
    return lines


def _keys(table: Document, whys: dict[str, str]) -> list[str]:
    width = max(map(len, table))
    return [
        f"{key:{width}} = {json.dumps(value)}" + (f"  # {whys[key]}" if whys.get(key) else "")
        for key, value in table.items()
    ]

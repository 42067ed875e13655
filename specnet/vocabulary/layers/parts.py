"""Layers that are made of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from specnet.graph.builder import Builder
from specnet.vocabulary.layers import Layer


@contextmanager
def within(build: Builder, name: str) -> Iterator[None]:
    """Have a part declare its parameters and streams under a name of its own."""
    around = build.scope
    build.scope = replace(around, name=f"{around.name}.{name}", parameters=f"{around.parameters}.{name}")
    try:
        yield
    finally:
        build.scope = around


def shared(block: Layer, fields: Iterable[str]) -> dict[str, Any]:
    """Return the options of these names that a part has in common with the block, without those of all layers."""
    return {name: getattr(block, name) for name in fields if name not in Layer.model_fields}

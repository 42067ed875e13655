from __future__ import annotations

from typing import Literal

from specnet.language.positions.tree import Duplicate, PositionEntry, Positions

__all__ = ["Duplicate", "PositionEntry", "Positions", "locate"]


def locate(text: str, syntax: Literal["toml", "json"]) -> Positions:
    """Return where each key and value of a string lies that `tomllib` or `json` has accepted."""
    if syntax == "json":
        from specnet.language.positions.json_positions import locate_json

        return locate_json(text)
    from specnet.language.positions.toml_positions import locate_toml

    return locate_toml(text)

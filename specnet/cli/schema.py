from __future__ import annotations

from specnet.cli.terminal import write_json


def schema() -> int:
    """Print the JSON Schema of documents."""
    from specnet.language.json_schema import schema as made

    write_json(made())
    return 0

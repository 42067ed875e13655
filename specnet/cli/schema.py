from __future__ import annotations

from specnet.cli.terminal import write_json
from specnet.language.json_schema import schema as made


def schema() -> int:
    """Print the JSON Schema of documents."""
    write_json(made())
    return 0

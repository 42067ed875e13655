from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specnet.cli.options import NamedPlugins, argument
from specnet.cli.terminal import results, say, write_json
from specnet.diagnostics import SpecFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "specnet.schema.json"
"""The file that documents name in their first line."""

OURS = "urn:specnet:schema:"
"""How the ID of a schema of specnet begins."""

LINE = f"#:schema ./{FILE}"
KEY = f'"$schema": "./{FILE}"'

_NAMED = re.compile(r"\A\ufeff?(?:[ \t]*(?:#[^\n]*)?\r?\n)*?[ \t]*#:schema\s")


def schema(
    paths: Annotated[
        list[str] | None,
        argument(
            "PATH", help="With --install: documents, or folders of documents; the current folder if left out."
        ),
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help=f"Write {FILE} next to the documents, where editors find it.")
    ] = False,
    plugins: NamedPlugins = None,
) -> int:
    """Print the JSON Schema of documents, or install it.

    Editors use it for completion and hints. With --install, it is written into each folder that has documents, or
    into the folder given if it has none, and documents that do not name it yet are listed with the line to add.
    """
    from specnet.cli.named_plugins import import_named
    from specnet.language.json_schema import schema as made

    if paths and not install:
        raise typer.BadParameter("it says where to --install the schema", param_hint="PATH")
    import_named(plugins)
    if not install:
        write_json(made())
        return 0
    content = f"{json.dumps(made(), indent=2, ensure_ascii=False)}\n".encode()
    _install(paths or ["."], content)
    return 0


def _install(paths: Sequence[str], content: bytes) -> None:
    from specnet.cli.documents import find
    from specnet.cli.given import must_exist
    from specnet.storage.files import write_bytes

    for path in paths:
        must_exist(path)
    documents = find(paths, specs_only=True).files
    bare = [path for path in paths if Path(path).is_dir() and not find([path], specs_only=True).files]
    folders = dict.fromkeys([*bare, *(str(Path(document).parent) for document in documents)])
    if not folders:
        raise SpecFileError(f"{paths[0]}: this is neither a document nor a folder")
    targets = [Path(folder, FILE) for folder in folders]
    states = {target: _state(target, content) for target in targets}
    console = results()
    for target, state in states.items():
        if state != "is up to date":
            write_bytes(target, content)
        say(console, f"{target} {state}")
    without = [document for document in documents if not _names_schema(Path(document))]
    for document in without:
        where = f"key {KEY}" if _is_json(Path(document)) else f"first line {LINE}"
        say(console, f"{document} does not name it: add the {where}")


def _state(target: Path, content: bytes) -> str:
    """Return what becomes of a file; raise SpecFileError where it is another's."""
    if not os.path.lexists(target):
        return "written"
    try:
        there = target.read_bytes()
        found: Any = json.loads(there)
    except (OSError, ValueError, RecursionError):
        there, found = b"", None
    if not (isinstance(found, dict) and str(found.get("$id", "")).startswith(OURS)):
        raise SpecFileError(
            f"{target}: the file exists and is not a schema of specnet: move it, or name another folder"
        )
    return "is up to date" if there == content else "updated"


def _names_schema(document: Path) -> bool:
    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return True  # it is reported where it is read
    return '"$schema"' in text if _is_json(document) else _NAMED.match(text) is not None


def _is_json(document: Path) -> bool:
    return document.suffix.lower() == ".json"

"""What a file or folder is that was given as a document and is none.

Only its name and its first bytes are looked at, so that nothing of what it holds is shown.
"""

from __future__ import annotations

import os
from pathlib import Path

_TABLE = "this is a table of data, not a document; `specnet init {name}` writes a document for it"
_LINES = "this is a file of JSON lines, not a document"
_SHEET = "this is a spreadsheet, not a document; save it as CSV, for which `specnet init` writes one"
_ARRAYS = "this is a file of arrays, not a document; a document names it under `[data]`"
_IMAGE = "this is an image, not a document; a document names the folder of its images under `[data]`"
_YAML = "this is YAML; documents are TOML or JSON"
_PYTHON = "this is a Python program, not a document; documents are TOML or JSON"
_NOTEBOOK = "this is a notebook, not a document; documents are TOML or JSON, and notebooks read them with specnet.load"
_EXPORTED = "this is an exported model, not a document; `specnet predict` and `specnet evaluate` take it"
_MODEL = "this is a model or a checkpoint, not a document"
_PACKED = "this is a compressed file, not a document"

_SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".parquet", ".pq"), _TABLE),
    **dict.fromkeys((".jsonl", ".ndjson"), _LINES),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SHEET),
    **dict.fromkeys((".npz", ".npy"), _ARRAYS),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), _IMAGE),
    **dict.fromkeys((".yaml", ".yml"), _YAML),
    **dict.fromkeys((".py", ".pyi"), _PYTHON),
    ".ipynb": _NOTEBOOK,
    ".specnet": _EXPORTED,
    **dict.fromkeys(
        (".pt", ".pth", ".ckpt", ".h5", ".hdf5", ".keras", ".onnx", ".safetensors", ".pkl"), _MODEL
    ),
}
_STARTS = {
    b"\x93NUMPY": _ARRAYS,
    b"PAR1": _TABLE,
    b"\x89PNG": _IMAGE,
    b"\xff\xd8\xff": _IMAGE,
    b"\x89HDF": _MODEL,
    b"PK\x03\x04": _PACKED,
    b"\x1f\x8b": _PACKED,
}
_RESOLVED = "resolved.json"
_OF_A_RUN = {"model.npz": "model", "metrics.jsonl": "log", _RESOLVED: "record", "result.json": "result"}


def other_folder(name: str) -> str:
    """Return what to say of a folder that was given as a document."""
    document = _document(name)
    if document is not None:
        return f"this is the directory of a run; its document is {document}"
    return "this is a folder, not a file"


def is_run(folder: str) -> bool:
    """Whether a folder is the directory of a run."""
    return Path(folder, _RESOLVED).is_file()


def other_file(name: str, start: bytes) -> str | None:
    """Return what to say of a file that is not a document, from its name and its first bytes; None for others."""
    folder, base = os.path.split(name)
    document = _document(folder)
    if base in _OF_A_RUN and document is not None:
        return f"this is the {_OF_A_RUN[base]} of a run, not a document; the run's document is {document}"
    suffix = Path(base).suffix.lower()
    if suffix in {".toml", ".json"}:
        return None
    message = _SUFFIXES.get(suffix) or next(
        (_STARTS[sign] for sign in _STARTS if start.startswith(sign)), None
    )
    return None if message is None else message.format(name=name)


def _document(folder: str) -> str | None:
    """Return the document of the run whose directory a folder is; None where it is not one."""
    if not is_run(folder):
        return None
    documents = (Path(folder, base) for base in ("spec.toml", "spec.json"))
    return next((str(document) for document in documents if document.is_file()), None)

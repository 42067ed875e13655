from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import SPECS

CSV = b"length,species\n1.5,setosa\n2.5,virginica\n"


def arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "rows.csv",
            CSV,
            "this is a table of data, not a document; `specnet init {path}` writes a document for it",
        ),
        (
            "rows.csv",
            "größe,farbe\n1,rot\n".encode("latin-1"),
            "`specnet init {path}` writes a document for it",
        ),
        ("rows.PARQUET", b"PAR1\0\0", "`specnet init {path}` writes a document for it"),
        ("unnamed", b"PAR1\0\0", "`specnet init {path}` writes a document for it"),
        ("spec.yaml", b"specnet: 1\n", "this is YAML; documents are TOML or JSON"),
        ("train.py", b"import torch\n", "this is a Python program, not a document"),
        (
            "lesson.ipynb",
            json.dumps({"cells": [], "nbformat": 4}).encode(),
            "this is a notebook, not a document",
        ),
        ("x.npz", arrays(), "this is a file of arrays, not a document; a document names it under `[data]`"),
        ("x", b"\x93NUMPY\x01\0", "this is a file of arrays"),
        ("rows.jsonl", b'{"a": 1}\n{"a": 2}\n', "this is a file of JSON lines, not a document"),
        ("digit.png", b"\x89PNG\r\n\x1a\n\0", "this is an image, not a document"),
        ("net.specnet", b"PK\x03\x04\0\0", "this is an exported model, not a document; `specnet predict`"),
        ("net.pt", b"PK\x03\x04\0\0", "this is a model or a checkpoint, not a document"),
        ("book.xlsx", b"PK\x03\x04\0\0", "this is a spreadsheet, not a document; save it as CSV"),
        ("mnist.gz", b"\x1f\x8b\x08\0\0", "this is a compressed file, not a document"),
    ],
)
def test_a_file_of_another_kind_is_recognised(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (package.load, package.validate):
        with pytest.raises(package.SpecFileError) as caught:
            read(str(path))
        assert str(caught.value).startswith(f"{path}: this is ")
        assert said.format(path=path) in str(caught.value)


def test_a_document_may_have_any_suffix(tmp_path: Path) -> None:
    path = tmp_path / "mlp.yaml"
    shutil.copy(SPECS / "mlp.toml", path)
    assert package.load(path).name == "mlp"


@pytest.mark.parametrize("suffix", ["toml", "json", "txt"])
def test_a_faulty_document_keeps_its_findings(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"spec.{suffix}"
    path.write_text("specnet: 1\n", encoding="utf-8")
    assert [d.code for d in package.validate(path).diagnostics] == ["SN101"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    package.run(package.load(SPECS / "xor.json", overrides={"training.epochs": 1}), out=tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["", "model.npz", "resolved.json", "result.json", "metrics.jsonl"])
def test_what_belongs_to_a_run_points_to_the_run_s_document(name: str, run: Path) -> None:
    with pytest.raises(package.SpecFileError, match="of a run") as caught:
        package.load(run / name)
    assert str(caught.value).endswith(f"document is {run / 'spec.json'}")
    assert package.load(run / "spec.json").name == "xor"

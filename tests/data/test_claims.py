"""Files that declare more than they hold are refused before memory is taken for what they declare."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import specnet
from tests.support.memory import traced

MUCH = 1 << 24
"""Bytes that no refusal takes; what is declared is at least a hundred times as much."""


def npy_header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def npz(folder, content):
    with zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", content)
        file = io.BytesIO()
        np.save(file, np.zeros(3, int))
        archive.writestr("targets.npy", file.getvalue())
    return {"type": "npz", "path": "x.npz"}


def npy(folder):
    (folder / "x.npy").write_bytes(npy_header((1 << 40, 4)) + bytes(64))
    np.save(folder / "y.npy", np.zeros(3, int))
    return {"type": "npy", "inputs": "x.npy", "targets": "y.npy"}


def idx(folder, pack=bytes, name="x.idx"):
    (folder / name).write_bytes(
        pack(bytes([0, 0, 0x0E, 2]) + struct.pack(">II", 1 << 31, 1 << 10) + bytes(64))
    )
    (folder / "y.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 0]))
    return {"type": "idx", "inputs": name, "targets": "y.idx"}


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def images(folder):
    for name in "ab":
        (folder / "im" / name).mkdir(parents=True)
        size = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
        content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(64)))
        (folder / "im" / name / "1.png").write_bytes(content + chunk(b"IEND", b""))
    return {"type": "images", "path": "im", "size": [8, 8]}


def large_size(folder):
    from PIL import Image

    for name in "ab":
        (folder / "im" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / "im" / name / "1.png")
    return {"type": "images", "path": "im", "size": [1_000_000, 1_000_000]}


def bomb(folder):
    """Return an archive of few bytes whose array would take all memory: zeros, stored in their compressed form."""
    data = npz(folder, npy_header((1 << 36,), "|u1"))
    path = folder / "x.npz"
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("inputs.npy").file_size
    claimed = struct.pack("<I", 0xF0000000)
    path.write_bytes(bytes(content).replace(struct.pack("<I", size), claimed, 2))
    return data


CASES = {
    "npz: shape": (lambda f: npz(f, npy_header((1 << 40, 4)) + bytes(64)), "SN520"),
    "npz: size of the entry": (bomb, "SN520"),
    "npy: shape": (npy, "SN520"),
    "idx: shape": (idx, "SN531"),
    "idx: shape, compressed": (lambda f: idx(f, gzip.compress, "x.idx.gz"), "SN531"),
    "images: pixels": (images, "SN584"),
    "images: size": (large_size, "SN605"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("check", [specnet.validate, specnet.run])
def test_what_is_declared_is_not_allocated(case, check, tmp_path, monkeypatch):
    write, code = CASES[case]
    monkeypatch.chdir(tmp_path)
    document = {
        "specnet": 1,
        "data": write(tmp_path),
        "layers": [{"type": "flatten"}, {"type": "dense", "units": 2}],
        "loss": "cross_entropy",
    }
    with traced():
        try:
            found = check(document).diagnostics
        except specnet.SpecError as error:
            found = error.diagnostics
        peak = tracemalloc.get_traced_memory()[1]
    assert code in {d.code for d in found}
    assert peak < MUCH

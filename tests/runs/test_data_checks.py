"""`validate` finds in data what a run would refuse before its first step, and says where it did not look."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.diagnostics.formats.full import full_text
from specnet.runs import data_checks

ROWS = 12
X = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("f4")
Y = np.arange(ROWS) % 3


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


def npz(folder, x=X, y=Y, **more):
    np.savez(folder / "x.npz", inputs=x, targets=y)
    return {"type": "npz", "path": "x.npz", **more}


def npy(folder, x=X, y=Y, **more):
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return {"type": "npy", "inputs": "x.npy", "targets": "y.npy", **more}


def idx_bytes(array, kind, code):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(kind).tobytes()


def idx(folder, x=X, more=b"", name="x.idx", pack=bytes, **keys):
    (folder / name).write_bytes(pack(idx_bytes(x, ">f4", 0x0D) + more))
    (folder / "y.idx").write_bytes(idx_bytes(Y, "u1", 0x08))
    return {"type": "idx", "inputs": name, "targets": "y.idx", **keys}


def csv(folder, x=X, y=Y, **more):
    lines = [",".join(map(str, [*row, target])) for row, target in zip(x.tolist(), y.tolist(), strict=True)]
    (folder / "x.csv").write_text("\n".join(["a,b,c,d,y", *lines]))
    return {"type": "csv", "path": "x.csv", "target": "y", **more}


def inline(x=X, y=Y, **more):
    return {"type": "inline", "inputs": x.tolist(), "targets": y.tolist(), **more}


def images(folder, **more):
    from PIL import Image

    pixels = np.random.default_rng(0)
    for name in "ab":
        (folder / "im" / name).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(pixels.integers(0, 255, (8, 8, 3), dtype="u1")).save(
                folder / "im" / name / f"{i}.png"
            )
    cut = folder / "im/b/2.png"
    cut.write_bytes(cut.read_bytes()[:100])
    return {"type": "images", "path": "im", "size": [8, 8], **more}


NAN, HUGE = changed(X, (7, 1), np.nan), changed(X.astype("f8"), (7, 1), 1e300)
LAST = changed(X, (ROWS - 1, 0), np.inf)
MSE = {"loss": "mse", "units": 1}
SCALE = {"transforms": [{"type": "scale", "factor": 1e38}]}
ONE_HOT = {"transforms": [{"type": "one_hot", "classes": 2}]}
TARGETS = {"transforms": [{"type": "scale", "factor": 1e300, "on": "targets"}]}
OTHER = {"split": {"validation": 0.25}}

CASES = {
    "npz: NaN": (lambda f: npz(f, NAN), {}, "SN513"),
    "npz: NaN in another split": (lambda f: npz(f, NAN, **OTHER), {}, "SN513"),
    "npz: NaN in batches": (lambda f: npz(f, NAN, load="batches"), {}, "SN513"),
    "npz: infinite": (lambda f: npz(f, LAST), {}, "SN513"),
    "npz: NaN in targets": (lambda f: npz(f, y=changed(X[:, 0], 3, np.nan)), MSE, "SN513"),
    "npz: too large": (lambda f: npz(f, HUGE), {}, "SN561"),
    "npz: too large after a transform": (lambda f: npz(f, 99 * X, **SCALE), {}, "SN561"),
    "npz: no class": (lambda f: npz(f, np.abs(X).round() * 9, **ONE_HOT), {}, "SN561"),
    "npz: targets too large": (lambda f: npz(f, y=X[:, 0], **TARGETS), MSE, "SN561"),
    "npz: below the domain": (lambda f: npz(f, y=Y - 1.0), {"loss": "poisson", "units": 1}, "SN413"),
    "npz: above the domain": (lambda f: npz(f, y=Y * 0.9), {"loss": "binary_cross_entropy", "units": 1}, "SN413"),
    "npz: no probabilities": (lambda f: npz(f, y=X[:, :3]), {"loss": "cross_entropy"}, "SN413"),
    "npz: no signs": (lambda f: npz(f, y=Y * 0.7), {"loss": "hinge", "units": 1}, "SN413"),
    "npy: NaN": (lambda f: npy(f, NAN), {}, "SN513"),
    "idx: NaN": (lambda f: idx(f, NAN), {}, "SN513"),
    "idx: trailing bytes": (lambda f: idx(f, more=b"12"), {}, "SN531"),
    "idx: trailing bytes in batches": (lambda f: idx(f, more=b"12", load="batches"), {}, "SN531"),
    "idx: trailing bytes, compressed": (
        lambda f: idx(f, more=b"12", name="x.idx.gz", pack=gzip.compress),
        {},
        "SN531",
    ),
    "csv: too large": (lambda f: csv(f, HUGE), {}, "SN561"),
    "csv: below the domain": (lambda f: csv(f, y=Y - 1.5), {"loss": "poisson", "units": 1}, "SN413"),
    "inline: too large": (lambda _: inline(HUGE), {}, "SN561"),
    "inline: below the domain": (lambda _: inline(y=Y - 1), {"loss": "poisson", "units": 1}, "SN413"),
    "images: damaged": (images, {"units": 2}, "SN584"),
    "images: damaged, in batches": (lambda f: images(f, load="batches"), {"units": 2}, "SN584"),
    "synthetic: infinite": (
        lambda _: {"type": "synthetic", "kind": "moons", "noise": 1.7e308},
        {"units": 2},
        "SN513",
    ),
    "builtin: no class": (lambda _: {"type": "builtin", "name": "iris", **ONE_HOT}, {}, "SN561"),
}  # fmt: skip


def document(data, loss="cross_entropy", units=3, **more):
    layers = [{"type": "flatten"}, {"type": "dense", "units": units}]
    return {"specnet": 1, "data": data, "layers": layers, "loss": loss, "training": {"epochs": 1}, **more}


def refused(folder: Path, monkeypatch, case: str):
    write, more, code = CASES[case]
    monkeypatch.chdir(folder)
    made = document(write(folder), **more)
    with pytest.raises(specnet.SpecError) as caught:
        specnet.run(made)
    assert {d.code for d in caught.value.diagnostics} == {code}
    return made, {str(d) for d in caught.value.diagnostics}


@pytest.mark.parametrize("case", CASES)
def test_what_a_run_refuses_is_found(case, tmp_path, monkeypatch):
    made, found = refused(tmp_path, monkeypatch, case)
    assert {str(d) for d in specnet.validate(made).diagnostics if d.severity == "error"} == found


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("npz")])
def test_values_are_checked_where_the_network_is_faulty(case, tmp_path, monkeypatch):
    """Those of the data alone: the domain of a loss depends on what the network gives it."""
    made, found = refused(tmp_path, monkeypatch, case)
    made["layers"][0] = {"type": "max_pooling2d"}
    codes = {d.code for d in specnet.validate(made).diagnostics}
    assert codes == {"SN401", CASES[case][2]} - {"SN413"}
    made["layers"][0] = {"type": "maxpooling2d"}
    assert found <= {str(d) for d in specnet.validate(made).diagnostics}


def test_data_of_too_many_values_are_named(tmp_path, monkeypatch):
    """Of these a sample is read, and the report says so."""
    monkeypatch.chdir(tmp_path)
    made = document(npz(tmp_path, LAST))
    monkeypatch.setattr(data_checks, "MOST", 4 * ROWS + ROWS)
    report = specnet.validate(made)
    assert not report.ok
    assert not report.unchecked
    monkeypatch.setattr(data_checks, "MOST", 4 * ROWS + ROWS - 1)
    report = specnet.validate(made)
    assert report.ok
    (note,) = report.unchecked
    assert note.endswith(
        "the data hold 60 numbers, of which only a sample was checked; a run checks all before it starts"
    )
    assert "note: " in full_text(report)
    assert not specnet.validate(made, data=False).unchecked


def test_large_images_are_not_decoded(tmp_path, monkeypatch):
    """What counts is the size in the file, not that of the inputs."""
    monkeypatch.chdir(tmp_path)
    made = document(images(tmp_path) | {"size": [1, 1]}, units=2)
    monkeypatch.setattr(data_checks, "MOST", 6 * 8 * 8 * 3 - 1)
    assert specnet.validate(made).unchecked
    monkeypatch.setattr(data_checks, "MOST", 6 * 8 * 8 * 3)
    assert not specnet.validate(made).unchecked

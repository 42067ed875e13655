from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specnet
from specnet.storage.model_file import read_model, write_model
from tests.support.examples import examples

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 5.6, 2.4]]


def arrays(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = arrays(path)
    change(content)
    np.savez(path, allow_pickle=True, **content)


def meta(content: dict[str, Any], change: Callable[[Any], object]) -> None:
    data = json.loads(content["specnet"].tobytes())
    change(data)
    content["specnet"] = np.frombuffer(json.dumps(data).encode(), np.uint8)


def test_a_finished_run_predicts_as_its_model_did(finished: specnet.Result) -> None:
    assert finished.run is not None
    model = specnet.load_run(finished.run)
    assert np.array_equal(model.predict(ROWS), finished.model.predict(ROWS))
    assert model.predict(ROWS).shape == (2, 3)


def test_the_data_are_not_needed(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(
        "size,colour,price\n"
        + "".join(f"{i},{'red' if i % 3 else 'blue'},{2 * i + 1}\n" for i in range(1, 25))
    )
    (tmp_path / "a.toml").write_text(
        'specnet = 1\nloss = "mse"\n[data]\ntype = "csv"\npath = "table.csv"\ntarget = "price"\n'
        'transforms = [{ type = "standardize" }, { type = "standardize", on = "targets" }]\n'
        '[[layers]]\ntype = "dense"\nunits = 1\n[training]\nepochs = 2\n'
    )
    result = specnet.run(specnet.load(tmp_path / "a.toml"), out=tmp_path / "out")
    rows = [{"size": 4, "colour": "blue"}, {"colour": "red", "size": 30}]
    expected = result.model.predict(rows)
    (tmp_path / "table.csv").unlink()
    (tmp_path / "a.toml").unlink()
    assert np.array_equal(specnet.load_run(tmp_path / "out").predict(rows), expected)


def test_numpy_opens_the_file_without_pickle(finished: specnet.Result) -> None:
    assert finished.run is not None
    content = arrays(finished.run / "model.npz")
    assert content["parameters/dense_1.kernel"].shape == (4, 4)
    assert np.array_equal(content["parameters/dense_2.bias"], finished.model.parameters["dense_2.bias"])
    train = np.loadtxt(
        Path(specnet.__file__).parent / "data" / "builtin" / "iris.csv",
        delimiter=",",
        skiprows=1,
        usecols=range(4),
    )
    mean = next(
        array for name, array in content.items() if name.startswith("encoding/inputs.0") and "mean" in name
    )
    assert np.all(abs(mean - train.mean(axis=0)) < train.std(axis=0) / 3)


class Malicious:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("executed",))


def test_a_pickle_is_refused_and_not_run(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def plant(content: dict[str, Any]) -> None:
        content["parameters/dense_1.kernel"] = np.array([Malicious()], dtype=object)

    rewritten(copy / "model.npz", plant)
    with pytest.raises(
        specnet.RunError, match=r"model\.npz is damaged.*holds Python objects, and not numbers"
    ):
        specnet.load_run(copy)
    (copy / "model.npz").write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(specnet.RunError, match=r"is damaged.*not a zip file"):
        specnet.load_run(copy)
    assert not (tmp_path / "executed").exists()


def bomb(path: Path) -> None:
    content = arrays(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in content.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array)
            archive.writestr(f"{name}.npy", buffer.getvalue())


def claim_terabytes(path: Path) -> None:
    content = arrays(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in content.items():
            buffer = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                buffer, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)}
            )
            archive.writestr(f"{name}.npy", buffer.getvalue() + array.tobytes())


FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("no file", lambda p: p.unlink(), "the run has saved no model"),
    ("empty", lambda p: p.write_bytes(b""), "is damaged"),
    ("text", lambda p: p.write_text("model"), "is damaged"),
    ("half", lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "is damaged"),
    ("a folder", lambda p: (p.unlink(), p.mkdir()), "cannot be read: Is a directory"),
    ("compressed", bomb, "is compressed, which specnet never writes"),
    ("terabytes", claim_terabytes, "is not as long as its shape says"),
]


@pytest.mark.parametrize(("damage", "message"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_damaged_files_are_refused(copy: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(copy / "model.npz")
    with pytest.raises(specnet.RunError, match=message) as caught:
        specnet.load_run(copy)
    assert str(copy / "model.npz") in str(caught.value)


KERNEL = "parameters/dense_1.kernel"
CONTENTS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    (
        "nan",
        lambda c: c[KERNEL].__setitem__((0, 0), np.nan),
        "`dense_1.kernel` holds NaN or infinite numbers",
    ),
    (
        "transposed",
        lambda c: c.update({"parameters/dense_2.kernel": c["parameters/dense_2.kernel"].T}),
        r"wants \(4, 3\) for `dense_2.kernel`, and the file has \(3, 4\)",
    ),
    ("lacking", lambda c: c.pop(KERNEL), "for `dense_1.kernel`, and the file lacks it"),
    (
        "another",
        lambda c: c.update({"parameters/dense_9.kernel": c[KERNEL]}),
        "no such parameter for `dense_9.kernel`",
    ),
    (
        "float64",
        lambda c: c.update({KERNEL: c[KERNEL].astype(float)}),
        "is float64, and its run is in float32",
    ),
    ("text", lambda c: c.update({KERNEL: np.array("x")}), "holds the type U1, and not numbers"),
    ("no meta", lambda c: c.pop("specnet"), "lacks what every model's file has"),
    (
        "newer",
        lambda c: meta(c, lambda m: m.update(format=2)),
        "its format is 2, and this specnet reads format 1",
    ),
    ("no state", lambda c: meta(c, lambda m: m.update(state=None)), "does not say how data are encoded"),
    ("state a list", lambda c: meta(c, lambda m: m.update(state=[1])), "encoding is not a table"),
    (
        "state of an unknown reader",
        lambda c: meta(c, lambda m: m["state"]["encoding"]["reader"].update(type="x")),
        "is damaged, or of another run",
    ),
    (
        "raw shape",
        lambda c: meta(c, lambda m: m["state"]["encoding"].update(raw_shape=[7])),
        "is damaged, or of another",
    ),
    (
        "huge raw shape",
        lambda c: meta(c, lambda m: m["state"]["encoding"].update(raw_shape=[10**12])),
        "no shape",
    ),
    (
        "signature",
        lambda c: meta(c, lambda m: m["state"]["encoding"]["signature"].update(inputs=[5])),
        "do not lead from the data's shape to the model's",
    ),
    (
        "nan mean",
        lambda c: c["encoding/inputs.0.mean"].__setitem__(0, np.nan),
        "holds NaN or infinite numbers",
    ),
    (
        "short mean",
        lambda c: c.update({"encoding/inputs.0.mean": np.zeros(3)}),
        "is damaged, or of another run",
    ),
]


@pytest.mark.parametrize(("change", "message"), [c[1:] for c in CONTENTS], ids=[c[0] for c in CONTENTS])
def test_changed_contents_are_refused(
    copy: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    rewritten(copy / "model.npz", change)
    with pytest.raises(specnet.RunError, match=message):
        specnet.load_run(copy)


def test_a_file_rewritten_by_numpy_is_still_read(copy: Path, finished: specnet.Result) -> None:
    def turn(content: dict[str, Any]) -> None:
        content[KERNEL] = np.asfortranarray(content[KERNEL])

    rewritten(copy / "model.npz", turn)
    assert np.array_equal(specnet.load_run(copy).predict(ROWS), finished.model.predict(ROWS))


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_any_damage_is_a_run_error_or_harmless(
    finished: specnet.Result, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    assert finished.run is not None
    raw = bytearray((finished.run / "model.npz").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw))) :]
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    shutil.copy(finished.run / "resolved.json", folder)
    (folder / "model.npz").write_bytes(raw)
    with contextlib.suppress(specnet.RunError):
        assert np.array_equal(specnet.load_run(folder).predict(ROWS), finished.model.predict(ROWS))


RESOLVED: list[tuple[str, Callable[[Any], object], str]] = [
    ("newer", lambda d: d.update(format=9), "has format 9, and this specnet reads format 1"),
    ("no spec", lambda d: d.pop("spec"), "is damaged"),
    (
        "unknown layer",
        lambda d: d["spec"]["layers"][0].update(type="moe"),
        "describes no experiment that this specnet",
    ),
    ("other units", lambda d: d["spec"]["layers"][0].update(units=5), "does not fit its run"),
    ("endless units", lambda d: d["spec"]["layers"][0].update(units=10**15), "does not fit its run"),
]


@pytest.mark.parametrize(("change", "message"), [c[1:] for c in RESOLVED], ids=[c[0] for c in RESOLVED])
def test_a_changed_description_is_refused(copy: Path, change: Callable[[Any], object], message: str) -> None:
    path = copy / "resolved.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(specnet.RunError, match=message):
        specnet.load_run(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "null", '{"format": 1, "spec": 7}', "\udcff"])
def test_a_damaged_description_is_refused(copy: Path, text: str) -> None:
    (copy / "resolved.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(specnet.RunError, match=r"resolved\.json"):
        specnet.load_run(copy)


def test_what_is_no_run_is_distinguished_from_a_folder_of_runs(
    finished: specnet.Result, tmp_path: Path
) -> None:
    assert finished.run is not None
    with pytest.raises(specnet.RunError, match=r"this folder holds 1 run; name one, such as .*001"):
        specnet.load_run(finished.run.parent)
    with pytest.raises(specnet.RunError, match=r"there is no resolved\.json in it"):
        specnet.load_run(tmp_path)
    with pytest.raises(specnet.RunError, match="there is no such file or directory"):
        specnet.load_run(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(specnet.RunError, match="this is a file, and a run is a directory"):
        specnet.load_run(tmp_path / "file")


def test_the_old_file_stays_where_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    write_model(path, {"a.kernel": np.ones(3)}, None)
    # A process that may write no file longer than 64 KiB stands for a full disk.
    program = (
        "import resource, sys, numpy\n"
        "from pathlib import Path\n"
        "from specnet.storage.model_file import write_model\n"
        "from specnet.diagnostics import RunError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "try:\n"
        f"    write_model(Path({str(path)!r}), {{'a.kernel': numpy.zeros(10**6)}}, None)\n"
        "except RunError as error:\n"
        "    sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == f"{path} cannot be written: File too large"
    assert list(tmp_path.iterdir()) == [path]
    assert np.array_equal(read_model(path).parameters["a.kernel"], np.ones(3))

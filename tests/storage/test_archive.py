"""A run as one file: what comes back, and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import specnet
from specnet.interchange.exporting import WRITERS, Exported
from specnet.storage.archive import write_arrays
from tests.support.examples import examples
from tests.support.exports import SPECS

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 5.6, 2.4]]


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """One file of a short run, which no test may change."""
    folder = tmp_path_factory.mktemp("archive")
    specnet.run(specnet.load(SPECS / "iris.toml", overrides={"training.epochs": 2}), out=folder / "run")
    WRITERS["specnet"](folder / "iris.specnet", Exported.of(folder / "run"))
    return folder / "iris.specnet"


def test_arrays_are_written_as_numpy_writes_them():
    arrays = {
        "a": np.ones((3, 4)),
        "b": np.float32(3) * np.ones(()),
        "c": np.zeros((0, 3)),
        "d": np.arange(3) > 1,
    }
    arrays["t"] = np.arange(6).reshape(2, 3).T
    made = io.BytesIO()
    write_arrays(made, arrays)
    for name, part in parts(made).items():
        expected = io.BytesIO()
        np.save(
            expected, np.ascontiguousarray(arrays[name.removesuffix(".npy")]).reshape(arrays[name[0]].shape)
        )
        assert part == expected.getvalue()


def parts(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(path, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, part in content.items():
            file.writestr(name, part)
    return path


def with_arrays(path, content, change):
    with np.load(io.BytesIO(content["model.npz"])) as held:
        arrays = dict(held)
    change(arrays)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return packed(path, {**content, "model.npz": buffer.getvalue()})


def test_it_predicts_as_the_run_does(archive):
    run = specnet.load_run(archive.parent / "run")
    np.testing.assert_array_equal(specnet.load_run(archive).predict(ROWS), run.predict(ROWS))
    assert set(parts(archive)) == {"resolved.json", "model.npz"}


@pytest.mark.parametrize(
    ("names", "amiss"),
    [
        (("1/resolved.json", "1/model.npz"), "1/model.npz"),
        (("1/resolved.json", "1/model.npz", "3/resolved.json", "3/model.npz"), "2/model.npz"),
        (("1/resolved.json", "1/model.npz", "2/resolved.json"), "1/model.npz"),
        (("1/resolved.json", "1/model.npz", "2/resolved.json", "2/model.npz", "x"), "x"),
    ],
)
def test_each_of_several_models_has_both_files(archive, tmp_path, names, amiss):
    content = parts(archive)
    packed(tmp_path / "a.specnet", {name: content.get(name[2:], b"") for name in names})
    with pytest.raises(specnet.RunError, match=rf"`{amiss}` is amiss"):
        specnet.load_model(tmp_path / "a.specnet")


def test_the_model_that_is_damaged_is_named(archive, tmp_path):
    content = parts(archive)
    both = {f"{n}/{name}": part for n in (1, 2) for name, part in content.items()}
    assert len(specnet.load_model(packed(tmp_path / "a.specnet", both)).models) == 2
    packed(tmp_path / "b.specnet", {**both, "2/model.npz": b"nothing"})
    with pytest.raises(specnet.RunError, match=r"b\.specnet.2.model\.npz is damaged"):
        specnet.load_model(tmp_path / "b.specnet")


def test_equal_runs_give_equal_files(archive, tmp_path):
    WRITERS["specnet"](tmp_path / "again.specnet", Exported.of(archive.parent / "run"))
    assert (tmp_path / "again.specnet").read_bytes() == archive.read_bytes()


def test_a_compressed_file_is_no_bomb(archive, tmp_path):
    path = packed(tmp_path / "bomb", {**parts(archive), "model.npz": bytes(10**8)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(specnet.RunError, match="is compressed, which specnet never writes"):
        specnet.load_run(path)


def test_entries_that_share_their_bytes_are_refused(tmp_path):
    """Two entries of a directory that point to one content claim twice the bytes there are."""
    content = bytearray(
        packed(tmp_path / "a", {"resolved.json": b"x" * 9000, "model.npz": b"y"}).read_bytes()
    )
    second = content.rindex(b"PK\x01\x02")
    content[second + 20 : second + 28] = (9000).to_bytes(4, "little") * 2
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(specnet.RunError, match=r"claim more bytes than it has|is damaged"):
        specnet.load_run(tmp_path / "a")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "spec.toml", "a\\..\\b"])
def test_no_other_entry_is_taken_and_nothing_is_written(name, archive, tmp_path):
    path = packed(tmp_path / "a.specnet", {**parts(archive), name: b"x"})
    before = sorted(tmp_path.iterdir())
    with pytest.raises(specnet.RunError, match=r"should hold resolved\.json and model\.npz alone"):
        specnet.load_run(path)
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_entry_is_named(archive, tmp_path):
    path = packed(tmp_path / "a", {"resolved.json": parts(archive)["resolved.json"]})
    with pytest.raises(specnet.RunError, match=r"`model\.npz` is amiss"):
        specnet.load_run(path)


class Malicious:
    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('executed').touch()",))


def test_pickles_are_not_read(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = parts(archive)

    def plant(arrays):
        arrays["parameters/dense_1.kernel"] = np.array([Malicious()], dtype=object)

    for path in (
        with_arrays(tmp_path / "a", content, plant),
        packed(tmp_path / "b", {**content, "model.npz": pickle.dumps(Malicious())}),
    ):
        with pytest.raises(specnet.RunError, match="is damaged"):
            specnet.load_run(path)
    (tmp_path / "c").write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(specnet.RunError, match="a run is a directory"):
        specnet.load_run(tmp_path / "c")
    assert not (tmp_path / "executed").exists()


def poison(value):
    def change(arrays):
        arrays["parameters/dense_1.kernel"][0, 0] = value

    return change


def typed(dtype):
    def change(arrays):
        arrays["parameters/dense_1.kernel"] = arrays["parameters/dense_1.kernel"].astype(dtype)

    return change


def said(old, new):
    """Change what the archive's own description says, byte by byte."""

    def change(arrays):
        described = bytes(arrays["specnet"])
        assert old in described
        arrays["specnet"] = np.frombuffer(described.replace(old, new), np.uint8)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (poison(np.nan), "holds NaN or infinite numbers"),
        (poison(np.inf), "holds NaN or infinite numbers"),
        (typed(np.float64), "is float64, and its run is in float32"),
        (typed(np.float16), "holds the type"),
        (typed("U8"), "holds the type"),
        (lambda arrays: arrays.pop("parameters/dense_2.bias"), "and the file lacks it"),
        (lambda arrays: arrays.update({"parameters/more": np.zeros(2)}), "no such parameter"),
        (lambda arrays: arrays.pop("encoding/inputs.0.mean"), "is damaged"),
        (lambda arrays: arrays.update({"encoding/inputs.0.std": np.full(4, np.nan)}), "NaN or infinite"),
        (lambda arrays: arrays.update({"encoding/inputs.0.mean": np.zeros((7, 9))}), "is damaged"),
        (said(b'"dtype": "float32"', b'"dtype": " loat32"'), "its inputs are to become ' loat32'"),
    ],
)
def test_arrays_that_no_run_saves_are_refused(change, message, archive, tmp_path):
    path = with_arrays(tmp_path / "a", parts(archive), change)
    with pytest.raises(specnet.RunError, match=message):
        specnet.load_run(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(format=99),
        lambda data: data.pop("spec"),
        lambda data: data["spec"].update(layers=[]),
        lambda data: data["spec"]["layers"][0].update(units=10**15),
        lambda data: data["spec"].update(surprise=1),
        lambda data: data.update(spec=None),
    ],
)
def test_documents_that_do_not_fit_are_refused(change, archive, tmp_path):
    content = parts(archive)
    data = json.loads(content["resolved.json"])
    change(data)
    path = packed(tmp_path / "a", {**content, "resolved.json": json.dumps(data)})
    with pytest.raises(specnet.RunError):
        specnet.load_run(path)


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "null", "[]", "3", '"x"', "\udcff".encode("utf-8", "surrogatepass")]
)
def test_what_is_no_document_is_refused(text, archive, tmp_path):
    path = packed(tmp_path / "a", {**parts(archive), "resolved.json": text})
    with pytest.raises(specnet.RunError):
        specnet.load_run(path)


def test_every_truncation_is_refused(archive, tmp_path):
    content = archive.read_bytes()
    path = tmp_path / "cut"
    for length in range(1, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:length])
        with pytest.raises(specnet.RunError):
            specnet.load_run(path)


def loads_or_refuses(path):
    """Nothing but a model that works, or an error of ours, may come of any file.

    A changed statistic can make a sound row larger than float32 holds, which predicting says (SpecError).
    """
    with contextlib.suppress(specnet.RunError, specnet.SpecError):
        predicted = specnet.load_run(path).predict(ROWS)
        assert predicted.shape == (2, 3)


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_damage_is_refused_or_harmless(archive, tmp_path_factory, data):
    """Bytes are changed anywhere: in the archive, its directory, the document, the arrays."""
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "a.specnet"
    path.write_bytes(content)
    loads_or_refuses(path)


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_any_damage_within_sound_archives_is_refused_or_harmless(archive, tmp_path_factory, data):
    """The archives' sums are right, so that what lies in them is read."""
    content = parts(archive)
    with zipfile.ZipFile(io.BytesIO(content["model.npz"])) as file:
        inner = {name: file.read(name) for name in file.namelist()}
    name = data.draw(st.sampled_from([*inner, "resolved.json"]))
    damaged = bytearray(inner.get(name, content["resolved.json"]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(damaged), 4000) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    if name == "resolved.json":
        content[name] = bytes(damaged)
    else:
        inner[name] = bytes(damaged)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for entry, part in inner.items():
                file.writestr(entry, part)
        content["model.npz"] = buffer.getvalue()
    loads_or_refuses(packed(tmp_path_factory.mktemp("fuzz") / "a.specnet", content))


@given(st.binary(max_size=200))
@example(b"PK\x03\x04")
@example(b"PK\x05\x06" + bytes(18))
@settings(max_examples=examples(100), deadline=None)
def test_any_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "a.specnet"
    path.write_bytes(content)
    with pytest.raises(specnet.RunError):
        specnet.load_run(path)

"""Images that are decoded while headers are read: the same data and the same faults as without."""

from __future__ import annotations

import gc
import shutil

import pytest

from specnet.data import FORMATS, load_data, open_data
from specnet.data.formats.images import early, stream
from specnet.data.formats.images.early import EarlyImages
from specnet.data.images import decoders
from specnet.data.streamed import whole
from specnet.diagnostics import SpecError
from tests.support.pictures import write_classes

pytest.importorskip("PIL")

FIELDS = {"type": "images", "path": "all", "size": [6, 5]}


@pytest.fixture
def begun(monkeypatch):
    """Two processes for any number of images, and what was begun early with them; none of them is left."""
    for module in (early, stream):
        monkeypatch.setattr(module, "WORTH", 0)
    monkeypatch.setattr(early, "PIECE", 7 * 6 * 5 * 3)
    monkeypatch.setattr(early, "PIXELS", 40 * 6 * 5 * 3)
    monkeypatch.setattr(decoders, "share", lambda: 2)
    monkeypatch.setattr(decoders, "_possible", True)
    processes, counts = [], []
    start, begin = decoders._started, EarlyImages.of

    def counted(*given, **options):
        images = begin(*given, **options)
        counts.append(None if images is None else images.count)
        return images

    monkeypatch.setattr(decoders, "_started", lambda: processes.append(start()) or processes[-1])
    monkeypatch.setattr(EarlyImages, "of", counted)
    yield counts
    gc.collect()
    assert all(process.returncode is not None for process in processes)


def loaded(folder, **options):
    data = load_data(FORMATS.validate({**FIELDS, **options}), folder, seed=3, dtype="float32")
    rows = {name: whole(split.inputs) for name, split in data.splits.items()}
    return {name: array.tobytes() for name, array in rows.items()}, data.sources


def alone(monkeypatch, folder, **options):
    """Return what `loaded` does, without any process."""
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "share", lambda: 1)
        patch.setattr(EarlyImages, "of", lambda *_, **__: None)
        return loaded(folder, **options)


@pytest.mark.parametrize("how", ["whole", "batches"])
@pytest.mark.parametrize("split", [None, {"validation": 0.3}])
def test_data_are_the_same(tmp_path, begun, monkeypatch, how, split):
    write_classes(tmp_path / "all", 25)
    options = {"load": how} | ({} if split is None else {"split": split})
    taken = []
    monkeypatch.setattr(EarlyImages, "forget", lambda _: taken.append("forgotten"))
    assert loaded(tmp_path, **options) == alone(monkeypatch, tmp_path, **options)
    # Rows that are drawn are not wanted in order, batch by batch.
    assert (begun, taken) == ([42 if how == "whole" or split is None else 0], [])


def test_links_are_followed_as_ever(tmp_path, begun, monkeypatch):
    write_classes(tmp_path / "all", 25)
    first = tmp_path / "all" / "above" / "0.png"
    shutil.move(first, tmp_path / "elsewhere.png")
    first.symlink_to(tmp_path / "elsewhere.png")
    forgotten, forget = [], EarlyImages.forget
    monkeypatch.setattr(
        EarlyImages, "forget", lambda images: forgotten.append(images.count) or forget(images)
    )
    assert loaded(tmp_path, load="batches") == alone(monkeypatch, tmp_path, load="batches")
    assert (begun, forgotten) == ([42], [42])


@pytest.mark.parametrize("how", ["whole", "batches"])
def test_faults_are_told_as_ever(tmp_path, begun, monkeypatch, how):
    write_classes(tmp_path / "all", 25)
    damaged, other = tmp_path / "all" / "above" / "1.png", tmp_path / "all" / "above" / "2.png"
    damaged.write_bytes(damaged.read_bytes()[:-40])

    def told(load):
        with pytest.raises(SpecError) as caught:
            load()
        return [(d.code, d.message, d.help) for d in caught.value.diagnostics]

    for name in ("all/above/1.png", "all/above/2.png"):
        if name in str(other):  # a faulty header is the only fault reported
            other.write_bytes(b"GIF89a")
        found = told(lambda: loaded(tmp_path, load=how))
        assert found == told(lambda: alone(monkeypatch, tmp_path, load=how))
        assert [name in message for _, message, _ in found] == [True]
    assert begun == [42, 42]


def test_what_only_describes_data_begins_nothing(tmp_path, begun):
    write_classes(tmp_path / "all", 25)
    open_data(FORMATS.validate(FIELDS), tmp_path)
    assert begun == []


def test_processes_that_are_gone_are_done_without(tmp_path, begun, monkeypatch):
    write_classes(tmp_path / "all", 25)
    meant = alone(monkeypatch, tmp_path)
    start = decoders._started

    def ended():
        process = start()
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(decoders, "_started", ended)
    assert loaded(tmp_path) == meant
    assert begun == [None]

"""Processes that decode images: the same pixels as without them, and what becomes of them."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, load_data, open_data, row_files
from specnet.data.formats.images import stream
from specnet.data.formats.images.stream import ImageStream
from specnet.data.images import decoders
from specnet.data.images.decoding import decode
from specnet.data.images.frame import ImageFrame
from specnet.data.images.header import SMALL
from specnet.diagnostics import RunError, SpecError
from specnet.passes import cores
from tests.support.pictures import write_classes

Image = pytest.importorskip("PIL.Image")

FRAME = ImageFrame(6, 5, 3, "stretch", 0)


class File:
    def __init__(self, path):
        self.path, self.pixels = path, 30


@pytest.fixture
def processes(monkeypatch):
    """Two processes for any number of images, and none of them left."""
    monkeypatch.setattr(stream, "WORTH", 0)
    monkeypatch.setattr(decoders, "share", lambda: 2)
    monkeypatch.setattr(decoders, "_possible", True)
    started = []
    start = decoders._started
    monkeypatch.setattr(decoders, "_started", lambda: started.append(start()) or started[-1])
    yield started
    gc.collect()
    assert [process.returncode is None for process in started] == [False] * len(started)


@pytest.fixture
def files(tmp_path):
    return [File(path) for path in sorted(write_classes(tmp_path / "all", 40).glob("*/*.png"))]


def pixels(files):
    return np.array([np.frombuffer(decode(file.path, FRAME), np.uint8).reshape(6, 5, 3) for file in files])


def load(folder, **options):
    fields = {"type": "images", "path": "all", "size": [6, 5], **options}
    return load_data(FORMATS.validate(fields), folder, seed=0, dtype="float32")


def trained(folder, how):
    data = {"type": "images", "path": str(folder / "all"), "size": [6, 5], "load": how}
    data |= {"split": {"validation": 0.25}, "augmentations": [{"type": "flip"}]}
    data |= {"transforms": [{"type": "standardize", "per": "channel"}]}
    document = {"specnet": 1, "data": data, "layers": ["flatten", {"type": "dense", "units": 3}]}
    document |= {"loss": "cross_entropy", "training": {"epochs": 3, "batch_size": 7}}
    result = specnet.run(specnet.load(json.dumps(document)))
    return result.model.parameters.flat.tobytes(), result.splits, result.data.sources


def test_a_training_is_the_same_with_processes_and_without(tmp_path, processes, monkeypatch):
    write_classes(tmp_path / "all", 30)
    found = [trained(tmp_path, how) for how in ("whole", "batches")]
    assert len(processes) == 4
    monkeypatch.setattr(stream, "WORTH", 1 << 40)
    found.append(trained(tmp_path, "batches"))
    assert len(processes) == 4
    assert found[0] == found[1] == found[2]


def test_any_order_and_several_readers(files, processes):
    meant, out = pixels(files), np.zeros((len(files), 6, 5, 3), np.uint8)
    one = ImageStream(files, FRAME)
    order = np.random.default_rng(0).permutation(len(files))
    one.expect(order[start : start + 50] for start in range(0, len(order), 50))
    other = one.apart()
    assert one.read(order[:7], out[:7]) == []
    other.expect([order[::-1]])
    assert other.read(order[::-1], out) == []
    np.testing.assert_array_equal(out, meant[order[::-1]])
    assert one.read(order[7:90], out[7:90]) == []  # what was kept while the other one was read
    np.testing.assert_array_equal(out[7:90], meant[order[7:90]])
    assert one.read(np.array([3, 1]), out[:2]) == []  # not expected
    np.testing.assert_array_equal(out[:2], meant[[3, 1]])
    one.expect(iter(()))
    assert one.read(order, out) == []
    np.testing.assert_array_equal(out, meant[order])
    assert len(processes) == 2


def test_they_start_when_a_folder_is_opened_whose_images_will_all_be_read(tmp_path, processes):
    write_classes(tmp_path / "all", 4)
    fields = FORMATS.validate({"type": "images", "path": "all", "size": [6, 5]})
    open_data(fields, tmp_path)
    assert len(processes) == 0
    opened = open_data(fields, tmp_path, will_read=True)
    assert len(processes) == 2
    assert opened.source.processes is decoders.decoders()


@pytest.mark.parametrize("how", ["whole", "batches"])
def test_damaged_images_are_told_as_without_processes(tmp_path, processes, monkeypatch, how):
    write_classes(tmp_path / "all", 4)
    for name in ("above/1.png", "middle/3.png"):
        path = tmp_path / "all" / name
        path.write_bytes(path.read_bytes()[:-40])
    found = []
    for worth in (0, 1 << 40):
        monkeypatch.setattr(stream, "WORTH", worth)
        with pytest.raises(SpecError) as caught:
            load(tmp_path, load=how)
        found.append([(d.code, d.message, d.help) for d in caught.value.diagnostics])
    assert found[0] == found[1]
    assert len(found[0]) == 2
    assert len(processes) == 2


def test_new_rows_are_decoded_ahead_over_all_blocks(tmp_path, processes, monkeypatch):
    write_classes(tmp_path / "all", 30)
    encoding = load(tmp_path).encoding
    monkeypatch.setattr("specnet.data.formats.images.ELEMENTS", 90 * 7)
    found = []
    for worth in (0, 1 << 40):
        monkeypatch.setattr(stream, "WORTH", worth)
        read = list(row_files.blocks(encoding, tmp_path / "all", "all", print))
        found.append(([block.files for block in read], [block.rows.tobytes() for block in read]))
    assert found[0] == found[1]
    assert len(found[0][0]) == 13
    assert len(processes) == 4


def test_what_nobody_wants_any_more_is_passed_over(files, processes):
    images, out = ImageStream(files, FRAME), np.zeros((len(files), 6, 5, 3), np.uint8)
    order = np.arange(len(files))
    for _ in range(30):
        images.expect([order])
        images.read(order[:1], out[:1])
    assert max(len(worker.asked) for worker in images._decoders._workers) < 9
    images.expect([order[::-1]])
    assert images.read(order[::-1], out) == []
    np.testing.assert_array_equal(out, pixels(files)[::-1])
    assert len(processes) == 2


def test_warnings_of_pillow_are_given_here(files, processes, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    images, out = ImageStream(files[:3], FRAME), np.zeros((3, 6, 5, 3), np.uint8)
    images.expect([np.arange(3)])
    with pytest.warns(Image.DecompressionBombWarning, match="30 pixels"):
        images.read(np.arange(3), out)
    assert len(processes) == 2


def test_one_that_is_killed_ends_the_training(files, processes):
    images, out = ImageStream(files, FRAME), np.zeros((len(files), 6, 5, 3), np.uint8)
    order = np.arange(len(files))
    images.expect([order] * 9)
    assert images.read(order[:70], out[:70]) == []
    for process in processes:
        process.kill()
        process.wait()

    def read_on():
        for _ in range(8):
            images.read(order[70:], out[70:])
            images.read(order[:70], out[:70])

    with pytest.raises(
        RunError, match=r"a process that decodes images (was ended by SIGKILL|ended with code)"
    ):
        read_on()
    images.expect([order])
    assert images.read(order, out) == []
    assert len(processes) == 4


@pytest.mark.parametrize("program", ["", "/nowhere/python3", "wrapper", "app"])
def test_where_none_can_be_started_images_are_decoded_here(tmp_path, files, processes, monkeypatch, program):
    if program == "wrapper":
        if os.name != "posix":
            pytest.skip("a script is no program here")
        (tmp_path / "python3").write_text("#!/bin/sh\necho hello\nexit 3\n", encoding="utf-8")
        (tmp_path / "python3").chmod(0o755)
        program = str(tmp_path / "python3")
    monkeypatch.setattr(sys, "executable", program)
    images, out = ImageStream(files, FRAME), np.zeros((len(files), 6, 5, 3), np.uint8)
    for _ in range(2):
        images.expect([np.arange(len(files))])
        assert images.read(np.arange(len(files)), out) == []
        np.testing.assert_array_equal(out, pixels(files))
    assert len(processes) <= 2


def test_an_interruption_leaves_no_answer_half_read(files, processes, monkeypatch):
    images, out = ImageStream(files, FRAME), np.zeros((len(files), 6, 5, 3), np.uint8)
    images.expect([np.arange(len(files))])
    with monkeypatch.context() as patch:
        patch.setattr(decoders.Decoders, "_fill", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            images.read(np.arange(len(files)), out)
    assert all(process.returncode is not None for process in processes)
    assert images.read(np.arange(len(files)), out) == []
    np.testing.assert_array_equal(out, pixels(files))


def test_a_file_that_is_too_large_to_be_held_has_the_same_sum(tmp_path):
    write_classes(tmp_path / "all", 1)
    path = tmp_path / "all" / "below" / "0.png"
    path.write_bytes(path.read_bytes() + bytes(SMALL))
    sums: list[bytes] = []
    decode(path, FRAME, sums)
    assert sums[0].hex() == specnet.data.files.sha256(path)
    seen = load(tmp_path).sources
    assert dict(seen) == {"all": specnet.data.files.sha256(tmp_path / "all")}


@pytest.mark.skipif(os.name != "posix", reason="a process is killed by a signal")
def test_none_outlives_a_process_that_is_killed(tmp_path):
    """Neither those that wait for work nor those that are in the middle of it."""
    write_classes(tmp_path / "all", 30)
    script = f"""
import os, signal
from pathlib import Path
import numpy as np
from specnet.data.formats.images import stream
from specnet.data.images import decoders
from specnet.data.images.frame import ImageFrame
class File:
    def __init__(self, path):
        self.path, self.pixels = path, 30
stream.WORTH, decoders.share = 0, lambda: 2
files = [File(path) for path in Path({str(tmp_path)!r}).glob("*/*/*.png")]
images = stream.ImageStream(files, ImageFrame(600, 500, 3, "stretch", 0))
images.expect([np.arange(64)] * 9)
print(*(worker.process.pid for worker in images._decoders._workers), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    numbers = [int(number) for number in done.stdout.split()]
    assert (len(numbers), done.stderr) == (2, "")
    until = time.monotonic() + 20
    while any(map(_runs, numbers)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(_runs, numbers))


def _runs(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    stat = f"/proc/{number}/stat"
    if not os.path.exists(stat):  # noqa: PTH110
        return True
    with open(stat, encoding="utf-8") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] != "Z"


def test_cores_are_shared_with_processes_that_do_the_same(monkeypatch):
    monkeypatch.setattr(cores, "allowed", lambda: 6)
    for beside, threads, meant in (("", "", 6), ("2", "", 3), ("9", "", 1), ("2", "2", 2), ("x", "-", 6)):
        monkeypatch.setenv(cores.BESIDE, beside)
        monkeypatch.setenv(cores.VARIABLE, threads)
        assert cores.share() == meant

"""Folders of images: what is found, how it is decoded, and what is refused."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specnet
from specnet.data import FORMATS, files, inspect_data, labelled, load_data, row_files
from specnet.data.images.decoding import decode
from specnet.data.images.frame import ImageFrame
from specnet.data.images.header import MAXIMUM_PIXELS, ImageError, ImageHeader, checked_header
from specnet.diagnostics import RunError, SpecError
from specnet.installation import install_command
from specnet.runs.compiling import compile_spec
from tests.support.examples import examples
from tests.support.pictures import chunk, png_bytes, write_classes, write_png

Image = pytest.importorskip("PIL.Image")
PngImagePlugin = pytest.importorskip("PIL.PngImagePlugin")


def reader(path, **options):
    return FORMATS.validate({"type": "images", "path": str(path), "size": [6, 5], **options})


def load(path, folder, seed=0, **options):
    return load_data(reader(path, **options), folder, seed=seed, dtype="float32")


def faults(call):
    with pytest.raises(SpecError) as caught:
        call()
    return [(d.code, d.message) for d in caught.value.diagnostics]


def framed(path, size=(4, 4), channels=3, resize="stretch", background=0):
    frame = ImageFrame(*size, channels, resize, background)
    return np.frombuffer(decode(path, frame), np.uint8).reshape(frame.shape)


def pixels(shape, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def test_classes_come_in_order_and_images_by_name(tmp_path):
    for name in ("b", "a", "C"):
        for number in (10, 9):
            write_png(
                tmp_path / "all" / name / f"{number}.PNG", np.full((6, 5, 3), ord(name) + number, np.uint8)
            )
    (tmp_path / "all" / ".hidden").mkdir()
    (tmp_path / "all" / "a" / "Thumbs.db").write_bytes(b"x")
    signature = inspect_data(reader("all"), tmp_path)
    assert (signature.inputs, signature.target) == ((6, 5, 3), ())
    assert (signature.classes, signature.class_count) == (("C", "a", "b"), 3)
    assert (signature.target_kind, signature.integers) == ("class", True)
    data = load("all", tmp_path)
    train = data.splits["train"]
    assert train.targets.tolist() == [0, 0, 1, 1, 2, 2]
    assert train.inputs[:, 0, 0, 0].tolist() == [ord(n) + k for n in "Cab" for k in (10, 9)]
    assert train.inputs.dtype == np.float32


def test_splits_by_fraction_and_by_folder(tmp_path):
    write_classes(tmp_path / "train", 10)
    write_classes(tmp_path / "other", 2, seed=1)
    (tmp_path / "other" / "below" / "0.png").rename(tmp_path / "other" / "above" / "9.png")
    (tmp_path / "other" / "below" / "1.png").unlink()
    (tmp_path / "other" / "below").rmdir()
    split = {"validation": 0.2, "stratify": True}
    data = load("train", tmp_path, split=split, test={"path": "other"})
    assert data.signature.rows == {"train": 24, "validation": 6, "test": 5}
    assert data.signature == inspect_data(reader("train", split=split, test={"path": "other"}), tmp_path)
    assert np.bincount(data.splits["validation"].targets).tolist() == [2, 2, 2]
    assert data.splits["test"].targets.tolist() == [0, 0, 0, 2, 2]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("transforms", [[], [{"type": "standardize", "per": "channel"}]])
def test_batches_come_to_the_same_as_all_at_once(tmp_path, channels, transforms):
    write_classes(tmp_path / "all", 5, (9, 7, 3))
    options = {"channels": channels, "transforms": transforms, "split": {"test": 0.2}}
    whole = load("all", tmp_path, load="whole", **options)
    batches = load("all", tmp_path, load="batches", **options)
    assert (whole.signature.batches, batches.signature.batches) == ((), ("inputs",))
    assert batches.sources == whole.sources
    for name, split in whole.splits.items():
        assert not isinstance(batches.splits[name].inputs, np.ndarray)
        inputs, targets = batches.splits[name].at(np.arange(len(split)))
        assert inputs.tobytes() == split.inputs.tobytes()
        np.testing.assert_array_equal(targets, split.targets)


def test_auto_reads_in_batches_what_takes_over_half_the_memory(tmp_path, monkeypatch):
    write_classes(tmp_path / "all", 2)
    monkeypatch.setattr("specnet.data.files.memory", lambda: 2 * 5 * 6 * 90)
    assert load("all", tmp_path).signature.batches == ()
    monkeypatch.setattr("specnet.data.files.memory", lambda: 2 * 5 * 6 * 90 - 1)
    assert load("all", tmp_path).signature.batches == ("inputs",)


def test_a_training_is_the_same_bit_for_bit(tmp_path):
    write_classes(tmp_path / "all", 8)
    results = []
    for how in ("whole", "batches"):
        data = {"type": "images", "path": str(tmp_path / "all"), "size": [6, 5], "load": how}
        data |= {"split": {"validation": 0.25}, "augmentations": [{"type": "flip"}, {"type": "mixup"}]}
        data |= {"transforms": [{"type": "scale", "factor": 1 / 255}]}
        document = {"specnet": 1, "data": data, "layers": ["flatten", {"type": "dense", "units": 3}]}
        document |= {"loss": "cross_entropy", "training": {"epochs": 3, "batch_size": 7}}
        results.append(specnet.run(specnet.load(json.dumps(document))))
    one, two = results
    assert one.model.parameters.flat.tobytes() == two.model.parameters.flat.tobytes()
    assert one.splits == two.splits


# How pixels become what they are


def test_colour_and_grey(tmp_path):
    colour, grey = pixels((4, 4, 3)), pixels((4, 4), 1)
    write_png(tmp_path / "colour.png", colour)
    write_png(tmp_path / "grey.png", grey)
    np.testing.assert_array_equal(framed(tmp_path / "colour.png"), colour)
    np.testing.assert_array_equal(framed(tmp_path / "grey.png"), np.repeat(grey[..., None], 3, 2))
    np.testing.assert_array_equal(framed(tmp_path / "grey.png", channels=1)[..., 0], grey)
    luma = colour.astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(framed(tmp_path / "colour.png", channels=1)[..., 0] - luma).max() <= 0.51


def test_of_16_bits_the_higher_8_count(tmp_path):
    for shape in ((4, 4), (4, 4, 3)):
        deep = pixels(shape, dtype=np.uint16)
        got = framed(write_png(tmp_path / "deep.png", deep), channels=1 if len(shape) == 2 else 3)
        np.testing.assert_array_equal(got.reshape(shape), deep >> 8)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("background", [0, 200])
def test_what_is_transparent_shows_the_background(tmp_path, channels, background):
    image = pixels((4, 4, channels))
    image[0, :, -1], image[1, :, -1] = 0, 255
    path = write_png(tmp_path / "a.png", image)
    got = framed(path, background=background).astype(float)
    share = image[..., -1:] / 255
    meant = image[..., :-1] * share + background * (1 - share)
    assert np.abs(got - meant).max() <= 1.5
    np.testing.assert_array_equal(got[0], background)
    np.testing.assert_array_equal(got[1], np.broadcast_to(image[1, :, :-1], (4, 3)))


def test_palettes_are_resolved_with_their_transparency(tmp_path):
    colours = pixels((16, 3), 2)
    index = np.arange(16, dtype=np.uint8).reshape(4, 4)
    more = chunk(b"PLTE", colours.tobytes())
    path = write_png(tmp_path / "p.png", index, more=more, colour=3)
    np.testing.assert_array_equal(framed(path), colours[index])
    path = write_png(tmp_path / "t.png", index, more=more + chunk(b"tRNS", b"\0\xff"), colour=3)
    meant = colours[index].copy()
    meant[0, 0] = 9
    np.testing.assert_array_equal(framed(path, background=9), meant)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(tmp_path, mode):
    smooth = np.add.outer(np.arange(16) * 8, np.arange(16) * 7).astype(np.uint8)
    Image.fromarray(np.repeat(smooth[..., None], 3, 2)).convert(mode).save(tmp_path / "a.jpeg", quality=98)
    assert checked_header(tmp_path / "a.jpeg") == ImageHeader("JPEG", 16, 16)
    got = framed(tmp_path / "a.jpeg", (16, 16)).astype(int)
    assert np.abs(got - smooth[..., None]).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_images_are_turned_upright(tmp_path, orientation, suffix):
    upright = np.zeros((8, 16), np.uint8)
    upright[:4, :4] = 250  # top left
    upright[:4, 12:] = 120  # top right
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 98} if suffix == "jpg" else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    got = framed(tmp_path / f"a.{suffix}", (8, 16), 1)[..., 0].astype(int)
    assert np.abs(got - upright).max() <= 8


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_images_whose_xmp_says_so_are_turned_upright(tmp_path, suffix):
    upright = np.repeat(np.array([[250, 0, 0], [0, 0, 120]], np.uint8), 8, 0).repeat(8, 1)
    xmp = '<rdf:Description tiff:Orientation="8"/>'
    if suffix == "png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp)
        options = {"pnginfo": info}
    else:
        options = {"xmp": xmp.encode(), "quality": 98}
    stored = np.ascontiguousarray(np.rot90(upright, -1))
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", **options)
    got = framed(tmp_path / f"a.{suffix}", (16, 24), 1)[..., 0].astype(int)
    assert np.abs(got - upright).max() <= 8


def test_other_sizes_are_fitted(tmp_path):
    wide = np.zeros((4, 12), np.uint8)
    wide[:, :4], wide[:, 8:] = 90, 180
    path = write_png(tmp_path / "wide.png", wide)
    assert framed(path, (4, 12), 1)[..., 0].tolist() == wide.tolist()
    crop = framed(path, (4, 4), 1, "crop")[..., 0]
    np.testing.assert_array_equal(crop, 0)  # the middle third
    pad = framed(path, (12, 12), 1, "pad", 7)[..., 0]
    np.testing.assert_array_equal(pad[4:8], wide)
    assert (pad[:4] == 7).all()
    assert (pad[8:] == 7).all()
    meant = Image.fromarray(wide).resize((3, 4), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(framed(path, (4, 3), 1)[..., 0], np.asarray(meant))
    assert framed(path, (8, 24), 3, "pad").shape == (8, 24, 3)


# What is refused


def test_every_damaged_image_is_named_when_all_are_read(tmp_path):
    write_classes(tmp_path / "all", 4)
    for name in ("above/1.png", "middle/3.png"):
        path = tmp_path / "all" / name
        path.write_bytes(path.read_bytes()[:-40])
    Image.fromarray(pixels((40, 40, 3))).save(tmp_path / "all" / "below" / "9.jpg")
    torn = (tmp_path / "all" / "below" / "9.jpg").read_bytes()
    (tmp_path / "all" / "below" / "9.jpg").write_bytes(torn[: len(torn) // 2])
    inspect_data(reader("all"), tmp_path)  # the headers are sound
    for how in ("whole", "batches"):
        found = faults(lambda how=how: load("all", tmp_path, load=how))
        assert [code for code, _ in found] == ["SN584"] * 3
        told = [message for _, message in found]
        for name, message in zip(("above/1.png", "below/9.jpg", "middle/3.png"), told, strict=True):
            assert message.startswith(f"`all/{name}` is damaged: ")


def test_faulty_headers_are_named_with_all_else_where_all_images_are_read(tmp_path):
    write_classes(tmp_path / "all", 4)
    damaged, other = (tmp_path / "all" / "above" / name for name in ("1.png", "2.png"))
    damaged.write_bytes(damaged.read_bytes()[:-40])
    other.write_bytes(b"GIF89a")
    header = ("SN584", "`all/above/2.png` is neither PNG nor JPEG by its contents")
    assert faults(lambda: inspect_data(reader("all"), tmp_path)) == [header]
    for how in ("whole", "batches"):
        torn, told = faults(lambda how=how: load("all", tmp_path, load=how))
        assert torn[1].startswith("`all/above/1.png` is damaged: ")
        assert told == header
    (tmp_path / "all" / "3.png").write_bytes(b"")  # no image is read
    loose, told = faults(lambda: load("all", tmp_path))
    assert (loose[0], told) == ("SN583", header)


@pytest.mark.parametrize("how", ["whole", "batches"])
def test_warnings_do_not_keep_a_training_from_naming_every_damaged_image(how, tmp_path):
    write_classes(tmp_path / "all", 20)
    names = [f"all/above/{number}.png" for number in range(5)]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    document = {
        "specnet": 1,
        "data": {"type": "images", "path": "all", "size": [6, 5], "load": how},
        "layers": ["flatten", {"type": "dense", "units": "auto"}],
        "loss": "cross_entropy",
    }
    (tmp_path / "spec.json").write_text(json.dumps(document))
    spec, warned = specnet.load(tmp_path / "spec.json"), []
    found = faults(lambda: compile_spec(spec, warned=warned.append))
    assert found == [("SN584", f"`{name}` is empty") for name in names]


def test_twenty_faults_are_listed_and_the_rest_counted(tmp_path):
    for n in range(30):
        path = tmp_path / "all" / "a" / f"{n:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("no image")
    found = faults(lambda: inspect_data(reader("all"), tmp_path))
    assert len(found) == 21
    assert found[-1] == ("SN500", "10 more errors in the data are not listed")
    write_classes(tmp_path / "sound", 1)
    encoding = load("sound", tmp_path).encoding
    found = faults(lambda: encoding.encode_file("all", tmp_path))
    assert (len(found), found[-1][0]) == (21, "SN500")
    found = faults(lambda: list(row_files.blocks(encoding, tmp_path / "all", "all", print)))
    assert (len(found), found[-1][0]) == (21, "SN500")
    (tmp_path / "all" / "a").rename(tmp_path / "all" / "above")
    found = faults(lambda: labelled.labelled_rows(encoding, tmp_path / "all"))
    assert (len(found), found[-1][0]) == (21, "SN500")


@pytest.mark.parametrize(
    ("data", "suffix", "why"),
    [
        (b"", "png", "is empty"),
        (b"GIF89a" + bytes(20), "png", "is neither PNG nor JPEG"),
        (png_bytes(pixels((2, 2)))[:20], "png", "its header is truncated"),
        (png_bytes(pixels((2, 2))), "jpg", "is a PNG file by its contents, not a JPEG"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "jpg", "before it gives its size"),
        (b"\xff\xd8\xff\xd9", "jpg", "it does not give its size"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x00\x05", "jpg", "5 x 0 pixels"),
        (b"\xff\xd8\xff\xc2\x00\x11\x08\xff\xff\xff\xff", "jpg", "65535 x 65535 pixels, more than"),
        (png_bytes(pixels((2, 2))), "gif", "is not an image by its name"),
    ],
)
def test_headers_that_are_refused(tmp_path, data, suffix, why):
    (tmp_path / f"a.{suffix}").write_bytes(data)
    with pytest.raises(ImageError, match=why):
        checked_header(tmp_path / f"a.{suffix}")
    with pytest.raises(ImageError, match=why):
        framed(tmp_path / f"a.{suffix}")


def test_the_bound_on_pixels_is_pillow_s():
    assert MAXIMUM_PIXELS == Image.MAX_IMAGE_PIXELS


def test_a_png_that_unpacks_to_very_much_is_refused(tmp_path):
    """A small image beside a string that unpacks to 200 MB, which Pillow refuses to keep."""
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200_000_000), 9))
    path = write_png(tmp_path / "a.png", pixels((2, 2)), more=bomb)
    with pytest.raises(ImageError, match="is damaged: "):
        framed(path)


@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_damage_of_any_kind_is_told_or_harmless(tmp_path, data):
    file = io.BytesIO()
    form = data.draw(st.sampled_from(["PNG", "JPEG"]))
    Image.fromarray(pixels((9, 9, 3))).save(file, form)
    torn = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        torn[data.draw(st.integers(0, len(torn) - 1))] = data.draw(st.integers(0, 255))
    torn = torn[: data.draw(st.integers(0, len(torn)))] if data.draw(st.booleans()) else torn
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(torn)
    try:
        assert framed(path).shape == (4, 4, 3)
    except ImageError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    except Warning as warning:
        assert "xif" in str(warning) or "PNG" in str(warning) or "image" in str(warning)  # noqa: PT017


def test_folders_that_are_refused(tmp_path):
    (tmp_path / "none").mkdir()
    assert faults(lambda: inspect_data(reader("none"), tmp_path)) == [
        ("SN583", "`none` has no folder for each class")
    ]
    write_png(tmp_path / "loose" / "a.png", pixels((2, 2)))
    ((code, message),) = faults(lambda: inspect_data(reader("loose"), tmp_path))
    assert (code, "it holds `a.png` itself" in message) == ("SN583", True)
    write_png(tmp_path / "hole" / "a" / "a.png", pixels((2, 2)))
    (tmp_path / "hole" / "b").mkdir()
    ((code, message),) = faults(lambda: inspect_data(reader("hole"), tmp_path))
    assert (code, message) == ("SN583", "`hole/b` has no images: the class `b` is empty")
    write_png(tmp_path / "new" / "aa" / "a.png", pixels((2, 2)))
    found = faults(lambda: inspect_data(reader("hole/../new", test={"path": "hole"}), tmp_path))
    assert [code for code, _ in found] == ["SN514", "SN514"]
    (code, message), *_ = faults(lambda: inspect_data(reader("absent"), tmp_path))
    assert (code, message.startswith("there is no folder `absent`")) == ("SN501", True)
    (code, message), *_ = faults(lambda: inspect_data(reader("new/aa/a.png"), tmp_path))
    assert (code, message) == ("SN502", "`new/aa/a.png` is a file, not a folder")


def test_an_image_that_breaks_while_it_is_used_ends_the_run(tmp_path):
    write_classes(tmp_path / "all", 2)
    split = load("all", tmp_path, load="batches").splits["train"]
    (tmp_path / "all" / "below" / "1.png").write_bytes(b"")
    split.at(np.array([0, 1]))
    with pytest.raises(RunError, match=r"all/below/1\.png` has changed while it was being used: it is empty"):
        split.at(np.array([2, 3]))


def test_changed_images_change_the_digest(tmp_path):
    write_classes(tmp_path / "all", 2)
    seen = [load("all", tmp_path).sources]
    (tmp_path / "all" / "above" / ".DS_Store").write_bytes(b"x")
    assert load("all", tmp_path).sources == seen[0]
    (tmp_path / "all" / "above" / "1.png").rename(tmp_path / "all" / "above" / "7.png")
    seen.append(load("all", tmp_path).sources)
    write_png(tmp_path / "all" / "above" / "7.png", pixels((6, 5, 3)))
    seen.append(load("all", tmp_path).sources)
    assert len(set(seen)) == 3
    assert [len(digest) for ((_, digest),) in seen] == [64] * 3


@pytest.mark.parametrize("how", ["whole", "batches"])
def test_the_digest_is_that_of_the_folder_whatever_its_names(tmp_path, how):
    for folder in ("a", "a-b", "B"):
        write_png(tmp_path / "all" / folder / "ä.png", pixels((6, 5, 3), len(folder)))
    with contextlib.suppress(OSError):  # of a system whose names are all valid
        (tmp_path / "all" / "a" / os.fsdecode(b"\xff.png")).write_bytes(png_bytes(pixels((2, 2))))
    sums = sorted(
        f"{path.relative_to(tmp_path / 'all').as_posix()}".encode(errors="surrogateescape")
        + b"\0"
        + hashlib.sha256(path.read_bytes()).hexdigest().encode()
        for path in (tmp_path / "all").glob("*/*")
    )
    lines = (b"%s  %s\n" % tuple(reversed(line.split(b"\0"))) for line in sums)
    meant = hashlib.sha256(b"".join(lines)).hexdigest()
    assert load("all", tmp_path, load=how, split={"test": 0.3}).sources == (("all", meant),)
    assert files.sha256(tmp_path / "all") == meant


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch):
    write_classes(tmp_path / "all", 1)
    monkeypatch.setattr("specnet.data.formats.images.source.find_spec", lambda name: None)
    with pytest.raises(SpecError) as caught:
        inspect_data(reader("all"), tmp_path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("SN582", install_command("images"))


def test_a_description_needs_no_pillow(tmp_path):
    write_classes(tmp_path / "all", 1)
    script = (
        "import sys; from pathlib import Path; from specnet.data import FORMATS, inspect_data;"
        f"r = FORMATS.validate({{'type': 'images', 'path': 'all', 'size': [6, 5]}});"
        f"inspect_data(r, Path({str(tmp_path)!r})); print('PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_bytes_that_no_transform_scales_are_warned_of(tmp_path):
    write_classes(tmp_path / "all", 3)
    data = {"type": "images", "path": str(tmp_path / "all"), "size": [6, 5]}
    document = {"specnet": 1, "data": data, "layers": ["flatten", {"type": "dense", "units": 3}]}
    document["loss"] = "cross_entropy"
    plain = specnet.validate(json.dumps(document))
    data["transforms"] = [{"type": "scale", "factor": 1 / 255}]
    scaled = specnet.validate(json.dumps(document))
    assert {d.code for d in plain.diagnostics} - {d.code for d in scaled.diagnostics}
    assert not [d for d in plain.diagnostics if d.severity == "error"]


def test_the_encoding_reads_files_and_folders(tmp_path):
    write_classes(tmp_path / "all", 2)
    data = load("all", tmp_path, transforms=[{"type": "scale", "factor": 0.5}])
    inputs = data.splits["train"].inputs
    np.testing.assert_array_equal(data.encoding.encode_file("all", tmp_path), inputs)
    np.testing.assert_array_equal(data.encoding.encode_file("all/below", tmp_path), inputs[2:4])
    np.testing.assert_array_equal(data.encoding.encode_file("all/below/1.png", tmp_path), inputs[3:4])


@pytest.mark.parametrize("load", ["whole", "batches"])
def test_images_can_be_their_own_targets(tmp_path, load):
    write_classes(tmp_path / "all", shape=(6, 5, 1))
    data = {"type": "images", "path": "all", "size": [6, 5], "channels": 1, "target": "inputs", "load": load}
    text = {
        "specnet": 1,
        "data": data | {"transforms": [{"type": "scale", "factor": 1 / 255}], "split": {"test": 0.3}},
        "layers": [
            {"type": "flatten"},
            {"type": "dense", "units": 30, "activation": "sigmoid"},
            {"type": "reshape", "shape": [6, 5, 1]},
        ],
        "loss": "binary_cross_entropy",
        "training": {"epochs": 2, "batch_size": 5},
    }
    (tmp_path / "s.json").write_text(json.dumps(text))
    result = specnet.run(specnet.load(tmp_path / "s.json"), out=tmp_path / "run")
    signature = result.data.signature
    assert (signature.target, signature.classes, signature.batches) == (
        (6, 5, 1),
        None,
        ("inputs",) if load == "batches" else (),
    )
    for split in result.data.splits.values():
        assert split.targets is split.inputs
    assert specnet.evaluate(tmp_path / "run").splits["test"]["loss"] == result.splits["test"]["loss"]
    pixels = np.stack([np.asarray(Image.open(tmp_path / "all" / "above" / f"{n}.png")) for n in range(6)])
    expected = specnet.evaluate(tmp_path / "run", pixels[..., None])
    assert specnet.evaluate(tmp_path / "run", tmp_path / "all" / "above").splits == expected.splits

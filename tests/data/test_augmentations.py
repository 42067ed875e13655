"""Each augmentation against loops over single pixels, which draw the same numbers from the same stream."""

from __future__ import annotations

from math import cos, floor, pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.data import AUGMENTATIONS, Augmentation
from specnet.data.augmentation import PIXELS, Sizes, Work
from specnet.data.transforms import TransformError
from specnet.engines.random import stream
from tests.support.examples import examples

SHAPES = st.tuples(st.integers(2, 7), st.integers(2, 7), st.integers(1, 3))


def changing(fields, x, t=None, seed=0):
    """Return what changes x and t in place, in memory that held something else before."""
    kind = AUGMENTATIONS.validate(fields)
    t = np.zeros((len(x), 1), x.dtype) if t is None else t
    kind.check(x.shape[1:])
    room = {}
    for name, (shape, dtype) in kind.scratch(Sizes(len(x), x.shape[1:], t.shape[1:], str(x.dtype))).items():
        room[name] = np.full(shape, True if dtype == "bool" else 123, dtype)
    return kind.bind(Work(x, t, stream(seed, "augment/x"), room))


def augmented(fields, x, t=None, seed=0):
    x = x.copy()
    changing(fields, x, t, seed)()
    return x


def pixels(rows, shape, dtype="float32", seed=3):
    return np.random.default_rng(seed).normal(size=(rows, *shape)).astype(dtype)


def moved(x, sources, fill):
    """Return each image with pixel (i, j) from sources[image](i, j), or the fill where that is outside."""
    rows, height, width = x.shape[:3]
    out = np.full_like(x, fill)
    for n in range(rows):
        for i in range(height):
            for j in range(width):
                a, b = sources[n](i, j)
                if 0 <= a < height and 0 <= b < width:
                    out[n, i, j] = x[n, a, b]
    return out


def two(rows, seed=0):
    generator = stream(seed, "augment/x")
    return generator.random(rows), generator.random(rows)


@given(SHAPES, st.integers(1, 5), st.sampled_from(["horizontal", "vertical"]), st.floats(0.01, 1))
@settings(max_examples=examples(25), deadline=None)
def test_flip(shape, rows, direction, probability):
    x = pixels(rows, shape)
    got = augmented({"type": "flip", "direction": direction, "probability": probability}, x)
    up, along = two(rows)
    for n in range(rows):
        if direction == "horizontal":
            meant = x[n, :, ::-1] if along[n] < probability else x[n]
        else:
            meant = x[n, ::-1] if up[n] < probability else x[n]
        np.testing.assert_array_equal(got[n], meant)


@given(SHAPES, st.integers(1, 5), st.integers(0, 1), st.integers(0, 1), st.floats(-2, 2, width=32))
@settings(max_examples=examples(25), deadline=None)
def test_pad_crop(shape, rows, vertical, horizontal, fill):
    if vertical == horizontal == 0:
        vertical = 1
    x = pixels(rows, shape)
    got = augmented({"type": "pad_crop", "padding": [vertical, horizontal], "fill": fill}, x)
    padded = np.pad(x, [(0, 0), (vertical, vertical), (horizontal, horizontal), (0, 0)], constant_values=fill)
    up, along = two(rows)
    for n in range(rows):
        top, left = floor(up[n] * (2 * vertical + 1)), floor(along[n] * (2 * horizontal + 1))
        np.testing.assert_array_equal(got[n], padded[n, top : top + shape[0], left : left + shape[1]])


@given(SHAPES, st.integers(1, 5), st.floats(0.3, 0.9), st.floats(0.3, 0.9), st.floats(-2, 2, width=32))
@settings(max_examples=examples(25), deadline=None)
def test_shift(shape, rows, vertical, horizontal, fill):
    x = pixels(rows, shape)
    got = augmented({"type": "shift", "vertical": vertical, "horizontal": horizontal, "fill": fill}, x)
    sources = []
    for u, v in zip(*two(rows), strict=True):
        down = round((2 * u - 1) * vertical * shape[0])
        right = round((2 * v - 1) * horizontal * shape[1])
        sources.append(lambda i, j, down=down, right=right: (i + down, j + right))
    np.testing.assert_array_equal(got, moved(x, sources, np.float32(fill)))


def turned(image, angle, fill, *, nearest):
    height, width = image.shape[:2]
    out = np.empty_like(image)

    def at(i, j):
        return image[i, j] if 0 <= i < height and 0 <= j < width else np.full(image.shape[2], fill)

    for i in range(height):
        for j in range(width):
            y, x = i - (height - 1) / 2, j - (width - 1) / 2
            b = x * cos(angle) - y * sin(angle) + (width - 1) / 2
            a = x * sin(angle) + y * cos(angle) + (height - 1) / 2
            if nearest:
                out[i, j] = at(round(a), round(b))
                continue
            top, left = floor(a), floor(b)
            down, right = a - top, b - left
            above = at(top, left) * (1 - right) + at(top, left + 1) * right
            below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
            out[i, j] = above * (1 - down) + below * down
    return out


@given(SHAPES, st.integers(1, 4), st.floats(1, 180), st.booleans(), st.floats(-2, 2))
@settings(max_examples=examples(25), deadline=None)
def test_rotate(shape, rows, degrees, nearest, fill):
    x = pixels(rows, shape, "float64")
    interpolation = "nearest" if nearest else "bilinear"
    got = augmented({"type": "rotate", "degrees": degrees, "interpolation": interpolation, "fill": fill}, x)
    angles = (2 * stream(0, "augment/x").random(rows) - 1) * degrees * pi / 180
    for n in range(rows):
        meant = turned(x[n], angles[n], fill, nearest=nearest)
        np.testing.assert_allclose(got[n], meant, rtol=1e-9, atol=1e-12)


MOVES = [
    {"type": "flip"},
    {"type": "flip", "direction": "vertical"},
    {"type": "pad_crop", "padding": [2, 1]},
    {"type": "shift", "vertical": 0.4, "horizontal": 0.3},
    {"type": "rotate", "degrees": 90, "interpolation": "nearest"},
    {"type": "rotate", "degrees": 90, "interpolation": "bilinear"},
]


@pytest.mark.parametrize("fields", MOVES, ids=str)
@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("rows", [1, 5])
def test_masks_move_with_their_images(fields, dtype, shape, rows, monkeypatch):
    monkeypatch.setattr("specnet.data.augmentations.moves.images_at_once", lambda _: 2)
    monkeypatch.setattr("specnet.data.augmentations.rotation.images_at_once", lambda _: 2)
    # Each pixel's number says which it is, so that a mask of the same numbers shows where it has gone.
    x = np.arange(1.0, 1 + rows * 7 * 9).reshape(rows, 7, 9, 1)
    masks = np.broadcast_to(x.reshape(rows, 7, 9, *(1 for _ in shape)), (rows, 7, 9, *shape)).astype(dtype)
    nearest = fields | ({"interpolation": "nearest"} if "interpolation" in fields else {})
    meant = augmented(nearest, x)[..., 0]
    meant = np.where(meant == 0, 255, meant)
    kind = AUGMENTATIONS.validate(fields)
    sizes = Sizes(rows, (7, 9, 1), (7, 9, *shape), "float64", dtype)
    room = {name: np.full(own, 1, each) for name, (own, each) in kind.scratch(sizes).items()}
    view = masks.reshape(rows, 7, 9, -1)
    kind.bind(Work(x, masks, stream(0, "augment/x"), room, view, 255.0))()
    for own in view.transpose(3, 0, 1, 2):
        np.testing.assert_array_equal(own, meant)
    assert kind.moves
    assert (meant != np.arange(1, 1 + rows * 7 * 9).reshape(rows, 7, 9)).any() or rows == 1


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_rotate_is_what_pytorch_samples(mode):
    torch = pytest.importorskip("torch")
    x = pixels(6, (9, 12, 2), "float64")
    got = augmented({"type": "rotate", "degrees": 90, "interpolation": mode}, x)
    angles = torch.tensor((2 * stream(0, "augment/x").random(6) - 1) * pi / 2)
    c, s, zero = torch.cos(angles), torch.sin(angles), torch.zeros(6, dtype=torch.float64)
    # PyTorch's coordinates go from -1 to 1 over the width and over the height.
    ratio = 9 / 12
    rows = torch.stack([c, -s * ratio, zero], 1), torch.stack([s / ratio, c, zero], 1)
    grid = torch.nn.functional.affine_grid(torch.stack(rows, 1), (6, 2, 9, 12), align_corners=False)
    images = torch.tensor(x).permute(0, 3, 1, 2)
    meant = torch.nn.functional.grid_sample(images, grid, mode, "zeros", align_corners=False)
    np.testing.assert_allclose(got, meant.permute(0, 2, 3, 1).numpy(), rtol=1e-9, atol=1e-12)


def test_rotation_goes_counter_clockwise_for_positive_angles():
    x = pixels(400, (5, 5, 1), "float64")
    got = augmented({"type": "rotate", "degrees": 95, "interpolation": "nearest"}, x)
    angles = (2 * stream(0, "augment/x").random(400) - 1) * 95
    near = np.flatnonzero(np.abs(angles - 90) < 2)
    assert len(near) > 1
    for n in near:
        np.testing.assert_array_equal(got[n], np.rot90(x[n]))


@given(SHAPES, st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=examples(25), deadline=None)
def test_cutout(shape, rows, high, wide):
    x = pixels(rows, shape)
    got = augmented({"type": "cutout", "size": [high, wide], "fill": 0.5}, x)
    up, along = two(rows)
    for n in range(rows):
        top, left = floor(up[n] * shape[0]) - high // 2, floor(along[n] * shape[1]) - wide // 2
        meant = x[n].copy()
        meant[max(top, 0) : max(top + high, 0), max(left, 0) : max(left + wide, 0)] = 0.5
        np.testing.assert_array_equal(got[n], meant)


@given(st.integers(1, 6), st.floats(0.1, 3))
@settings(max_examples=examples(25), deadline=None)
def test_mixup(rows, alpha):
    x, t = pixels(rows, (4,), "float64"), pixels(rows, (3,), "float64", 4)
    mixed = t.copy()
    got = augmented({"type": "mixup", "alpha": alpha}, x, mixed)
    generator = stream(0, "augment/x")
    weight, order = generator.beta(alpha, alpha), np.arange(rows)
    generator.shuffle(order)
    for n in range(rows):
        np.testing.assert_allclose(got[n], weight * x[n] + (1 - weight) * x[order[n]], rtol=1e-12)
        np.testing.assert_allclose(mixed[n], weight * t[n] + (1 - weight) * t[order[n]], rtol=1e-12)


IMAGES = [
    {"type": "flip"},
    {"type": "pad_crop", "padding": 2},
    {"type": "shift", "vertical": 0.2, "horizontal": 0.3, "fill": -1.0},
    {"type": "rotate", "degrees": 30},
    {"type": "rotate", "degrees": 30, "interpolation": "nearest"},
    {"type": "cutout", "size": 5},
]


@pytest.mark.parametrize("fields", IMAGES, ids=lambda f: f["type"])
def test_a_batch_of_several_blocks_is_like_its_images_alone(fields):
    """Images beyond the first PIXELS of a batch are worked on in further blocks."""
    shape = (50, 40, 2)
    rows = 2 * (PIXELS // 2000) + 3
    x = pixels(rows, shape)
    got = augmented(fields, x)
    kind = AUGMENTATIONS.validate(fields)
    draws = stream(0, "augment/x").random(2 * rows).reshape(2, rows)

    class Drawn:
        def __init__(self, n):
            self.values = iter(draws[:, n])

        def random(self, out):
            out[0] = next(self.values)

    for n in (0, rows // 2, rows - 1):
        alone = x[n : n + 1].copy()
        room = {
            name: np.empty(size, dtype)
            for name, (size, dtype) in kind.scratch(Sizes(1, shape, (), "float32")).items()
        }
        kind.bind(Work(alone, np.zeros((1, 1)), Drawn(n), room))()
        np.testing.assert_array_equal(got[n], alone[0])


@pytest.mark.parametrize("fields", IMAGES, ids=lambda f: f["type"])
def test_grey_images_may_lack_the_axis_of_channels(fields):
    x = pixels(7, (9, 11, 1))
    np.testing.assert_array_equal(augmented(fields, x)[..., 0], augmented(fields, x[..., 0]))


@pytest.mark.parametrize("fields", [*IMAGES, {"type": "mixup"}], ids=lambda f: f["type"])
def test_seeds_decide_and_each_call_draws_anew(fields):
    x = pixels(8, (9, 11, 1))
    assert augmented(fields, x).tobytes() == augmented(fields, x).tobytes()
    assert augmented(fields, x).tobytes() != augmented(fields, x, seed=1).tobytes()
    again = x.copy()
    change = changing(fields, again)
    change()
    first = again.copy()
    again[...] = x
    change()
    assert first.tobytes() != again.tobytes()


def test_how_often_and_how_far():
    """Shares of 20,000 images, within five standard deviations."""
    count = 20_000
    x = np.zeros((count, 1, 9), "float32")
    x[:, :, 4] = 1.0
    marked = np.zeros((count, 1, 2), "float32")
    marked[:, :, 0] = 1.0
    flipped = augmented({"type": "flip", "probability": 0.3}, marked)[:, 0, 1].mean()
    assert abs(flipped - 0.3) < 5 * (0.3 * 0.7 / count) ** 0.5
    cropped = augmented({"type": "pad_crop", "padding": [0, 2]}, x)[:, 0].mean(0)
    assert np.all(np.abs(cropped[2:7] - 0.2) < 5 * (0.2 * 0.8 / count) ** 0.5)
    assert cropped[:2].sum() + cropped[7:].sum() == 0
    shifted = augmented({"type": "shift", "vertical": 0, "horizontal": 2 / 9}, x)[:, 0].mean(0)
    expected = np.array([0, 0, 1, 2, 2, 2, 1, 0, 0]) / 8  # round(u), u uniform in [-2, 2]
    assert np.all(np.abs(shifted - expected) < 5 * (0.25 / count) ** 0.5)
    covered = augmented({"type": "cutout", "size": [1, 3], "fill": 2.0}, x)[:, 0] == 2.0
    expected = np.array([2, 3, 3, 3, 3, 3, 3, 3, 2]) / 9
    assert np.all(np.abs(covered.mean(0) - expected) < 5 * (0.25 / count) ** 0.5)


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({"type": "flip"}, (4,), r"flip takes images, .*shape \[4\]"),
        ({"type": "cutout", "size": 2}, (4, 4, 1, 1), "cutout takes images"),
        ({"type": "pad_crop", "padding": [0, 4]}, (9, 4, 1), "nothing of images 4 wide"),
        ({"type": "shift", "vertical": 0.1, "horizontal": 0}, (4, 40), "no image would move"),
        ({"type": "cutout", "size": 16}, (8, 8), "hides all of every image"),
    ],
)
def test_what_does_not_fit(fields, shape, message):
    with pytest.raises(TransformError, match=message):
        AUGMENTATIONS.validate(fields).check(shape)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "flip", "probability": 0},
        {"type": "pad_crop"},
        {"type": "pad_crop", "padding": [0, 0]},
        {"type": "shift", "vertical": 0, "horizontal": 0},
        {"type": "rotate", "degrees": 181},
        {"type": "cutout", "size": 0},
        {"type": "mixup", "alpha": 0},
    ],
)
def test_what_is_refused(fields):
    with pytest.raises(ValidationError):
        AUGMENTATIONS.validate(fields)


def test_what_moves_pixels_says_so():
    assert {name for name, kind in AUGMENTATIONS.kinds.items() if kind.moves} == {f["type"] for f in MOVES}


def test_every_kind_is_tried():
    tried = {"flip", "pad_crop", "shift", "rotate", "cutout", "mixup"}
    assert set(AUGMENTATIONS.kinds) == tried
    assert all(issubclass(kind, Augmentation) for kind in AUGMENTATIONS)

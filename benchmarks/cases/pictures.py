"""A folder of PNG files that is read in batches, compared with PyTorch's DataLoader with two workers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

import specnet
from benchmarks.case import Case, Peer, Peers, Setting

SIDE, CLASSES, BATCH = 32, 10, 64

DOCUMENT = """
specnet = 1
metrics = []
[data]
type = "images"
path = "pictures"
size = [32, 32]
load = "batches"
transforms = [{ type = "scale", factor = 0.00392156862745098 }]
[[layers]]
type = "conv2d"
filters = 16
kernel_size = 3
strides = 2
activation = "relu"
[[layers]]
type = "global_average_pooling2d"
[[layers]]
type = "dense"
units = 10
[loss]
type = "cross_entropy"
[training]
epochs = 2
batch_size = 64
optimizer = "adam"
"""


def write(folder: Path, count: int) -> None:
    """Write so many pictures, smooth ones with some noise, in a folder for each class."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        pixels = np.asarray(small.resize((SIDE, SIDE))) // 2 + rng.integers(0, 32, (SIDE, SIDE, 3), np.uint8)
        place = folder / str(number % CLASSES)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")


class Pictures:
    """A data set for a DataLoader, whose workers decode the files."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*/*.png"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> object:
        """Return a picture's pixels from 0 to 1, channels first, and its class."""
        import torch
        from PIL import Image

        with Image.open(self.files[number]) as image:
            pixels = torch.from_numpy(np.array(image.convert("RGB")))
        return pixels.movedim(-1, 0).float() * (1 / 255), int(self.files[number].parent.name)


def trained(part: str, setting: Setting) -> Peers:
    """Return two epochs of training on a folder: the seconds of the second, or those before the first."""
    import torch

    folder = setting.folder / "pictures"
    if not folder.exists():
        write(folder, setting.size(20_000, 200))
    path = setting.folder / "pictures.toml"
    path.write_text(DOCUMENT, encoding="utf-8")

    def ours(engine: str) -> float:
        began, ends, started = perf_counter(), [], 0.0
        for event in specnet.train(specnet.load(path), engine=engine, threads=setting.threads):
            if isinstance(event, specnet.Started):
                started = perf_counter() - began
            elif isinstance(event, specnet.EpochEnded):
                ends.append(perf_counter())
        return started if part == "start" else ends[1] - ends[0]

    def theirs() -> float:
        torch.set_num_threads(setting.threads)
        began = perf_counter()
        nn = torch.nn
        model = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES)
        )
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        workers = {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": "forkserver"}
        loader = torch.utils.data.DataLoader(Pictures(folder), BATCH, shuffle=True, **workers)
        started, ends, total = perf_counter() - began, [], 0.0
        for _ in range(2):
            for x, t in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), t)
                loss.backward()
                optimizer.step()
                total += loss.item()
            ends.append(perf_counter())
        return started if part == "start" else ends[1] - ends[0]

    peers: dict[str, Callable[[], float]] = {engine: partial(ours, engine) for engine in setting.engines}
    return {**peers, "DataLoader": theirs} if part == "epoch" else peers


CASES = [
    Case(
        "png",
        "20,000 PNGs in batches, an epoch; DataLoader with 2 workers",
        (Peer("DataLoader", 1.1),),
        partial(trained, "epoch"),
        ("PIL",),
        unit="epoch",
        rounds=3,
    ),
    Case(
        "png-start",
        "20,000 PNGs in batches, before the first epoch (wanted: 1 s)",
        (),
        partial(trained, "start"),
        ("PIL",),
        unit="start",
        rounds=3,
        engines=("numpy",),
    ),
]

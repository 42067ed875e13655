"""Whether a change leaves what the shipped specs learn, record and print as it was, to the last bit.

    python benchmarks/bits.py --write before.json           # --keep stores the parameters too, in before.npz
    python benchmarks/bits.py --compare before.json         # after a change; exits with 1 where something differs
    python benchmarks/bits.py --compare before.json --only mnist-cnn

It uses whichever specnet the Python that runs it imports, by its public interface alone, so another version's bits
are recorded by running the same file with the Python of that version's environment. Each spec is trained for a few
epochs on the first rows of its data; nothing is saved. Specs whose files are not in $SPECNET_DATA are skipped.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from side_by_side import processor

import specnet

SPECS = Path(__file__).resolve().parent.parent / "specs"
EPOCHS = 5
ROWS = 1_000
"""The rows that are left of each file in $SPECNET_DATA."""

PARTS = ("parameters", "history", "output")
ELSEWHERE = {
    "mnist-mlp": "mnist",
    "mnist-cnn": "mnist",
    "wide-and-deep": "adult",
    "fashion-resnet": "fashion-mnist",
}
"""The specs whose data do not come with specnet, and the folder of $SPECNET_DATA that holds these."""

_DURATION = re.compile(r"\bin\s+\d[\d.:]* (?:s|min|h)\b")


# The data


def shorten(source: Path, target: Path) -> None:
    """Write the first rows of each file of a folder, in the same form, into another."""
    target.mkdir()
    for file in sorted(source.iterdir()):
        if file.name.endswith("ubyte.gz"):
            (target / file.name).write_bytes(gzip.compress(_first_items(file), mtime=0))
        elif file.suffix == ".csv":
            with file.open(encoding="utf-8") as lines:
                (target / file.name).write_text("".join(islice(lines, ROWS)), encoding="utf-8")


def _first_items(file: Path) -> bytes:
    """Return the first items of a gzipped idx file of bytes, as an idx file."""
    with gzip.open(file) as stream:
        head = stream.read(4)
        sizes = np.frombuffer(stream.read(4 * head[3]), ">i4")
        count = min(ROWS, int(sizes[0]))
        items = stream.read(count * int(np.prod(sizes[1:], dtype=int)))
    return head + np.array([count, *sizes[1:]], ">i4").tobytes() + items


# One spec


def measure(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Train a spec for a few epochs; return a digest of each part of what comes of it, and the parameters."""
    result = specnet.run(specnet.load(path, overrides={"training.epochs": EPOCHS}))
    parameters = {name: np.array(array) for name, array in result.model.parameters.items()}
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in result.history]
    splits = {name: dict(figures) for name, figures in result.splits.items()}
    learnt = hashlib.sha256()
    for name, array in parameters.items():
        learnt.update(f"{name} {array.dtype} {array.shape}\n".encode())
        learnt.update(array.tobytes())
    history = json.dumps([rows, splits], default=lambda value: np.asarray(value).tolist())
    digests = learnt.hexdigest(), _digest(history), _digest(printed(path))
    return dict(zip(PARTS, digests, strict=True)), parameters


def printed(path: Path) -> str:
    """Return what the command prints for the same training, without how long it took."""
    # `-P` keeps a specnet that lies in the current folder from taking the place of the installed one.
    command = [sys.executable, "-P", "-m", "specnet", "run", str(path), "--no-save", "--quiet"]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [*command, "--set", f"training.epochs={EPOCHS}"],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the command failed: {done.stderr.strip() or done.stdout.strip()}")
    return _DURATION.sub("in a while", done.stdout)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# All of them


def record(only: str | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure all specs, or one; return their digests with what they were taken on, and all parameters."""
    specs: dict[str, dict[str, str]] = {}
    parameters: dict[str, np.ndarray] = {}
    paths = [path for path in sorted(SPECS.iterdir()) if only in (None, path.stem) and _is_spec(path)]
    if not paths:
        raise SystemExit(f"there is no spec `{only}` in {SPECS}")
    given = os.environ.get("SPECNET_DATA")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPECNET_DATA"] = folder
        for path in paths:
            name, began = path.stem, perf_counter()
            part = ELSEWHERE.get(name)
            if part is not None and not (given and Path(given, part).is_dir()):
                specs[name] = {"skipped": f"there is no $SPECNET_DATA/{part}"}
            else:
                if part is not None and not Path(folder, part).exists():
                    shorten(Path(given or "", part), Path(folder, part))
                try:
                    specs[name], own = measure(path)
                except (specnet.SpecError, RuntimeError) as error:
                    specs[name], own = {"failed": str(error)}, {}
                parameters |= {f"{name}/{key}": array for key, array in own.items()}
            took = (
                specs[name].get("skipped") or specs[name].get("failed") or f"{perf_counter() - began:.1f} s"
            )
            print(f"{name}: {took}", file=sys.stderr, flush=True)
    return {
        "specnet": specnet.__version__,
        "on": surroundings(),
        "epochs": EPOCHS,
        "specs": specs,
    }, parameters


def _is_spec(path: Path) -> bool:
    return path.suffix in (".toml", ".json") and path.name != "specnet.schema.json"


def surroundings() -> dict[str, Any]:
    """Return what the last bits depend on beside specnet."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "blas": blas(),
    }


def blas() -> list[str]:
    """Return each matrix library that is loaded: its version, whose kernels it runs, and on how many threads."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ["unknown without threadpoolctl"]
    return [
        f"{each['internal_api']} {each['version']}, {each.get('architecture', 'unknown')} kernels, "
        f"{each['num_threads']} threads"
        for each in threadpool_info()
        if each["user_api"] == "blas"
    ]


# Comparing


def compare(
    old: dict[str, Any], new: dict[str, Any], before: dict[str, np.ndarray], after: dict[str, np.ndarray]
) -> bool:
    """Print what differs, spec by spec; return whether anything does."""
    for key, value in new["on"].items():
        if value != old["on"].get(key):
            print(f"note: {key} was {old['on'].get(key)} and is {value}")
    if new["epochs"] != old["epochs"]:
        print(f"note: the record is of {old['epochs']} epochs, and now there are {new['epochs']}")
    differs = False
    for name, digests in new["specs"].items():
        was = old["specs"].get(name, {"skipped": "not in the record"})
        skipped = digests.get("skipped") or was.get("skipped")
        if skipped:
            print(f"{name}: not compared: {skipped}")
            continue
        if "failed" in digests or "failed" in was:
            differs = differs or digests != was
            print(f"{name}: failed {'now' if 'failed' in digests else 'then'}")
            continue
        changed = [part for part in PARTS if digests[part] != was[part]]
        differs = differs or bool(changed)
        text = f"differs in {', '.join(changed)}" if changed else "the same"
        print(f"{name}: {text}{_distance(name, before, after) if 'parameters' in changed else ''}")
    return differs


def _distance(name: str, before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> str:
    """Say by how much parameters differ: the largest difference, relative to the largest number of its array."""
    old, new = (
        {key: array for key, array in both.items() if key.startswith(f"{name}/")} for both in (before, after)
    )
    if not old:
        return " (by how much, a record that was written with --keep can tell)"
    if {k: a.shape for k, a in old.items()} != {k: a.shape for k, a in new.items()}:
        return " (they have other names or shapes)"
    maximum, where = max((_relative(old[key], new[key]), key) for key in old)
    return f" (by {maximum:.1e} at most, in {where.partition('/')[2]})"


def _relative(old: np.ndarray, new: np.ndarray) -> float:
    size = float(np.abs(old).max(initial=0.0))
    gap = float(np.abs(new.astype(np.float64) - old).max(initial=0.0))
    return gap / size if size else gap


def main() -> int:
    """Write a record, or compare with one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="FILE", help="write a record, as JSON")
    action.add_argument("--compare", type=Path, metavar="FILE", help="compare with a record")
    parser.add_argument(
        "--keep", action="store_true", help="store the parameters beside the record that is written"
    )
    parser.add_argument("--only", metavar="NAME", help="one spec alone, such as mnist-cnn")
    options = parser.parse_args()
    if options.write is not None:
        found, parameters = record(options.only)
        options.write.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        if options.keep:
            np.savez(options.write.with_suffix(".npz"), **parameters)
        return 0
    old = json.loads(options.compare.read_text(encoding="utf-8"))
    kept = options.compare.with_suffix(".npz")
    before = dict(np.load(kept)) if kept.exists() else {}
    found, parameters = record(options.only)
    return int(compare(old, found, before, parameters))


if __name__ == "__main__":
    sys.exit(main())

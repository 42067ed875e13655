"""What `specnet init` writes, beside the models that are usual for tables: boosted trees, networks and linear models.

    SPECNET_DATA=... python -m benchmarks.tables                  # measure specnet, and print the tables
    SPECNET_DATA=... python -m benchmarks.tables --peers          # measure the peers, where they are installed
    SPECNET_DATA=... python -m benchmarks.tables --only adult     # one table; may be repeated
    python -m benchmarks.tables --report --out results            # measure nothing: table.md and tables.png

Figures are kept in benchmarks/tables.json, one for each table, split and model, and only those that are not there are
measured; `--again` measures all. Each is measured in a process of its own, which is forked once libraries are imported,
with one thread: processor seconds (of learning and of predicting the rows held out) do not depend on other work, as
seconds by the clock do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np

from benchmarks import table_report
from benchmarks.public_tables import TABLES, BenchmarkTable, data_folder
from benchmarks.table_peers import LIBRARIES, PEERS
from benchmarks.table_store import Figure, Key, Store

SPLITS = 5
KEPT = Path(__file__).with_name("tables.json")

Measured = dict[str, Any]
Task = Callable[[BenchmarkTable, Path, int], Measured]


def peer_task(name: str) -> Task:
    """Return what gives the score of a peer."""
    peer = PEERS[name]
    peer.prepare()

    def task(table: BenchmarkTable, folder: Path, split: int) -> Measured:
        train, test = table.rows(*table.split(folder, split))
        predicted = peer.predict(train, test, split, table.classes)
        return {"score": score(predicted, test.targets, classes=table.classes), "rows": len(train.targets)}

    return task


def score(predicted: np.ndarray, truth: np.ndarray, *, classes: bool) -> float:
    """Return the accuracy, or the root mean squared error."""
    if classes:
        return float(np.mean(predicted == truth))
    return float(np.sqrt(np.mean((predicted.astype(float) - truth) ** 2)))


def in_child(task: Callable[[], Measured]) -> Measured:
    """Return what a task gives in a forked process, with its seconds and its peak of memory."""
    receive, send = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            os.close(receive)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = task()
            os.write(send, json.dumps(found).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, the child ends here
            traceback.print_exc()
            os._exit(1)
    os.close(send)
    with os.fdopen(receive) as pipe:
        text = pipe.read()
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"the child ended with {os.waitstatus_to_exitcode(status)}")
    return json.loads(text) | {
        "seconds": round(time.perf_counter() - began, 3),
        "cpu": round(used.ru_utime + used.ru_stime, 3),
        "mib": round(used.ru_maxrss / 1024, 1),
    }


def missing(store: Store, models: list[str], options: argparse.Namespace) -> Iterator[Key]:
    """Yield what is to be measured: model by model, split by split."""
    for model in models:
        for split in options.splits:
            for table in options.only or TABLES:
                key = Key(table, split, model)
                if options.again or key not in store:
                    yield key


def measure(store: Store, folder: Path, options: argparse.Namespace) -> None:
    """Measure what is missing, and keep each figure as soon as it is there."""
    if options.peers:
        tasks, libraries = dict.fromkeys(PEERS, peer_task), LIBRARIES
    else:
        from benchmarks.table_models import MODELS, specnet_task

        tasks, libraries = dict.fromkeys(MODELS, specnet_task), ("numpy",)
    versions = {name: version(name) for name in libraries}
    prepared: dict[str, Task] = {}
    for key in missing(store, [name for name in options.model or tasks if name in tasks], options):
        table = TABLES[key.table]
        if not table.is_in(folder):
            print(f"{key.table} is not in {folder}", file=sys.stderr)
            continue
        if key.model not in prepared:
            prepared[key.model] = tasks[key.model](key.model)
        found = in_child(partial(prepared[key.model], table, folder, key.split))
        store.add(Figure(*key, **found), versions)
        print(f"{key.table}, split {key.split}, {key.model}: {found}", file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.tables",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--peers", action="store_true", help="measure the peers instead of specnet")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--only", metavar="TABLE", action="append", choices=TABLES, help="one table")
    parser.add_argument("--model", metavar="NAME", action="append", help="one model")
    parser.add_argument("--splits", type=int, nargs="+", default=range(SPLITS), help="the splits' seeds")
    parser.add_argument("--again", action="store_true", help="measure what is there, too")
    parser.add_argument("--store", type=Path, default=KEPT, metavar="FILE", help="where figures are kept")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write table.md and tables.png")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    store, folder = Store(options.store), data_folder()
    if not options.report:
        measure(store, folder, options)
    text = table_report.text(store)
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "table.md").write_text(text + "\n", encoding="utf-8")
        table_report.chart(store, options.out / "tables.png")


if __name__ == "__main__":
    main()

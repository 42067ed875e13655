"""Runs of documents with folds: one training for each fold, and what they come to together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError
from specnet.runs.compiling import check_data
from specnet.runs.directory import MODEL, PREDICTIONS, RESOLVED, RESULT, RunDirectory, entered
from specnet.runs.finished import read_plain
from specnet.runs.fold_paths import fold_path
from specnet.runs.fold_results import TrainedFold, summary
from specnet.runs.fold_training import train_fold
from specnet.runs.fold_workers import train_side_by_side, worth_workers
from specnet.runs.kept import damage, final_result
from specnet.runs.loading import load_model
from specnet.runs.out_of_fold import OutOfFold
from specnet.runs.ranks import TrainingProcesses, compile_together
from specnet.runs.result import Result
from specnet.runs.resuming import asks_for_more, check_same_experiment
from specnet.storage.files import write_json, writing
from specnet.storage.resolved import load_resolved, read_resolved
from specnet.training.events import Event, FoldEnded, FoldStarted, Span

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel
    from specnet.runs.request import RunRequest

    Listener = Callable[[Event | Span], None]
    Compiled = tuple[CompiledModel, Dataset]


def run_folds(spec: Spec, data: Any, request: RunRequest) -> Result:
    """Train a model for each fold of a document, save what the request asks for, and return all.

    Each fold is a run of its own in `folds/N` of the run's directory. A run that is resumed takes finished folds as
    they are. Raises what `experiments.run_spec` raises.
    """
    assert spec.data.split is not None
    specs = [spec.replace({"data.split.fold": n}) for n in range(1, spec.data.split.fold_count + 1)]
    processes = TrainingProcesses.of(request.distributed, request.threads)
    first: Compiled | None = None
    if request.resume is None:
        # What is wrong with the document, or with any fold, is known before a directory is made.
        processes.agreed(lambda: check_data(spec, data) if processes.is_first else None)
        first = compile_together(specs[0], data, processes, warned=request.warned, engine=request.engine)
    with ExitStack() as stack:

        def enter() -> RunDirectory | None:
            if not processes.is_first:
                return None
            if request.resume is not None:
                check_same_experiment(Path(request.resume), spec)
            directory = entered(stack, spec.name, request.out, request.folder, request.resume)
            if directory is not None and first is not None:
                directory.describe(spec, first[1], [])
            return directory

        return _Folds(spec, specs, data, processes.agreed(enter), request, processes, first).all()


class _Folds:
    """The folds of one run, trained one after another, or several at once."""

    def __init__(
        self,
        spec: Spec,
        specs: Sequence[Spec],
        data: Any,
        directory: RunDirectory | None,
        request: RunRequest,
        processes: TrainingProcesses,
        first: Compiled | None,
    ) -> None:
        self.spec, self.specs, self.data, self.directory = spec, specs, data, directory
        self.stop, self.listener = request.stop, request.listener
        self.threads, self.engine, self.processes = processes.threads, request.engine, processes
        self.first = first
        self.done: dict[int, TrainedFold] = {}
        """Folds that workers have trained."""
        self.resumed = directory is not None and first is None
        self.sources: Any = None

    def all(self) -> Result:
        """Train the folds that are not finished, and return and save what all of them come to."""
        began = time.perf_counter()
        ended: list[TrainedFold] = []
        trained = False
        self.processes.agreed(self._begin)
        for number in range(1, len(self.specs) + 1):
            fold = self.done.pop(number, None) or self._told(number)
            if fold is None:
                if ended and self._stopped:
                    break
                self._tell(FoldStarted(number, len(self.specs)))
                started = time.perf_counter()
                fold = self._train(number)
                self._tell_end(number, fold)
                if not trained:
                    self._others(number, fold.model, time.perf_counter() - started)
                trained = True
            ended.append(fold)
            if fold.result.stopped == "interrupted":
                break
        result = summary(self.spec, self.directory, ended, len(self.specs), time.perf_counter() - began)
        return self.processes.agreed(lambda: self._saved(result, trained=trained))

    def _saved(self, result: Result, *, trained: bool) -> Result:
        """Save what all folds come to, and return it."""
        if self.directory is None:
            return result
        run_path = self.directory.path
        stored = final_result(run_path)
        if not trained and stored is not None:
            return replace(result, seconds=stored["seconds"])
        if result.out_of_fold is not None:
            result.out_of_fold.write(run_path / PREDICTIONS)
        write_json(run_path / RESULT, result.as_dict())
        return result

    @property
    def _stopped(self) -> bool:
        return self.processes.any(self.stop is not None and self.stop())

    def _tell(self, event: Event) -> None:
        """Hand an event to the listener, which not every process may have."""
        listener = self.listener
        self.processes.agreed(lambda: None if listener is None else listener(event))

    def _tell_end(self, number: int, fold: TrainedFold) -> None:
        self._tell(FoldEnded(number, len(self.specs), fold.result.stopped, fold.result.splits))

    def _told(self, number: int) -> TrainedFold | None:
        """Return a fold that is finished, and tell so; None for any other."""
        fold = self.processes.told(lambda: self._finished(number))
        if fold is not None:
            self._tell_end(number, fold)
        return fold

    def _begin(self) -> None:
        """Read which data the run is of, and take it up where it is resumed."""
        if self.directory is None:
            return
        self.sources = load_resolved(self.directory.path / RESOLVED)["data"]
        if self.resumed:
            self._take_up(self.directory.path)

    def _take_up(self, path: Path) -> None:
        """Bring the description of a run that is resumed up to date, and forget what its folds came to together."""
        before = read_resolved(path / RESOLVED)
        if before != self.spec:
            described = load_resolved(path / RESOLVED)
            write_json(path / RESOLVED, {**described, "spec": self.spec.model_dump(mode="json")})
        if damage(path) is not None or any(self._open(n) for n in range(1, len(self.specs) + 1)):
            with writing(path):
                (path / RESULT).unlink(missing_ok=True)
                (path / PREDICTIONS).unlink(missing_ok=True)

    def _place(self, number: int) -> Path | None:
        return None if self.directory is None else fold_path(self.directory.path, number)

    def _open(self, number: int) -> bool:
        """Return whether a fold has not been trained to its end, or not as long as is asked."""
        place = self._place(number)
        return place is None or not (
            (place / RESOLVED).exists()
            and final_result(place) is not None
            and (place / PREDICTIONS).exists()
            and not asks_for_more(read_resolved(place / RESOLVED), self.specs[number - 1])
        )

    def _finished(self, number: int) -> TrainedFold | None:
        """Return a fold that is finished, read from its directory without the data; None for any other."""
        place = self._place(number)
        if place is None or self._open(number) or not (place / MODEL).exists():
            return None
        check_same_experiment(place, self.specs[number - 1])
        stored = final_result(place)
        assert stored is not None
        self._check_sources(load_resolved(place / RESOLVED)["data"], number)
        model = load_model(place, self.threads, self.engine)
        return TrainedFold(read_plain(place, stored, model), model, OutOfFold.read(place / PREDICTIONS))

    def _train(self, number: int) -> TrainedFold:
        """Train a fold, from its latest checkpoint where there is one."""
        spec, place = self.specs[number - 1], self._place(number)
        known = self.processes.told(lambda: place is not None and (place / RESOLVED).exists())
        model, data = (
            self.first
            if number == 1 and self.first is not None
            else compile_together(spec, self.data, self.processes, initialised=not known, engine=self.engine)
        )
        self.first = None
        sources = {name: {"sha256": digest} for name, digest in data.sources}
        self.processes.agreed(lambda: self._check_sources(sources, number))
        result, made = train_fold(
            model,
            data,
            place,
            resume=known,
            stop=self.stop,
            listener=self.listener,
            ranks=self.processes.ranks,
        )
        return TrainedFold(result.without_data(), model, made)

    def _check_sources(self, sources: Any, number: int) -> None:
        """Raise RunError where a fold is not of the data that the others are of."""
        self.sources = sources if self.sources is None else self.sources
        for name in sorted({*self.sources, *sources}):
            if self.sources.get(name, {}).get("sha256") != sources.get(name, {}).get("sha256"):
                raise RunError(
                    f"the data have changed between the folds: `{name}` has another SHA-256 for fold {number}; "
                    "all folds of a run need the same data"
                )

    def _others(self, number: int, model: CompiledModel, seconds: float) -> None:
        """Let workers train the folds after this one, where that takes less time."""
        if (
            self.directory is None
            or self.data is not None
            or self.processes.ranks is not None
            or self._stopped
        ):
            return
        open_ = [n for n in range(number + 1, len(self.specs) + 1) if self._open(n)]
        if not worth_workers(model, seconds, len(open_), self.threads):
            return
        folds = {n: (self.specs[n - 1], fold_path(self.directory.path, n)) for n in open_}
        for ended in train_side_by_side(folds, self.threads, self.engine, self.stop):
            fold = self._told(ended)
            if fold is not None:
                self.done[ended] = fold

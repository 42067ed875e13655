from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.diagnostics.text import counted
from specnet.language.source import SourceText
from specnet.language.spec import Spec
from specnet.runs.lock import LOCK, locked
from specnet.storage.files import finite, write_bytes, write_json, writing

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.runs.metrics_log import MetricsLog
    from specnet.runs.result import CompletedRun

RESOLVED = "resolved.json"
METRICS = "metrics.jsonl"
MODEL = "model.npz"
RESULT = "result.json"
CHECKPOINTS = "checkpoints"
REPORT = "report.html"
PLOTS = "plots"
FOLDS = "folds"
PREDICTIONS = "predictions.npz"
DOCUMENTS = ("spec.toml", "spec.json")
EXTENDED = "extends"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory that a run leaves: `spec.toml` or `spec.json`, and the files and folder named above."""

    path: Path
    shown: Path | None = None
    """The path as the caller gave it, where `path` is another: what messages and results call it."""

    def absolute(self) -> RunDirectory:
        """Return the same directory, by a path that stays right where the working directory changes."""
        return RunDirectory(self.path.absolute(), self.path)

    @classmethod
    def new(cls, folder: str | PathLike[str], name: str) -> RunDirectory:
        """Make `folder/name/NNN`, with the next number after those that are there.

        Of any number of processes that do so at once, each gets a directory of its own. Raises RunError where
        it cannot be made.
        """
        above = Path(folder) / name
        with writing(above):
            above.mkdir(parents=True, exist_ok=True)
            taken = [int(entry.name) for entry in above.iterdir() if entry.name.isdecimal()]
        number = max(taken, default=0)
        while True:
            number += 1
            path = above / f"{number:03}"
            with writing(path):
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
            return cls(path)

    @classmethod
    def at(cls, path: str | PathLike[str]) -> RunDirectory:
        """Make a directory of this name, or take the one that is there.

        An earlier run in it is replaced. Raises RunError where it holds anything but a run, so that no
        mistyped path costs a user files, and where a process is at work in it.
        """
        run = cls(Path(path))
        with writing(run.path):
            run.path.mkdir(parents=True, exist_ok=True)
            # A process may have died before it could describe its run.
            there = sorted({entry.name for entry in run.path.iterdir()} - {LOCK})
            if there and RESOLVED not in there:
                raise RunError(
                    f"{run.path} is not empty and is not a run (it contains `{there[0]}`): "
                    "name an empty directory, a new one, or that of a run to be replaced"
                )
        # The model goes first, so that at no moment one run's model lies beside another's description.
        with locked(run.path), writing(run.path):
            (run.path / MODEL).unlink(missing_ok=True)
            run.forget_checkpoints()
            run.forget_plots()
            run.forget_extended()
            run.forget_folds()
            for name in (PREDICTIONS, RESULT, REPORT, METRICS, *DOCUMENTS, RESOLVED):
                (run.path / name).unlink(missing_ok=True)
        return run

    def forget_checkpoints(self) -> None:
        """Remove the run's checkpoints, and what a process that died has left of one."""
        folder = self.path / CHECKPOINTS
        with writing(folder):
            for pattern in ("*.npz", "*.npz.damaged", ".*.npz.*.tmp"):
                for path in folder.glob(pattern):
                    path.unlink()
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def forget_plots(self) -> None:
        """Remove the pictures of the run."""
        folder = self.path / PLOTS
        with writing(folder):
            for path in [path for kind in ("png", "svg", "pdf") for path in folder.glob(f"*.{kind}")]:
                path.unlink()
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def forget_extended(self) -> None:
        """Remove the documents that the run's document extends."""
        folder = self.path / EXTENDED
        with writing(folder):
            for path in [path for suffix in ("toml", "json") for path in folder.glob(f"*.{suffix}")]:
                path.unlink()
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def forget_folds(self) -> None:
        """Remove the runs of the folds, but for what is no part of them."""
        folder = self.path / FOLDS
        with writing(folder):
            for fold in folder.iterdir() if folder.is_dir() else ():
                if (fold / RESOLVED).exists():
                    RunDirectory.at(fold)
                    fold.rmdir()
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def describe(
        self, spec: Spec, data: Dataset, computed_with: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Write the document, what it extends, and `resolved.json`, and return what the latter contains.

        `computed_with` are the environments that the run was computed in.
        """
        from specnet.storage.resolved import resolved

        extended = _extended(spec)
        what: dict[str, Any] = finite(resolved(spec, data.sources, self.path, computed_with, extended))
        name, content = _document(spec, what["spec"])
        # What makes it a run's directory goes first: whatever happens meanwhile, another run may replace it.
        write_json(self.path / RESOLVED, what)
        write_bytes(self.path / name, content)
        self.forget_extended()
        with writing(self.path):
            for file, source in extended.items():
                (self.path / file).parent.mkdir(exist_ok=True)
                write_bytes(self.path / file, _content(source))
        return what

    def forget_undescribed(self) -> None:
        """Remove the directory if nothing has been written to it: the run has ended before its first step."""
        with suppress(OSError):  # it has content
            self.path.rmdir()

    def metrics(self, before: Iterable[dict[str, Any]] = ()) -> MetricsLog:
        """Begin `metrics.jsonl`, with the epochs that are done already."""
        from specnet.runs.metrics_log import MetricsLog

        return MetricsLog(self.path / METRICS, before=before)

    def save(self, result: CompletedRun) -> None:
        """Write `model.npz`, and then `result.json`, so that a run with a result has all its files.

        A model that holds a NaN or an infinity, as one that has diverged may, is not written.
        """
        from specnet.model.cutoffs import plain_cutoffs
        from specnet.model.parameters import all_finite
        from specnet.storage.model_file import write_model

        model = result.model
        if all_finite(model.parameters.flat):
            state = None if model.encoding is None else model.encoding.state()
            fitted = plain_cutoffs(model.cutoffs), model.uncertainty_state
            write_model(self.path / MODEL, model.parameters, state, *fitted)
        write_json(self.path / RESULT, result.as_dict())


def why_no_run(folder: Path) -> str:
    """Say why a directory holds no run."""
    if not folder.is_dir():
        from specnet.storage.model_archive import why_no_run_file

        return why_no_run_file(folder) if folder.exists() else "there is no such directory"
    try:
        below = sorted(entry.name for entry in folder.iterdir() if (entry / RESOLVED).exists())
    except OSError as error:
        return f"this folder cannot be read: {error.strerror}"
    if below:
        return f"this folder holds {counted(len(below), 'run')}; name one, such as {folder / below[-1]}"
    return f"this folder is not a run: there is no {RESOLVED} in it"


def _document(spec: Spec, data: Any) -> tuple[str, bytes]:
    """Return the name and the bytes of the document; what was made in Python is written as JSON."""
    import json

    source = spec.source.source
    if source is None:
        return "spec.json", f"{json.dumps(data, indent=2, ensure_ascii=False)}\n".encode()
    return f"spec.{source.syntax}", _content(source)


def _extended(spec: Spec) -> dict[str, SourceText]:
    """Return the documents that a spec's document extends, by the names of their files in the run's directory."""
    sources = [part.source for part in spec.source.extended if part.source is not None]
    return {
        f"{EXTENDED}/{number:02}-{Path(source.file).name}": source
        for number, source in enumerate(sources, start=1)
    }


def _content(source: SourceText) -> bytes:
    """Return the bytes of a document's file."""
    content = source.text.encode()
    if source.path is not None:
        try:
            with open_regular(source.path) as file:
                raw = file.read()
        except OSError:
            raw = content  # deleted since: its text has been read
        # A mark of byte order is no part of the text; a file that has changed since is not what was run.
        content = raw if raw.removeprefix(b"\xef\xbb\xbf") == content else content
    return content


def entered(
    stack: ExitStack,
    name: str,
    out: str | PathLike[str] | None,
    folder: str | PathLike[str] | None,
    resume: str | PathLike[str] | None,
) -> RunDirectory | None:
    """Return the directory that a run of a name is saved in, which is locked until the stack is left; None for none."""
    if resume is not None:
        directory = RunDirectory(Path(resume))
    elif out is not None:
        directory = RunDirectory.at(out)
    elif folder is not None:
        directory = RunDirectory.new(folder, name)
        stack.callback(directory.absolute().forget_undescribed)
    else:
        return None
    stack.enter_context(locked(directory.path))
    return directory

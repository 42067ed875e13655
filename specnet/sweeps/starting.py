"""From a document to a sweep that can begin: everything is checked before the first trial."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import Diagnostic, RunError, SpecError
from specnet.runs.extras import needed, needed_apart
from specnet.storage.used_kinds import registered_kinds
from specnet.sweeps.directory import SweepDirectory, sweeps_folder
from specnet.sweeps.storage import StorageUrl, given_url

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.sweeps.jobs import Executor
    from specnet.sweeps.searching import Search

Directions = tuple[str, ...]


def checked(spec: Spec, data: Any = None) -> Directions:
    """Return the directions of a document's objectives; raises SpecError with all that is wrong with the document.

    `data` are arrays in the place of the document's.
    """
    from specnet.diagnostics import Report
    from specnet.runs.compiling import compile_spec, network_of
    from specnet.runs.validation import full_report

    needed("optuna", "sweep", "a sweep")
    sweep = spec.sweep
    if sweep is None:
        help = "give [sweep] and [sweep.parameters], or sweep a document that extends this one and has them"
        finding = Diagnostic("SN242", "the document has no `[sweep]`: nothing says what to vary", help=help)
        raise SpecError(spec.source.place([finding]), spec.source.texts)
    sampler, what = sweep.sampler, f"the sampler `{sweep.sampler.type}`"
    if sampler.module is not None:
        needed(sampler.module, "sweep", what)
    if sampler.large_module is not None:
        needed_apart(sampler.large_module, what)
    report = full_report(spec, Report(1, (), {}, ()), None, data=data is None, ignore=(), confine=None)
    errors = [each for each in report.diagnostics if each.severity == "error"]
    if errors:
        raise SpecError(errors, report.sources)
    from specnet.model.sweep_objective import objective_directions, objective_faults

    network = network_of(spec) if data is None else compile_spec(spec, data)[0].network
    faults = [] if data is None else list(objective_faults(network, sweep))
    if faults:
        raise SpecError(spec.source.place(faults), spec.source.texts)
    directions = objective_directions(network)
    return tuple(directions[name] for name in sweep.objectives)


def placed(
    spec: Spec,
    directions: Directions,
    folder: str | PathLike[str],
    storage: str | None,
    study: str | None,
    *,
    resume: bool,
) -> tuple[SweepDirectory, StorageUrl, str]:
    """Return the directory of a sweep, its storage, and its name there.

    In a database that is named, the sweep of this document is joined, or made. Without one it is a new sweep in a file
    beside the trials; with `resume` the latest one of the document.
    """
    from specnet.sweeps.study import digest

    url = given_url(storage)
    if url is not None:
        name = study or f"{spec.name}-{digest(spec, directions)[:8]}"
        found = SweepDirectory.newest(folder, spec.name, name)
        return found or SweepDirectory.new(folder, spec, name, str(url)), url, name
    if study is not None:
        raise RunError("a sweep is named in a storage that is shared: give its URL too")
    if resume:
        found = SweepDirectory.newest(folder, spec.name)
        if found is None:
            raise RunError(f"there is no sweep in {sweeps_folder(folder, spec.name)} to resume")
        if not found.database.is_file():
            raise RunError(f"{found.path} has its trials in {found.description.get('storage')}: name its URL")
        return found, StorageUrl.of_file(found.database), found.study
    made = SweepDirectory.new(folder, spec, None, "sweep.db")
    return made, StorageUrl.of_file(made.database), made.study


def executor_for(
    spec: Spec, data: Any, jobs: int | None, dask: str | None, directory: SweepDirectory
) -> Executor:
    """Return what trains the trials: processes of this machine, as many as there are cores by default, or a cluster.

    What only this process knows, arrays and kinds that it has registered, is trained in it, one trial at a time.
    """
    from specnet.passes.cores import allowed

    if dask is not None:
        if in_this_process(spec, data):
            raise RunError("arrays and kinds that only this program knows cannot be sent to a cluster")
        from specnet.sweeps.cluster import Cluster

        try:
            return Cluster(dask, spec, directory.path, jobs)
        except RunError:
            directory.forget_unused()
            raise
    if in_this_process(spec, data):
        from specnet.sweeps.threads import OneThread

        return OneThread(data)
    from specnet.sweeps.processes import Processes

    return Processes(jobs or allowed())


def in_this_process(spec: Spec, data: Any) -> bool:
    """Return whether trials must be trained in this process: others know neither its arrays nor its own kinds."""
    if data is not None:
        return True
    return any(kind["distribution"] is None for kind in registered_kinds(spec))


def search_for(
    spec: Spec,
    data: Any = None,
    *,
    folder: str | PathLike[str],
    resume: bool,
    storage: str | None,
    study: str | None,
    jobs: int | None,
    dask: str | None,
    stop: Callable[[], bool] | None,
    threads: int | None,
    engine: str | None,
) -> Search:
    """Return the search that `specnet.sweep` and the command make, which explain what they take and raise."""
    from specnet.sweeps.searching import Search, SweepRequest

    directions = checked(spec, data)
    directory, url, name = placed(spec, directions, folder, storage, study, resume=resume)
    executor = executor_for(spec, data, jobs, dask, directory)
    request = SweepRequest(
        spec=spec,
        directions=directions,
        executor=executor,
        directory=directory,
        url=url,
        name=name,
        stop=stop,
        # Several trials at once have one thread each.
        threads=threads or (1 if executor.free > 1 else None),
        engine=engine,
    )
    return Search(request)

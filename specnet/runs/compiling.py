"""From a document to its network, and to its model and data: every check of these is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import Report, SpecError
from specnet.language.spec import Spec

if TYPE_CHECKING:
    from specnet.data import Dataset, OpenedData
    from specnet.data.readers import Readers
    from specnet.model.batching import Batchings
    from specnet.model.compiled import CompiledModel
    from specnet.model.network import Network


def network_of(
    spec: Spec, threads: int | None = None, engine: str | None = None, *, data: bool = True
) -> Network:
    """Return a document's network; its data are described, and not read.

    Without `data`, these are not looked at, and the document must say what the network takes. Raises SpecError with
    every error in the document, and in what is known of its data.
    """
    from specnet.data import inspect_data
    from specnet.model.building import build
    from specnet.model.without_data import signature_without_data

    try:
        if not data:
            return build(spec, signature_without_data(spec), threads, engine, splits=False)
        signature = inspect_data(spec.data, spec.source.folder, seed=spec.seed)
        return build(spec, signature, threads, engine)
    except SpecError as error:
        raise spec.source.error(error) from None


Warned = Callable[[Report], None]
"""What is called with the warnings of a document."""


def compile_spec(
    spec: Spec,
    given: Any = None,
    *,
    initialised: bool = True,
    warned: Warned | None = None,
    threads: int | None = None,
    engine: str | None = None,
    ranks: int = 1,
    beside: int = 1,
    meanwhile: Iterator[object] | None = None,
) -> tuple[CompiledModel, Dataset]:
    """Return a document's model and data; with its initial parameters if `initialised`.

    `given`, inputs and targets or a frame, or such by split, replaces the files that the document names. `warned` is
    called with the warnings of the document and its data, if there are any, before all rows are read. `threads` is
    how many threads may compute, and `engine` what executes plans. Of several processes (`ranks`) that train together,
    so many run on this machine `beside` each other. While other threads read, this one takes pieces of what it can do
    `meanwhile`, as for `open_data`. Raises SpecError with every error in the document
    or its data, and where the training needs more than the machine's memory, and TypeError where `given` is nothing of
    that.
    """
    network, data = read_spec(
        spec,
        given,
        warned=warned,
        threads=threads,
        engine=engine,
        ranks=ranks,
        beside=beside,
        meanwhile=meanwhile,
    )
    return model_of(network, data, initialised=initialised), data


def read_spec(
    spec: Spec,
    given: Any = None,
    *,
    warned: Warned | None = None,
    threads: int | None = None,
    engine: str | None = None,
    ranks: int = 1,
    beside: int = 1,
    readers: Readers | None = None,
    meanwhile: Iterator[object] | None = None,
) -> tuple[Network, Dataset]:
    """Return the network of a document, and its data; everything is as for `compile_spec`.

    `readers` are other processes that read parts of files for this one.
    """
    try:
        spec, opened = _opened(spec, given, readers, meanwhile, will_read=True)
        # Not before, since they may have been imported meanwhile.
        from specnet.data.dataset import read_data
        from specnet.model.building import build
        from specnet.model.memory import check_memory

        network = build(spec, opened.signature, threads, engine)
        check_memory(network, ranks, beside, shared=given is None)
        if warned is not None:
            report = _warnings(network, opened)
            if report.diagnostics:
                warned(report)
        data = read_data(
            opened, seed=spec.seed, dtype=spec.dtype, arrays=network.inputs, target=network.fed_targets.array
        )
    except SpecError as error:
        raise spec.source.error(error) from None
    return network, data


def network_for(spec: Spec, data: Dataset, threads: int | None = None, engine: str | None = None) -> Network:
    """Return the network of a document whose own data have been read."""
    from specnet.model.building import build

    try:
        return build(spec, data.signature, threads, engine)
    except SpecError as error:
        raise spec.source.error(error) from None


def model_of(network: Network, data: Dataset, *, initialised: bool = True) -> CompiledModel:
    """Return the model of a network, once its data are what it takes; with its initial parameters if `initialised`."""
    from specnet.model.balancing import balanced, is_balanced
    from specnet.model.building import build
    from specnet.model.compiled import CompiledModel
    from specnet.model.empty_rows import check_steps
    from specnet.model.indices import check_indices
    from specnet.model.measuring_lengths import check_lengths
    from specnet.model.targets import check_targets
    from specnet.runs.starting import initialise

    spec = network.spec
    try:
        check_targets(spec.loss, data, network.outputs)
        check_indices(network, data)
        check_steps(network, data)
        check_lengths(network, data)
        if is_balanced(spec.loss):
            classes = {name: output.shape[-1] for name, output in network.outputs.items() if output.shape}
            spec = balanced(spec, data.splits["train"], classes)
            network = build(spec, data.signature, network.threads, network.engine)
        model = CompiledModel(network, data.encoding, data.sources)
        if initialised:
            initialise(model, data)
    except SpecError as error:
        raise spec.source.error(error) from None
    return model


def batches_of(spec: Spec, threads: int | None = None) -> Batchings | None:
    """Return the batches that a document's training makes by length; its data are read. None where it makes no such.

    Raises SpecError as `compile_spec` does.
    """
    from specnet.model.measuring_lengths import batchings_of_data

    model, data = compile_spec(spec, initialised=False, threads=threads)
    return batchings_of_data(model.network, data)


def check_data(spec: Spec, given: Any = None) -> None:
    """Raise SpecError with what is wrong with a document's data, as far as is known before all rows are read.

    `given` is as in `compile_spec`.
    """
    try:
        _opened(spec, given)
    except SpecError as error:
        raise spec.source.error(error) from None


def _opened(
    spec: Spec,
    given: Any,
    readers: Readers | None = None,
    meanwhile: Iterator[object] | None = None,
    *,
    will_read: bool = False,
) -> tuple[Spec, OpenedData]:
    """Return a document's data, opened, and the document, whose format is another one if arrays are given."""
    from specnet.data import open_data
    from specnet.data.passing import passed_data

    passed = None
    if given is not None:
        data_format, passed = passed_data(given, spec.data)
        if data_format is not spec.data:
            spec = spec.model_copy(update={"data": data_format})
    opened = open_data(
        spec.data,
        spec.source.folder,
        seed=spec.seed,
        passed=passed,
        readers=readers,
        will_read=will_read,
        meanwhile=meanwhile,
    )
    return spec, opened


def _warnings(network: Network, opened: OpenedData) -> Report:
    """Return what `validate` would warn of, by what has been opened and lowered already."""
    from specnet.lint import Subject, lint
    from specnet.lint.ignoring import not_suppressed
    from specnet.model.settings import check_training

    spec, source = network.spec, network.spec.source
    found = [d for d in check_training(network) if d.severity == "warning"]
    placed = source.place([*found, *lint(Subject(spec, network, opened.source))])
    file = () if source.source is None else (source.source.file,)
    return Report(1, tuple(not_suppressed(spec, placed, (), whole=True)), source.texts, file)

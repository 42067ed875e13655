"""From a document to its network, and to its model and data: every check of these is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specnet.diagnostics import SpecError
from specnet.language.spec import Spec
from specnet.model.building import build

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.model.model import Model
    from specnet.model.network import Network


def network_of(spec: Spec) -> Network:
    """Return a document's network; its data are described, and not read.

    Raises SpecError with every error in the document, and in what is known of its data.
    """
    from specnet.data import inspect_data

    try:
        return build(spec, inspect_data(spec.data, spec.source.folder))
    except SpecError as error:
        raise spec.source.error(error) from None


def compile_spec(spec: Spec, given: Any = None, *, initialised: bool = True) -> tuple[Model, Dataset]:
    """Return a document's model and data; with its initial parameters if `initialised`.

    `given`, inputs and targets or a frame, or such by split, replaces the files that the document names. Raises
    SpecError with every error in the document or its data, and where the training needs more than the machine's
    memory, and TypeError where `given` is nothing of that.
    """
    from specnet.data import open_data
    from specnet.data.dataset import read_data
    from specnet.data.passing import passed_data
    from specnet.model.memory import check_memory
    from specnet.model.model import Model
    from specnet.model.targets import check_targets
    from specnet.runs.starting import start_from

    try:
        passed = None
        if given is not None:
            data_format, passed = passed_data(given, spec.data)
            if data_format is not spec.data:
                spec = spec.model_copy(update={"data": data_format})
        opened = open_data(spec.data, spec.source.folder, passed=passed)
        network = build(spec, opened.signature)
        check_memory(network)
        data = read_data(opened, seed=spec.seed, dtype=spec.dtype, arrays=network.inputs)
        check_targets(spec.loss, data)
        model = Model(network, data.encoding)
        if initialised:
            start_from(model)
    except SpecError as error:
        raise spec.source.error(error) from None
    return model, data

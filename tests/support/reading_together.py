"""Tables that threads, which stand for the processes of a machine, read together."""

from __future__ import annotations

from specnet.data import FORMATS, open_data
from specnet.data.dataset import read_data
from specnet.data.streamed import StreamedRows, whole
from specnet.diagnostics import SpecError
from specnet.runs.reading import reading
from tests.support.ranks import together


def _result(opened):
    data = read_data(opened, seed=7, dtype="float64")
    return (
        {
            name: [
                (whole(a) if isinstance(a, StreamedRows) else a).tobytes()
                for a in (split.inputs, split.targets, split.weights)
                if a is not None
            ]
            for name, split in data.splits.items()
        },
        data.signature.features,
        data.signature.classes,
        data.sources,
    )


def read_together(folder, fields, size):
    """Return what so many processes read together, or the faults that they find."""

    def work(ranks):
        def own(readers=None):
            try:
                return open_data(FORMATS.validate(fields), folder, seed=7, readers=readers)
            except SpecError as error:
                return [(d.code, d.message, d.help, d.path) for d in error.diagnostics]

        return own() if ranks.size == 1 else reading(ranks, own)()

    opened, *others = together(size, work)
    assert others == [None] * (size - 1)
    return opened if isinstance(opened, list) else _result(opened)

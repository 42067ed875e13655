from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from specnet.data.tables.tabular import Tabular

if TYPE_CHECKING:
    from specnet.data.files import DataContext, FilePlace
    from specnet.data.tables.table import DataTable


class FrameFormat(Tabular):
    """A pandas or Polars frame that a program passes: `specnet.run("model.toml", data=frame)`.

    Everything else is as for `parquet`. Inputs and targets can also be passed apart, as `data=(x, y)`. The command
    line has no frame to pass: there, such a document can be validated, and its layers are checked if `input_shape` is
    given; new rows and rows to evaluate may come from CSV or Parquet files.
    """

    type: Literal["frame"] = "frame"

    passed: ClassVar[bool] = True

    def table(self, place: FilePlace) -> DataTable:
        """Raise SpecError: there are no files of frames."""
        raise place.error("SN576", f"`{place.name}` is a file, and the data of this document are a frame")

    def check_given(self, context: DataContext) -> None:
        """Note that no frame was passed."""
        super().check_given(context)
        if not context.frames:
            message = "the data of this document are a frame that a program passes, and none was passed"
            help = 'specnet.run("model.toml", data=frame) passes it in Python'
            context.collector.add("SN576", message, "type", help=help)

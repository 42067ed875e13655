"""The model as programs see it; `compiled.py` and `contents.py` implement it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.signature import ColumnSlice
    from specnet.language.spec import Spec
    from specnet.model.conformal import Intervals, PredictionSets
    from specnet.model.evaluation import Evaluation
    from specnet.model.forecast import Backtest, Forecast
    from specnet.model.generation.generating import Generation

    FloatArray: TypeAlias = NDArray[np.floating[Any]]
    """Numbers of the document's dtype."""


class Model(ABC):
    """A network with its own parameters, and with the transforms that lead to it from raw data.

    `specnet.compile`, `run`, `train` and `load_model` return models. Raw inputs are rows as the data contain them,
    before any transform: an array or nested lists (rows, ...); for a table also mappings from column to cell, a single
    one of these, or a pandas or Polars frame; several inputs as a mapping from their names to arrays.

    Any number of threads may use one model at once. While a training makes steps, other threads cannot: every method
    that reads parameters raises ModelInUseError, and so does the training when its next event is requested while
    another thread reads them. Between two events, any thread may use the model. Nothing prevents writing to
    `parameters` while another thread uses them.

    Models can be copied and pickled. A copy has parameters of its own, whether it is deep or not.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """The spec that it was compiled from."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of their probabilities; None where the data name no classes."""

    @property
    @abstractmethod
    def columns(self) -> tuple[ColumnSlice, ...] | None:
        """Which elements of an encoded input each column of a table became; None where they come from no columns."""

    @property
    @abstractmethod
    def thresholds(self) -> Mapping[str, float]:
        """The thresholds that the document sets, or had chosen, by the column of `predict` that each decides.

        This is `prediction` for a single label, the names of several, and with several outputs `output.prediction` and
        the like. It is empty for a document that sets none.
        """

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, FloatArray]:
        """Its parameters and running statistics by name, such as `dense_1.kernel`.

        They are views: writing into one changes the model.
        """

    @overload
    def predict(self, inputs: Any) -> FloatArray | Any: ...

    @overload
    def predict(self, inputs: Any, *, output: str) -> FloatArray: ...

    @abstractmethod
    def predict(self, inputs: Any, *, output: str | None = None) -> FloatArray | Any:
        """Return the predictions (rows, ...) for raw inputs.

        Classes are predicted as probabilities; numbers have the units of the data's targets. If the document names
        several `outputs`, the result is a dictionary of their predictions by name. With `output`, it is always one
        array: the predictions of the output of that name, or of the only one, which is called like the last layer.
        Raises SpecError for inputs that the model cannot take, and ValueError for an unknown output.
        """

    @overload
    def spread(self, inputs: Any) -> FloatArray | Any: ...

    @overload
    def spread(self, inputs: Any, *, output: str) -> FloatArray: ...

    @abstractmethod
    def spread(self, inputs: Any, *, output: str | None = None) -> FloatArray | Any:
        """Return the standard deviation of the predictions of an `ensemble`'s members, in the shape of `predict`.

        It is that of a sample: the squares are divided by one less than the number of members. The members'
        probabilities are not calibrated. Of several outputs, it is a dictionary of those that an `ensemble` gives.
        Raises ValueError where no ensemble gives the output.
        """

    @abstractmethod
    def predict_intervals(self, inputs: Any, *, output: str | None = None) -> Intervals:
        """Return predicted numbers with the intervals that the document asks for with `[output] intervals`.

        A share of new targets lies between the ends: `level`, or a little more. With several outputs, `output` names
        the one wanted, unless only one has intervals. Raises SpecError for inputs that the model cannot take, and
        ValueError for a model without intervals, and for one that predicts classes.
        """

    @abstractmethod
    def predict_sets(self, inputs: Any, *, output: str | None = None) -> PredictionSets:
        """Return predicted classes with the set of all plausible ones, as `predict_intervals` does for numbers.

        A share of new rows has its class in the set: `level`, or a little more.
        """

    @abstractmethod
    def forecast(self, data: Any) -> Forecast:
        """Return the `horizon` steps after the last one of each series, in the data's units.

        `data` is a file like the one that the model was trained on (CSV, Parquet, npy, npz), or a pandas or Polars
        frame. Rows at the end of a series without a target hold what is known ahead. With a `quantile` loss, all
        quantiles are forecast, too. Raises SpecError naming what is wrong with the data, and ValueError for a model
        that was not trained on data of `type = "series"`, or has several outputs.
        """

    @abstractmethod
    def backtest(self, data: Any, origins: int = 1, *, step: int | None = None) -> Backtest:
        """Return forecasts from a number of `origins` within the data, `step` steps apart, and how good they are.

        The last one forecasts the last steps of each series; `step` is the horizon by default. The model is the same
        for all origins: steps that it was trained on are no test. `data`, and what is raised, are as in `forecast`.
        """

    @abstractmethod
    def generate(
        self,
        prompt: str | Sequence[int] | None = None,
        *,
        tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float = 1.0,
        stop: str | int | Sequence[str | int] = (),
        seed: int = 0,
        n: int = 1,
        beams: int | None = None,
        source: Any = None,
    ) -> Generation:
        """Return an iterator over the tokens that the model generates after a prompt, each computed when it is due.

        The prompt is a string, or the indices of its tokens for a model without a vocabulary. At most `tokens` tokens
        follow; a sequence ends earlier with the model's end token, and before any of the strings of `stop`. Tokens
        are drawn from the softmax of the logits divided by `temperature`; at 0 the most probable one is taken. `top_k`
        draws from that many of the most probable tokens, `top_p` from the fewest whose probabilities add up to it
        (Holtzman et al., 2020), and `min_p` from those with at least that fraction of the largest probability
        (Nguyen et al., 2024). `repetition_penalty` divides positive logits of earlier tokens and multiplies negative
        ones (Keskar et al., 2019). `n` sequences are generated together, each with a stream of randomness that
        follows from `seed` and its number. With `beams`, nothing is drawn: the `n` best sequences of a beam search, by
        the mean log-probability of their tokens, are returned.

        `source` is what a sequence-to-sequence model reads, the input next to the one that is called `target`.

        Each item has the number of its `sample`, the `text` that it adds, its `token` and `log_probability`;
        `samples` of the iterator has the sequences. Raises ValueError for a model that does not predict the next token
        of its own input, for a prompt that contains what the vocabulary lacks, and for settings out of range.
        """

    @abstractmethod
    def evaluate(self, inputs: Any, targets: Any = None, *, weights: Any = None) -> Evaluation:
        """Return the loss and the metrics on some rows, whose split is called `data`.

        `inputs` and `targets` are raw: targets are numbers, class indices, or names of classes. `inputs` may also be
        what contains the targets, too: a frame, or the path of a file (CSV, Parquet, JSON, JSON lines, npz, or a folder
        of images). No targets are given if they are the inputs. `weights` (rows,) say how much each row counts; a
        file or frame for a model that was trained with a column of weights has that column. Raises SpecError for a
        file that cannot be read, and for rows that the model or its loss cannot take, and TypeError if targets are
        missing, or given in addition to a file.
        """

    @abstractmethod
    def outputs_of(self, layer: str, inputs: Any) -> FloatArray:
        """Return the output (rows, ...) of a layer for raw inputs, as in evaluation: dropout drops nothing.

        `layer` is a name that `specnet explain` lists; that of a layer in a container begins with the container's, as
        in `residual_1.dense_2`. What the loss adds is not part of it: without an activation, the last layer's output
        is that before the softmax. Raises ValueError for an unknown layer, and SpecError for inputs that the model
        cannot take.
        """

    @abstractmethod
    def loss_and_gradients(
        self, inputs: Any, targets: Any, *, weights: Any = None, training: bool = False
    ) -> tuple[float, Mapping[str, FloatArray]]:
        """Return the loss, penalties included, and its gradient with respect to each trained parameter.

        Unlike those of the other methods, `inputs` (rows, ...) and `targets` (rows, ...) are as the network takes them:
        after the document's transforms. `weights` (rows,) make the mean a weighted one. With `training`, layers act as
        in training: dropout drops. Raises ValueError for arrays that the network or the loss cannot take.
        """

    @abstractmethod
    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one file, as `specnet export --to specnet` does; `specnet.load_model` reads it.

        The file contains the spec, the parameters and the fitted transforms, but no data. It is written completely or
        not at all, and replaces any earlier one. Raises RunError if it cannot be written, or a parameter is NaN or
        infinite.
        """

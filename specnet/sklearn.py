"""Specs as estimators of scikit-learn: for pipelines, cross-validation and grid search.

For example:

    from specnet.sklearn import SpecClassifier

    cross_val_score(SpecClassifier("model.toml"), x, y)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_array,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "sklearn":
        raise
    from specnet.installation import install_command

    raise ModuleNotFoundError(
        f"specnet.sklearn needs scikit-learn, which the extra `sklearn` installs: {install_command('sklearn')}",
        name="sklearn",
    ) from None

import numpy as np

from specnet.api import load, run
from specnet.data.tables.frames import is_frame
from specnet.reporting.first_document import array_document, frame_document, has_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.language.loading import Document
    from specnet.model.model import Model
    from specnet.training.history import History

__all__ = ["SpecClassifier", "SpecRegressor"]

LARGEST_SEED = 2**31


class _SpecEstimator(BaseEstimator):  # type: ignore[misc, unused-ignore]
    """What both have in common: a spec, and the training of it on the rows that `fit` is given."""

    model_: Model
    """The trained model."""
    history_: History
    """The figures of every epoch."""
    n_iter_: int
    """The number of epochs of the training."""
    n_features_in_: int
    """The number of features that `fit` was given."""

    def __init__(
        self,
        spec: Document | None = None,
        *,
        overrides: Mapping[str, Any] | Iterable[str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.spec = spec
        self.overrides = overrides
        self.random_state = random_state

    def _train(
        self, inputs: Any, targets: Any, weights: Any, outputs: int | None, rows: int, width: int
    ) -> Self:
        """Train the spec, or a first model; `outputs` is the number of classes, None for numbers."""
        document = self.spec
        if document is None and self._is_table(inputs):
            document = frame_document(inputs, outputs, targets)
        elif document is None:
            document = array_document(rows, width, outputs, targets)
        spec = load(document, self.overrides)
        if self.random_state is not None:
            seed = check_random_state(self.random_state).randint(LARGEST_SEED)
            spec = spec.replace({"seed": int(seed)})
        result = run(spec, data=(inputs, targets) if weights is None else (inputs, targets, weights))
        self.model_ = result.model
        self.history_ = result.history
        self.n_iter_ = int(result.epochs)
        return self

    def _weights(self, weights: Any, inputs: Any) -> Any:
        """Return the weights of the rows, checked; None where none are given."""
        if weights is None:
            return None
        return _check_sample_weight(weights, inputs, dtype=np.float64, ensure_non_negative=True)

    def _is_table(self, inputs: Any) -> bool:
        """Return whether inputs are a frame whose cells stay as they are: by the spec, or as not all are numbers."""
        if not is_frame(inputs):
            return False
        return has_cells(inputs) if self.spec is None else load(self.spec, self.overrides).data.is_table

    def _rows(self, inputs: Any) -> Any:
        """Return new rows, checked against those that `fit` was given."""
        check_is_fitted(self, "model_")
        # What was fitted decides: the document may be gone, or be another by now.
        if is_frame(inputs) and self.model_.spec.data.is_table:
            return inputs
        return validate_data(self, inputs, reset=False, dtype=np.float64, allow_nd=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags


class SpecClassifier(ClassifierMixin, _SpecEstimator):  # type: ignore[misc, unused-ignore]
    """A spec as a classifier of scikit-learn.

    `spec` is a path, the text of a document, a dictionary, or a Spec; the data that it names are replaced by the rows
    that `fit` is given, and its splits, transforms and augmentations apply to them. Without a spec, a network is
    trained that `specnet init` would write for as many rows, features and classes. Of a pandas or Polars frame, it
    encodes categories, and reads text word by word, such as a column of sentences hardly any two of which are equal.
    With a spec, `type = "text"` in the settings of a column says so. `overrides` are those of `specnet.load`, and
    `random_state` replaces the spec's `seed`.

    The loss must be one of classes: `cross_entropy` and the like with an output per class, or
    `binary_cross_entropy` and the like with one output for two classes.
    """

    classes_: NDArray[Any]
    """(classes,): the labels, in the order of the columns of `predict_proba`."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on inputs (rows, ...) and labels (rows,); return the estimator.

        `sample_weight` (rows,) says how much each row counts in the loss, in training as in validation. Raises
        ValueError for what scikit-learn's estimators refuse, and SpecError for what specnet does.
        """
        if self._is_table(X):
            y = column_or_1d(y, warn=True)
            rows, width = X.shape
        else:
            X, y = validate_data(self, X, y, dtype=np.float64, allow_nd=True)
            y = column_or_1d(y, warn=True)
            rows, width = len(X), X[0].size
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "SpecClassifier needs samples of at least 2 classes, and the data contain one class"
            )
        weights = self._weights(sample_weight, X)
        return self._train(X, codes.astype(np.int64), weights, len(self.classes_), rows, width)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class (rows, classes)."""
        rows = self._rows(X)
        made = self.model_.predict(rows)
        if made.ndim == 2 and made.shape[1] == 1:
            made = made[:, 0]
        return np.stack([1.0 - made, made], axis=1) if made.ndim == 1 else np.asarray(made)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable label of each row (rows,); by the spec's threshold, if it sets one."""
        made = self.predict_proba(X)
        thresholds = tuple(self.model_.thresholds.values())
        likely = made[:, 1] >= thresholds[0] if thresholds else made.argmax(axis=1)
        return np.asarray(self.classes_[likely.astype(np.intp)])


class SpecRegressor(RegressorMixin, _SpecEstimator):  # type: ignore[misc, unused-ignore]
    """A spec as a regressor of scikit-learn.

    `spec`, `overrides` and `random_state` are as in SpecClassifier. Targets may be several numbers per row, if the
    spec's last layer has as many outputs. Predictions have the units of the targets that `fit` was given.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on inputs (rows, ...) and targets (rows,) or (rows, outputs); return the estimator.

        `sample_weight` (rows,) says how much each row counts in the loss, in training as in validation. Raises
        ValueError for what scikit-learn's estimators refuse, and SpecError for what specnet does.
        """
        if self._is_table(X):
            y = check_array(y, ensure_2d=False, dtype=np.float64)
            rows, width = X.shape
        else:
            X, y = validate_data(
                self, X, y, dtype=np.float64, allow_nd=True, multi_output=True, y_numeric=True
            )
            rows, width = len(X), X[0].size
        if type_of_target(y) not in (
            "continuous-multioutput",
            "multiclass-multioutput",
            "multilabel-indicator",
        ):
            y = column_or_1d(y, warn=True)
        self._single = np.ndim(y) == 1
        targets = np.asarray(y, np.float64)
        weights = self._weights(sample_weight, X)
        return self._train(X, targets.reshape(len(targets), -1), weights, None, rows, width)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predicted targets (rows,) or (rows, outputs)."""
        rows = self._rows(X)
        made = np.asarray(self.model_.predict(rows))
        return made.reshape(len(made)) if self._single else made

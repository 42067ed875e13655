"""The models that specnet's are compared with on tables, each with its defaults and one thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.public_tables import Rows

MANY = 5000
"""From so many rows on, scikit-learn's MLP stops early."""


@dataclass(frozen=True)
class Peer:
    """A model, and the libraries that it needs."""

    predict: Callable[[Rows, Rows, int, bool], np.ndarray]
    """Learn from rows, and predict others; takes a seed, and whether targets are classes."""
    needs: tuple[str, ...]

    def prepare(self) -> None:
        """Import what it needs, so that imports are not measured."""
        for module in self.needs:
            import_module(module)


def _prepared(kinds: Rows) -> Any:
    """Return what makes standardized numbers and one-hot categories."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), kinds.numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), kinds.categories),
    )


def _piped(model: Any, train: Rows, test: Rows, *, classes: bool) -> np.ndarray:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    piped = make_pipeline(_prepared(train), model)
    if not classes:
        piped = TransformedTargetRegressor(piped, transformer=StandardScaler())
    return np.asarray(piped.fit(train.inputs, train.targets).predict(test.inputs))


def linear(train: Rows, test: Rows, _seed: int, classes: bool) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=2000) if classes else Ridge()
    return _piped(model, train, test, classes=classes)


def mlp(train: Rows, test: Rows, seed: int, classes: bool) -> np.ndarray:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    model = (MLPClassifier if classes else MLPRegressor)(
        random_state=seed, early_stopping=len(train.targets) >= MANY
    )
    return _piped(model, train, test, classes=classes)


def boosting(train: Rows, test: Rows, seed: int, classes: bool) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    model = (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=seed)
    return np.asarray(model.fit(train.inputs, train.targets).predict(test.inputs))


def lightgbm(train: Rows, test: Rows, seed: int, classes: bool) -> np.ndarray:
    import lightgbm as library

    model = (library.LGBMClassifier if classes else library.LGBMRegressor)(
        random_state=seed, n_jobs=1, verbosity=-1
    )
    # It takes no names with characters of JSON, such as dots, so columns are called by their place.
    names = {name: f"x{place}" for place, name in enumerate(train.inputs)}
    model.fit(train.inputs.rename(columns=names), train.targets)
    return np.asarray(model.predict(test.inputs.rename(columns=names)))


def realmlp(train: Rows, test: Rows, seed: int, classes: bool) -> np.ndarray:
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    model = RealMLP_TD_Classifier if classes else RealMLP_TD_Regressor
    return _pytabkit(model, train, test, seed)


def tabm(train: Rows, test: Rows, seed: int, classes: bool) -> np.ndarray:
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    return _pytabkit(TabM_D_Classifier if classes else TabM_D_Regressor, train, test, seed)


def _pytabkit(kind: Any, train: Rows, test: Rows, seed: int) -> np.ndarray:
    """Fit a model of pytabkit, which validates on a fifth of the rows; gaps of numbers become means."""
    means = train.inputs[train.numbers].mean()
    model = kind(device="cpu", random_state=seed, n_threads=1, verbosity=0)
    model.fit(train.inputs.fillna(means), train.targets)
    return np.asarray(model.predict(test.inputs.fillna(means))).reshape(len(test.targets))


PEERS = {
    "HistGradientBoosting": Peer(boosting, ("sklearn.ensemble",)),
    "LightGBM": Peer(lightgbm, ("lightgbm",)),
    "linear": Peer(linear, ("sklearn.linear_model", "sklearn.compose", "sklearn.impute")),
    "MLP": Peer(mlp, ("sklearn.neural_network", "sklearn.compose", "sklearn.impute")),
    "RealMLP-TD": Peer(
        realmlp, ("pytabkit", "pytabkit.models.alg_interfaces.nn_interfaces", "pytorch_lightning")
    ),
    "TabM": Peer(tabm, ("pytabkit", "pytabkit.models.alg_interfaces.tabm_interface")),
}
"""In the order of the time that they take."""

LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "pytabkit", "torch")

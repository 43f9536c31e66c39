"""`Score`: how well an output does, as a classification or as a regression."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..layout.si import MISSING, known
from .labels import Labels


@dataclass(frozen=True)
class Score:
    """How well an output does on labelled samples.

    Attributes
    ----------
    name : str
        Whose output, and how it is read: ``"keras"``, ``"spiking, last step"``.
    kind : str
        ``"classes"``, ``"binary"``, ``"multi-label"`` or ``"regression"``.
    accuracy : float, optional
        Classification: the share of samples that are right; multi-label: of all values.
    n_right, n : int
        Of so many; regression: values.
    rmse, correlation : float, optional
        Regression: root of the mean squared error against the targets, and Pearson's
        correlation, over all values of all samples. NaN where either side is constant.
    lowest_correlation : float, optional
        Regression: the least of the correlations of each value by itself.
    rmse_to_keras, correlation_to_keras : float, optional
        The same against the outputs of the Keras model.
    """

    name: str
    kind: str
    accuracy: float | None = None
    n_right: int = 0
    n: int = 0
    rmse: float | None = None
    correlation: float | None = None
    lowest_correlation: float | None = None
    rmse_to_keras: float | None = None
    correlation_to_keras: float | None = None

    def line(self) -> str:
        """In a line of text."""
        if self.accuracy is not None:
            words = f"accuracy {self.name + ':':<26} {self.accuracy:7.2%}"
            return f"{words}  ({self.n_right} of {self.n})"
        words = f"RMSE {self.name + ':':<26} {self.rmse:.4g}, correlation {_r(self.correlation)}"
        if self.lowest_correlation is not None:
            words += f" (the lowest of a value {_r(self.lowest_correlation)})"
        if self.rmse_to_keras is not None:
            against = _r(self.correlation_to_keras)
            words += f"; against Keras {self.rmse_to_keras:.4g}, correlation {against}"
        return words

    def value(self) -> str:
        """The accuracy, or the RMSE, in a few characters."""
        return f"RMSE {self.rmse:.3g}" if self.accuracy is None else f"{self.accuracy:.1%}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {n: known(v) if isinstance(v, float) else v for n, v in asdict(self).items()}


def score(name: str, labels: Labels, outputs: np.ndarray, keras: np.ndarray | None = None) -> Score:
    """The score of outputs.

    Parameters
    ----------
    name : str
    labels : Labels
        Of n samples.
    outputs : ndarray of shape (n, size)
    keras : ndarray of shape (n, size), optional
        Outputs of the Keras model for the same samples, for regressions.
    """
    if labels.kind != "regression":
        share = labels.outcomes(outputs)
        n = labels.values.size
        right = round(float(share.mean()) * n) if n else 0
        return Score(name, labels.kind, right / n if n else float("nan"), right, n)
    values, several = labels.values, labels.values.shape[1] > 1
    by_value = [correlation(outputs[:, i], values[:, i]) for i in range(values.shape[1])]
    known = [r for r in by_value if not np.isnan(r)]
    return Score(
        name, labels.kind, n=values.size, rmse=rmse(outputs, values),
        correlation=correlation(outputs, values),
        lowest_correlation=min(known) if several and known else None,
        rmse_to_keras=None if keras is None else rmse(outputs, keras),
        correlation_to_keras=None if keras is None else correlation(outputs, keras),
    )  # fmt: skip


def rmse(first: np.ndarray, second: np.ndarray) -> float:
    """Root of the mean squared difference, over all values."""
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(np.sqrt((difference**2).mean()))


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation over all values; NaN where one side is constant."""
    a, b = (np.asarray(x, np.float64).ravel() for x in (first, second))
    if not a.size or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1, 1)) if size > 0 else float("nan")


def _r(value: float | None) -> str:
    return MISSING if value is None or np.isnan(value) else f"{value:.4f}"

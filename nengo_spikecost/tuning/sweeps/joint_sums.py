"""`Agreement`: what Pearson's correlation of outputs and targets is made of, stage by stage."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Sums over all values of the images of a regression that were seen.

    A sweep sees images in stages and keeps no outputs, so a correlation has to come from sums that
    can be added. They are of distances from the means, since sums of the values themselves lose all
    digits where the mean is much larger than what varies.

    Attributes
    ----------
    n : float
        Values seen: images times values of an output.
    mean_output, mean_target : float
    output_squares, target_squares, products : float
        Sums of squared distances from the means, and of the products of both distances.
    output_range, target_range : float
        Largest less least value, or a bound below: 0 only if all are the same.
    first_output, first_target : float
        One value of each.
    """

    n: float
    mean_output: float
    mean_target: float
    output_squares: float
    target_squares: float
    products: float
    output_range: float
    target_range: float
    first_output: float
    first_target: float

    @classmethod
    def of(cls, outputs: np.ndarray, targets: np.ndarray) -> Agreement:
        """Of outputs and targets of the same shape, at least one value."""
        a, b = (np.asarray(values, np.float64).ravel() for values in (outputs, targets))
        from_a, from_b = a - a.mean(), b - b.mean()
        sums = (from_a @ from_a, from_b @ from_b, from_a @ from_b, np.ptp(a), np.ptp(b))
        return cls(*map(float, (a.size, a.mean(), b.mean(), *sums, a[0], b[0])))

    def joined(self, other: Agreement) -> Agreement:
        """Of these values and those of another.

        Reference: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for
        computing sample variances": sums around the common mean are both sums, and the distance
        of the means times ``n m / (n + m)``.
        """
        n = self.n + other.n
        output, target = other.mean_output - self.mean_output, other.mean_target - self.mean_target
        weight, share = self.n * other.n / n, other.n / n
        ranges = (
            max(
                self.output_range, other.output_range, abs(self.first_output - other.first_output)
            ),
            max(
                self.target_range, other.target_range, abs(self.first_target - other.first_target)
            ),
        )  # fmt: skip
        return Agreement(
            n, self.mean_output + share * output, self.mean_target + share * target,
            self.output_squares + other.output_squares + weight * output**2,
            self.target_squares + other.target_squares + weight * target**2,
            self.products + other.products + weight * output * target,
            *ranges, self.first_output, self.first_target,
        )  # fmt: skip

    @property
    def correlation(self) -> float:
        """Pearson's, over all values; NaN where outputs or targets are all the same."""
        size = math.sqrt(self.output_squares * self.target_squares)
        if not (self.output_range and self.target_range and size > 0):
            return math.nan
        return min(1.0, max(-1.0, self.products / size))

    def to_array(self) -> np.ndarray:
        """As numbers, which `of_array` reads; shape (10,)."""
        return np.array(astuple(self))

    @classmethod
    def of_array(cls, values: np.ndarray) -> Agreement:
        """From what `to_array` gave."""
        return cls(*map(float, values))

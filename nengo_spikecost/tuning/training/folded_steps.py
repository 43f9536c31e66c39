"""Steps folded into the batch, and which of them have to be computed at all.

A tensor has the rows of some consecutive steps, ``batch_size`` for each. What is the same in all of
them, such as an image, has ``batch_size`` rows, once. Its `Span` says which steps these are; at the
others it is zero, or something that is the same at all of them, such as a bias. So nothing is
computed for the steps before the first spike can arrive, or after the last. Nor is there a gradient
through those: a voltage that lasts behind the last input has no second chance to become a spike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import tensorflow as tf


class Span(NamedTuple):
    """The steps that the rows of a tensor are of.

    Attributes
    ----------
    start, stop : int
        First step, from 0, and the one behind the last.
    outside : tf.Tensor, optional
        Its value at all other steps, of ``batch_size`` rows. Default: zero.
    """

    start: int
    stop: int
    outside: Any = None


@dataclass
class Presentation:
    """How samples are shown, and how spikes travel.

    Attributes
    ----------
    n_steps, batch_size : int
    layer_delay : int
        Steps from a spike to where it arrives.
    tau_s : float, optional
        Time constant of the filter that it passes, which takes a step, too.
    dt : float
        Length of a step in s.
    rates : bool
        Whether neurons give their rate, in one step, whatever the other attributes say.
    """

    n_steps: int
    batch_size: int
    layer_delay: int
    tau_s: float | None
    dt: float
    rates: bool = False
    # by id of the tensor, which is kept so that no other gets its id
    _spans: dict[int, tuple[Any, Span]] = field(default_factory=dict, repr=False)

    def begin(self) -> None:
        """Forget the tensors of the presentation before."""
        self._spans.clear()

    def put(self, x: tf.Tensor, span: Span) -> tf.Tensor:
        """Note the steps of a tensor."""
        self._spans[id(x)] = (x, span)
        return x

    def span(self, x: tf.Tensor) -> Span:
        """The steps of a tensor; all, if none are noted."""
        return self._spans[id(x)][1] if id(x) in self._spans else Span(0, self.n_steps)

    def is_constant(self, x: tf.Tensor) -> bool:
        """Whether a tensor is the same at all steps of its span."""
        return x.shape[0] == self.batch_size

    def steps(self, x: tf.Tensor, start: int, stop: int) -> list[tf.Tensor]:
        """The rows of each of some steps."""
        span, nothing = self.span(x), self.outside(x)
        n = span.stop - span.start
        rows = [x] * n if self.is_constant(x) else tf.split(x, n)
        return [
            rows[step - span.start] if span.start <= step < span.stop else nothing
            for step in range(start, stop)
        ]

    def by_step(self, x: tf.Tensor) -> list[tf.Tensor]:
        """The rows of all steps."""
        return self.steps(x, 0, self.n_steps)

    def outside(self, x: tf.Tensor) -> tf.Tensor:
        """The value of a tensor at the steps outside its span."""
        outside = self.span(x).outside
        return tf.zeros((self.batch_size, *x.shape[1:]), x.dtype) if outside is None else outside

    def together(self, tensors: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], int, int]:
        """Tensors with the same steps each, and the first of these and the one behind the last."""
        spans = [self.span(x) for x in tensors]
        start, stop = min(s.start for s in spans), max(s.stop for s in spans)
        same = all((s.start, s.stop) == (start, stop) for s in spans)
        if same and len({self.is_constant(x) for x in tensors}) == 1:
            return list(tensors), start, stop
        return [tf.concat(self.steps(x, start, stop), 0) for x in tensors], start, stop

    def arriving(self, sent: list[tf.Tensor], start: int, read_by_host: bool) -> tf.Tensor:
        """What arrives, of what was sent at some steps and not at others.

        Parameters
        ----------
        sent : list of tf.Tensor
        start : int
            The step of the first of them.
        read_by_host : bool
            Whether a chip sends it to its host, which reads the first step's spikes in its first
            step already, and again in the second: NengoLoihi fills the queue before.
        """
        nothing = tf.zeros_like(sent[0])
        if self.tau_s is not None:
            keep = math.exp(-self.dt / self.tau_s) if self.tau_s else 0.0
            filtered = [nothing]
            for value in sent + [nothing] * (self.n_steps - start - len(sent)):
                filtered.append(keep * filtered[-1] + (1 - keep) * value)
            arrived = filtered[1:]
            start += 1
        elif self.layer_delay and read_by_host and start == 0:
            arrived = [sent[0], *sent]
        else:
            arrived = sent
            start += self.layer_delay
        arrived = arrived[: max(self.n_steps - start, 0)]
        if not arrived:  # too late to be seen
            arrived, start = [nothing], self.n_steps - 1
        return self.put(tf.concat(arrived, 0), Span(start, start + len(arrived)))

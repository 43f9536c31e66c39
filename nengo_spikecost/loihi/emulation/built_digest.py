"""A digest that tells built networks apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...digests import array_digest
from .chip import Chip


def built_digest(model: Any, chip: Chip) -> str:
    """Digest of the blocks on the chip, and of the operators and signals of the host."""

    def parts() -> Iterable[np.ndarray | str]:
        yield from map(np.asarray, chip.tables)
        for block in chip.blocks:
            c = block.compartment
            noise = (c.enable_noise, c.noise_exp, c.noise_offset, c.noise_at_membrane)
            yield from map(np.asarray, noise)
        for spikes in chip.inputs:
            for step in sorted(spikes.permanent):
                yield from (np.asarray(step), np.asarray(spikes.spikes[step]))
        for part in (model.host_pre, model.host):
            for op in part.operators:
                yield type(op).__name__
                for signal in op.all_signals:
                    value = signal.base.initial_value
                    # sparse ones are not arrays
                    yield np.asarray(value.toarray() if hasattr(value, "toarray") else value)

    return array_digest(parts())

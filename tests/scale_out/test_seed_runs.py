"""Training with several seeds, on workers and in one process."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import TuningError
from nengo_spikecost.tuning import fine_tune, fine_tune_seeds
from tests.models import conv_net, images

OPTIONS = {"n_steps": 5, "batch_size": 20, "epochs": 2, "validation": 0.25}
X, Y = images(60), np.arange(60) % 3


def content(tuned):
    """All of a result but the time that it took."""
    weights = [w.tobytes() for w in tuned.model.get_weights()]
    records = [{**vars(r), "seconds": 0} for r in tuned.history]
    return weights, repr(records), tuned.best_epoch, dict(tuned.scale_firing_rates)


def test_workers_train_what_one_process_trains(client, tmp_path):
    model = conv_net(stack.keras())
    alone = fine_tune_seeds(model, X, Y, [3, 1], progress=False, **OPTIONS)
    assert content(alone[1]) == content(fine_tune(model, X, Y, seed=1, progress=False, **OPTIONS))
    assert content(alone[0]) != content(alone[1])
    kept = str(tmp_path / "seed {seed}.npz")
    shared = fine_tune_seeds(
        model, X, Y, (3, 1), client=client, progress=False, checkpoint=kept, **OPTIONS
    )
    assert [content(t) for t in shared] == [content(t) for t in alone]
    assert {p.name for p in tmp_path.iterdir()} == {f"seed {n}.npz" for n in (1, 3)}


@pytest.mark.parametrize(
    "seeds, options, words",
    [
        ([], {}, "seeds must be one or more different numbers"),
        ([1, 1], {}, r"different numbers, not \[1, 1\]"),
        ([-1], {}, r"seeds must be a whole number from 0"),
        (3, {}, "seeds must be whole numbers, not 3"),
        ([1], {"checkpoint": "a.npz"}, r"checkpoint must have \{seed\} in its name"),
        ([1], {"seed": 2}, r"takes seeds, not seed"),
    ],
)
def test_wrong_seeds_are_refused(seeds, options, words):
    with pytest.raises(TuningError, match=words):
        fine_tune_seeds(None, X, Y, seeds, **options)

"""Numbers of things in words."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost import loihi
from nengo_spikecost.errors import DataError
from nengo_spikecost.words import counted, in_words
from tests.models import conv_net, images


def test_one_and_many():
    assert [counted(n, "core") for n in (0, 1, 1024)] == ["0 cores", "1 core", "1,024 cores"]
    assert counted(np.int64(1), "more step") == "1 more step"


def test_names():
    assert [in_words("abc"[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_one_label_is_no_labels():
    import tensorflow as tf

    with pytest.raises(DataError, match=r"^The data have 2 samples and 1 label\.$"):
        loihi.deploy(conv_net(tf.keras), images(2), [0], n_steps=3)

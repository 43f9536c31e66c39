"""Prepared before any test module: nengo_dl must not be imported before the package."""

import gc
import random
import sys

import hypothesis
import nengo
import numpy as np
import pytest

import nengo_spikecost  # noqa: F401
from nengo_spikecost.layout import result
from tests.json_files import checked_text

# Decoders that another NumPy has pickled into the user's cache can't be read by this one.
nengo.rc.set("decoder_cache", "enabled", "False")

# No deadline: the first simulation of a process imports much, and machines are shared.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_collection_finish():
    """Let Python's collector of garbage pass over what stays: it takes half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Give every test the same random numbers: Keras draws unseeded weights from all of these.

    Keras keeps a generator of its own once anything, such as fine-tuning, has seeded it.
    """
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 Keras draws from this one
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="session")
def every_json_has_its_schema():
    """Whatever JSON any test has the package write is held against the schema of its format."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result, "json_text", checked_text(result.json_text))
        yield

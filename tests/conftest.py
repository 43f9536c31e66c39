"""Prepared before any test module: nengo_dl must not be imported before the package."""

import nengo

import nengo_spikecost  # noqa: F401

# Decoders that another NumPy has pickled into the user's cache can't be read by this one.
nengo.rc.set("decoder_cache", "enabled", "False")

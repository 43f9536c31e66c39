"""Prepared before any test module: nengo_dl must not be imported before the package."""

import nengo_spikecost  # noqa: F401

"""Settings of Sphinx: ``make docs`` builds the pages with warnings as errors."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]

# first, because autodoc imports modules that need it
import nengo_spikecost  # noqa: E402


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for path in sorted((DOCS.parent / "nengo_spikecost").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


project = "nengo_spikecost"
author = "The nengo-spikecost developers"
copyright = author
version = release = nengo_spikecost.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "device_tables",
    "json_pages",
]
exclude_patterns = ["_build", "_ext"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# notebooks are run when they or any source of the package have changed; jupyter-cache itself looks
# at the notebook only, so what it keeps is in a folder by the digest of these sources
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "notebooks" / _digest_of_sources())
nb_execution_in_temp = True  # files that they write are nobody's
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "remove"  # what TensorFlow logs of the machine; warnings are in the verdicts
# ref.python: shapes in types of attributes, (n_samples, n_cores), are taken for links, and several
# classes have such attributes
suppress_warnings = ["myst.header", "ref.python"]

# docstrings: numpydoc style, with the types in words; single backticks link where they can
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
toc_object_entries_show_parents = "hide"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "monokai"

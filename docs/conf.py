"""Sphinx: the guides of this folder as HTML, and the API (`make docs`)."""

import os

from keras_hypersphere.version import __version__

project = "keras_hypersphere"
author = "the keras_hypersphere developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "docs.reference",
]
html_title = f"{project} {version}"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["api.css"]
if "DOCS_SITE" in os.environ:  # Says docs/versions.py.
    html_js_files = ["versions.js"]
myst_heading_anchors = 3

# One argument a line.
python_maximum_signature_line_length = 40
# Types are said in the docstrings, with shapes and units.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    "Input shape",
    "Output shape",
    "Formula",
    "Reference",
]

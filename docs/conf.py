"""Sphinx: the guides of this folder as HTML (`make docs`)."""

from keras_hypersphere.version import __version__

project = "keras_hypersphere"
author = "the keras_hypersphere developers"
copyright = author
version = release = __version__

extensions = ["myst_parser"]
html_theme = "furo"
myst_heading_anchors = 3

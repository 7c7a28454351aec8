"""Sphinx settings of the documentation."""

from blimp2pymc import __version__

project = "blimp2pymc"
author = "The blimp2pymc contributors"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
exclude_patterns: list[str] = []
myst_heading_anchors = 3

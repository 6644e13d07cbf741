"""How the documentation is built: sphinx-build -W -n docs build/docs; needs no network."""

project = "Autopack"
author = "The Autopack authors"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Autopack"

# A fence may carry a title or `no-run` after its language; readers see the code alone.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

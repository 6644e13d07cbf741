"""How the documentation is built: sphinx-build -W -n docs build/docs; needs no network."""

project = "Autopack"
author = "The Autopack authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Autopack"

# A fence may carry a title or `no-run` after its language; readers see the code alone.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
